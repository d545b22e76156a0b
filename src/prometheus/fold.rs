//! Sums of Pods become proxies of workloads: means over the slots, by role.

use std::collections::BTreeMap;

use super::KnownPods;
use super::gather::{Gathered, PodSums, SlotSums};
use super::pods::Pod;
use crate::savings::Resources;
use crate::savings::attribution::{
    Company, KnownBy, Traits, attribute, workload_of_name, workload_of_owner,
};
use crate::savings::measured::{Proxies, Slot, WorkloadName};
use crate::savings::resources::Amount;
use crate::savings::role::{Evidence, Role};

/// What becomes of the Pods.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) proxies: Vec<Proxies>,
    pub(super) evidence: BTreeMap<Evidence, usize>,
    /// Pods that are a gateway or waypoint by their name alone.
    pub(super) guessed: usize,
    /// The part of all proxies' time for which no request is known.
    pub(super) without_requests: f64,
    /// The same of usage.
    pub(super) without_usage: f64,
}

/// By whom ReplicaSets are owned that no Deployment owns.
pub(super) type ReplicaSets = BTreeMap<(String, String), (String, String)>;

pub(super) const GIB: f64 = 1_073_741_824.0;

/// What there is to tell a Pod's workload by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners<'a> {
    pub(super) known: Option<&'a KnownPods>,
    pub(super) replica_sets: &'a ReplicaSets,
}

/// A Pod with its workload.
struct Placed<'a> {
    pod: &'a Pod,
    workload: WorkloadName,
    known_by: KnownBy,
    labels: Option<&'a BTreeMap<String, String>>,
    company: Company,
}

/// Folds what was gathered.
pub(super) fn fold(gathered: &Gathered, owners: Owners<'_>) -> Folded {
    let placed: Vec<Placed<'_>> = gathered
        .pods
        .iter()
        .map(|pod| owners.place(gathered, pod))
        .collect();
    let relatives = relatives(&placed);
    let mut folded = Folded::default();
    let roles: Vec<Role> = placed
        .iter()
        .map(|one| folded.role(one, relatives.get(&one.workload).copied()))
        .collect();
    let mut by_workload: BTreeMap<(&WorkloadName, Role), Vec<Slot>> = BTreeMap::new();
    let mut times = Times::default();
    for (at, sums) in gathered.slots.iter().enumerate() {
        // In an order: sums of the same data have the same last digit.
        let mut pods: Vec<_> = sums.pods.iter().collect();
        pods.sort_unstable_by_key(|(id, _)| **id);
        for (id, pod) in pods {
            let position = id.position();
            let (Some(one), Some(role)) = (placed.get(position), roles.get(position)) else {
                continue;
            };
            let slot = sums.slot_of(pod);
            times.count(pod, &slot);
            let slots = by_workload
                .entry((&one.workload, *role))
                .or_insert_with(|| vec![Slot::default(); gathered.slots.len()]);
            if let Some(sum) = slots.get_mut(at) {
                sum.amount += slot.amount;
                sum.count += slot.count;
            }
        }
    }
    (folded.without_requests, folded.without_usage) = times.parts();
    folded.proxies = by_workload
        .into_iter()
        .map(|((workload, role), slots)| Proxies {
            workload: workload.clone(),
            role,
            slots,
        })
        .collect();
    folded
}

/// The roles that labels give to workloads.
fn relatives(placed: &[Placed<'_>]) -> BTreeMap<WorkloadName, Role> {
    let labelled = placed.iter().filter(|one| one.labels.is_some());
    labelled
        .map(|one| (one.workload.clone(), attribute(&one.traits(None)).0))
        .collect()
}

/// For how long there was what.
#[derive(Debug, Default)]
struct Times {
    all: f64,
    without_requests: f64,
    without_usage: f64,
}

// === impl Folded ===

impl Folded {
    fn role(&mut self, one: &Placed<'_>, relative: Option<Role>) -> Role {
        let (role, evidence) = attribute(&one.traits(relative));
        *self.evidence.entry(evidence).or_default() += 1;
        let by_name = match evidence {
            Evidence::Owner | Evidence::Name => true,
            Evidence::Labels | Evidence::Workload => false,
        };
        if by_name && matches!(role, Role::Waypoint | Role::Gateway) {
            self.guessed += 1;
        }
        role
    }
}

// === impl Owners ===

impl Owners<'_> {
    /// The workload of a Pod, by its owner.
    pub(super) fn workload(
        &self,
        namespace: &str,
        pod: &str,
        kind: &str,
        name: &str,
    ) -> WorkloadName {
        let replica_set = (namespace.to_owned(), name.to_owned());
        match (kind, self.replica_sets.get(&replica_set)) {
            ("ReplicaSet", Some((kind, name))) => WorkloadName {
                namespace: namespace.to_owned(),
                kind: kind.clone(),
                name: name.clone(),
            },
            _ => workload_of_owner(namespace, pod, kind, name),
        }
    }
}

