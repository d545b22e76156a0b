//! Which waypoints are in front of workloads, in what ztunnel would receive.

use meshmode::authorization::facts::Fact;
use serde_json::{Value, json};

use super::{DEADLINE, INFRA, WAYPOINTS, namespaces, wishes};
use crate::e2e_istio::mesh::Mesh;
use crate::support::kwok::Kwok;
use crate::support::request::{merge, pod, pods};
use crate::support::wait_for;
use crate::support::watching::Watching;

/// The waypoints of Pods, in what ztunnel would receive.
pub(super) async fn agree(mesh: &Mesh, kwok: &Kwok, watching: &Watching) -> usize {
    let Mesh { cluster, istio, .. } = mesh;
    let places: Vec<_> = namespaces()
        .into_iter()
        .filter(|(name, _)| *name != INFRA)
        .collect();
    for (namespace, _) in &places {
        for (name, mut labels) in wishes() {
            merge(
                &mut labels,
                &json!({"app": name, "istio.io/dataplane-mode": "ambient"}),
            );
            let pod = pod(&format!("w-{name}"), &json!({"labels": labels}));
            cluster.post(&pods(namespace), &pod).await.created();
        }
        kwok.run_all(cluster, namespace).await;
    }
    let mut behind = 0;
    let mut compared = 0;
    for (namespace, _) in &places {
        for (name, _) in wishes() {
            let what = format!("workload {namespace}/w-{name}");
            let predicted = wait_for(&what, DEADLINE, async || {
                let Fact::Known(selected) = watching.selected(namespace, &json!({"app": name}))
                else {
                    return Err("not known".to_owned());
                };
                if selected.ambient_revisions() != 1 {
                    return Err(format!("not seen: {selected:?}"));
                }
                let predicted = selected
                    .behind
                    .first()
                    .map(|(waypoint, _)| waypoint.name.clone());
                let all = istio.ambientz().await;
                let said = waypoint_of(&all, namespace, &format!("w-{name}"));
                match said {
                    Some(said) if said == predicted => Ok(predicted),
                    said => Err(format!("we: {predicted:?}, istiod: {said:?}")),
                }
            })
            .await;
            behind += usize::from(predicted.is_some());
            compared += 1;
        }
    }
    assert!(
        behind > 10 && behind < compared,
        "{behind} of {compared} are behind a waypoint"
    );
    compared
}

/// The waypoint of a workload, by the first part of its host name; the outer nothing: no such workload.
fn waypoint_of(all: &Value, namespace: &str, name: &str) -> Option<Option<String>> {
    let workloads = all["workloads"].as_array()?;
    let entry = workloads.iter().find_map(|entry| {
        let workload = entry.get("workload").unwrap_or(entry);
        (workload["namespace"] == namespace && workload["name"] == name).then_some(workload)
    })?;
    let text = entry["waypoint"].to_string();
    if entry["waypoint"].is_null() {
        return Some(None);
    }
    let found = WAYPOINTS
        .iter()
        .find(|(waypoint, _, _)| text.contains(&format!("{waypoint}.{INFRA}")));
    Some(Some(
        found.map_or(text.clone(), |(name, _, _)| (*name).to_owned()),
    ))
}
