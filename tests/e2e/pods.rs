//! Pods as a real API server creates them: placed, left alone, observed, out of scope.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{Cluster, Program, SCOPE, Shown};
use crate::support::meshmode::sample;
use crate::support::request::{Reply, merge, pod, pods};
use crate::support::wait_for;

/// A Pod, and what is to become of it.
struct Case {
    name: &'static str,
    pod: Value,
    expected: Expected,
    /// Parts of the warnings that its author gets, one each; there are no others.
    warnings: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Expected {
    /// A mode, by a rule: its labels and the record.
    Placed(Mode, &'static str),
    /// No change at all, by a rule.
    LeftAlone(&'static str),
}

#[derive(Clone, Copy)]
enum Mode {
    Ambient,
    Sidecar,
    None,
}

use Expected::{LeftAlone, Placed};
use Mode::{Ambient, Sidecar};

const RECORD: [&str; 3] = [
    "meshmode.io/placement",
    "meshmode.io/rule",
    "meshmode.io/reason",
];
const ENABLED: &str = "pods.enabled.meshmode.io";
const OBSERVE: &str = "pods.observe.meshmode.io";

/// Every annotation of the default rules.
pub(crate) async fn rules(cluster: &Cluster) -> Shown {
    let modes = |key: &'static str, rule| {
        [
            ("sidecar", Placed(Sidecar, rule)),
            ("ambient", Placed(Ambient, rule)),
            ("none", Placed(Mode::None, rule)),
            ("leave", LeftAlone(rule)),
        ]
        .map(|(value, expected)| annotated(key, value, expected))
    };
    let volumes = ["user-volume", "userVolume", "userVolumeMount"];
    let volumes = volumes.map(|key| {
        annotated(
            &format!("sidecar.istio.io/{key}"),
            "[]",
            Placed(Sidecar, "proxy-volume"),
        )
    });
    let scale = [
        ("high-scale", "high-scale"),
        ("11", "high-scale"),
        ("10", "default"),
    ]
    .map(|(value, rule)| {
        annotated(
            "deployment.company.com/replicas",
            value,
            Placed(Ambient, rule),
        )
    });
    let mut cases = vec![Case::new(
        "no-annotation",
        json!({}),
        Placed(Ambient, "default"),
    )];
    cases.extend(modes("meshmode.io/mode", "mode-annotation"));
    cases.extend(modes(
        "mesh.company.com/force-mode",
        "force-mode-annotation",
    ));
    cases.extend(volumes);
    cases.extend(scale);
    let many = annotated(
        "deployment.company.com/replicas",
        "many",
        Placed(Ambient, "default"),
    );
    cases.push(many.warns(&[
        "deployment.company.com/replicas is \"many\"; allowed: high-scale, or a whole number",
    ]));
    let garbage = annotated("meshmode.io/mode", "fast", Placed(Ambient, "default"));
    cases.push(garbage.warns(&["\"fast\""]));
    let next = json!({"metadata": {"annotations": {"meshmode.io/mode": "fast", "mesh.company.com/force-mode": "sidecar"}}});
    cases.push(
        Case::new("next-rule", next, Placed(Sidecar, "force-mode-annotation")).warns(&["\"fast\""]),
    );
    let virtual_machine = json!({"metadata": {"labels": {"kubevirt.io": "virt-launcher"}}});
    cases.push(Case::new(
        "virt-launcher",
        virtual_machine,
        LeftAlone("virtual-machine"),
    ));
    for class in ["system-node-critical", "system-cluster-critical"] {
        cases.push(Case::new(
            class,
            json!({"spec": {"priorityClassName": class}}),
            LeftAlone("system-critical"),
        ));
    }
    all(cluster, "rules", cases).await
}

/// What the author chose, and what cannot be placed.
pub(crate) async fn choices(cluster: &Cluster) -> Shown {
    let label = |key: &str, value: &str| json!({"metadata": {"labels": {key: value}}});
    let annotation = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    let chosen = LeftAlone("explicit-choice");
    let proxy = json!({"name": "istio-proxy", "image": "auto", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}});
    let mut with_proxy = pod("", &json!({}))["spec"]["containers"].clone();
    with_proxy.as_array_mut().unwrap().push(proxy);
    const WINS: &str = "wins over rule default, which gives ambient";
    let wins = &[WINS];
    let gone = LeftAlone("left-alone");
    let cases = vec![
        Case::new(
            "mode-none",
            label("istio.io/dataplane-mode", "none"),
            chosen,
        )
        .warns(wins),
        Case::new(
            "mode-sidecar",
            label("istio.io/dataplane-mode", "sidecar"),
            chosen,
        )
        .warns(&["Istio knows ambient and none only", WINS]),
        Case::new(
            "inject-true",
            label("sidecar.istio.io/inject", "true"),
            chosen,
        )
        .warns(wins),
        Case::new(
            "inject-annotation",
            annotation("sidecar.istio.io/inject", "true"),
            chosen,
        )
        .warns(wins),
        Case::new(
            "no-injection",
            annotation("sidecar.istio.io/inject", "false"),
            chosen,
        ),
        // It does not say ambient: it is how people stay out of a mesh.
        Case::new(
            "no-injection-label",
            label("sidecar.istio.io/inject", "false"),
            chosen,
        ),
        Case::new("revision", label("istio.io/rev", "canary"), chosen).warns(wins),
        Case::new(
            "templates",
            annotation("inject.istio.io/templates", "grpc-agent"),
            chosen,
        )
        .warns(wins),
        Case::new(
            "own-proxy",
            json!({"spec": {"containers": with_proxy}}),
            chosen,
        )
        .warns(wins),
        // Equal to the decision: counts as ours, and the missing label is added.
        Case::new(
            "mode-ambient",
            label("istio.io/dataplane-mode", "ambient"),
            Placed(Ambient, "default"),
        ),
        Case::new("host-network", json!({"spec": {"hostNetwork": true}}), gone),
        Case::new(
            "gateway",
            label("gateway.networking.k8s.io/gateway-name", "waypoint"),
            gone,
        ),
        Case::new(
            "windows",
            json!({"spec": {"os": {"name": "windows"}, "securityContext": {"seccompProfile": null},
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}]}}),
            gone,
        ),
        Case::new(
            "windows-selector",
            json!({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}),
            gone,
        ),
        Case::new(
            "injected",
            annotation("sidecar.istio.io/status", "{}"),
            gone,
        ),
        Case::new(
            "mirror",
            merged(
                annotation("kubernetes.io/config.mirror", "x"),
                &json!({"spec": {"nodeName": "node"}}),
            ),
            gone,
        ),
        // What an author writes into the record is not believed.
        Case::new(
            "forged",
            annotation("meshmode.io/placement", "none"),
            Placed(Ambient, "default"),
        ),
    ];
    all(cluster, "choices", cases).await
}