impl<'a> Owners<'a> {
    fn place(&self, gathered: &'a Gathered, pod: &'a Pod) -> Placed<'a> {
        let name = (String::from(&*pod.namespace), String::from(&*pod.name));
        let known = self.known.and_then(|known| known.get(&name));
        let known = known.filter(|known| pod.uid.is_empty() || known.uid == *pod.uid);
        let owner = known
            .and_then(|known| known.owner.as_ref())
            .map(|(kind, name)| (kind.as_str(), name.as_str()))
            .or_else(|| gathered.pods.owner(pod));
        let (workload, known_by) = match owner {
            Some((kind, name)) => (
                self.workload(&pod.namespace, &pod.name, kind, name),
                KnownBy::Owner,
            ),
            None => (workload_of_name(&pod.namespace, &pod.name), KnownBy::Name),
        };
        let company = match (pod.company, gathered.others_known) {
            (_, false) => Company::Unknown,
            (Company::Alone, true) => Company::Alone,
            (Company::Unknown | Company::WithOthers, true) => Company::WithOthers,
        };
        Placed {
            pod,
            workload,
            known_by,
            labels: known
                .map(|known| &known.labels)
                .or(pod.labels.as_ref())
                .or(gathered.no_labels()),
            company: known.map_or(company, |known| known.company.or(company)),
        }
    }
}

// === impl Placed ===

impl Placed<'_> {
    fn traits(&self, relative: Option<Role>) -> Traits<'_> {
        Traits {
            labels: self.labels,
            workload: &self.workload,
            known_by: self.known_by,
            place: self.pod.place,
            company: self.company,
            relative,
        }
    }
}

// === impl SlotSums ===

impl SlotSums {
    /// Which part of the slot has data of both kinds.
    pub(super) fn coverage(&self, steps: f64) -> f64 {
        (self.covered.min(self.usage_covered) / steps).clamp(0.0, 1.0)
    }

    /// The means of a Pod's proxy.
    pub(super) fn slot_of(&self, pod: &PodSums) -> Slot {
        if self.covered <= 0.0 || self.usage_covered <= 0.0 {
            return Slot::default();
        }
        let [vcpu, bytes] = pod.requested;
        let requests = Resources {
            vcpu: vcpu / self.covered,
            gib: bytes / GIB / self.covered,
        };
        // What nobody but the kubelet knows was there for as long as it was seen to use memory.
        let count = if pod.present > 0.0 {
            pod.present / self.covered
        } else {
            pod.memory_steps / self.usage_covered
        };
        let mean = if pod.memory_steps > 0.0 {
            pod.memory / pod.memory_steps
        } else {
            0.0
        };
        let usage = Resources {
            vcpu: pod.cpu.unwrap_or(0.0) / self.usage_covered,
            gib: mean / GIB * count.min(1.0),
        };
        Slot {
            amount: Amount::of(requests, usage),
            count: count.min(1.0),
        }
    }
}

// === impl Times ===

impl Times {
    fn count(&mut self, pod: &PodSums, slot: &Slot) {
        self.all += slot.count;
        if pod.requested == [0.0, 0.0] {
            self.without_requests += slot.count;
        }
        if pod.cpu.is_none() {
            self.without_usage += slot.count;
        }
    }

    fn parts(&self) -> (f64, f64) {
        if self.all > 0.0 {
            (
                self.without_requests / self.all,
                self.without_usage / self.all,
            )
        } else {
            (0.0, 0.0)
        }
    }
}
