//! The policy of `meshmode generate admission-policy` beside the webhook: the same Pods get the same labels
//! and the same record, also those on which an expression errs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::manifests::list;
use crate::support::meshmode::{Meshmode, run};
use crate::support::request::{Reply, merge, pod, pods};
use crate::support::wait_for;

/// A configuration, and how many of its Pods must make an expression err at least.
struct Configuration {
    name: &'static str,
    /// Nothing for the embedded default.
    text: Option<&'static str>,
    /// How many of its rules the policy cannot have.
    left_out: usize,
    erring: usize,
}

const CONFIGURATIONS: [Configuration; 3] = [
    Configuration {
        name: "default",
        text: None,
        left_out: 4,
        erring: 0,
    },
    Configuration {
        name: "erring",
        text: Some(include_str!("../data/admission-policy/erring.yaml")),
        left_out: 0,
        erring: 40,
    },
    Configuration {
        name: "functions",
        text: Some(include_str!("../data/admission-policy/functions.yaml")),
        left_out: 0,
        erring: 1,
    },
];
/// Those of the namespaces in which both place Pods.
struct Both {
    webhook: String,
    policy: String,
    _program: Meshmode,
}

/// One a line.
const EXPRESSIONS: &str = include_str!("../data/admission-policy/expressions.txt");
/// How many Pods are compared for each.
const PODS: u64 = 200;
/// What a rule of ours says when it errs.
const ERRED: &str = "could not be evaluated";

/// 200 Pods for each configuration, created by both.
pub(crate) async fn placed_alike(cluster: &Cluster) -> Shown {
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let folder = tempfile::tempdir().unwrap();
    let mut shown = 0;
    for configuration in CONFIGURATIONS {
        shown += configuration.compare(cluster, folder.path()).await;
    }
    shown += evaluated_alike(cluster, folder.path()).await;
    Shown::Cases(shown)
}

/// Expressions one by one, each of a rule that is asked for one Pod: what holds, what does not, what errs.
async fn evaluated_alike(cluster: &Cluster, folder: &Path) -> usize {
    let expressions: Vec<&str> = EXPRESSIONS.lines().collect();
    let rules = expressions.iter().enumerate().map(|(number, expression)| {
        let when = format!("object.metadata.annotations.asked == '{number}' ? ({expression}) : false");
        json!({"name": format!("asked-{number}"), "when": when, "mode": "sidecar", "onUnknown": "next"})
    });
    let rules: Vec<Value> = rules.collect();
    let default = json!({"mode": "ambient", "reason": "nothing else"});
    let text = json!({
        "apiVersion": "meshmode.io/v1alpha1", "kind": "MeshmodeConfiguration",
        "placement": {"default": default, "rules": rules},
    });
    let configuration = Configuration {
        name: "expressions",
        text: None,
        left_out: 0,
        erring: 0,
    };
    let both = configuration
        .start(cluster, folder, &text.to_string())
        .await;
    for (number, expression) in expressions.iter().enumerate() {
        let annotations = json!({"asked": number.to_string(), "number": "+5", "padded": " 5", "hex": "0x10", "arabic": "٥"});
        let pod = pod(
            &format!("asked-{number}"),
            &json!({"annotations": annotations}),
        );
        let by_webhook = created(cluster, &both.webhook, &pod).await;
        let by_policy = created(cluster, &both.policy, &pod).await;
        let warnings = &by_webhook.warnings;
        assert_eq!(
            written(&by_policy),
            written(&by_webhook),
            "{expression}: {warnings:#?}"
        );
    }
    configuration.remove(cluster).await;
    expressions.len()
}

// === impl Configuration ===

impl Configuration {
    async fn compare(&self, cluster: &Cluster, folder: &Path) -> usize {
        let text = self.text.unwrap_or(meshmode::config::DEFAULT);
        let both = self.start(cluster, folder, text).await;
        let (mut erred, mut placed) = (0, 0);
        for seed in 0..PODS {
            let pod = varied(seed);
            let by_webhook = created(cluster, &both.webhook, &pod).await;
            let by_policy = created(cluster, &both.policy, &pod).await;
            assert_eq!(
                written(&by_policy),
                written(&by_webhook),
                "{} {seed}: by the policy and by the webhook, which warns {:#?}\n{pod:#}",
                self.name,
                by_webhook.warnings
            );
            erred += usize::from(by_webhook.warns_of(ERRED));
            placed += usize::from(by_webhook.annotation("meshmode.io/rule").is_some());
        }
        assert!(erred >= self.erring, "{}: {erred} Pods erred", self.name);
        assert!(placed >= 40, "{}: {placed} Pods were placed", self.name);
        if self.text.is_none() {
            mode_of_namespace(cluster, &both.policy).await;
        }
        self.remove(cluster).await;
        usize::try_from(PODS).unwrap()
    }