/// A Deployment's Pods, as a controller creates them.
pub(crate) async fn deployment(cluster: &Cluster) -> Shown {
    cluster.namespace("deployment", Some("enabled")).await;
    let rows = [
        ("plain", json!({}), Ambient, "default"),
        (
            "wasm",
            json!({"sidecar.istio.io/user-volume": "[]"}),
            Sidecar,
            "proxy-volume",
        ),
    ];
    for (name, annotations, mode, rule) in rows {
        let mut template = pod(
            "",
            &json!({"labels": {"app": name}, "annotations": annotations}),
        );
        let spec = template["spec"].take();
        let metadata = json!({"labels": {"app": name}, "annotations": annotations});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": metadata, "spec": spec}},
        });
        cluster
            .control_plane
            .post(
                "/apis/apps/v1/namespaces/deployment/deployments",
                &deployment,
            )
            .await
            .created();
        let pods = wait_for("3 Pods", Duration::from_secs(15), async || {
            three_pods(cluster, name).await
        })
        .await;
        for pod in pods {
            let labels = &pod["metadata"]["labels"];
            assert!(labels["pod-template-hash"].is_string(), "{pod:#}");
            for (key, value) in mode.labels().as_object().unwrap() {
                assert_eq!(&labels[key], value, "{key} of {pod:#}");
            }
            assert_record(&pod["metadata"]["annotations"], mode, rule);
        }
    }
    Shown::Cases(6)
}

