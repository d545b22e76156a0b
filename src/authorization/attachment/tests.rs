//! The grammar of the annotation, and what counts as an attachment.

use proptest::prelude::*;

use super::*;

fn named<'a>(kind: NamedKind, namespace: &'a str, name: &'a str) -> Named<'a> {
    Named {
        kind,
        namespace,
        name,
    }
}

#[test]
fn values_that_can_be_read() {
    let cart = named(NamedKind::Service, "shop", "cart");
    let gateway = named(NamedKind::Gateway, "infra", "way.point-1");
    let account = named(NamedKind::ServiceAccount, "shop", "a.b-c");
    let rows = [
        ("service", WaypointFor::Service),
        ("workload", WaypointFor::Workload),
        ("all", WaypointFor::All),
        ("none", WaypointFor::None),
        ("  none\n", WaypointFor::None),
        ("service:shop/cart", WaypointFor::Named(vec![cart])),
        (
            "gateway:infra/way.point-1",
            WaypointFor::Named(vec![gateway]),
        ),
        (
            "serviceaccount:shop/a.b-c",
            WaypointFor::Named(vec![account]),
        ),
        (
            "service:shop/cart,gateway:infra/way.point-1",
            WaypointFor::Named(vec![cart, gateway]),
        ),
        (
            " service:shop/cart ,\t gateway:infra/way.point-1\n",
            WaypointFor::Named(vec![cart, gateway]),
        ),
        (
            "service:shop/cart,service:shop/cart",
            WaypointFor::Named(vec![cart, cart]),
        ),
    ];
    for (value, expected) in rows {
        assert_eq!(WaypointFor::parse(value), Ok(expected), "{value:?}");
    }
}

const LABEL: NameRule = NameRule::Label;
const SUBDOMAIN: NameRule = NameRule::Subdomain;

fn character(character: char, part: Part, rule: NameRule) -> Problem {
    Problem::Character {
        character,
        part,
        rule,
    }
}

