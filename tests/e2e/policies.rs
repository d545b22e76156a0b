//! AuthorizationPolicies as a real API server stores them: refused, admitted, warned about.

use serde_json::{Value, json};

use super::steps::{Cluster, SCOPE, Shown};
use crate::support::request::{policies, policy};

const ENABLED: &str = "authorizationpolicies.enabled.meshmode.io";
const OBSERVE: &str = "authorizationpolicies.observe.meshmode.io";
const ROOT: &str = "authorizationpolicies.rootnamespace.meshmode.io";

/// What the verdict on a policy is for whoever sends it.
enum Expected {
    /// Stored, and nothing is said.
    Admitted,
    /// Stored, and these parts are said.
    Warned(&'static [&'static str]),
    /// Not stored; these parts are the message.
    Refused(&'static [&'static str]),
}

use Expected::{Admitted, Refused, Warned};

/// CREATE in a namespace that asked.
pub(crate) async fn created(cluster: &Cluster) -> Shown {
    cluster.namespace("judged", Some("enabled")).await;
    let none = json!({});
    let annotated = |value: &str| json!({"annotations": {"istio.io/waypoint-for": value}});
    let cases = [
        (
            "l7-deny",
            none.clone(),
            l7(),
            Refused(&["needs a waypoint", "targetRefs:", "kind: Gateway"]),
        ),
        (
            "audit",
            none.clone(),
            json!({"action": "AUDIT"}),
            Refused(&["needs a waypoint"]),
        ),
        (
            "says-none",
            annotated("none"),
            l7(),
            Refused(&["istio.io/waypoint-for says none"]),
        ),
        (
            "malformed",
            annotated("gateway:judged/w,service=x"),
            l7(),
            Refused(&["At column 18", "cannot be read"]),
        ),
        (
            "malformed-word",
            annotated("sometimes"),
            l4(),
            Refused(&["At column 1", "\"sometimes\" is not known"]),
        ),
        ("l4-allow", none.clone(), l4(), Admitted),
        ("attached", none.clone(), attached(), Admitted),
        (
            "annotated",
            annotated("service"),
            l7(),
            Warned(&["Istio ignores the annotation", "Attach it"]),
        ),
        (
            "named",
            annotated("gateway:judged/waypoint"),
            l7(),
            Warned(&["Istio ignores the annotation", "name: waypoint"]),
        ),
        (
            "beside",
            annotated("service"),
            attached(),
            Warned(&["spec.targetRefs decide, it can be removed"]),
        ),
        (
            "exempt",
            json!({"labels": {SCOPE: "disabled"}}),
            l7(),
            Admitted,
        ),
    ];
    let shown = cases.len();
    for (name, metadata, spec, expected) in cases {
        let policy = policy(name, &metadata, &spec);
        expected.check(cluster, "judged", &policy).await;
        if name != "exempt" {
            expected.check_audit(cluster, ENABLED, "judged", name).await;
        }
    }
    cluster.with_records(shown)
}

/// What a person at a terminal sees.
pub(crate) async fn kubectl(cluster: &Cluster) -> Shown {
    cluster.namespace("judged-terminal", Some("enabled")).await;
    let kubectl = async |more: &[&str], policy: &Value| {
        let arguments = [&["-n", "judged-terminal", "create", "-f", "-"], more].concat();
        cluster
            .control_plane
            .kubectl_with_input(&arguments, &policy.to_string())
            .await
    };
    for more in [&[][..], &["--dry-run=server"]] {
        let refused = kubectl(more, &policy("refused", &json!({}), &l7())).await;
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        for part in [
            "Error from server (Forbidden)",
            "admission webhook",
            "needs a waypoint",
            "targetRefs:",
            "istioctl waypoint list -n judged-terminal",
        ] {
            assert!(
                stderr.contains(part),
                "{part} in what kubectl says: {stderr}"
            );
        }
    }
    let annotated = json!({"annotations": {"istio.io/waypoint-for": "service"}});
    let warned = kubectl(&[], &policy("warned", &annotated, &l7())).await;
    let stderr = String::from_utf8_lossy(&warned.stderr);
    assert!(
        warned.status.success() && stderr.starts_with("Warning: "),
        "{warned:?}"
    );
    let delete = [
        "-n",
        "judged-terminal",
        "delete",
        "authorizationpolicy",
        "warned",
    ];
    let deleted = cluster.control_plane.kubectl(&delete).await;
    assert!(
        deleted.status.success() && deleted.stderr.is_empty(),
        "{deleted:?}"
    );
    Shown::Cases(4)
}

