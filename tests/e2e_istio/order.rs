//! Who comes first: the name of our configuration, and webhooks of others before and after it.

use std::time::Duration;

use meshmode::placement::outcome::Outcome;
use serde_json::{Value, json};

use super::mesh::{Called, Did, IN_FORCE, Mesh, WEBHOOKS, seen_in};
use super::other::{Other, SET};
use crate::support::istio::apply;
use crate::support::report::Shown;
use crate::support::request::{Reply, merge, pod, pods};
use crate::support::wait_for;

const MODE: &str = "istio.io/dataplane-mode";
const INJECT: &str = "sidecar.istio.io/inject";
const OURS: &str = "pods.enabled.meshmode.io";
const DEADLINE: Duration = Duration::from_secs(10);

/// A Pod that the other webhook gives these labels.
struct Case {
    name: &'static str,
    /// By its author.
    metadata: Value,
    /// By the other webhook.
    set: Value,
    /// In the end, of those that matter; `null` where there is none.
    expected: Value,
    sidecar: Sidecar,
    /// What ours did, call by call.
    ours: &'static [Did],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sidecar {
    Injected,
    None,
}

/// Called after the injector, our labels would come too late.
pub(crate) async fn name_decides(mesh: &Mesh) -> Shown {
    let cluster = &mesh.cluster;
    let ours = mesh.webhooks.name("MutatingWebhookConfiguration");
    assert!(ours < "istio-", "{ours} is called after the injector");

    let enabled = json!({"istio-injection": "enabled"});
    mesh.namespace("order", &enabled).await;
    let create = async |name: &str| cluster.post(&pods("order"), &pod(name, &json!({}))).await;
    let in_time = create("in-time").await;
    assert_eq!(labels(&in_time), ("ambient", "false"));
    assert_eq!(sidecar(&in_time), Sidecar::None);

    cluster
        .delete(&format!("{WEBHOOKS}/{ours}"))
        .await
        .created();
    let late = mesh
        .webhooks
        .named("MutatingWebhookConfiguration", "zz-meshmode");
    late.register(cluster, IN_FORCE).await;
    // The injector, which no label of ours keeps away, was there first: all that is left is to leave the Pod
    // alone, and what the rules say is not what it gets.
    let too_late = create("too-late").await;
    assert_eq!(labels(&too_late), ("", ""));
    assert_eq!(sidecar(&too_late), Sidecar::Injected);
    let question = json!({"pod": too_late.body, "namespaceLabels": mesh.labels("order").await});
    assert_eq!(mesh.istio.captures(None, &[question]), [false]);

    cluster
        .delete(&format!("{WEBHOOKS}/zz-meshmode"))
        .await
        .created();
    mesh.webhooks.register(cluster, IN_FORCE).await;
    assert_eq!(sidecar(&create("in-time-again").await), Sidecar::None);
    Shown::Cases(3)
}

/// Two injectors whose selectors overlap, as a tag `default` beside a default revision: both are asked, by name.
pub(crate) async fn two_injectors(mesh: &Mesh) -> Shown {
    let cluster = &mesh.cluster;
    let namespace = "two-injectors";
    cluster
        .namespace(namespace, &json!({"istio-injection": "enabled"}))
        .await;
    let first = "istio-revision-tag-default";
    let path = format!("{WEBHOOKS}/istio-sidecar-injector");
    let mut tag = cluster.get(&path).await.created().clone();
    tag["metadata"] = json!({"name": first, "labels": tag["metadata"]["labels"]});
    apply(cluster, &[tag]).await;

    let mut tries = 0;
    let seen = wait_for("both injectors being asked", DEADLINE, async || {
        tries += 1;
        let name = format!("pod-{tries}");
        let reply = cluster
            .post(&pods(namespace), &pod(&name, &json!({})))
            .await;
        reply.created();
        let asked = injectors_asked(mesh, namespace, &name).await;
        (asked.len() == 2).then_some(asked).ok_or(name)
    })
    .await;
    let facts = mesh.facts().await;
    let labels = mesh.labels(namespace).await;
    let sent = pod("as-sent", &json!({}));
    seen_in(&sent, namespace, &labels, |pod, namespace| {
        let outcome = Outcome::of(&facts, pod, namespace);
        let Outcome::Injected(injected, _) = &outcome else {
            panic!("{outcome}")
        };
        let asked = [&injected.by].into_iter().chain(&injected.again);
        let asked: Vec<_> = asked.map(|asked| asked.configuration).collect();
        assert_eq!(asked, seen);
    });
    cluster
        .delete(&format!("{WEBHOOKS}/{first}"))
        .await
        .created();
    Shown::Cases(1)
}

/// The configurations of the injectors that were asked about a Pod, in their order.
async fn injectors_asked(mesh: &Mesh, namespace: &str, name: &str) -> Vec<String> {
    let called = called(mesh, namespace, name).await.into_iter();
    called
        .filter(|called| called.configuration.starts_with("istio-"))
        .map(|called| called.configuration)
        .collect()
}

/// Another webhook, once after us and once before us: what it and the Pod's author set is kept, and being
/// called again changes nothing.
pub(crate) async fn others_win(mesh: &Mesh) -> Shown {
    let cluster = &mesh.cluster;
    let reinvoked = mesh.webhooks.with_each(|webhook| {
        if webhook["reinvocationPolicy"].is_string() {
            webhook["reinvocationPolicy"] = json!("IfNeeded");
        }
    });
    reinvoked.register(cluster, IN_FORCE).await;
    let other = Other::start().await;
    let mut shown = 0;
    // Between ours and the injector's, and before ours.
    for (configuration, cases) in [("bb-other", after_us()), ("a0-other", before_us())] {
        mesh.namespace(configuration, &json!({})).await;
        other.register(cluster, configuration, configuration).await;
        until_asked(mesh, configuration).await;
        shown += cases.len();
        for case in &cases {
            check(mesh, configuration, case).await;
        }
        cluster
            .delete(&format!("{WEBHOOKS}/{configuration}"))
            .await
            .created();
    }
    mesh.webhooks.register(cluster, IN_FORCE).await;
    Shown::Cases(shown)
}