#[test]
fn values_that_cannot_be_read_and_where() {
    use Part::{Name, Namespace};
    let long_label = format!("gateway:{}/x", "n".repeat(64));
    let long_name = format!("gateway:a/{}", "n".repeat(254));
    let long_service = format!("service:a/{}", "n".repeat(64));
    let word = |text: &str| Problem::UnknownWord(text.to_owned());
    let kind = |text: &str| Problem::UnknownKind(text.to_owned());
    #[rustfmt::skip]
    let rows = [
        ("empty", "", 1, Problem::Empty),
        ("blank", "  ", 3, Problem::Empty),
        ("a waypoint's name", "my-waypoint", 1, word("my-waypoint")),
        ("capitals", "Service", 1, word("Service")),
        ("indented", "  sevice", 3, word("sevice")),
        ("not latin", "wegpunkt-für-ж", 1, word("wegpunkt-für-ж")),
        ("word in a list", "gateway:a/b, all", 14, Problem::WordInList("all".to_owned())),
        ("words", "service,workload", 1, Problem::WordInList("service".to_owned())),
        ("comma at the end", "gateway:a/b,", 13, Problem::Empty),
        ("comma at the start", ",gateway:a/b", 1, Problem::Empty),
        ("two commas", "gateway:a/b, ,service:a/b", 14, Problem::Empty),
        ("unknown kind", "pod:a/b", 1, kind("pod")),
        ("no kind", ":a/b", 1, kind("")),
        ("unknown kind later", "gateway:a/b,  pod:a/b", 15, kind("pod")),
        ("capital kind", "Gateway:a/b", 1, kind("Gateway")),
        ("space before the colon", "gateway :a/b", 1, kind("gateway ")),
        ("no slash", "gateway:b", 10, Problem::NoSlash(NamedKind::Gateway)),
        ("nothing after the colon", "service:", 9, Problem::NoSlash(NamedKind::Service)),
        ("no namespace", "gateway:/b", 9, Problem::NoName(Namespace, LABEL)),
        ("no name", "gateway:a/", 11, Problem::NoName(Name, SUBDOMAIN)),
        ("capital namespace", "gateway:Prod/b", 9, character('P', Namespace, LABEL)),
        ("space in it", "gateway: a/b", 9, character(' ', Namespace, LABEL)),
        ("dot in a namespace", "gateway:a.b/c", 10, character('.', Namespace, LABEL)),
        ("dot in a Service", "service:a/b.c", 12, character('.', Name, LABEL)),
        ("hyphen first", "gateway:-a/b", 9, character('-', Namespace, LABEL)),
        ("hyphen last", "gateway:a-/b", 10, character('-', Namespace, LABEL)),
        ("hyphen before a dot", "gateway:a/b-.c", 12, character('-', Name, SUBDOMAIN)),
        ("hyphen after a dot", "gateway:a/b.-c", 13, character('-', Name, SUBDOMAIN)),
        ("two dots", "gateway:a/b..c", 13, character('.', Name, SUBDOMAIN)),
        ("dot first", "gateway:a/.b", 11, character('.', Name, SUBDOMAIN)),
        ("dot last", "gateway:a/b.", 12, character('.', Name, SUBDOMAIN)),
        ("two slashes", "gateway:a/b/c", 12, character('/', Name, SUBDOMAIN)),
        ("two colons", "gateway:a:b/c", 10, character(':', Namespace, LABEL)),
        ("not ascii", "gateway:zürich/b", 10, character('ü', Namespace, LABEL)),
        ("after not ascii", "gateway:a/bü", 12, character('ü', Name, SUBDOMAIN)),
        ("in the second entry", "gateway:a/b, gateway:a/日本", 24, character('日', Name, SUBDOMAIN)),
        ("an emoji is one character", "🦀:a/b", 1, kind("🦀")),
        ("64 characters", &long_label, 72, Problem::TooLong(Namespace, LABEL)),
        ("254 characters", &long_name, 264, Problem::TooLong(Name, SUBDOMAIN)),
        ("64 of a Service", &long_service, 74, Problem::TooLong(Name, LABEL)),
    ];
    for (name, value, column, problem) in rows {
        let expected = MalformedAnnotation { column, problem };
        assert_eq!(
            WaypointFor::parse(value),
            Err(expected),
            "{name}: {value:?}"
        );
    }
}

#[test]
fn the_column_counts_characters_not_bytes() {
    let error = WaypointFor::parse("\u{3000}\u{3000}gateway:a/ö").unwrap_err();
    assert_eq!(error.column, 13);
}

#[test]
fn names_as_long_as_they_may_be() {
    for value in [
        format!("service:{}/{}", "n".repeat(63), "s".repeat(63)),
        format!("gateway:a/{}", "n".repeat(253)),
    ] {
        assert!(WaypointFor::parse(&value).is_ok(), "{value}");
    }
}

#[test]
fn an_error_says_what_is_allowed() {
    let rows = [
        (
            "waypoint",
            "column 1: \"waypoint\" is not known; allowed: service, workload, all, none, or a \
             comma-separated list of serviceaccount:NAMESPACE/NAME, service:NAMESPACE/NAME, \
             gateway:NAMESPACE/NAME",
        ),
        (
            "gateway:a/b,none",
            "column 13: none stands alone or not at all: a list has KIND:NAMESPACE/NAME in each entry",
        ),
        (
            "pod:a/b",
            "column 1: \"pod\" is no kind; allowed: serviceaccount, service, gateway",
        ),
        (
            "gateway:b",
            "column 10: a '/' is missing; allowed: gateway:NAMESPACE/NAME",
        ),
        (
            "service:/b",
            "column 9: the namespace is missing; allowed: lower-case letters, digits, and '-' inside",
        ),
        (
            "gateway:a/B",
            "column 11: 'B' may not stand here in a name; allowed: lower-case letters, digits, and '-' or '.' inside",
        ),
    ];
    for (value, expected) in rows {
        let error = WaypointFor::parse(value).unwrap_err();
        assert_eq!(error.to_string(), expected, "{value}");
    }
}

