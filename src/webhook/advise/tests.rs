//! Workloads as people apply them, and what they are told.

#![expect(clippy::too_many_lines, reason = "tables, a row each")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::config::{Configuration, DEFAULT, read};
use crate::placement::facts::NoCluster;
use crate::placement::facts::source::{Decided, Siblings};
use crate::webhook::testing::Coming;

fn template_with(metadata: &Value) -> Value {
    json!({"metadata": metadata, "spec": {"containers": [{"name": "app"}]}})
}

fn deployment(template: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 2, "template": template},
    })
}

fn well() -> Value {
    deployment(&template_with(&json!({"labels": {"app": "web"}})))
}

/// A Deployment whose author chose beside the template.
fn misplaced(of_pods: &Value) -> Value {
    let mut object = deployment(&template_with(of_pods));
    object["metadata"]["labels"] = json!({"sidecar.istio.io/inject": "true"});
    object["metadata"]["annotations"] = json!({"meshmode.io/mode": "sidecar"});
    object
}

fn chosen(mode: &str) -> Value {
    deployment(&template_with(
        &json!({"annotations": {"meshmode.io/mode": mode}}),
    ))
}

fn review(operation: &str, object: &Value, old: &Value) -> Value {
    let (group, version) = match object["apiVersion"].as_str().unwrap_or("apps/v1") {
        "batch/v1" => ("batch", "v1"),
        "v1" => ("", "v1"),
        _ => ("apps", "v1"),
    };
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "operation": operation, "namespace": "shop", "name": "web",
            "kind": {"group": group, "version": version, "kind": object["kind"].as_str().unwrap_or("Deployment")},
            "object": object, "oldObject": old,
        },
    })
}

fn created(object: &Value) -> Value {
    review("CREATE", object, &Value::Null)
}

