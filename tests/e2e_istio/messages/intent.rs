//! What an author admits with a reason, what is applied in one file, and what the operator chose.

use std::collections::BTreeSet;
use std::time::Duration;

use meshmode::authorization::code::Code;
use serde_json::{Value, json};

use super::super::mesh::Mesh;
use super::terminal::{apply, is_stored, stderr};
use super::world::{SHOP, gateway};
use super::{Case, Outcome, Program, Seen};
use crate::support::manifests::list;
use crate::support::meshmode::{run, sample};
use crate::support::request::policy;
use crate::support::{AuditEvents, ControlPlane, wait_for};

const ADMIT: &str = "meshmode.io/admit";
const REASON: &str = "migrated until Friday";
const AUDITED: &str = "authorizationpolicies.enabled.meshmode.io/admitted";
const DEADLINE: Duration = Duration::from_secs(10);

/// The annotation admits with a warning; audit log and metric have it.
pub(super) async fn admitted(mesh: &Mesh, program: &Program, seen: &mut Seen) {
    let cluster = &mesh.cluster;
    let says = vec![(
        Code::ADMITTED_BY_INTENT,
        "Admitted although it would be refused, as meshmode.io/admit says: migrated until Friday",
    )];
    let with_reason = http("admitted", Some(REASON), Outcome::Warned, says);
    seen.check(cluster, &with_reason).await;
    let what = "the audit event of the admitted policy";
    let audited = wait_for(what, DEADLINE, async || {
        let AuditEvents::Recorded(events) = cluster.audit_events() else {
            panic!("the cluster is ours")
        };
        let of_policy = |event: &&Value| {
            event["objectRef"]["name"] == "admitted" && event["annotations"][AUDITED].is_string()
        };
        let event = events.iter().find(of_policy)?;
        Some(event["annotations"][AUDITED].clone())
    })
    .await;
    assert_eq!(audited, REASON);
    let series =
        "meshmode_verdicts_total{stance=\"enforce\",verdict=\"warn\",reason=\"AdmittedByIntent\"}";
    let metrics = program.meshmode.metrics().await;
    assert!(sample(&metrics, series) >= 1.0, "{metrics}");

    let says = vec![(
        Code::NOT_ADMITTED_BY_INTENT,
        "The annotation meshmode.io/admit admits nothing without a reason: write why",
    )];
    let without = http("admitted-without-reason", Some(" "), Outcome::Refused, says);
    seen.check(cluster, &without).await;
}

/// `meshmode explain policy` looks at the same cluster, and tells what a terminal does not show.
pub(super) fn explained(cluster: &ControlPlane) {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let explain = |which: &[&str]| {
        let flags = ["--kubeconfig", &kubeconfig, "-n", SHOP, "-o", "json"];
        let output = run(&[&["explain", "policy"], which, &flags].concat());
        let entries: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
        (output.status.code(), entries)
    };
    let (code, entries) = explain(&["admitted"]);
    assert_eq!(code, Some(1), "something fails open: {entries:#}");
    assert_eq!(entries[0]["verdict"], "warn", "{entries:#}");
    assert_eq!(entries[0]["enforcers"][0]["effect"], "open", "{entries:#}");
    assert_eq!(entries[0]["findings"][0]["code"], "MM210", "{entries:#}");
    let (code, entries) = explain(&["--all"]);
    let told: BTreeSet<_> = entries
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|entry| entry["findings"].as_array().into_iter().flatten())
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert_eq!(code, Some(1));
    assert!(told.len() > 5 && told.contains("MM210"), "{told:?}");
    let nobody = [
        "explain",
        "policy",
        "nobody",
        "-n",
        SHOP,
        "--kubeconfig",
        &kubeconfig,
    ];
    assert_eq!(
        run(&nobody).status.code(),
        Some(2),
        "there is no such policy"
    );
}

/// The policy stands before its Gateway, and both are stored.
pub(super) async fn one_file(cluster: &ControlPlane) {
    let target = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "late"});
    let rules = json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}]);
    let spec = json!({"action": "DENY", "targetRefs": [target], "rules": rules});
    let file = list(&[
        policy("before-its-gateway", &json!({}), &spec),
        gateway("late", "istio-waypoint", "service", "Same"),
    ]);
    let output = apply(cluster, SHOP, &file, &[]).await;
    let said = stderr(&output);
    let expected = "Gateway late: it does not exist in the policy's namespace (yet)";
    assert!(output.status.success() && said.contains(expected), "{said}");
    assert!(is_stored(cluster, SHOP, "before-its-gateway").await);
}

/// Other settings than the usual ones.
pub(super) async fn settings(cluster: &ControlPlane, program: &Program, seen: &mut Seen) {
    program.configure("{breakGlass: false}");
    let says = vec![(
        Code::NOT_ADMITTED_BY_INTENT,
        "The annotation meshmode.io/admit is ignored: authorizationPolicies.breakGlass is false",
    )];
    let broken = http("admitting-is-off", Some(REASON), Outcome::Refused, says);
    seen.check(cluster, &broken).await;
    program.configure("{attachment: always}");
    let says = vec![(
        Code::ATTACHMENT_REQUIRED,
        "is not attached to a waypoint, and authorizationPolicies.attachment is always",
    )];
    let mut always = http("always", None, Outcome::Refused, says);
    always.spec["rules"] = json!([{"to": [{"operation": {"ports": ["8080"]}}]}]);
    seen.check(cluster, &always).await;
}

/// A policy that would be refused.
fn http(
    name: &'static str,
    reason: Option<&str>,
    outcome: Outcome,
    says: Vec<(Code, &'static str)>,
) -> Case {
    let metadata = reason.map(|reason| json!({"annotations": {ADMIT: reason}}));
    Case {
        name,
        namespace: SHOP,
        metadata: metadata.unwrap_or_else(|| json!({})),
        spec: json!({
            "action": "DENY",
            "selector": {"matchLabels": {"app": "web"}},
            "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}],
        }),
        outcome,
        says,
        hides: Vec::new(),
    }
}
