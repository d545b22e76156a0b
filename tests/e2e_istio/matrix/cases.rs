//! The namespaces and Pods of the matrix: each Pod is created in each namespace.

use serde_json::{Value, json};

use crate::support::request::{merge, pod};

/// A namespace.
pub(crate) struct NamespaceCase {
    pub(crate) name: &'static str,
    pub(crate) labels: &'static [(&'static str, &'static str)],
}

/// A Pod.
pub(crate) struct PodCase {
    pub(crate) name: &'static str,
    /// What is special about it, for people.
    pub(crate) what: &'static str,
    pub(crate) pod: Value,
}

const INJECTION: &str = "istio-injection";
const REVISION: &str = "istio.io/rev";
const MODE: &str = "istio.io/dataplane-mode";
const INJECT: &str = "sidecar.istio.io/inject";
const TEMPLATES: &str = "inject.istio.io/templates";

/// The namespaces; the last is one that Istio's injector never touches, whatever its labels.
pub(crate) const NAMESPACES: [NamespaceCase; 14] = [
    namespace("none", &[]),
    namespace("enabled", &[(INJECTION, "enabled")]),
    namespace("disabled", &[(INJECTION, "disabled")]),
    namespace("rev-default", &[(REVISION, "default")]),
    namespace("rev-other", &[(REVISION, "other")]),
    namespace("rev-tag", &[(REVISION, "tag")]),
    namespace("rev-nosuch", &[(REVISION, "nosuch")]),
    namespace("ambient", &[(MODE, "ambient")]),
    namespace("mode-none", &[(MODE, "none")]),
    namespace(
        "enabled-ambient",
        &[(INJECTION, "enabled"), (MODE, "ambient")],
    ),
    namespace(
        "disabled-ambient",
        &[(INJECTION, "disabled"), (MODE, "ambient")],
    ),
    namespace("rev-ambient", &[(REVISION, "other"), (MODE, "ambient")]),
    namespace(
        "enabled-rev",
        &[(INJECTION, "enabled"), (REVISION, "other")],
    ),
    namespace("local-path-storage", &[(INJECTION, "enabled")]),
];

const fn namespace(
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
) -> NamespaceCase {
    NamespaceCase { name, labels }
}

/// The Pods.
pub(crate) fn pods() -> Vec<PodCase> {
    let mut cases = placed();
    cases.extend(labelled());
    cases.extend(annotated());
    cases.extend(shaped());
    cases
}

/// Those that meshmode places, in each mode.
fn placed() -> Vec<PodCase> {
    let mode = |mode: &str| json!({"annotations": {"meshmode.io/mode": mode}});
    vec![
        case("default", "says nothing", &json!({})),
        case("ambient", "placed in `ambient`", &mode("ambient")),
        case("sidecar", "placed in `sidecar`", &mode("sidecar")),
        case("out", "placed in `none`", &mode("none")),
        case("leave", "left alone by a rule", &mode("leave")),
    ]
}

/// Those whose author has chosen by labels.
fn labelled() -> Vec<PodCase> {
    let label = |key: &str, value: &str| json!({"labels": {key: value}});
    let labels = |entries: &[(&str, &str)]| {
        let mut metadata = json!({});
        for (key, value) in entries {
            merge(&mut metadata, &label(key, value));
        }
        metadata
    };
    vec![
        case("inject-true", "label `inject=true`", &label(INJECT, "true")),
        case(
            "inject-false",
            "label `inject=false`",
            &label(INJECT, "false"),
        ),
        case("inject-yes", "label `inject=yes`", &label(INJECT, "yes")),
        case(
            "mode-ambient",
            "labels `dataplane-mode=ambient`, `inject=yes`",
            &labels(&[(MODE, "ambient"), (INJECT, "yes")]),
        ),
        case(
            "mode-none",
            "label `dataplane-mode=none`",
            &label(MODE, "none"),
        ),
        case(
            "mode-sidecar",
            "label `dataplane-mode=sidecar`",
            &label(MODE, "sidecar"),
        ),
        case(
            "both",
            "labels `dataplane-mode=ambient`, `inject=true`",
            &labels(&[(MODE, "ambient"), (INJECT, "true")]),
        ),
        case(
            "rev-default",
            "label `rev=default`",
            &label(REVISION, "default"),
        ),
        case("rev-other", "label `rev=other`", &label(REVISION, "other")),
        case("rev-tag", "label `rev=tag`", &label(REVISION, "tag")),
        case(
            "rev-nosuch",
            "labels `rev=nosuch`, `inject=true`",
            &labels(&[(REVISION, "nosuch"), (INJECT, "true")]),
        ),
        case(
            "rev-refused",
            "labels `rev=other`, `inject=false`",
            &labels(&[(REVISION, "other"), (INJECT, "false")]),
        ),
    ]
}

/// Those whose author has chosen by annotations.
fn annotated() -> Vec<PodCase> {
    let annotation = |key: &str, value: &str| json!({"annotations": {key: value}});
    let template = |name: &str| {
        let mut metadata = annotation(TEMPLATES, name);
        merge(&mut metadata, &json!({"labels": {INJECT: "true"}}));
        metadata
    };
    let mut contrary = annotation(INJECT, "false");
    merge(&mut contrary, &json!({"labels": {INJECT: ""}}));
    vec![
        case(
            "annotation-true",
            "annotation `inject=true` only",
            &annotation(INJECT, "true"),
        ),
        case(
            "annotation-false",
            "annotation `inject=false` only",
            &annotation(INJECT, "false"),
        ),
        case(
            "contrary",
            "annotation `inject=false`, label `inject=`",
            &contrary,
        ),
        case(
            "templates",
            "annotation `templates=sidecar` only",
            &annotation(TEMPLATES, "sidecar"),
        ),
        case(
            "gateway",
            "`templates=gateway`, `inject=true`",
            &template("gateway"),
        ),
        case(
            "grpc-agent",
            "`templates=grpc-agent`, `inject=true`",
            &template("grpc-agent"),
        ),
        case(
            "grpc-simple",
            "`templates=grpc-simple`, `inject=true`",
            &template("grpc-simple"),
        ),
        case(
            "two-templates",
            "`templates=sidecar, nosuch`, `inject=true`",
            &template("sidecar, nosuch"),
        ),
        case("no-template", "`templates=`, `inject=true`", &template("")),
        case(
            "status",
            "annotation `sidecar.istio.io/status`",
            &annotation("sidecar.istio.io/status", "{}"),
        ),
    ]
}

/// Those whose spec matters.
fn shaped() -> Vec<PodCase> {
    let proxy = json!({"name": "istio-proxy", "image": "auto"});
    let mut own = case(
        "own-proxy",
        "a container `istio-proxy` of its own",
        &json!({}),
    );
    let containers = own.pod["spec"]["containers"].as_array_mut().unwrap();
    containers.push(proxy);
    let asking = json!({"labels": {INJECT: "true", MODE: "ambient"}});
    let mut host = case("host-network", "`hostNetwork: true`", &json!({}));
    let mut host_asking = case(
        "host-asking",
        "`hostNetwork: true`, labels `dataplane-mode=ambient`, `inject=true`",
        &asking,
    );
    for case in [&mut host, &mut host_asking] {
        case.pod["spec"]["hostNetwork"] = json!(true);
    }
    vec![own, host, host_asking]
}

fn case(name: &'static str, what: &'static str, metadata: &Value) -> PodCase {
    PodCase {
        name,
        what,
        pod: pod(name, metadata),
    }
}
