//! What a cluster really cost, from its model alone: exact integrals over the time that was scraped.

mod span;

use std::collections::BTreeMap;
use std::ops::{Add, Mul};

use super::model::{Cluster, Container, Kind, Part, Pod, Size};

pub(crate) use span::Span;

/// What things cost an hour, and how many hours a month has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    pub(crate) vcpu: f64,
    pub(crate) gib: f64,
    pub(crate) hours: f64,
}

/// Those that the program has where nothing is said: OpenCost's.
pub(crate) const OPENCOST: Prices = Prices {
    vcpu: 0.031_611,
    gib: 0.004_237,
    hours: 730.0,
};

/// What resources are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    Requests,
    Usage,
    Max,
}

/// Means over the time that was scraped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    pub(crate) count: f64,
    requests: Size,
    usage: Size,
    max: Size,
}

/// What a cluster was like.
#[derive(Debug)]
pub(crate) struct Truth {
    /// By role; of namespaces that keep their sidecars apart.
    parts: BTreeMap<(Part, Kept), Mean>,
    /// Pods that ztunnel captured.
    pub(crate) captured: f64,
    pub(crate) nodes: f64,
    /// How much of the span was scraped.
    pub(crate) scraped: f64,
}

/// Whether somebody wants sidecars to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    No,
    Yes,
}

/// What ztunnel asks for on a node, where there is none to measure: the values of its chart.
pub(crate) const ZTUNNEL: Size = Size::new(0.2, 0.5);

// === impl Truth ===

impl Truth {
    /// Of a cluster over a span, where `keep` names the namespaces that keep their sidecars.
    pub(crate) fn of(cluster: &Cluster, span: Span, keep: &[&str]) -> Self {
        let scraped = scraped(cluster, span);
        let long: f64 = scraped.iter().map(Span::seconds).sum();
        let mut parts = BTreeMap::<_, Mean>::new();
        let mut captured = 0.0;
        for pod in &cluster.pods {
            for part in scraped.iter().filter_map(|part| part.of(pod)) {
                let share = part.seconds() / long;
                captured += if pod.captured { share } else { 0.0 };
                let Some(role) = pod.proxy else { continue };
                let kept = if keep.contains(&pod.namespace) {
                    Kept::Yes
                } else {
                    Kept::No
                };
                let mean = parts.entry((role, kept)).or_default();
                *mean = *mean + Mean::of(proxy(pod), part) * (1.0 / long);
            }
        }
        Self {
            parts,
            captured,
            nodes: super::model::part_of(cluster.nodes.len(), 1),
            scraped: long / span.seconds(),
        }
    }

    /// All proxies of a role.
    pub(crate) fn role(&self, role: Part) -> Mean {
        [Kept::No, Kept::Yes]
            .into_iter()
            .filter_map(|kept| self.parts.get(&(role, kept)))
            .fold(Mean::default(), |sum, mean| sum + *mean)
    }

    /// All sidecars, native ones too.
    pub(crate) fn sidecars(&self) -> Mean {
        self.role(Part::Sidecar) + self.role(Part::NativeSidecar)
    }

    /// Money a month, as it is: gateways are in no scenario.
    pub(crate) fn now(&self, by: By, prices: Prices) -> f64 {
        let mesh = self.sidecars() + self.role(Part::Waypoint) + self.role(Part::Ztunnel);
        prices.month(mesh.by(by))
    }

    /// If each Pod of the mesh had a sidecar like those that are there; nothing where there are none.
    pub(crate) fn all_sidecar(&self, by: By, prices: Prices) -> Option<f64> {
        let sidecars = self.sidecars();
        let each = prices.month(sidecars.by(by)) / sidecars.count;
        each.is_finite()
            .then_some(each * (sidecars.count + self.captured))
    }

    /// If only those that are kept had sidecars.
    pub(crate) fn possible(&self, by: By, prices: Prices) -> f64 {
        let kept = |role| {
            self.parts
                .get(&(role, Kept::Yes))
                .copied()
                .unwrap_or_default()
        };
        let kept = kept(Part::Sidecar) + kept(Part::NativeSidecar);
        self.all_ambient(by, prices) + prices.month(kept.by(by))
    }

    /// If no Pod had a sidecar: ztunnel on each node, and the waypoints that are there.
    pub(crate) fn all_ambient(&self, by: By, prices: Prices) -> f64 {
        let ztunnel = self.role(Part::Ztunnel);
        let ztunnel = if ztunnel.count > 0.0 {
            ztunnel.by(by) * (self.nodes / ztunnel.count)
        } else {
            ZTUNNEL * self.nodes
        };
        prices.month(ztunnel + self.role(Part::Waypoint).by(by))
    }
}

/// The parts of a span in which there were scrapes.
fn scraped(cluster: &Cluster, span: Span) -> Vec<Span> {
    let mut left = vec![span];
    for (from, to) in &cluster.gaps {
        let gap = Span {
            from: *from,
            to: *to,
        };
        left = left
            .into_iter()
            .flat_map(|part| part.without(gap))
            .collect();
    }
    left
}

fn proxy(pod: &Pod) -> &Container {
    let is_proxy =
        |container: &&Container| container.name == "istio-proxy" && container.kind != Kind::Once;
    pod.containers.iter().find(is_proxy).unwrap()
}

// === impl Mean ===

impl Mean {
    /// The integral of one container over a span, in seconds of everything.
    fn of(container: &Container, span: Span) -> Self {
        let Span { from, to } = span;
        let asked = container.requests;
        let long = span.seconds();
        Self {
            count: long,
            requests: asked * long,
            usage: Size::new(
                container.cpu.integral(from, to),
                container.memory.integral(from, to),
            ),
            max: Size::new(
                container.cpu.integral_of_max(asked.vcpu, from, to),
                container.memory.integral_of_max(asked.gib, from, to),
            ),
        }
    }

    pub(crate) const fn by(&self, by: By) -> Size {
        match by {
            By::Requests => self.requests,
            By::Usage => self.usage,
            By::Max => self.max,
        }
    }
}

impl Add for Mean {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            requests: self.requests + other.requests,
            usage: self.usage + other.usage,
            max: self.max + other.max,
        }
    }
}

impl Mul<f64> for Mean {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            count: self.count * times,
            requests: self.requests * times,
            usage: self.usage * times,
            max: self.max * times,
        }
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.vcpu + other.vcpu, self.gib + other.gib)
    }
}

impl Mul<f64> for Size {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self::new(self.vcpu * times, self.gib * times)
    }
}

// === impl Prices ===

impl Prices {
    /// Money a month.
    pub(crate) fn month(&self, size: Size) -> f64 {
        (size.vcpu * self.vcpu + size.gib * self.gib) * self.hours
    }
}

// === impl By ===

impl By {
    pub(crate) const ALL: [Self; 3] = [Self::Requests, Self::Usage, Self::Max];

    /// As the flag has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Usage => "usage",
            Self::Max => "max",
        }
    }
}

#[cfg(test)]
mod tests;
