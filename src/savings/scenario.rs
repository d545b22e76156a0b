//! What the proxies of a mesh are in each scenario, gateways aside: for each slot of the window.

use super::account::{Monthly, OnBasis, Prices};
use super::mesh::Mesh;
use super::resources::{Amount, Basis, Resources};
use super::spread;

/// What a month costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tariff {
    vcpu: f64,
    gib: f64,
}

/// The proxies of one slot, by scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenarios {
    /// As it is.
    pub(super) now: Amount,
    /// Each Pod with a sidecar; none where the number of ambient Pods is not known.
    all_sidecar: Option<Amount>,
    /// What could be ambient is.
    pub(super) possible: Amount,
    /// All is.
    all_ambient: Amount,
}

/// The scenarios of each slot.
pub(super) fn of_slots(mesh: &Mesh<'_>) -> Vec<Scenarios> {
    let sidecars_of_ambient = mesh.sidecars_of_ambient();
    (0..mesh.slots.len())
        .map(|slot| of_slot(mesh, slot, sidecars_of_ambient))
        .collect()
}

/// What they cost on one basis.
pub(super) fn on(mesh: &Mesh<'_>, slots: &[Scenarios], basis: Basis, tariff: Tariff) -> OnBasis {
    let cost = |amount: Amount| tariff.month(amount.on(basis));
    let mean = |amount: &dyn Fn(&Scenarios) -> f64| mesh.weights.mean(slots.iter().map(amount));
    let known = |amount: &dyn Fn(&Scenarios) -> Option<f64>| {
        let costs: Option<Vec<f64>> = slots.iter().map(amount).collect();
        costs.map(|costs| mesh.weights.mean(costs.into_iter()))
    };
    let saved: Vec<f64> = slots
        .iter()
        .map(|slot| cost(slot.now - slot.possible))
        .collect();
    OnBasis {
        monthly: Monthly {
            now: mean(&|slot| cost(slot.now)),
            all_sidecar: known(&|slot| slot.all_sidecar.map(cost)),
            possible: mean(&|slot| cost(slot.possible)),
            all_ambient: mean(&|slot| cost(slot.all_ambient)),
        },
        saving: spread::range(&mesh.weights, &saved),
    }
}

/// What is freed, as a mean: requests, and less than nothing where more is taken.
pub(super) fn freed(mesh: &Mesh<'_>, slots: &[Scenarios]) -> Resources {
    let mean = |of: &dyn Fn(Resources) -> f64| {
        let freed = slots.iter().map(|slot| slot.now - slot.possible);
        mesh.weights.mean(freed.map(|amount| of(amount.requests)))
    };
    Resources {
        vcpu: mean(&|freed| freed.vcpu),
        gib: mean(&|freed| freed.gib),
    }
}

fn of_slot(mesh: &Mesh<'_>, slot: usize, sidecars_of_ambient: Option<Amount>) -> Scenarios {
    let sums = &mesh.slots[slot];
    let sidecars = sums.sidecars().amount;
    let (ztunnel, waypoints) = (sums.ztunnel.amount, sums.waypoint.amount);
    // Where the nodes are not known, the ztunnels that run are all.
    let missing = mesh.ztunnels_missing(slot).filter(|_| mesh.has_pods());
    let more_ztunnel = mesh.one_ztunnel() * missing.unwrap_or_default();
    let ambient = ztunnel + waypoints + mesh.waypoints_missing(slot);
    let step = if mesh.something_goes {
        more_ztunnel
    } else {
        Amount::default()
    };
    Scenarios {
        now: sidecars + ztunnel + waypoints,
        all_sidecar: sidecars_of_ambient.map(|more| sidecars + more),
        possible: sums.kept.amount + ambient + step,
        all_ambient: ambient + more_ztunnel,
    }
}

// === impl Tariff ===

impl Tariff {
    pub(super) fn new(prices: &Prices, hours_per_month: f64) -> Self {
        Self {
            vcpu: prices.vcpu_hour * hours_per_month,
            gib: prices.gib_hour * hours_per_month,
        }
    }

    /// What resources cost a month.
    pub(super) fn month(self, resources: Resources) -> f64 {
        resources.vcpu * self.vcpu + resources.gib * self.gib
    }
}
