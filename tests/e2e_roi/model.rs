//! A cluster as it was: Pods over time, what they reserved and what they used. Made by hand (`clusters.rs`), written as
//! metrics (`openmetrics.rs`), and integrated for its true cost (`truth.rs`): nothing of the program under test is in it.

mod pod;

use super::curve::Curve;

pub(crate) use pod::{Container, Kind, Maker, Part, Pod, uid};

/// Seconds since 1970, or many of them.
pub(crate) type Seconds = f64;

/// Cores and GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) vcpu: f64,
    pub(crate) gib: f64,
}

/// A cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    /// From when to when nothing was scraped.
    pub(crate) gaps: Vec<(Seconds, Seconds)>,
    pub(crate) traffic: Vec<Traffic>,
    pub(crate) scraped: Scraped,
}

/// How it is scraped.
#[derive(Clone, Debug)]
pub(crate) struct Scraped {
    /// The second number of its addresses: another in each cluster.
    pub(crate) subnet: u8,
    /// The label `cluster` of all series.
    pub(crate) cluster: Option<&'static str>,
    /// The label `prometheus_replica`: each series once for each.
    pub(crate) replicas: &'static [&'static str],
    /// How many kube-state-metrics tell the same.
    pub(crate) state_metrics: usize,
    /// Between two samples.
    pub(crate) every: Seconds,
    /// Whether kube-state-metrics may tell Pods' labels.
    pub(crate) pod_labels: bool,
    /// Whether series of kube-state-metrics and the kubelet are there, or only what rules recorded of them.
    pub(crate) only_rules: bool,
    /// Whether what is in no figure is left out, as there would be too much of it.
    pub(crate) lean: bool,
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) instance_type: &'static str,
    pub(crate) allocatable: Size,
}

/// Requests that some Envoy has seen, each of the same duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) reporter: &'static str,
    pub(crate) per_second: f64,
    /// Half of them took at most this, all at most the next bucket, in milliseconds.
    pub(crate) milliseconds: f64,
}

// === impl Cluster ===

impl Cluster {
    /// With this many nodes, and nothing on them.
    pub(crate) fn of_nodes(prefix: &str, count: usize) -> Self {
        let node = |number| Node {
            name: format!("{prefix}-{number}"),
            instance_type: "m6i.xlarge",
            allocatable: Size::new(3.92, 14.5),
        };
        Self {
            nodes: (0..count).map(node).collect(),
            pods: Vec::new(),
            gaps: Vec::new(),
            traffic: Vec::new(),
            scraped: Scraped {
                subnet: 0,
                cluster: None,
                replicas: &[],
                state_metrics: 1,
                every: 60.0,
                pod_labels: false,
                only_rules: false,
                lean: false,
            },
        }
    }

    /// A Pod more.
    pub(crate) fn add(&mut self, pod: Pod) {
        self.pods.push(pod);
    }

    /// Pods of a ztunnel, one a node, as the chart asks for it; each captures what is captured there.
    pub(crate) fn add_ztunnel(&mut self, requests: Size) {
        for node in 0..self.nodes.len() {
            let maker = Maker::DaemonSet("ztunnel");
            let spread = part_of(node, self.nodes.len());
            let proxy = Container::new("istio-proxy", requests).uses(
                Curve::wave(0.02, 0.1 + 0.2 * spread, 3.0, spread),
                Curve::flat(0.1 + 0.1 * spread),
            );
            let pod = Pod::new("istio-system", &maker, node)
                .labelled(&[("app", "ztunnel")])
                .with_proxy(Part::Ztunnel, proxy);
            self.add(pod.on(node));
        }
    }

    /// The same Pods under the same names, in another cluster: other uids, other nodes, other addresses.
    pub(crate) fn twin(&self, prefix: &str) -> Self {
        let mut twin = self.clone();
        twin.scraped.subnet += 1;
        for (number, node) in twin.nodes.iter_mut().enumerate() {
            node.name = format!("{prefix}-{number}");
        }
        for pod in &mut twin.pods {
            pod.uid = uid(&pod.uid, prefix);
        }
        twin
    }

    /// What is in several clusters, as if it were one.
    pub(crate) fn together(clusters: &[Self]) -> Self {
        let mut clusters = clusters.iter();
        let mut all = clusters.next().unwrap().clone();
        for other in clusters {
            let shift = all.nodes.len();
            all.nodes.extend(other.nodes.iter().cloned());
            all.pods.extend(other.pods.iter().cloned().map(|mut pod| {
                pod.node = pod.node.map(|node| node + shift);
                pod
            }));
        }
        all
    }

    /// Whether there is a scrape at a time.
    pub(crate) fn is_scraped(&self, time: Seconds) -> bool {
        !self
            .gaps
            .iter()
            .any(|(from, to)| (*from..*to).contains(&time))
    }
}

/// 0 for the first of many, nearly 1 for the last.
pub(crate) fn part_of(number: usize, all: usize) -> f64 {
    let float = |number: usize| f64::from(u32::try_from(number).unwrap());
    float(number) / float(all)
}

// === impl Size ===

impl Size {
    pub(crate) const fn new(vcpu: f64, gib: f64) -> Self {
        Self { vcpu, gib }
    }
}