/// What a person at a terminal sees.
pub(crate) async fn kubectl(cluster: &Cluster) -> Shown {
    cluster.namespace("terminal", Some("enabled")).await;
    let create = ["-n", "terminal", "create", "-f", "-"];
    let mut warned = pod(
        "warned",
        &json!({"annotations": {"meshmode.io/mode": "fast"}}),
    );
    let output = cluster
        .control_plane
        .kubectl_with_input(&create, &warned.to_string())
        .await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        stderr.starts_with("Warning: ") && stderr.contains("\"fast\""),
        "{stderr}"
    );
    for word in ["sidecar", "ambient", "none", "leave"] {
        assert!(stderr.contains(word), "the warning names {word}: {stderr}");
    }

    warned["metadata"] = json!({"name": "tried"});
    let dry_run = [
        "-n",
        "terminal",
        "create",
        "--dry-run=server",
        "-o",
        "json",
        "-f",
        "-",
    ];
    let output = cluster
        .control_plane
        .kubectl_with_input(&dry_run, &warned.to_string())
        .await;
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let tried: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(tried["metadata"]["labels"], Ambient.labels());
    assert_record(&tried["metadata"]["annotations"], Ambient, "default");
    let output = cluster
        .control_plane
        .kubectl(&["-n", "terminal", "get", "pod", "tried"])
        .await;
    assert!(
        !output.status.success(),
        "a dry run stores nothing: {output:?}"
    );

    let mut null = pod("null-labels", &json!({}));
    null["metadata"]["labels"] = Value::Null;
    null["metadata"]["annotations"] = Value::Null;
    let raw = [
        "create",
        "--raw",
        "/api/v1/namespaces/terminal/pods",
        "-f",
        "-",
    ];
    let output = cluster
        .control_plane
        .kubectl_with_input(&raw, &null.to_string())
        .await;
    assert!(output.status.success(), "{output:?}");
    let stored: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stored["metadata"]["labels"], Ambient.labels());
    assert_record(&stored["metadata"]["annotations"], Ambient, "default");
    Shown::Cases(3)
}

/// Namespaces that did not ask, or asked to be observed; Pods that are exempt.
pub(crate) async fn scope(cluster: &Cluster) -> Shown {
    cluster.namespace("unasked", None).await;
    cluster.namespace("refusing", Some("disabled")).await;
    cluster.namespace("watched", Some("observe")).await;
    cluster.namespace("exempting", Some("enabled")).await;
    let exempt = json!({"labels": {SCOPE: "disabled"}});
    for (namespace, metadata) in [
        ("unasked", json!({})),
        ("refusing", json!({})),
        ("exempting", exempt),
    ] {
        let asked = pod("pod", &metadata);
        let reply = cluster.control_plane.post(&pods(namespace), &asked).await;
        assert_untouched(&reply, &asked, namespace);
        assert!(reply.warnings.is_empty(), "{reply:#?}");
        if let Some(annotations) = cluster.audited("create", namespace, "pod").await {
            assert!(
                !annotations.to_string().contains("meshmode.io/"),
                "{namespace}: {annotations}"
            );
        }
    }
    let observed = observed(cluster).await;
    cluster.with_records(3 + observed)
}

async fn observed(cluster: &Cluster) -> usize {
    let asked = pod(
        "pod",
        &json!({"annotations": {"meshmode.io/mode": "sidecar", "deployment.company.com/replicas": "many"}}),
    );
    let series =
        "meshmode_placements_total{stance=\"observe\",mode=\"sidecar\",rule=\"mode-annotation\"}";
    let reviews = "meshmode_reviews_total{task=\"place\",stance=\"observe\",outcome=\"answered\"}";
    let before = metrics(cluster).await;
    let reply = cluster.control_plane.post(&pods("watched"), &asked).await;
    assert_untouched(&reply, &asked, "observed");
    assert!(reply.warnings.is_empty(), "observing is silent: {reply:#?}");
    if let Some(annotations) = cluster.audited("create", "watched", "pod").await {
        assert_eq!(
            annotations[format!("{OBSERVE}/placement")],
            "sidecar",
            "{annotations}"
        );
        assert_eq!(
            annotations[format!("{OBSERVE}/rule")],
            "mode-annotation",
            "{annotations}"
        );
        let reason = annotations[format!("{OBSERVE}/reason")].as_str().unwrap();
        assert!(reason.contains("meshmode.io/mode"), "{reason}");
    }
    if let (Some(before), Some(after)) = (before, metrics(cluster).await) {
        for series in [series, reviews] {
            let counted = sample(&after, series) - sample(&before, series);
            assert!(
                (counted - 1.0).abs() < f64::EPSILON,
                "{series} rose by {counted}"
            );
        }
    }
    1
}

async fn metrics(cluster: &Cluster) -> Option<String> {
    match &cluster.program {
        Program::Ours(program) => Some(program.metrics().await),
        Program::Deployed => None,
    }
}

