//! Verdicts, and what they say.

use super::super::facts::WhyUnknown;
use super::super::settings::{BreakGlass, OnAnnotation, OnFailOpen, RequireAttachment};
use super::*;

mod messages;
mod properties;
mod with_facts;

/// Without a cluster.
fn judge(
    policy: &AuthorizationPolicy<'_>,
    old: Option<&AuthorizationPolicy<'_>>,
    settings: &Settings,
) -> Verdict {
    super::judge(
        policy,
        old,
        settings,
        &Facts::unknown(WhyUnknown::NoCluster),
    )
}

fn parse(json: &str) -> AuthorizationPolicy<'_> {
    AuthorizationPolicy::parse(json).unwrap()
}

/// A policy `payments/p`, with the annotation if there is one.
fn policy(annotation: Option<&str>, spec: &str) -> String {
    let annotations = annotation.map_or(String::new(), |value| {
        format!(r#", "annotations": {{"istio.io/waypoint-for": "{value}"}}"#)
    });
    format!(
        r#"{{"metadata": {{"name": "p", "namespace": "payments"{annotations}}}, "spec": {spec}}}"#
    )
}

fn settings(attachment: RequireAttachment, annotation: OnAnnotation) -> Settings {
    Settings {
        attachment,
        annotation,
        ..Settings::default()
    }
}

/// `allow`, `warn AnnotationOnly`, `refuse NeedsAttachment`.
fn short(verdict: &Verdict) -> String {
    let reason = verdict.reason().map_or("", |code| code.word);
    format!("{} {reason}", verdict.answer().as_str())
        .trim_end()
        .to_owned()
}

const L4: &str = r#"{"selector": {"matchLabels": {"app": "x"}}, "rules": [{"from": [{"source": {"principals": ["p"]}}]}]}"#;
const HTTP: &str = r#"{"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#;
const ATTACHED: &str = r#"{"targetRefs": [{"kind": "Gateway", "name": "w", "group": "gateway.networking.k8s.io"}], "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#;
const ATTACHED_SINGULAR: &str =
    r#"{"targetRef": {"kind": "Service", "name": "s"}, "action": "CUSTOM", "rules": [{}]}"#;

#[test]
fn verdicts_under_each_setting() {
    use OnAnnotation::{Refuse, Warn};
    use RequireAttachment::{Always, Off, WhenNeeded};
    const NEEDS: &str = "refuse NeedsAttachment";
    const REQUIRED: &str = "refuse AttachmentRequired";
    const ONLY_WARN: &str = "warn AnnotationOnly";
    const ONLY_REFUSE: &str = "refuse AnnotationOnly";
    const MALFORMED: &str = "refuse MalformedAnnotation";
    const IGNORED: &str = "warn AnnotationIgnored";
    const CLOSED: &str = "warn FailsClosed";
    #[rustfmt::skip]
    let rows = [
        // name, annotation, spec, settings, verdict
        ("L4", None, L4, WhenNeeded, Warn, "allow"),
        ("nothing in it", None, "{}", WhenNeeded, Warn, "allow"),
        ("HTTP", None, HTTP, WhenNeeded, Warn, NEEDS),
        ("attached", None, ATTACHED, WhenNeeded, Warn, "allow"),
        ("attached, singular", None, ATTACHED_SINGULAR, WhenNeeded, Warn, "allow"),
        ("L4, none", Some("none"), L4, WhenNeeded, Warn, "allow"),
        ("HTTP, none", Some("none"), HTTP, WhenNeeded, Warn, NEEDS),
        ("attached, none", Some("none"), ATTACHED, WhenNeeded, Warn, "allow"),
        ("L4, annotated", Some("service"), L4, WhenNeeded, Warn, ONLY_WARN),
        ("HTTP, annotated", Some("gateway:a/b"), HTTP, WhenNeeded, Warn, ONLY_WARN),
        ("attached, annotated", Some("all"), ATTACHED, WhenNeeded, Warn, IGNORED),
        ("malformed", Some("waypoint"), L4, WhenNeeded, Warn, MALFORMED),
        ("attached, malformed", Some(""), ATTACHED, WhenNeeded, Warn, MALFORMED),

        ("L4", None, L4, Always, Warn, REQUIRED),
        ("L4, none", Some("none"), L4, Always, Warn, REQUIRED),
        ("HTTP", None, HTTP, Always, Warn, NEEDS),
        ("attached", None, ATTACHED, Always, Warn, "allow"),
        ("L4, annotated", Some("service"), L4, Always, Warn, ONLY_WARN),

        ("L4", None, L4, Off, Warn, "allow"),
        ("HTTP", None, HTTP, Off, Warn, CLOSED),
        ("HTTP, none", Some("none"), HTTP, Off, Refuse, CLOSED),
        ("HTTP, annotated", Some("all"), HTTP, Off, Warn, ONLY_WARN),
        ("malformed", Some("all,"), HTTP, Off, Warn, MALFORMED),

        ("L4, annotated", Some("service"), L4, WhenNeeded, Refuse, ONLY_REFUSE),
        ("HTTP, annotated", Some("service"), HTTP, WhenNeeded, Refuse, ONLY_REFUSE),
        ("HTTP, annotated", Some("service"), HTTP, Off, Refuse, ONLY_REFUSE),
        ("L4, none", Some("none"), L4, WhenNeeded, Refuse, "allow"),
        ("HTTP, none", Some("none"), HTTP, WhenNeeded, Refuse, NEEDS),
        ("attached, annotated", Some("all"), ATTACHED, WhenNeeded, Refuse, IGNORED),
    ];
    for (name, annotation, spec, attachment, on_annotation, expected) in rows {
        let json = policy(annotation, spec);
        let verdict = judge(&parse(&json), None, &settings(attachment, on_annotation));
        assert_eq!(
            short(&verdict),
            expected,
            "{name}, {attachment:?}, {on_annotation:?}"
        );
    }
}

#[test]
fn what_was_not_understood_is_said_beside_any_verdict() {
    let rows = [
        ("L4", None, r#"{"layer": 4}"#, "warn UnknownField"),
        (
            "action",
            None,
            r#"{"action": "LOG", "x": 1}"#,
            "warn UnknownAction, UnknownField",
        ),
        (
            "refused",
            None,
            r#"{"x": 1, "rules": [{"to": [{"operation": {"paths": ["/"]}}]}]}"#,
            "refuse UnknownField",
        ),
        ("malformed", Some("x"), r#"{"x": 1}"#, "refuse UnknownField"),
        (
            "trust domains",
            None,
            r#"{"rules": [{"from": [{"source": {"trustDomains": ["a"]}}]}]}"#,
            "warn FailsClosed",
        ),
        (
            "trust domains, attached",
            None,
            r#"{"targetRef": {"kind": "Service", "name": "s"}, "rules": [{"from": [{"source": {"trustDomains": ["a"]}}]}]}"#,
            "allow ",
        ),
    ];
    for (name, annotation, spec, expected) in rows {
        let json = policy(annotation, spec);
        let verdict = judge(&parse(&json), None, &Settings::default());
        let warnings = verdict.of(Severity::Warning);
        let reasons: Vec<_> = warnings.map(|finding| finding.code.word).collect();
        let found = format!("{} {}", verdict.answer().as_str(), reasons.join(", "));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn an_update_is_refused_only_for_what_it_changes() {
    let stored = policy(None, HTTP);
    let other_http =
        r#"{"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#;
    let reordered = r#"{"action": null, "rules": [ {"to":[{"operation":{"methods":["GET"]}}]} ]}"#;
    let rows = [
        ("the same", policy(None, HTTP), "warn NeedsAttachment"),
        (
            "written otherwise",
            policy(None, reordered),
            "warn NeedsAttachment",
        ),
        (
            "another spec",
            policy(None, other_http),
            "refuse NeedsAttachment",
        ),
        (
            "an annotation that is none",
            policy(Some("none"), HTTP),
            "refuse NeedsAttachment",
        ),
        (
            "a malformed annotation",
            policy(Some("x"), HTTP),
            "refuse MalformedAnnotation",
        ),
        (
            "an annotation",
            policy(Some("all"), HTTP),
            "warn AnnotationOnly",
        ),
        ("repaired", policy(None, ATTACHED), "allow"),
        ("no longer needed", policy(None, L4), "allow"),
    ];
    for (name, new, expected) in rows {
        let verdict = judge(&parse(&new), Some(&parse(&stored)), &Settings::default());
        assert_eq!(short(&verdict), expected, "{name}");
    }
}

#[test]
fn a_stored_policy_with_a_malformed_annotation_can_be_labelled() {
    let stored = policy(Some("my-waypoint"), HTTP);
    let labelled = stored.replace(r#""name""#, r#""labels": {"a": "b"}, "name""#);
    let verdict = judge(
        &parse(&labelled),
        Some(&parse(&stored)),
        &Settings::default(),
    );
    assert_eq!(short(&verdict), "warn MalformedAnnotation");
}

#[test]
fn targets_that_would_work_follow_from_the_annotation_and_the_selector() {
    let by_name =
        r#"{"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "w"}}}"#;
    let bad_name = r#"{"selector": {"matchLabels": {"istio.io/gateway-name": "W: [x]"}}}"#;
    let gateway = |name: &str| Target::Gateway(name.to_owned());
    let service = |name: &str| Target::Service(name.to_owned());
    #[rustfmt::skip]
    let rows = [
        ("words name none", "service", HTTP, vec![Target::SomeWaypoint]),
        ("a gateway here", "gateway:payments/g", HTTP, vec![gateway("g")]),
        ("a Service here", "service:payments/s", HTTP, vec![service("s")]),
        ("several, one twice", "service:payments/s,gateway:payments/g,service:payments/s", HTTP, vec![service("s"), gateway("g")]),
        ("elsewhere", "gateway:infra/g,service:shop/s", HTTP, vec![Target::SomeWaypoint]),
        ("one of two elsewhere", "gateway:infra/g,service:payments/s", HTTP, vec![service("s")]),
        ("a service account", "serviceaccount:payments/a", HTTP, vec![Target::SomeWaypoint]),
        ("the selector names it", "all", by_name, vec![gateway("w")]),
        ("the annotation wins", "gateway:payments/g", by_name, vec![gateway("g")]),
        ("not a name", "all", bad_name, vec![Target::SomeWaypoint]),
    ];
    for (name, annotation, spec, expected) in rows {
        let json = policy(Some(annotation), spec);
        let refuse = settings(RequireAttachment::WhenNeeded, OnAnnotation::Refuse);
        let verdict = judge(&parse(&json), None, &refuse);
        let Some(Remedy::Attach { targets, .. }) = &verdict.findings[0].remedy else {
            panic!("{name}: {verdict:?}");
        };
        assert_eq!(*targets, expected, "{name}");
    }
}

#[test]
fn targets_are_written_as_yaml_that_reads_back() {
    for name in ["w", "1", "1e3", "true", "no", "null", "way.point"] {
        for target in [
            Target::Gateway(name.to_owned()),
            Target::Service(name.to_owned()),
        ] {
            let remedy = Remedy::Attach {
                targets: vec![target.clone()],
                namespace: None,
                scope: Scope::Beside,
                notes: Vec::new(),
            };
            let text = remedy.to_string();
            let yaml: Vec<_> = text
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with(' '))
                .collect();
            let read: serde_json::Value = serde_saphyr::from_str(&yaml.join("\n")).unwrap();
            let group = match target {
                Target::Service(_) => "",
                Target::Gateway(_) | Target::SomeWaypoint => "gateway.networking.k8s.io",
            };
            let expected = serde_json::json!({"spec": {"targetRefs": [
                {"group": group, "kind": target.kind(), "name": name}
            ]}});
            assert_eq!(read, expected, "{text}");
        }
    }
}

#[test]
fn codes_are_distinct_and_in_order() {
    let ids: Vec<_> = Code::ALL.iter().map(|code| code.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    let mut words: Vec<_> = Code::ALL.iter().map(|code| code.word).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Code::ALL.len());
}

#[test]
fn settings_as_the_configuration_writes_them() {
    let read = |json| serde_json::from_str::<Settings>(json).unwrap();
    assert_eq!(read("{}"), Settings::default());
    assert_eq!(
        read(r#"{"attachment": "whenNeeded", "annotation": "warn", "failOpen": "refuse"}"#),
        Settings::default()
    );
    assert_eq!(
        read(r#"{"attachment": "off", "annotation": "refuse", "failOpen": "warn"}"#),
        Settings {
            attachment: RequireAttachment::Off,
            annotation: OnAnnotation::Refuse,
            fail_open: OnFailOpen::Warn,
            break_glass: BreakGlass::Allowed,
        }
    );
    let off = read(r#"{"breakGlass": false}"#);
    assert_eq!(off.break_glass, BreakGlass::Off);
    assert!(serde_json::from_str::<Settings>(r#"{"attachement": "off"}"#).is_err());
}
