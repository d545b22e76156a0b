//! What was measured, summed by what becomes of it: for each slot of the window, and as a mean.

use std::collections::BTreeMap;

use super::assumptions::{Assumptions, NeededWaypoint, ZtunnelNow};
use super::candidates::Becomes;
use super::measured::{Ambient, Measured, Proxies, Slot};
use super::resources::Amount;
use super::role::Role;
use super::spread::Weights;
use super::unusable::Unusable;

/// Fewer Pods than this are none: of less no mean can be taken.
const NONE: f64 = 1e-6;

/// A mesh over a window.
pub(super) struct Mesh<'m> {
    pub(super) measured: &'m Measured,
    pub(super) assumptions: &'m Assumptions,
    pub(super) weights: Weights,
    /// As [`Measured::proxies`], in that order.
    pub(super) proxies: Vec<Fated<'m>>,
    /// For each slot.
    pub(super) slots: Vec<Sums>,
    /// The mean of them.
    pub(super) mean: Sums,
    /// Waypoints that would come.
    pub(super) waypoints: Vec<Coming<'m>>,
    /// Whether some sidecar would go; else nothing comes either.
    pub(super) something_goes: bool,
}

/// The proxies of a workload, and what becomes of them.
pub(super) struct Fated<'m> {
    pub(super) proxies: &'m Proxies,
    /// Over the window.
    pub(super) mean: Slot,
    /// Of sidecars alone.
    pub(super) becomes: Option<Becomes>,
}

/// All proxies of the mesh.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Sidecars that stay.
    pub(super) kept: Slot,
    /// Sidecars that could go.
    pub(super) going: Slot,
    /// Those of both that are native.
    pub(super) native: Slot,
    pub(super) waypoint: Slot,
    pub(super) gateway: Slot,
    pub(super) ztunnel: Slot,
}

/// A waypoint that would come.
pub(super) struct Coming<'m> {
    pub(super) needed: &'m NeededWaypoint,
    /// For each slot, 1 where the namespace has none, else 0.
    absent: Vec<f64>,
    /// All its Pods.
    amount: Amount,
}

// === impl Mesh ===

impl<'m> Mesh<'m> {
    /// # Errors
    /// No slot has data.
    pub(super) fn new(
        measured: &'m Measured,
        assumptions: &'m Assumptions,
    ) -> Result<Self, Unusable> {
        let weights = Weights::of(&measured.window.coverage).ok_or(Unusable::NoData)?;
        let proxies: Vec<Fated<'_>> = measured
            .proxies
            .iter()
            .map(|proxies| Fated::new(proxies, &weights, assumptions))
            .collect();
        let mut slots = vec![Sums::default(); measured.window.slots()];
        for fated in &proxies {
            for (sums, slot) in slots.iter_mut().zip(&fated.proxies.slots) {
                sums.add(fated, *slot);
            }
        }
        let mut mean = Sums::default();
        for fated in &proxies {
            mean.add(fated, fated.mean);
        }
        let waypoints = coming(measured, assumptions, &mean);
        Ok(Self {
            measured,
            assumptions,
            weights,
            proxies,
            slots,
            mean,
            waypoints,
            something_goes: mean.going.count > NONE,
        })
    }

    /// How many nodes there were in a slot.
    pub(super) fn nodes(&self, slot: usize) -> Option<f64> {
        let at_the_end = self.measured.nodes.len();
        let counted = self.measured.node_counts.get(slot).copied();
        counted
            .or((at_the_end > 0).then_some(at_the_end as f64))
            .or(self.assumptions.nodes)
    }

    /// How many there were as a mean.
    pub(super) fn mean_nodes(&self) -> Option<f64> {
        let nodes: Option<Vec<f64>> = (0..self.slots.len()).map(|slot| self.nodes(slot)).collect();
        nodes.map(|nodes| self.weights.mean(nodes.into_iter()))
    }

    /// Whether some Pod is in the mesh, or could come into it without another step.
    pub(super) fn has_pods(&self) -> bool {
        self.mean.sidecars().count > NONE || self.has_ztunnel()
    }

    /// Whether ztunnel runs somewhere.
    pub(super) fn has_ztunnel(&self) -> bool {
        self.mean.ztunnel.count > NONE
    }

    /// One ztunnel: as measured, else by its request alone.
    pub(super) fn one_ztunnel(&self) -> Amount {
        let request = self.assumptions.ztunnel;
        one(self.mean.ztunnel).unwrap_or(Amount::of(request, request))
    }

    /// One sidecar: as measured, else by its request alone.
    pub(super) fn one_sidecar(&self) -> Amount {
        let request = self.assumptions.sidecar;
        one(self.mean.sidecars()).unwrap_or(Amount::of(request, request))
    }

