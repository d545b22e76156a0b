//! How many sidecars on a node cost what ztunnel costs there. ztunnel comes to each node at once, however few workloads are
//! ambient, so that below this many ambient is dearer.

use super::account::BreakEven;
use super::mesh::Mesh;
use super::resources::Basis;
use super::scenario::Tariff;
use super::spread::ratio;

/// Of this mesh.
pub(super) fn break_even(mesh: &Mesh<'_>, basis: Basis, tariff: Tariff) -> BreakEven {
    let sidecar = mesh.one_sidecar().on(basis);
    let ztunnel = mesh.one_ztunnel().on(basis);
    let nodes = mesh.mean_nodes().filter(|nodes| *nodes > 0.0);
    let ztunnels = mesh.has_ztunnel().then_some(mesh.mean.ztunnel.count);
    BreakEven {
        cost: ratio(tariff.month(ztunnel), tariff.month(sidecar)),
        vcpu: ratio(ztunnel.vcpu, sidecar.vcpu),
        gib: ratio(ztunnel.gib, sidecar.gib),
        sidecars_per_node: nodes.and_then(|nodes| ratio(mesh.mean.sidecars().count, nodes)),
        nodes: nodes.or(ztunnels),
        sidecar: tariff.month(sidecar),
        ztunnel: tariff.month(ztunnel),
    }
}