#[test]
fn what_attaches_a_policy() {
    let gateway = r#"{"kind": "Gateway", "name": "w"}"#;
    let rows = [
        ("nothing", "{}".to_owned(), "none: Absent"),
        (
            "empty targets",
            r#"{"spec": {"targetRefs": []}}"#.to_owned(),
            "none: Absent",
        ),
        (
            "annotation none",
            annotated("none", "{}"),
            "none: AnnotationSaysNone",
        ),
        ("annotation", annotated("all", "{}"), "annotation all"),
        (
            "targets",
            format!(r#"{{"spec": {{"targetRefs": [{gateway}]}}}}"#),
            "1 target",
        ),
        (
            "target",
            format!(r#"{{"spec": {{"targetRef": {gateway}}}}}"#),
            "1 target",
        ),
        (
            "both",
            annotated("service", &format!(r#"{{"targetRef": {gateway}}}"#)),
            "1 target beside service",
        ),
        ("malformed", annotated("x", "{}"), "column 1"),
        (
            "malformed beside targets",
            annotated(" x", &format!(r#"{{"targetRef": {gateway}}}"#)),
            "column 2",
        ),
    ];
    for (name, json, expected) in rows {
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        let found = match Attachment::of(&policy) {
            Ok(Attachment::None(why)) => format!("none: {why:?}"),
            Ok(Attachment::Annotation(waypoint_for)) => format!("annotation {waypoint_for}"),
            Ok(Attachment::TargetRefs {
                targets,
                annotation,
            }) => {
                let beside = annotation.map_or(String::new(), |beside| format!(" beside {beside}"));
                format!("{} target{beside}", targets.len())
            }
            Err(error) => format!("column {}", error.column),
        };
        assert_eq!(found, expected, "{name}");
    }
}

fn annotated(value: &str, spec: &str) -> String {
    format!(
        r#"{{"metadata": {{"annotations": {{"istio.io/waypoint-for": "{value}"}}}}, "spec": {spec}}}"#
    )
}

fn entries() -> impl Strategy<Value = Vec<(NamedKind, String, String)>> {
    let label = "[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?";
    let kind = prop::sample::select(&NamedKind::ALL[..]);
    prop::collection::vec((kind, label, label), 1..5)
}

proptest! {
    #[test]
    fn what_is_displayed_is_read_back(entries in entries()) {
        let entries = entries.iter().map(|(kind, namespace, name)| named(*kind, namespace, name));
        let written = WaypointFor::Named(entries.collect());
        let text = written.to_string();
        prop_assert_eq!(WaypointFor::parse(&text), Ok(written));
    }

    #[test]
    fn white_space_around_commas_is_skipped(entries in entries(), space in "[ \t\n]{0,3}") {
        let entries: Vec<_> = entries.iter().map(|(kind, ns, name)| named(*kind, ns, name)).collect();
        let texts: Vec<_> = entries.iter().map(|e| format!("{space}{e}{space}")).collect();
        let text = texts.join(",");
        prop_assert_eq!(WaypointFor::parse(&text), Ok(WaypointFor::Named(entries)));
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_column_in_it(text in any::<String>()) {
        if let Err(error) = WaypointFor::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }

    #[test]
    fn texts_near_the_grammar_too(text in "(gateway|service|all|x|ü){0,2}[:/, ]{0,2}[a.-]{0,3}[:/,]?[bB]{0,2}") {
        match WaypointFor::parse(&text) {
            Ok(read) => {
                let written = read.to_string();
                prop_assert_eq!(WaypointFor::parse(&written), Ok(read));
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column)),
        }
    }
}
