//! What binds Services and ServiceEntries: the condition `istio.io/WaypointBound`.

use std::collections::BTreeMap;

use meshmode::authorization::facts::{Binding, Fact, Target, WaypointState};
use serde_json::json;

use super::{DEADLINE, SERVICES, namespaces, of_condition, wishes};
use crate::support::ControlPlane;
use crate::support::wait_for;
use crate::support::watching::Watching;

/// `istio.io/WaypointBound` of Services and ServiceEntries.
pub(super) async fn agree(cluster: &ControlPlane, watching: &Watching) -> usize {
    let mut compared = BTreeMap::new();
    for (namespace, _) in namespaces() {
        for (name, _) in wishes() {
            for (group, kind) in SERVICES {
                let reference = json!({"group": group, "kind": kind, "name": name});
                let what = format!("{kind} {namespace}/{name}");
                let path = match kind {
                    "Service" => format!("/api/v1/namespaces/{namespace}/services/{name}"),
                    _ => format!(
                        "/apis/networking.istio.io/v1/namespaces/{namespace}/serviceentries/{name}"
                    ),
                };
                let predicted = wait_for(&what, DEADLINE, async || {
                    let Fact::Known(Target::Service(service)) =
                        watching.target(namespace, &reference)
                    else {
                        return Err(format!(
                            "not known: {:?}",
                            watching.target(namespace, &reference)
                        ));
                    };
                    let predicted = condition(&service.binding);
                    let object = cluster.get(&path).await.body;
                    let said = of_condition(&object, "istio.io/WaypointBound");
                    if said == predicted {
                        Ok(predicted)
                    } else {
                        Err(format!(
                            "we: {predicted:?} ({:?}), istiod: {said:?}",
                            service.binding
                        ))
                    }
                })
                .await;
                *compared.entry(predicted).or_insert(0) += 1;
            }
        }
    }
    for expected in [
        "WaypointAccepted",
        "WaypointIsNotReady",
        "AttachmentDenied",
        "UnsupportedTrafficType",
    ] {
        let some = compared
            .iter()
            .any(|(said, _)| said.as_ref().is_some_and(|(_, reason)| reason == expected));
        assert!(some, "no case of {expected}: {compared:?}");
    }
    assert!(
        compared.contains_key(&None),
        "no case without a waypoint: {compared:?}"
    );
    compared.values().sum()
}

/// What istiod should say of a Service (`pilot/pkg/serviceregistry/ambient/status.go`).
fn condition(binding: &Binding) -> Option<(String, String)> {
    let (status, reason) = match binding {
        Binding::None | Binding::OptedOut | Binding::OfWaypoint => return None,
        Binding::Bound { state, .. } => match state {
            WaypointState::Ready => ("True", "WaypointAccepted"),
            WaypointState::Missing | WaypointState::NotReady => ("False", "WaypointIsNotReady"),
            WaypointState::NotAllowed => ("False", "AttachmentDenied"),
            WaypointState::OtherTraffic(_) => ("False", "UnsupportedTrafficType"),
        },
    };
    Some((status.to_owned(), reason.to_owned()))
}
