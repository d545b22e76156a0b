//! The account by role and by namespace.

use std::collections::BTreeMap;

use super::account::{Kept, Namespace, OfRole, Roles};
use super::candidates::Becomes;
use super::measured::{Slot, WorkloadName};
use super::mesh::{Fated, Mesh};
use super::resources::Basis;
use super::role::Role;
use super::scenario::Tariff;

/// By role, as it is now.
pub(super) fn roles(mesh: &Mesh<'_>, basis: Basis, tariff: Tariff) -> Roles {
    let of_role = |slot: Slot| {
        let resources = slot.amount.on(basis);
        OfRole {
            vcpu: resources.vcpu,
            gib: resources.gib,
            cost: tariff.month(resources),
            count: slot.count,
        }
    };
    Roles {
        sidecar: of_role(mesh.mean.sidecars()),
        native_sidecar: of_role(mesh.mean.native),
        waypoint: of_role(mesh.mean.waypoint),
        gateway: of_role(mesh.mean.gateway),
        ztunnel: of_role(mesh.mean.ztunnel),
    }
}

/// By namespace, the largest saving first.
pub(super) fn namespaces(mesh: &Mesh<'_>, basis: Basis, tariff: Tariff) -> Vec<Namespace> {
    let mut by_name: BTreeMap<&str, Namespace> = BTreeMap::new();
    for fated in &mesh.proxies {
        match fated.proxies.role {
            Role::Sidecar | Role::NativeSidecar | Role::Waypoint => {
                let name = fated.proxies.workload.namespace.as_str();
                let namespace = by_name.entry(name).or_insert_with(|| empty(name));
                add(namespace, fated, tariff.month(fated.mean.amount.on(basis)));
            }
            Role::Gateway | Role::Ztunnel => {}
        }
    }
    for coming in &mesh.waypoints {
        let name = coming.needed.namespace.as_str();
        let namespace = by_name.entry(name).or_insert_with(|| empty(name));
        namespace.possible += tariff.month(coming.mean(&mesh.weights).on(basis));
    }
    for (workload, kept) in kept(mesh) {
        if let Some(namespace) = by_name.get_mut(workload.namespace.as_str()) {
            namespace.kept.push(kept);
        }
    }
    let mut namespaces: Vec<Namespace> = by_name.into_values().collect();
    for namespace in &mut namespaces {
        namespace.saving = namespace.now - namespace.possible;
        let kept = &mut namespace.kept;
        kept.sort_by(|a, b| b.sidecars.total_cmp(&a.sidecars));
    }
    // Stable: those of the same saving by name.
    namespaces.sort_by(|a, b| b.saving.total_cmp(&a.saving));
    namespaces
}

fn empty(name: &str) -> Namespace {
    Namespace {
        namespace: name.to_owned(),
        sidecars: 0.0,
        could_be_ambient: 0.0,
        now: 0.0,
        possible: 0.0,
        saving: 0.0,
        kept: Vec::new(),
    }
}

fn add(namespace: &mut Namespace, fated: &Fated<'_>, cost: f64) {
    namespace.now += cost;
    match &fated.becomes {
        None => namespace.possible += cost,
        Some(Becomes::Ambient) => {
            namespace.sidecars += fated.mean.count;
            namespace.could_be_ambient += fated.mean.count;
        }
        Some(Becomes::Keeps(_) | Becomes::Unknown(_)) => {
            namespace.possible += cost;
            namespace.sidecars += fated.mean.count;
        }
    }
}

/// A workload that had sidecars of both kinds in the window is one.
fn kept<'m>(mesh: &'m Mesh<'_>) -> BTreeMap<&'m WorkloadName, Kept> {
    let mut kept: BTreeMap<&WorkloadName, Kept> = BTreeMap::new();
    for fated in &mesh.proxies {
        match &fated.becomes {
            Some(Becomes::Keeps(reason) | Becomes::Unknown(reason)) => {
                let workload = &fated.proxies.workload;
                let entry = kept.entry(workload).or_insert_with(|| Kept {
                    workload: format!("{}/{}", workload.kind, workload.name),
                    sidecars: 0.0,
                    reason: reason.clone(),
                });
                entry.sidecars += fated.mean.count;
            }
            Some(Becomes::Ambient) | None => {}
        }
    }
    kept
}