/// UPDATE and DELETE of a bad policy that was there before the namespace asked.
pub(crate) async fn changed(cluster: &Cluster) -> Shown {
    cluster.namespace("grown", None).await;
    let path = policies("grown");
    let bad = policy("bad", &json!({}), &l7());
    let reply = cluster.control_plane.post(&path, &bad).await;
    reply.created();
    assert!(reply.warnings.is_empty(), "not asked yet: {reply:#?}");
    cluster.namespace("grown", Some("enabled")).await;
    cluster
        .until_refused("grown", &policy("probe", &json!({}), &l7()))
        .await;

    let path = format!("{path}/bad");
    let labelled = json!({"metadata": {"labels": {"team": "payments"}}});
    let reply = cluster.control_plane.patch(&path, &labelled).await;
    assert_eq!(reply.labels()["team"], "payments");
    assert!(reply.warns_of("needs a waypoint"), "{reply:#?}");
    let finalized = json!({"metadata": {"finalizers": ["example.com/held"]}});
    assert!(
        cluster
            .control_plane
            .patch(&path, &finalized)
            .await
            .warns_of("needs a waypoint")
    );

    let still_bad = json!({"spec": {"rules": [{"to": [{"operation": {"methods": ["PUT"]}}]}]}});
    let reply = cluster.control_plane.patch(&path, &still_bad).await;
    assert!(reply.refused().contains("needs a waypoint"), "{reply:#?}");
    let annotated = json!({"metadata": {"annotations": {"istio.io/waypoint-for": "all"}}});
    let reply = cluster.control_plane.patch(&path, &annotated).await;
    reply.created();
    assert!(reply.warns_of("Istio ignores the annotation"), "{reply:#?}");
    let bare = json!({"metadata": {"annotations": {"istio.io/waypoint-for": null}}});
    cluster.control_plane.patch(&path, &bare).await.refused();

    let mut mended = attached();
    mended["selector"] = Value::Null;
    let mended = json!({"metadata": {"annotations": null}, "spec": mended});
    let reply = cluster.control_plane.patch(&path, &mended).await;
    reply.created();
    assert!(reply.warnings.is_empty(), "{reply:#?}");

    assert_eq!(cluster.control_plane.delete(&path).await.code, 200);
    let released = json!({"metadata": {"finalizers": null}});
    cluster
        .control_plane
        .patch(&path, &released)
        .await
        .created();
    let gone = cluster.control_plane.get(&path).await;
    assert_eq!(gone.code, 404, "{gone:#?}");
    Shown::Cases(8)
}

/// The root namespace is only warned; an observed one hears nothing; one that did not ask, neither.
pub(crate) async fn scope(cluster: &Cluster) -> Shown {
    cluster.namespace("istio-system", None).await;
    cluster.namespace("judged-silently", Some("observe")).await;
    cluster.namespace("unjudged", None).await;
    let bad = policy("bad", &json!({}), &l7());
    let warned = Warned(&["needs a waypoint", "Attach it"]);
    warned.check(cluster, "istio-system", &bad).await;
    Refused(&[])
        .check_audit(cluster, ROOT, "istio-system", "bad")
        .await;
    Admitted.check(cluster, "judged-silently", &bad).await;
    Refused(&[])
        .check_audit(cluster, OBSERVE, "judged-silently", "bad")
        .await;
    Admitted.check(cluster, "unjudged", &bad).await;
    if let Some(annotations) = cluster.audited("create", "unjudged", "bad").await {
        assert!(
            !annotations.to_string().contains("meshmode.io/"),
            "{annotations}"
        );
    }
    cluster.with_records(3)
}

/// Only a waypoint enforces it, and nothing attaches it to one.
pub(crate) fn l7() -> Value {
    json!({
        "selector": {"matchLabels": {"app": "app"}},
        "action": "DENY",
        "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}],
    })
}

/// ztunnel enforces it as it is.
fn l4() -> Value {
    json!({
        "selector": {"matchLabels": {"app": "app"}},
        "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}]}],
    })
}

fn attached() -> Value {
    json!({
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}],
        "action": "DENY",
        "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}],
    })
}

// === impl Expected ===

impl Expected {
    async fn check(&self, cluster: &Cluster, namespace: &str, policy: &Value) {
        let reply = cluster
            .control_plane
            .post(&policies(namespace), policy)
            .await;
        match self {
            Admitted => {
                reply.created();
                assert!(reply.warnings.is_empty(), "{reply:#?}");
            }
            Warned(parts) => {
                reply.created();
                for part in *parts {
                    assert!(reply.warns_of(part), "warns of {part}: {reply:#?}");
                }
            }
            Refused(parts) => {
                for part in *parts {
                    assert!(
                        reply.refused().contains(part),
                        "refuses with {part}: {reply:#?}"
                    );
                }
            }
        }
    }

    /// The verdict in the audit log, below the name of `webhook`.
    async fn check_audit(&self, cluster: &Cluster, webhook: &str, namespace: &str, name: &str) {
        let Some(annotations) = cluster.audited("create", namespace, name).await else {
            return;
        };
        let verdict = match self {
            Admitted => "allow",
            Warned(_) => "warn",
            Refused(_) => "refuse",
        };
        assert_eq!(
            annotations[format!("{webhook}/verdict")],
            verdict,
            "{name}: {annotations}"
        );
        assert!(
            annotations[format!("{webhook}/reason")].is_string(),
            "{name}: {annotations}"
        );
    }
}
