//! What policies are attached to: the condition `WaypointAccepted`.

use std::collections::BTreeMap;

use meshmode::authorization::enforcement::waypoint::{
    Standing, WaypointStanding, WhyNot, at_waypoint,
};
use meshmode::authorization::{AuthorizationPolicy, FactsSource};
use serde_json::json;

use super::{
    DEADLINE, GATEWAY_API, INFRA, SERVICES, WAYPOINTS, attach, namespaces, of_condition, policy_of,
    wishes,
};
use crate::support::ControlPlane;
use crate::support::request::policies;
use crate::support::wait_for;
use crate::support::watching::Watching;

/// `WaypointAccepted` of policies.
pub(super) async fn agree(cluster: &ControlPlane, watching: &Watching) -> usize {
    let gateway = |name: &str| json!({"group": GATEWAY_API, "kind": "Gateway", "name": name});
    let class = |name: &str| json!({"group": GATEWAY_API, "kind": "GatewayClass", "name": name});
    let service = |name: &str| json!({"group": "", "kind": "Service", "name": name});
    let own_class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "my-waypoint"}, "spec": {"controllerName": "istio.io/mesh-controller"},
    });
    let classes = format!("/apis/{GATEWAY_API}/v1/gatewayclasses");
    cluster.post(&classes, &own_class).await.created();
    let mut cases = Vec::new();
    for (namespace, _) in namespaces() {
        for (name, _) in wishes() {
            cases.extend(SERVICES.map(|(_, kind)| (namespace, policy_of(kind, &name))));
        }
    }
    let mut further = Vec::new();
    for (name, _, _) in WAYPOINTS {
        further.push((INFRA, format!("gateway-{name}"), vec![gateway(name)]));
        further.push(("wp-plain", format!("gateway-{name}"), vec![gateway(name)]));
    }
    for name in ["istio-waypoint", "my-waypoint", "istio", "gone"] {
        for namespace in ["istio-system", INFRA] {
            further.push((namespace, format!("class-{name}"), vec![class(name)]));
        }
    }
    #[rustfmt::skip]
    let several = [
        ("two-good", vec![service("to-services"), service("to-both")]),
        ("good-and-bad", vec![service("plain"), service("to-both")]),
        ("two-bad", vec![service("plain"), service("gone")]),
    ];
    further.extend(several.map(|(name, refs)| ("wp-plain", name.to_owned(), refs)));
    for (namespace, name, refs) in further {
        attach(cluster, namespace, &name, &refs).await;
        cases.push((namespace, name));
    }
    let mut seen = BTreeMap::new();
    for (namespace, name) in &cases {
        let said = agreed(cluster, watching, namespace, name).await;
        *seen.entry(said).or_insert(0) += 1;
    }
    for expected in [
        "Accepted",
        "PartiallyInvalid",
        "Invalid",
        "AncestorNotBound",
        "TargetNotFound",
    ] {
        assert!(
            seen.contains_key(expected),
            "no case of {expected}: {seen:?}"
        );
    }
    cases.len()
}

/// Waits until the status of a policy is what we say; gives its reason.
async fn agreed(
    cluster: &ControlPlane,
    watching: &Watching,
    namespace: &str,
    name: &str,
) -> String {
    let path = format!("{}/{name}", policies(namespace));
    wait_for(
        &format!("the status of {namespace}/{name}"),
        DEADLINE,
        async || {
            let stored = cluster.get(&path).await.body;
            let json = stored.to_string();
            let policy = AuthorizationPolicy::parse(&json).unwrap();
            let facts = watching.cluster.facts_for(&policy);
            let WaypointStanding::Targets(targets) = at_waypoint(&policy, &facts) else {
                panic!("it has targets");
            };
            let standings: Vec<_> = targets.iter().map(|target| &target.standing).collect();
            let predicted = status(&standings, namespace, name);
            let said = of_condition(&stored, "WaypointAccepted");
            if said.as_ref() == Some(&predicted) {
                Ok(predicted.1)
            } else {
                Err(format!(
                    "we: {predicted:?} ({standings:?}), istiod: {said:?}"
                ))
            }
        },
    )
    .await
}

/// What istiod should say of a policy (`WaypointPolicyStatusCollection`, `flattenConditions`).
fn status(standings: &[&Standing], namespace: &str, name: &str) -> (String, String) {
    let each = standings
        .iter()
        .map(|standing| reason(standing, namespace, name));
    let each: Vec<_> = each.collect();
    let bound = each.iter().filter(|reason| **reason == "Accepted").count();
    let (status, reason) = match (bound, each.as_slice()) {
        (0, [only]) => ("False", *only),
        (0, _) => ("False", "Invalid"),
        (bound, all) if bound == all.len() => ("True", "Accepted"),
        (_, _) => ("True", "PartiallyInvalid"),
    };
    (status.to_owned(), reason.to_owned())
}

fn reason(standing: &Standing, namespace: &str, name: &str) -> &'static str {
    match standing {
        Standing::Attached { .. } | Standing::AtGateway(_) => "Accepted",
        Standing::Unknown(why) => panic!("not known: {why}"),
        Standing::NotAttached(why) => match why {
            WhyNot::TargetMissing | WhyNot::GatewayNotReady => "TargetNotFound",
            WhyNot::NotBound
            | WhyNot::OptedOut
            | WhyNot::OfWaypoint
            | WhyNot::PastWaypoint { .. } => "AncestorNotBound",
            WhyNot::ClassOutsideRoot { .. } => "Invalid",
            // The status and the proxies differ here: we go by what the proxies get.
            WhyNot::ClassNotWaypoint if namespace != "istio-system" => "Invalid",
            WhyNot::ClassNotWaypoint => match name {
                "class-my-waypoint" => "Accepted",
                "class-gone" => "TargetNotFound",
                _ => "Invalid",
            },
            WhyNot::NotIstios(_) | WhyNot::KindNotAllowed | WhyNot::OtherNamespace(_) => {
                panic!("{name}: {why}")
            }
        },
    }
}