    /// How many more ztunnels a slot would have if ztunnel ran on each node; none where the nodes are not known.
    pub(super) fn ztunnels_missing(&self, slot: usize) -> Option<f64> {
        let there = self.slots[slot].ztunnel.count;
        let missing = |nodes: f64| (nodes - there).max(0.0);
        match self.assumptions.ztunnel_now {
            ZtunnelNow::Everywhere if there > NONE => Some(0.0),
            ZtunnelNow::Everywhere | ZtunnelNow::AsMeasured => self.nodes(slot).map(missing),
        }
    }

    /// The waypoints that would come in a slot.
    pub(super) fn waypoints_missing(&self, slot: usize) -> Amount {
        let each = self.waypoints.iter();
        each.fold(Amount::default(), |sum, coming| {
            sum + coming.amount * coming.absent[slot]
        })
    }

    /// What a sidecar in each ambient Pod would be; none where their number is not known.
    pub(super) fn sidecars_of_ambient(&self) -> Option<Amount> {
        match &self.measured.ambient {
            Ambient::ByNamespace(counts) => {
                let means = self.sidecars_by_namespace();
                Some(counts.iter().fold(Amount::default(), |sum, (name, count)| {
                    let one = means.get(name.as_str()).copied().and_then(one);
                    sum + one.unwrap_or(self.one_sidecar()) * *count
                }))
            }
            Ambient::InAll(count) => Some(self.one_sidecar() * *count),
            Ambient::Unknown(_) => (!self.has_ztunnel()).then(Amount::default),
        }
    }

    /// How many Pods are ambient, where that is known: without ztunnel none is.
    pub(super) fn ambient(&self) -> Option<f64> {
        match &self.measured.ambient {
            Ambient::ByNamespace(counts) => Some(counts.values().sum()),
            Ambient::InAll(count) => Some(*count),
            Ambient::Unknown(_) => (!self.has_ztunnel()).then_some(0.0),
        }
    }

    fn sidecars_by_namespace(&self) -> BTreeMap<&str, Slot> {
        let mut means: BTreeMap<&str, Slot> = BTreeMap::new();
        for fated in self.proxies.iter().filter(|fated| fated.becomes.is_some()) {
            let namespace = fated.proxies.workload.namespace.as_str();
            *means.entry(namespace).or_default() += fated.mean;
        }
        means
    }
}

/// The waypoints that would come, where the namespace has none.
fn coming<'m>(measured: &Measured, assumptions: &'m Assumptions, mean: &Sums) -> Vec<Coming<'m>> {
    let each = assumptions.waypoints.iter();
    each.map(|needed| {
        let mut there = vec![0.0; measured.window.slots()];
        let here = measured.proxies.iter().filter(|proxies| {
            proxies.role == Role::Waypoint && proxies.workload.namespace == needed.namespace
        });
        for proxies in here {
            for (there, slot) in there.iter_mut().zip(&proxies.slots) {
                *there += slot.count;
            }
        }
        let absent = there.iter().map(|count| f64::from(*count <= NONE));
        let usage = one(mean.waypoint).map_or(needed.request, |one| one.usage);
        Coming {
            needed,
            absent: absent.collect(),
            amount: Amount::of(needed.request, usage) * needed.replicas,
        }
    })
    .collect()
}

/// One of many.
fn one(many: Slot) -> Option<Amount> {
    (many.count > NONE).then(|| many.amount * many.count.recip())
}

// === impl Coming ===

impl Coming<'_> {
    /// As a mean over the window.
    pub(super) fn mean(&self, weights: &Weights) -> Amount {
        self.amount * weights.mean(self.absent.iter().copied())
    }
}

// === impl Fated ===

impl<'m> Fated<'m> {
    fn new(proxies: &'m Proxies, weights: &Weights, assumptions: &Assumptions) -> Self {
        let mut mean = Slot::default();
        for (weight, slot) in weights.iter().zip(&proxies.slots) {
            mean += *slot * weight;
        }
        let sidecar = proxies.role.is_sidecar();
        Self {
            proxies,
            mean,
            becomes: sidecar.then(|| assumptions.candidates.becomes(&proxies.workload)),
        }
    }
}

// === impl Sums ===

impl Sums {
    /// Sidecars, whatever becomes of them.
    pub(super) fn sidecars(&self) -> Slot {
        let mut sidecars = self.kept;
        sidecars += self.going;
        sidecars
    }

    fn add(&mut self, fated: &Fated<'_>, slot: Slot) {
        match fated.proxies.role {
            Role::Sidecar => {}
            Role::NativeSidecar => self.native += slot,
            Role::Waypoint => self.waypoint += slot,
            Role::Gateway => self.gateway += slot,
            Role::Ztunnel => self.ztunnel += slot,
        }
        match fated.becomes {
            Some(Becomes::Ambient) => self.going += slot,
            Some(Becomes::Keeps(_) | Becomes::Unknown(_)) => self.kept += slot,
            None => {}
        }
    }
}
