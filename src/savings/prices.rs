//! What things cost: a price for a vCPU and a GiB, or prices of machines that are made into those.

mod file;

use std::collections::BTreeMap;

use super::account::Prices;
use super::measured::{Lease, Node};
use super::resources::Resources;
pub use file::BadPricing;

/// OpenCost's price of a vCPU for an hour, on demand: `CPU` in configs/default.json of opencost/opencost (read 2026-11).
pub const OPENCOST_VCPU_HOUR: f64 = 0.031_611;
/// OpenCost's price of a GiB for an hour, on demand: `RAM` there.
pub const OPENCOST_GIB_HOUR: f64 = 0.004_237;

/// What things cost.
#[derive(Clone, Debug, PartialEq)]
pub enum Pricing {
    /// By vCPU and GiB.
    Unit(UnitPrices),
    /// By machine.
    Machines(MachinePrices),
}

/// Prices of a vCPU and a GiB.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitPrices {
    /// A vCPU for an hour.
    pub vcpu_hour: f64,
    /// A GiB for an hour.
    pub gib_hour: f64,
    /// Such as `USD`.
    pub currency: String,
    /// Where they are from, for the report.
    pub source: String,
    /// What is wrong with them, where something is.
    pub warning: Option<String>,
}

/// Prices of machines, and of vCPU and GiB on those that are not listed.
#[derive(Clone, Debug, PartialEq)]
pub struct MachinePrices {
    /// In any order; an entry of the node's own region goes before one of any region.
    pub machines: Vec<Machine>,
    /// For nodes that are not listed. Its currency is that of all.
    pub unlisted: UnitPrices,
    /// Where they are from, for the report.
    pub source: String,
}

/// What a machine costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Such as `m6i.xlarge`.
    pub instance_type: String,
    /// Where; anywhere without one.
    pub region: Option<String>,
    /// For an hour on demand, the discount taken off.
    pub hourly: f64,
    /// For an hour as spot capacity, which has no other discount.
    pub spot_hourly: Option<f64>,
}

/// Prices for the nodes of one mesh.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// Of vCPU and GiB.
    pub(super) unit: Prices,
    /// Such as `USD`.
    pub(super) currency: String,
    /// An hour of each node.
    pub(super) node_hour: Vec<f64>,
    /// How they were made, one sentence each.
    pub(super) assumptions: Vec<String>,
    /// What should make somebody doubt, one sentence each.
    pub(super) warnings: Vec<String>,
}

/// What is known of the price of a node.
enum Found {
    /// It is listed.
    Listed(f64),
    /// It is spot capacity, and its type is listed without such a price: that on demand.
    NotAsSpot(f64),
    /// Its type is not listed, for its region.
    Unlisted,
}

// === impl Pricing ===

impl Pricing {
    /// OpenCost's defaults.
    #[must_use]
    pub fn open_cost() -> Self {
        Self::Unit(UnitPrices::open_cost())
    }

    /// Figures that circulate as those of an m6i.xlarge, to reproduce a calculation that was made with them.
    #[must_use]
    pub fn quoted_m6i() -> Self {
        Self::Unit(UnitPrices {
            vcpu_hour: 0.1664,
            gib_hour: 0.014,
            currency: "USD".to_owned(),
            source: "preset quoted-m6i: figures that circulate \"for m6i.xlarge\"".to_owned(),
            warning: Some(
                "the prices of quoted-m6i are near the hourly price of a whole 4-vCPU machine, not of one vCPU: every amount here is several times too high; use them to reproduce such a calculation, not to decide"
                    .to_owned(),
            ),
        })
    }

    /// The prices of a file.
    ///
    /// # Errors
    /// What is wrong with the file, with its place; `name` is what it is called there.
    pub fn read(name: &str, text: &str) -> Result<Self, BadPricing> {
        file::read(name, text).map(Self::Machines)
    }

    /// The prices for these nodes.
    pub(super) fn resolve(&self, nodes: &[Node]) -> Resolved {
        match self {
            Self::Unit(unit) => unit.resolve(nodes),
            Self::Machines(machines) => machines.resolve(nodes),
        }
    }

    /// Every figure, with what it is.
    pub(super) fn figures(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Unit(unit) => unit.figures().to_vec(),
            Self::Machines(prices) => {
                let machines = prices.machines.iter().flat_map(|machine| {
                    let spot = machine.spot_hourly.unwrap_or_default();
                    [("a machine's hour", machine.hourly), ("a spot hour", spot)]
                });
                machines.chain(prices.unlisted.figures()).collect()
            }
        }
    }
}

// === impl UnitPrices ===

impl UnitPrices {
    /// OpenCost's defaults.
    #[must_use]
    pub fn open_cost() -> Self {
        Self {
            vcpu_hour: OPENCOST_VCPU_HOUR,
            gib_hour: OPENCOST_GIB_HOUR,
            currency: "USD".to_owned(),
            source: "OpenCost's defaults, on demand (GCP us-central1; configs/default.json)"
                .to_owned(),
            warning: None,
        }
    }