async fn all(cluster: &Cluster, namespace: &str, cases: Vec<Case>) -> Shown {
    cluster.namespace(namespace, Some("enabled")).await;
    for case in &cases {
        case.check(cluster, namespace).await;
    }
    cluster.with_records(cases.len())
}

async fn three_pods(cluster: &Cluster, app: &str) -> Option<Vec<Value>> {
    let path = format!("{}?labelSelector=app%3D{app}", pods("deployment"));
    let reply = cluster.control_plane.get(&path).await;
    let pods = reply.created()["items"].as_array()?.clone();
    (pods.len() == 3).then_some(pods)
}

fn annotated(key: &str, value: &str, expected: Expected) -> Case {
    let name = format!("{}-{value}", key.rsplit('/').next().unwrap()).to_lowercase();
    let name = name.replace("[]", "list");
    let part = json!({"metadata": {"annotations": {key: value}}});
    Case::new(name.leak(), part, expected)
}

fn merged(mut into: Value, more: &Value) -> Value {
    merge(&mut into, more);
    into
}

fn assert_untouched(reply: &Reply, asked: &Value, what: &str) {
    let metadata = &reply.created()["metadata"];
    assert_eq!(metadata["labels"], asked["metadata"]["labels"], "{what}");
    assert_eq!(
        metadata["annotations"], asked["metadata"]["annotations"],
        "{what}"
    );
}

fn assert_record(annotations: &Value, mode: Mode, rule: &str) {
    let [placement, decided_by, reason] = RECORD.map(|key| annotations[key].as_str());
    assert_eq!(placement, Some(mode.as_str()), "{annotations}");
    assert_eq!(decided_by, Some(rule), "{annotations}");
    assert!(
        reason.is_some_and(|reason| !reason.is_empty()),
        "{annotations}"
    );
}

// === impl Case ===

impl Case {
    /// `part` is what this Pod has beside a container.
    #[expect(clippy::needless_pass_by_value, reason = "the table is easier to read")]
    fn new(name: &'static str, part: Value, expected: Expected) -> Self {
        let mut pod = pod(name, &json!({}));
        merge(&mut pod, &part);
        Self {
            name,
            pod,
            expected,
            warnings: &[],
        }
    }

    fn warns(self, warnings: &'static [&'static str]) -> Self {
        Self { warnings, ..self }
    }

    async fn check(&self, cluster: &Cluster, namespace: &str) {
        let name = self.name;
        let reply = cluster
            .control_plane
            .post(&pods(namespace), &self.pod)
            .await;
        let (placement, rule) = match self.expected {
            Placed(mode, rule) => {
                let mut labels = json!({});
                merge(&mut labels, &mode.labels());
                if self.pod["metadata"]["labels"].is_object() {
                    merge(&mut labels, &self.pod["metadata"]["labels"]);
                }
                assert_eq!(*reply.labels(), labels, "labels of {name}");
                assert_record(&reply.created()["metadata"]["annotations"], mode, rule);
                (mode.as_str(), rule)
            }
            LeftAlone(rule) => {
                assert_untouched(&reply, &self.pod, name);
                ("leave", rule)
            }
        };
        assert_eq!(
            reply.warnings.len(),
            self.warnings.len(),
            "warnings of {name}: {:#?}",
            reply.warnings
        );
        for part in self.warnings {
            assert!(
                reply.warns_of(part),
                "{name} warns of {part}: {:#?}",
                reply.warnings
            );
        }
        if let Some(annotations) = cluster.audited("create", namespace, name).await {
            assert_eq!(
                annotations[format!("{ENABLED}/placement")],
                placement,
                "{name}: {annotations}"
            );
            assert_eq!(
                annotations[format!("{ENABLED}/rule")],
                rule,
                "{name}: {annotations}"
            );
            assert!(
                annotations[format!("{ENABLED}/reason")].is_string(),
                "{name}: {annotations}"
            );
        }
    }
}

// === impl Mode ===

impl Mode {
    /// As design.md says: what Istio makes of them was tried with a real istiod.
    fn labels(self) -> Value {
        let (captured, injected) = match self {
            Self::Ambient => ("ambient", "false"),
            Self::Sidecar => ("none", "true"),
            Self::None => ("none", "false"),
        };
        json!({"istio.io/dataplane-mode": captured, "sidecar.istio.io/inject": injected})
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ambient => "ambient",
            Self::Sidecar => "sidecar",
            Self::None => "none",
        }
    }
}