struct Told {
    warnings: Vec<String>,
    audit: Vec<(&'static str, String)>,
}

#[track_caller]
fn told_by(
    configuration: &Configuration,
    cluster: &dyn Source,
    review: &Value,
    stance: Stance,
) -> Told {
    let body = review.to_string();
    let rules = &configuration.placement;
    let answer = answer(body.as_bytes(), rules, cluster, stance)
        .unwrap()
        .answer;
    assert_eq!(
        answer.outcome,
        crate::webhook::answer::Outcome::Allowed,
        "{review}"
    );
    let audit = answer.audit.into_iter();
    Told {
        warnings: answer.warnings,
        audit: audit
            .map(|(key, value)| (key, value.into_owned()))
            .collect(),
    }
}

fn told(review: &Value) -> Told {
    told_by(&read(DEFAULT).unwrap(), &NoCluster, review, Stance::Warn)
}

#[test]
fn what_is_off_is_said_and_nothing_else() {
    let labelled = |labels: &Value| deployment(&template_with(&json!({"labels": labels})));
    for (name, object, expected) in [
        ("well", well(), &[][..]),
        ("a mode that there is", chosen("sidecar"), &[]),
        (
            "a mode that there is not",
            chosen("sidecars"),
            &["sidecars"],
        ),
        (
            "a choice of its own",
            labelled(
                &json!({"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "true"}),
            ),
            &[],
        ),
        (
            "parts that contradict each other",
            labelled(
                &json!({"istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "true"}),
            ),
            &["istio.io/dataplane-mode"],
        ),
        (
            "a record that nobody wrote",
            deployment(&template_with(&json!({
                "labels": {"istio.io/dataplane-mode": "none"},
                "annotations": {"meshmode.io/placement": "ambient"},
            }))),
            &["meshmode.io/placement"],
        ),
        (
            "what belongs to the template",
            misplaced(&json!({})),
            &[
                "label sidecar.istio.io/inject=true is on the Deployment itself",
                "annotation meshmode.io/mode=sidecar is on the Deployment itself",
            ],
        ),
        (
            "what is on both",
            misplaced(
                &json!({"labels": {"sidecar.istio.io/inject": "true", "istio.io/dataplane-mode": "none"}, "annotations": {"meshmode.io/mode": "sidecar"}}),
            ),
            &[],
        ),
        (
            "exempt: its Pods are not asked about",
            deployment(&template_with(&json!({
                "labels": {"meshmode.io/webhook": "disabled"},
                "annotations": {"meshmode.io/mode": "sidecars"},
            }))),
            &[],
        ),
    ] {
        let warnings = told(&created(&object)).warnings;
        let silent = expected.is_empty() && !name.starts_with("a choice");
        assert!(!silent || warnings.is_empty(), "{name}: {warnings:?}");
        for text in expected {
            let said = warnings.iter().any(|warning| warning.contains(text));
            assert!(said, "{name}: {warnings:?}");
        }
    }
}

#[test]
fn each_kind_is_looked_at() {
    let template = template_with(&json!({"annotations": {"meshmode.io/mode": "sidecars"}}));
    for (version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    ] {
        let spec = match kind {
            "CronJob" => json!({"jobTemplate": {"spec": {"template": template}}}),
            _ => json!({"template": template}),
        };
        let object = json!({
            "apiVersion": version, "kind": kind, "metadata": {"name": "web"}, "spec": spec,
        });
        let told = told(&created(&object));
        assert_eq!(told.warnings.len(), 1, "{kind}: {:?}", told.warnings);
        let keys: Vec<_> = told.audit.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["placement", "rule", "reason"], "{kind}");
        assert_eq!(told.audit[0].1, "ambient", "{kind}");
    }
}

#[test]
fn who_observes_says_nothing() {
    let review = created(&chosen("sidecars"));
    let configuration = read(DEFAULT).unwrap();
    let told = told_by(&configuration, &NoCluster, &review, Stance::Observe);
    assert_eq!(told.warnings, [] as [&str; 0]);
    assert_eq!(told.audit[0].1, "ambient");
}

#[test]
fn what_is_none_is_let_through_with_a_warning() {
    let with = |field: &str, value: Value| {
        let mut review = created(&well());
        review["request"][field] = value;
        review
    };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
    for (name, review, expected) in [
        ("no object", created(&Value::Null), "malformed"),
        ("a list", with("object", json!([])), "malformed: apiVersion"),
        (
            "labels are a list",
            created(&deployment(&template_with(&json!({"labels": []})))),
            "spec.template.metadata.labels",
        ),
        (
            "a label is a number",
            created(&deployment(&template_with(&json!({"labels": {"a": 1}})))),
            "malformed",
        ),
        (
            "no template",
            created(&json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}})),
            "spec.template must be",
        ),
        ("a Pod", created(&pod), "Pod v1 is no workload"),
        ("a Service", created(&service), "Service v1 is no workload"),
        (
            "scale",
            with("subResource", json!("scale")),
            "scale: only workloads",
        ),
        (
            "DELETE",
            with("operation", json!("DELETE")),
            "DELETE: only CREATE",
        ),
        (
            "a number as namespace",
            with("namespace", json!(7)),
            "malformed",
        ),
    ] {
        let told = told(&review);
        assert_eq!(told.warnings.len(), 1, "{name}: {:?}", told.warnings);
        assert!(
            told.warnings[0].contains(expected),
            "{name}: {:?}",
            told.warnings
        );
        assert_eq!(told.audit[1], ("rule", NOT_ASKED.to_owned()), "{name}");
    }
}

/// What runs has the mode sidecar.
fn running() -> Siblings {
    Siblings::Placed(Arc::new(Decided {
        mode: Mode::Sidecar,
        rule: "proxy-volume".into(),
        reason: "a volume".into(),
    }))
}

const CHANGE: &str = "new Pods get mode ambient (default: cheapest";
const CHANGED: &str = "those that run now have mode sidecar (proxy-volume: a volume)";

#[test]
fn a_change_of_mode_is_said_where_there_is_one() {
    let mut scaled = well();
    scaled["spec"]["replicas"] = json!(3);
    let mut applied = scaled.clone();
    applied["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "deployment.kubernetes.io/revision": "2",
    });
    let mut annotated = well();
    annotated["metadata"]["annotations"] = json!({"team": "x"});
    let mut image = well();
    image["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2");
    let none = Value::Null;
    for (name, review, running, expected) in [
        ("nothing runs", created(&well()), None, false),
        ("it runs already", created(&well()), Some(running()), true),
        (
            "a new image",
            review("UPDATE", &image, &well()),
            Some(running()),
            true,
        ),
        (
            "scaled",
            review("UPDATE", &scaled, &well()),
            Some(running()),
            false,
        ),
        (
            "applied, and scaled",
            review("UPDATE", &applied, &well()),
            Some(running()),
            false,
        ),
        (
            "annotated",
            review("UPDATE", &annotated, &well()),
            Some(running()),
            true,
        ),
        (
            "the old one is not there",
            review("UPDATE", &well(), &none),
            Some(running()),
            true,
        ),
        (
            "the same mode",
            review("UPDATE", &chosen("sidecar"), &well()),
            Some(running()),
            false,
        ),
        (
            "it runs without",
            review("UPDATE", &image, &well()),
            Some(Siblings::Unplaced),
            false,
        ),
    ] {
        let source = Coming::after(Duration::ZERO);
        let source = match running {
            Some(running) => source.with(running),
            None => source,
        };
        let configuration = read(DEFAULT).unwrap();
        let warnings = told_by(&configuration, &source, &review, Stance::Warn).warnings;
        assert_eq!(
            warnings.len(),
            usize::from(expected),
            "{name}: {warnings:?}"
        );
        for warning in warnings {
            let said = warning.starts_with(CHANGE) && warning.ends_with(CHANGED);
            assert!(said, "{name}: {warning}");
        }
    }
}

#[test]
fn rules_see_the_request_of_a_controller_and_change_is_uncertain() {
    let rules = |expression: &str| {
        let text = format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  rules:\n  - {{name: a, when: \"{expression}\", mode: none, reason: a test}}\n  default: {{mode: ambient, reason: a test}}\n"
        );
        read(&text).unwrap()
    };
    for (expression, mode) in [
        (
            "request.operation == 'CREATE' && request.namespace == 'shop'",
            "none",
        ),
        ("request.kind.kind == 'Pod' && !request.dryRun", "none"),
        ("request.userInfo.username == 'root'", "ambient"),
    ] {
        let source = Coming::never().with(running());
        let told = told_by(&rules(expression), &source, &created(&well()), Stance::Warn);
        assert_eq!(told.audit[0].1, mode, "{expression}: {:?}", told.audit);
        assert_eq!(told.warnings, [] as [&str; 0], "{expression}");
    }
}

#[test]
fn a_fact_that_is_missing_is_no_warning() {
    let text = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  rules:\n  - {name: a, when: \"'x' in namespaceObject.metadata.labels\", mode: none, reason: a test}\n  default: {mode: ambient, reason: a test}\n";
    let source = Coming::never().with(running());
    let configuration = read(text).unwrap();
    let told = told_by(&configuration, &source, &created(&well()), Stance::Warn);
    assert_eq!(told.audit[0].1, "leave");
    assert!(
        told.audit[2].1.contains("fact not available"),
        "{:?}",
        told.audit
    );
    assert_eq!(
        told.warnings,
        [] as [&str; 0],
        "nor is the mode another for certain"
    );
}
