//! Accounts of small meshes, whose figures were computed by hand.
//!
//! A vCPU costs 1 an hour and a GiB 1, and a month has one hour: a sidecar (0.1 vCPU, 0.125 GiB) is 0.225, a ztunnel
//! (0.2, 0.5) 0.7, two replicas of a waypoint 0.45.

mod accounts;
mod candidates;
mod nodes;
mod prices;
mod properties;
mod sentences;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::assumptions::{
    Assumptions, SIDECAR_REQUEST, WAYPOINT_REQUEST, ZTUNNEL_REQUEST, ZtunnelNow,
};
use super::candidates::Candidates;
use super::measured::{
    Ambient, Lease, Measured, Node, Placed, Proxies, Slot, Window, WorkloadName,
};
use super::prices::{Pricing, UnitPrices};
use super::resources::{Amount, Basis, Resources};
use super::role::Role;
use super::{Account, Unusable};

const HOUR: i64 = 3600;

/// A mesh, and what is assumed of it.
#[derive(Clone, Debug)]
struct Given {
    measured: Measured,
    assumptions: Assumptions,
}

fn workload(namespace: &str, name: &str) -> WorkloadName {
    WorkloadName {
        namespace: namespace.to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
    }
}

fn resources(vcpu: f64, gib: f64) -> Resources {
    Resources { vcpu, gib }
}

fn request_of(role: Role) -> Resources {
    match role {
        Role::Sidecar | Role::NativeSidecar => SIDECAR_REQUEST,
        Role::Waypoint | Role::Gateway => WAYPOINT_REQUEST,
        Role::Ztunnel => ZTUNNEL_REQUEST,
    }
}

fn node(instance_type: &str) -> Node {
    Node {
        name: format!("{instance_type}-node"),
        instance_type: Some(instance_type.to_owned()),
        region: Some("eu".to_owned()),
        lease: Lease::OnDemand,
        allocatable: resources(4.0, 16.0),
    }
}

fn pod(name: &str, on: usize, requests: Resources) -> Placed {
    Placed {
        workload: workload("shop", name),
        node: on,
        requests,
        proxy: None,
    }
}

fn unit_prices(vcpu_hour: f64, gib_hour: f64) -> Pricing {
    Pricing::Unit(UnitPrices {
        vcpu_hour,
        gib_hour,
        currency: "EUR".to_owned(),
        source: "a test".to_owned(),
        warning: None,
    })
}

// === impl Given ===

impl Given {
    /// Nothing, in so many slots; every workload could be ambient.
    fn new(slots: usize) -> Self {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let end = Timestamp::from_second(1_700_000_000 + HOUR * slots as i64).unwrap();
        let candidates = Candidates::AllBut(Vec::new());
        let mut assumptions = Assumptions::new("0.0.0", end, candidates);
        assumptions.pricing = unit_prices(1.0, 1.0);
        assumptions.hours_per_month = 1.0;
        Self {
            measured: Measured {
                bases: &Basis::ALL,
                window: Window {
                    start,
                    end,
                    step: 60.0,
                    coverage: vec![1.0; slots],
                },
                proxies: Vec::new(),
                nodes: Vec::new(),
                node_counts: Vec::new(),
                pods: Vec::new(),
                ambient: Ambient::Unknown("nobody counted".to_owned()),
                latency: Vec::new(),
                evidence: BTreeMap::new(),
                warnings: Vec::new(),
            },
            assumptions,
        }
    }

    /// With proxies that request and use what the chart requests: as many in each slot.
    fn with(self, role: Role, namespace: &str, name: &str, counts: &[f64]) -> Self {
        let request = request_of(role);
        self.with_amount(role, namespace, name, counts, Amount::of(request, request))
    }

    fn with_amount(
        mut self,
        role: Role,
        namespace: &str,
        name: &str,
        counts: &[f64],
        each: Amount,
    ) -> Self {
        let slot = |count: &f64| Slot {
            amount: each * *count,
            count: *count,
        };
        self.measured.proxies.push(Proxies {
            workload: workload(namespace, name),
            role,
            slots: counts.iter().map(slot).collect(),
        });
        self
    }

    fn on_nodes(mut self, count: usize) -> Self {
        self.measured.nodes = vec![node("m"); count];
        self
    }

    fn ambient(mut self, counts: &[(&str, f64)]) -> Self {
        let counts = counts.iter();
        let counts = counts.map(|(name, count)| ((*name).to_owned(), *count));
        self.measured.ambient = Ambient::ByNamespace(counts.collect());
        self
    }

    fn keeping(mut self, keeps: &[&str]) -> Self {
        let keeps = keeps.iter().map(|keep| keep.parse().unwrap());
        self.assumptions.candidates = Candidates::AllBut(keeps.collect());
        self
    }

    fn assuming(mut self, change: impl FnOnce(&mut Assumptions)) -> Self {
        change(&mut self.assumptions);
        self
    }

    fn measuring(mut self, change: impl FnOnce(&mut Measured)) -> Self {
        change(&mut self.measured);
        self
    }

    fn ztunnel_everywhere(self) -> Self {
        self.assuming(|assumptions| assumptions.ztunnel_now = ZtunnelNow::Everywhere)
    }

    fn try_account(&self) -> Result<Account, Unusable> {
        super::account(&self.measured, &self.assumptions)
    }

    fn account(&self) -> Account {
        self.try_account().unwrap()
    }
}

/// Within a billionth, or a billionth part.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}
