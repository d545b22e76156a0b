//! What no account is made of: figures that cannot be. Refused with their place, so that none becomes a sum.

use super::assumptions::Assumptions;
use super::measured::{Ambient, Measured, Proxies};
use super::resources::Resources;

/// More than any mesh has: of cores, of GiB, of Pods, of money.
const MOST: f64 = 1e12;

/// More than any waypoint has; each is packed.
const MOST_REPLICAS: f64 = 1000.0;

/// Why there is no account.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// No slot has data.
    #[error(
        "nothing was measured in the window: no part of it has data; take a window in which Prometheus scraped the cluster"
    )]
    NoData,
    /// A window that ends before it begins.
    #[error("the window ends at {end}, which is not after its start at {start}")]
    Window {
        /// Its begin.
        start: jiff::Timestamp,
        /// Its end.
        end: jiff::Timestamp,
    },
    /// Slots that are not those of the window.
    #[error("{what} has {found} slots, and the window {expected}")]
    Slots {
        /// What has them.
        what: String,
        /// How many.
        found: usize,
        /// How many the window has.
        expected: usize,
    },
    /// A figure that cannot be.
    #[error("{what} is {value}; allowed: a number from 0 to {most}")]
    Figure {
        /// What it is of.
        what: String,
        /// The figure.
        value: f64,
        /// The largest that is taken.
        most: f64,
    },
    /// A Pod on a node that there is not.
    #[error("a Pod of {workload} is on node {node}, and there are {nodes}")]
    NoSuchNode {
        /// Whose Pod.
        workload: String,
        /// Its node, from 0.
        node: usize,
        /// How many nodes there are.
        nodes: usize,
    },
}

/// Looks at every figure.
///
/// # Errors
/// The first one that cannot be.
pub(super) fn check(measured: &Measured, assumptions: &Assumptions) -> Result<(), Unusable> {
    window(measured)?;
    for proxies in &measured.proxies {
        slots(measured, proxies)?;
    }
    nodes(measured)?;
    ambient(&measured.ambient)?;
    assumed(assumptions)
}

fn window(measured: &Measured) -> Result<(), Unusable> {
    let window = &measured.window;
    if window.end <= window.start {
        return Err(Unusable::Window {
            start: window.start,
            end: window.end,
        });
    }
    figure(|| "the step of the window".to_owned(), window.step, MOST)?;
    for part in &window.coverage {
        figure(|| "the coverage of a slot".to_owned(), *part, 1.0)?;
    }
    Ok(())
}

fn slots(measured: &Measured, proxies: &Proxies) -> Result<(), Unusable> {
    let what = || {
        let workload = &proxies.workload;
        format!("what {workload} has as {:?}", proxies.role)
    };
    same_length(measured, &what, proxies.slots.len())?;
    for slot in &proxies.slots {
        figure(what, slot.count, MOST)?;
        for resources in [slot.amount.requests, slot.amount.usage, slot.amount.max] {
            both(&what, resources)?;
        }
    }
    Ok(())
}

fn nodes(measured: &Measured) -> Result<(), Unusable> {
    for node in &measured.nodes {
        both(&|| format!("node {}", node.name), node.allocatable)?;
    }
    if !measured.node_counts.is_empty() {
        let what = || "the number of nodes".to_owned();
        same_length(measured, &what, measured.node_counts.len())?;
        for count in &measured.node_counts {
            figure(what, *count, MOST)?;
        }
    }
    for pod in &measured.pods {
        if pod.node >= measured.nodes.len() {
            return Err(Unusable::NoSuchNode {
                workload: pod.workload.to_string(),
                node: pod.node,
                nodes: measured.nodes.len(),
            });
        }
        let what = || format!("a Pod of {}", pod.workload);
        both(&what, pod.requests)?;
        if let Some((_, proxy)) = pod.proxy {
            both(&what, proxy)?;
        }
    }
    Ok(())
}

fn ambient(ambient: &Ambient) -> Result<(), Unusable> {
    match ambient {
        Ambient::ByNamespace(counts) => counts.iter().try_for_each(|(namespace, count)| {
            figure(|| format!("ambient Pods in {namespace}"), *count, MOST)
        }),
        Ambient::InAll(count) => figure(|| "ambient Pods".to_owned(), *count, MOST),
        Ambient::Unknown(_) => Ok(()),
    }
}

fn assumed(assumptions: &Assumptions) -> Result<(), Unusable> {
    let hours = assumptions.hours_per_month;
    figure(|| "hours of a month".to_owned(), hours, MOST)?;
    both(
        &|| "what a sidecar requests".to_owned(),
        assumptions.sidecar,
    )?;
    both(&|| "what ztunnel requests".to_owned(), assumptions.ztunnel)?;
    for waypoint in &assumptions.waypoints {
        let what = || format!("the waypoint of {}", waypoint.namespace);
        both(&what, waypoint.request)?;
        figure(what, waypoint.replicas, MOST_REPLICAS)?;
    }
    if let Some(nodes) = assumptions.nodes {
        figure(|| "the number of nodes".to_owned(), nodes, MOST)?;
    }
    for (what, price) in assumptions.pricing.figures() {
        figure(|| what.to_owned(), price, MOST)?;
    }
    Ok(())
}

fn same_length(
    measured: &Measured,
    what: &impl Fn() -> String,
    found: usize,
) -> Result<(), Unusable> {
    let expected = measured.window.slots();
    if found == expected {
        return Ok(());
    }
    Err(Unusable::Slots {
        what: what(),
        found,
        expected,
    })
}

fn both(what: &impl Fn() -> String, resources: Resources) -> Result<(), Unusable> {
    figure(what, resources.vcpu, MOST)?;
    figure(what, resources.gib, MOST)
}

/// NaN is in no range.
fn figure(what: impl Fn() -> String, value: f64, most: f64) -> Result<(), Unusable> {
    if (0.0..=most).contains(&value) {
        return Ok(());
    }
    Err(Unusable::Figure {
        what: what(),
        value,
        most,
    })
}