fn after_us() -> Vec<Case> {
    vec![
        Case {
            name: "changes-nothing",
            metadata: json!({}),
            set: json!({}),
            expected: json!({MODE: "ambient", INJECT: "false"}),
            sidecar: Sidecar::None,
            ours: &[Did::Change],
        },
        Case {
            name: "changes-what-is-not-ours",
            metadata: json!({}),
            set: json!({"team": "a"}),
            expected: json!({MODE: "ambient", INJECT: "false", "team": "a"}),
            sidecar: Sidecar::None,
            ours: &[Did::Change, Did::Nothing],
        },
        Case {
            name: "changes-nothing-but-the-injector-does",
            metadata: json!({"annotations": {"meshmode.io/mode": "sidecar"}}),
            set: json!({}),
            expected: json!({MODE: "none", INJECT: "true"}),
            sidecar: Sidecar::Injected,
            ours: &[Did::Change, Did::Nothing],
        },
        Case {
            name: "changes-our-mode",
            metadata: json!({}),
            set: json!({MODE: "none", INJECT: "true"}),
            expected: json!({MODE: "none", INJECT: "true"}),
            sidecar: Sidecar::Injected,
            ours: &[Did::Change, Did::Nothing],
        },
        Case {
            name: "changes-one-label",
            metadata: json!({}),
            set: json!({INJECT: "true"}),
            expected: json!({MODE: "ambient", INJECT: "true"}),
            sidecar: Sidecar::Injected,
            ours: &[Did::Change, Did::Nothing],
        },
        Case {
            name: "beside-the-author",
            metadata: json!({"labels": {MODE: "none"}}),
            set: json!({"team": "a"}),
            expected: json!({MODE: "none", INJECT: null, "team": "a"}),
            sidecar: Sidecar::None,
            ours: &[Did::Nothing, Did::Nothing],
        },
        Case {
            name: "against-the-author",
            metadata: json!({"labels": {MODE: "none", INJECT: "false"}}),
            set: json!({INJECT: "true"}),
            expected: json!({MODE: "none", INJECT: "true"}),
            sidecar: Sidecar::Injected,
            ours: &[Did::Nothing, Did::Nothing],
        },
    ]
}

fn before_us() -> Vec<Case> {
    vec![
        Case {
            name: "chooses",
            metadata: json!({}),
            set: json!({MODE: "none", INJECT: "true"}),
            expected: json!({MODE: "none", INJECT: "true"}),
            sidecar: Sidecar::Injected,
            // The injector's change calls us again.
            ours: &[Did::Nothing, Did::Nothing],
        },
        Case {
            name: "beside-the-author",
            metadata: json!({"labels": {INJECT: "true"}}),
            set: json!({"team": "a"}),
            expected: json!({MODE: null, INJECT: "true", "team": "a"}),
            sidecar: Sidecar::Injected,
            // The injector's change calls us again.
            ours: &[Did::Nothing, Did::Nothing],
        },
        Case {
            name: "sets-what-is-not-ours",
            metadata: json!({}),
            set: json!({"team": "a"}),
            expected: json!({MODE: "ambient", INJECT: "false", "team": "a"}),
            sidecar: Sidecar::None,
            ours: &[Did::Change],
        },
    ]
}

async fn check(mesh: &Mesh, namespace: &str, case: &Case) {
    let set = case.set.to_string();
    let mut metadata = case.metadata.clone();
    merge(&mut metadata, &json!({"annotations": {SET: set}}));
    let reply = mesh
        .cluster
        .post(&pods(namespace), &pod(case.name, &metadata))
        .await;
    let what = format!("{namespace}: {}", case.name);
    for (key, value) in case.expected.as_object().unwrap() {
        assert_eq!(&reply.labels()[key], value, "{what}: {key}");
    }
    assert_eq!(sidecar(&reply), case.sidecar, "{what}");
    let called = called(mesh, namespace, case.name).await.into_iter();
    let ours: Vec<Did> = called
        .filter(|called| called.webhook == OURS)
        .map(|called| called.did)
        .collect();
    assert_eq!(ours, case.ours, "{what}");
}

/// The webhooks that were asked about a created Pod, as soon as the audit log says so.
async fn called(mesh: &Mesh, namespace: &str, name: &str) -> Vec<Called> {
    let what = format!("the audit event of {namespace}/{name}");
    let pod = (namespace.to_owned(), name.to_owned());
    wait_for(&what, DEADLINE, async || mesh.called().remove(&pod)).await
}

/// The API server hears of a registration a moment later.
async fn until_asked(mesh: &Mesh, namespace: &str) {
    let metadata = json!({"annotations": {SET: json!({"asked": "yes"}).to_string()}});
    let path = format!("{}?dryRun=All", pods(namespace));
    wait_for("the other webhook being asked", DEADLINE, async || {
        let reply = mesh.cluster.post(&path, &pod("asked", &metadata)).await;
        reply.labels()["asked"].as_str().map(drop)
    })
    .await;
}

/// The two labels that we set.
fn labels(reply: &Reply) -> (&str, &str) {
    let label = |key: &str| reply.labels()[key].as_str().unwrap_or_default();
    (label(MODE), label(INJECT))
}

fn sidecar(reply: &Reply) -> Sidecar {
    if reply.annotation("sidecar.istio.io/status").is_some() {
        Sidecar::Injected
    } else {
        Sidecar::None
    }
}
