//! A cluster as kube-state-metrics, the kubelet's cAdvisor, ztunnel and Envoy show it, as OpenMetrics text for
//! `promtool tsdb create-blocks-from openmetrics`: series by series, sample by sample.
//!
//! promtool writes no stale markers. Prometheus is therefore started with a look-back of one scrape interval, and a
//! series ends one scrape after its last sample, as it does where a target no longer has it.

mod mesh;
mod state;
mod usage;

use std::io::{self, Write};

use super::model::{Cluster, Container, Pod, Seconds};
use super::truth::Span;

const GIB: f64 = 1_073_741_824.0;

/// Labels of a series, in order.
type Labels<'a> = Vec<(&'a str, String)>;

/// Writes all series of a cluster, over a span.
pub(crate) fn write(cluster: &Cluster, span: Span, into: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer {
        cluster,
        span,
        into,
    };
    if cluster.scraped.only_rules {
        return writer.rules();
    }
    for pod in &cluster.pods {
        writer.state_of(pod)?;
        if pod.node.is_some() {
            writer.usage_of(pod)?;
        }
    }
    writer.owners()?;
    writer.nodes()?;
    writer.mesh()
}

/// Who is scraped.
#[derive(Clone, Copy)]
enum Target {
    /// kube-state-metrics; those that are one of many tell the same.
    State,
    /// A node's kubelet, by its number.
    Kubelet(usize),
    /// A proxy.
    Proxy,
}

struct Writer<'a, W> {
    cluster: &'a Cluster,
    span: Span,
    into: &'a mut W,
}

// === impl Writer ===

impl<W: Write> Writer<'_, W> {
    /// A series with what a scrape adds to it, once for each replica that scrapes it and each target that tells it.
    fn series(
        &mut self,
        target: Target,
        name: &str,
        labels: &Labels<'_>,
        value: &mut dyn FnMut(Seconds) -> Option<f64>,
    ) -> io::Result<()> {
        let scraped = &self.cluster.scraped;
        let replicas: Vec<_> = match scraped.replicas {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        let instances = match target {
            Target::State => scraped.state_metrics,
            Target::Kubelet(_) | Target::Proxy => 1,
        };
        for (place, replica) in replicas.into_iter().enumerate() {
            for instance in 0..instances {
                let mut all = labels.clone();
                all.extend(target.labels(self.cluster, instance));
                all.extend(scraped.cluster.map(|name| ("cluster", name.to_owned())));
                all.extend(replica.map(|name| ("prometheus_replica", (*name).to_owned())));
                // Each replica scrapes at moments of its own.
                let late = 7.0 + 26.0 * super::model::part_of(place, 1);
                self.samples(name, &all, late, value)?;
            }
        }
        Ok(())
    }

    fn samples(
        &mut self,
        name: &str,
        labels: &Labels<'_>,
        late: Seconds,
        value: &mut dyn FnMut(Seconds) -> Option<f64>,
    ) -> io::Result<()> {
        let labels = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{value}\""));
        let series = format!("{name}{{{}}}", labels.collect::<Vec<_>>().join(","));
        let mut time = self.span.from + late;
        while time <= self.span.to {
            if self.cluster.is_scraped(time)
                && let Some(value) = value(time)
            {
                writeln!(self.into, "{series} {value} {time}")?;
            }
            time += self.cluster.scraped.every;
        }
        Ok(())
    }
}

/// The id of a container that was started for the `turn`th time.
fn id_of(pod: &Pod, container: &Container, turn: usize) -> String {
    short(&format!("{}-{}-{turn}", pod.uid, container.name))
}

fn short(of: &str) -> String {
    super::model::uid(of, "id").replace('-', "")[..12].to_owned()
}

// === impl Target ===

impl Target {
    fn labels(self, cluster: &Cluster, instance: usize) -> Labels<'static> {
        let subnet = cluster.scraped.subnet;
        match self {
            Self::State => vec![
                ("job", "kube-state-metrics".to_owned()),
                ("instance", format!("10.{subnet}.0.{}:8080", instance + 9)),
            ],
            Self::Kubelet(node) => vec![
                ("job", "kubelet".to_owned()),
                ("metrics_path", "/metrics/cadvisor".to_owned()),
                ("instance", format!("10.{subnet}.1.{node}:10250")),
                ("node", cluster.nodes[node].name.clone()),
            ],
            Self::Proxy => vec![("job", "istio".to_owned())],
        }
    }
}

// === impl Pod ===

impl Pod {
    fn labels<'a>(&self) -> Labels<'a> {
        vec![
            ("namespace", self.namespace.to_owned()),
            ("pod", self.name.clone()),
            ("uid", self.uid.clone()),
        ]
    }
}

// === impl Container ===

impl Container {
    fn image(&self) -> &'static str {
        match self.name {
            "istio-proxy" => "docker.io/istio/proxyv2:1.31.0",
            _ => "registry.example/app:1",
        }
    }
}