    /// The webhook and the policy of this configuration, each for a namespace of its own.
    async fn start(&self, cluster: &Cluster, folder: &Path, text: &str) -> Both {
        let [webhook, policy] = ["webhook", "policy"].map(|by| format!("{}-by-{by}", self.name));
        for namespace in [&webhook, &policy] {
            cluster.namespace(namespace, None).await;
        }
        let file = folder.join(format!("{}.yaml", self.name));
        fs::write(&file, text).unwrap();
        let config = format!("--config={}", file.display());
        let program = Meshmode::start_with(&["--cluster=off".to_owned(), config.clone()]).await;
        self.register(cluster, &program, &webhook).await;
        self.apply(cluster, &config, &policy).await;
        Both {
            webhook,
            policy,
            _program: program,
        }
    }

    /// The webhook of `program`, for `namespace` alone.
    async fn register(&self, cluster: &Cluster, program: &Meshmode, namespace: &str) {
        let name = self.object_name();
        let webhooks = cluster
            .base
            .reaching(&program.endpoint())
            .named("MutatingWebhookConfiguration", &name)
            .named("ValidatingWebhookConfiguration", &name)
            .with_each(|webhook| {
                let enabled = webhook["name"].as_str().unwrap().contains("enabled");
                let asked = if enabled { namespace } else { "nowhere" };
                webhook["namespaceSelector"] = selector(asked);
            });
        webhooks.register(&cluster.control_plane, namespace).await;
    }

    /// The generated policy, for `namespace` alone; returns when the API server goes by it.
    async fn apply(&self, cluster: &Cluster, config: &str, namespace: &str) {
        let name = format!("--name={}", self.object_name());
        let output = run(&["generate", "admission-policy", "-ojson", config, &name]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.matches("left out").count(), self.left_out, "{said}");
        let mut objects: Value = serde_json::from_slice(&output.stdout).unwrap();
        objects["items"][0]["spec"]["matchConstraints"]["namespaceSelector"] = selector(namespace);
        let apply = ["apply", "--server-side", "--warnings-as-errors", "-f", "-"];
        let items = objects["items"].as_array().unwrap();
        let output = cluster
            .control_plane
            .kubectl_with_input(&apply, &list(items))
            .await;
        assert!(output.status.success(), "{output:?}\n{objects:#}");
        wait_for(
            "the admission policy",
            Duration::from_secs(20),
            async || {
                let reply = created(cluster, namespace, &pod("waits", &json!({}))).await;
                let labels = reply.labels();
                labels["istio.io/dataplane-mode"].is_string().then_some(())
            },
        )
        .await;
    }

    async fn remove(&self, cluster: &Cluster) {
        let name = self.object_name();
        for kind in [
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "mutatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
        ] {
            let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}/{name}");
            let reply = cluster.control_plane.delete(&path).await;
            assert_eq!(reply.code, 200, "{reply:#?}");
        }
    }

    fn object_name(&self) -> String {
        format!("ab-meshmode-{}", self.name)
    }
}

/// The default of a namespace decides, as the API server knows that one.
async fn mode_of_namespace(cluster: &Cluster, namespace: &str) {
    let annotations = json!({"metadata": {"annotations": {"meshmode.io/mode": "sidecar"}}});
    let path = format!("/api/v1/namespaces/{namespace}");
    let patched = cluster.control_plane.patch(&path, &annotations).await;
    patched.created();
    let what = "the namespace's own mode";
    let reply = wait_for(what, Duration::from_secs(20), async || {
        let reply = created(cluster, namespace, &pod("waits", &json!({}))).await;
        let rule = reply.annotation("meshmode.io/rule");
        (rule == Some("namespace-mode")).then_some(reply)
    })
    .await;
    assert_eq!(
        reply.labels()["sidecar.istio.io/inject"],
        "true",
        "{reply:#?}"
    );
    let reason = format!(
        "the annotation meshmode.io/mode of namespace {namespace} asks for it (rules not in the admission policy: sidecar-only, l7-with-waypoint, l7-without-waypoint, many-replicas)"
    );
    assert_eq!(reply.annotation("meshmode.io/reason"), Some(&*reason));
}

fn selector(namespace: &str) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}})
}

async fn created(cluster: &Cluster, namespace: &str, pod: &Value) -> Reply {
    let path = format!("{}?dryRun=All", pods(namespace));
    cluster.control_plane.post(&path, pod).await
}