    fn hour(&self, resources: Resources) -> f64 {
        resources.vcpu * self.vcpu_hour + resources.gib * self.gib_hour
    }

    fn figures(&self) -> [(&'static str, f64); 2] {
        [
            ("the price of a vCPU-hour", self.vcpu_hour),
            ("the price of a GiB-hour", self.gib_hour),
        ]
    }

    fn prices(&self) -> Prices {
        Prices {
            vcpu_hour: self.vcpu_hour,
            gib_hour: self.gib_hour,
            source: self.source.clone(),
        }
    }

    fn resolve(&self, nodes: &[Node]) -> Resolved {
        Resolved {
            unit: self.prices(),
            currency: self.currency.clone(),
            node_hour: nodes.iter().map(|n| self.hour(n.allocatable)).collect(),
            assumptions: vec![format!(
                "A vCPU costs {} {} an hour and a GiB {}: {}. A node costs what Pods can have of it, at these prices.",
                self.vcpu_hour, self.currency, self.gib_hour, self.source
            )],
            warnings: self.warning.iter().cloned().collect(),
        }
    }
}

// === impl MachinePrices ===

impl MachinePrices {
    fn resolve(&self, nodes: &[Node]) -> Resolved {
        let (mut node_hour, mut unlisted, mut not_as_spot) =
            (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for node in nodes {
            let name = node.instance_type.as_deref().unwrap_or("unknown");
            node_hour.push(match self.find(node) {
                Found::Listed(hour) => hour,
                Found::NotAsSpot(hour) => {
                    *not_as_spot.entry(name).or_default() += 1;
                    hour
                }
                Found::Unlisted => {
                    *unlisted.entry(name).or_default() += 1;
                    self.unlisted.hour(node.allocatable)
                }
            });
        }
        let (unit, derived) = self.derived(nodes, &node_hour);
        Resolved {
            unit,
            currency: self.unlisted.currency.clone(),
            node_hour,
            assumptions: vec![derived],
            warnings: said(&unlisted, "not in the prices: they count by vCPU and GiB")
                .into_iter()
                .chain(said(
                    &not_as_spot,
                    "spot capacity without a spot price: the price on demand counts",
                ))
                .collect(),
        }
    }

    fn find(&self, node: &Node) -> Found {
        let same_type =
            |machine: &&Machine| Some(&machine.instance_type) == node.instance_type.as_ref();
        let of_type = || self.machines.iter().filter(same_type);
        let machine = of_type()
            .find(|machine| machine.region.is_some() && machine.region == node.region)
            .or_else(|| of_type().find(|machine| machine.region.is_none()));
        match (machine, node.lease) {
            (None, Lease::OnDemand | Lease::Spot) => Found::Unlisted,
            (Some(machine), Lease::OnDemand) => Found::Listed(machine.hourly),
            (Some(machine), Lease::Spot) => machine
                .spot_hourly
                .map_or(Found::NotAsSpot(machine.hourly), Found::Listed),
        }
    }

    /// Of vCPU and GiB: what the nodes cost, spread over what Pods can have of them, in OpenCost's proportion.
    fn derived(&self, nodes: &[Node], node_hour: &[f64]) -> (Prices, String) {
        let open_cost = UnitPrices::open_cost();
        let by_open_cost: f64 = nodes.iter().map(|n| open_cost.hour(n.allocatable)).sum();
        // A billionth of a price is that of no node.
        if by_open_cost < 1e-9 {
            let said = format!(
                "No node is known: a vCPU costs {} {} an hour and a GiB {} ({}).",
                self.unlisted.vcpu_hour,
                self.unlisted.currency,
                self.unlisted.gib_hour,
                self.unlisted.source
            );
            return (self.unlisted.prices(), said);
        }
        let times = node_hour.iter().sum::<f64>() / by_open_cost;
        let prices = Prices {
            vcpu_hour: OPENCOST_VCPU_HOUR * times,
            gib_hour: OPENCOST_GIB_HOUR * times,
            source: format!("{}, spread over the nodes", self.source),
        };
        let said = format!(
            "A vCPU costs {:.6} {} an hour and a GiB {:.6}: what the nodes cost ({}), spread over what Pods can have of them; between CPU and memory in the proportion of OpenCost's defaults (one vCPU as {:.2} GiB).",
            prices.vcpu_hour,
            self.unlisted.currency,
            prices.gib_hour,
            self.source,
            OPENCOST_VCPU_HOUR / OPENCOST_GIB_HOUR
        );
        (prices, said)
    }
}

/// How many nodes of which types are like that, where some are.
fn said(nodes: &BTreeMap<&str, usize>, what: &str) -> Option<String> {
    let types: Vec<String> = nodes
        .iter()
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    (!types.is_empty()).then(|| format!("nodes of these types are {what}: {}", types.join(", ")))
}