/// What a decision writes, and whether the Pod was created at all.
fn written(reply: &Reply) -> Value {
    let metadata = &reply.body["metadata"];
    let mut annotations = metadata["annotations"].clone();
    if let Some(reason) = annotations.get_mut("meshmode.io/reason") {
        // Which rules are off is not the same, so the note about them is not.
        let text = reason.as_str().unwrap();
        *reason = json!(text.split(" (rules ").next());
    }
    json!({
        "code": reply.code,
        "labels": metadata["labels"],
        "annotations": annotations,
        "message": reply.body["status"]["message"],
    })
}

/// A Pod like no other, the same in each run.
fn varied(seed: u64) -> Value {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut varied = pod(&format!("varied-{seed}"), &json!({}));
    for (map, pool) in [("annotations", ANNOTATIONS), ("labels", LABELS)] {
        // Absent, null, empty, or with some of the pool.
        varied["metadata"][map] = match random.below(8) {
            0 => continue,
            1 => Value::Null,
            2 => json!({}),
            _ => Value::Object(
                (0..=random.below(3))
                    .map(|_| {
                        let (key, values) = pool[random.below(pool.len())];
                        (key.to_owned(), json!(values[random.below(values.len())]))
                    })
                    .collect(),
            ),
        };
    }
    if random.below(4) == 0 {
        let more = specs();
        merge(&mut varied["spec"], &more[random.below(more.len())]);
    }
    if random.below(8) == 0 {
        varied["metadata"]["generateName"] = varied["metadata"]["name"].take();
    }
    varied
}

/// Keys and values, all of whose combinations an API server takes.
type Pool = &'static [(&'static str, &'static [&'static str])];

const ANNOTATIONS: Pool = &[
    (
        "meshmode.io/mode",
        &["sidecar", "ambient", "none", "leave", "fast", "", "Sidecar"],
    ),
    (
        "mesh.company.com/force-mode",
        &["sidecar", "none", "", "ambient "],
    ),
    ("sidecar.istio.io/userVolume", &["[]", ""]),
    (
        "deployment.company.com/replicas",
        &[
            "high-scale",
            "11",
            "10",
            "+12",
            "many",
            "007",
            "99999999999999999999",
            "",
        ],
    ),
    ("sidecar.istio.io/inject", &["true", "false", ""]),
    ("sidecar.istio.io/status", &["{}"]),
    ("inject.istio.io/templates", &["grpc-agent", ""]),
    ("meshmode.io/placement", &["none"]),
    ("meshmode.io/reason", &["because\n\"I\" say \\ 'so' ü"]),
    (
        "example.com/count",
        &["3", "30", "0", "-1", "x", "", "9223372036854775808"],
    ),
    ("example.com/wish", &["sidecar", "ambient", "nothing", ""]),
    ("example.com/flag", &["on", "ünï", " spaced "]),
];
const LABELS: Pool = &[
    ("app", &["web", "db", ""]),
    ("team", &["payments", "search", ""]),
    ("tier", &["edge", "core"]),
    ("kubevirt.io", &["virt-launcher", "other"]),
    (
        "istio.io/dataplane-mode",
        &["ambient", "none", "sidecar", ""],
    ),
    ("sidecar.istio.io/inject", &["true", "false", ""]),
    ("istio.io/rev", &["canary", "default"]),
    ("gateway.networking.k8s.io/gateway-name", &["waypoint"]),
    ("topology", &["zone-a"]),
];

fn specs() -> Vec<Value> {
    let container = |name: &str, more: &Value| {
        let mut container = pod("", &json!({}))["spec"]["containers"][0].clone();
        merge(&mut container, &json!({"name": name}));
        merge(&mut container, more);
        container
    };
    let plain = container("app", &json!({}));
    let ports = json!({"ports": [{"containerPort": 8080}, {"containerPort": 8443, "name": "tls"}]});
    let proxy = container("istio-proxy", &json!({}));
    vec![
        json!({"hostNetwork": true}),
        json!({"hostNetwork": false}),
        json!({"priorityClassName": "system-node-critical"}),
        json!({"priorityClassName": "system-cluster-critical"}),
        json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
        json!({"nodeSelector": {"kubernetes.io/os": "linux"}}),
        json!({"os": {"name": "windows"}, "securityContext": {"seccompProfile": null},
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}]}),
        json!({"os": {"name": "linux"}}),
        json!({"containers": [plain, proxy]}),
        json!({"initContainers": [proxy]}),
        json!({"containers": [container("app", &ports)]}),
        json!({"containers": [container("app", &json!({"resources": {"requests": {"cpu": "100m"}}})), container("second", &ports)]}),
        json!({"terminationGracePeriodSeconds": 0}),
    ]
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
