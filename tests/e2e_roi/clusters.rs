//! The clusters whose cost is compared: each shows one thing that a simple sum gets wrong.

mod mixed;
mod restless;

use super::curve::Curve;
use super::model::{Cluster, Container, Maker, Part, Pod, Size, part_of};
use super::truth::Span;

pub(crate) use mixed::mixed;
use mixed::told_by_labels;
use restless::restless;

const HOUR: f64 = 3600.0;

/// The end of every window: 2026-10-05T00:00:00Z. A test needs no clock.
pub(crate) const END: f64 = 1_791_158_400.0;
pub(crate) const AT: &str = "2026-10-05T00:00:00Z";

/// What is looked at.
pub(crate) const WINDOW: &str = "12h";
pub(crate) const SPAN: Span = Span {
    from: END - 12.0 * HOUR,
    to: END,
};
/// What there is data of: rates look back.
pub(crate) const DATA: Span = Span {
    from: END - 13.0 * HOUR,
    to: END,
};

/// The requests of a sidecar in Istio's chart.
const SIDECAR: Size = Size::new(0.1, 0.125);
/// Of ztunnel.
pub(crate) const ZTUNNEL: Size = Size::new(0.2, 0.5);

/// A cluster to be compared, or several that one Prometheus has.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// All that the Prometheus has.
    pub(crate) clusters: Vec<Cluster>,
    /// What is asked for, of these, is counted.
    pub(crate) counted: Cluster,
    pub(crate) flags: &'static [&'static str],
    pub(crate) keep: &'static [&'static str],
}

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let row = |name, cluster: Cluster| Row {
        name,
        counted: cluster.clone(),
        clusters: vec![cluster],
        flags: &[],
        keep: &["bank"],
    };
    vec![
        row("classic sidecars", of_sidecars(Part::Sidecar)),
        row("native sidecars", of_sidecars(Part::NativeSidecar)),
        row("mixed, by names", mixed()),
        row("mixed, by labels", told_by_labels()),
        row("HA duplicates", ha()),
        row("Pods that come and go", restless()),
        row("a gap of 4 hours", with_a_gap()),
        told_apart(),
        under_one_label(),
    ]
}

/// Sidecars of one kind, and no ztunnel.
fn of_sidecars(part: Part) -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 2);
    let web = Maker::Deployment("web", "7d9c5b8f6d");
    let ledger = Maker::StatefulSet("ledger");
    for number in 0..4 {
        cluster.add(with_sidecar("shop", &web, number, part, busy(number, 4)).on(number % 2));
    }
    for number in 0..2 {
        cluster.add(with_sidecar("bank", &ledger, number, part, busy(number, 2)).on(number));
    }
    // Of no mesh.
    let batch = Maker::Deployment("batch", "5f6d8c7b9d");
    cluster.add(Pod::new("jobs", &batch, 0).with(app()).on(0));
    cluster
}

/// The mixed cluster, scraped by two Prometheus, each of which scrapes two kube-state-metrics.
fn ha() -> Cluster {
    let mut cluster = mixed();
    cluster.scraped.replicas = &["a", "b"];
    cluster.scraped.state_metrics = 2;
    cluster
}

/// Nothing is scraped for four of the twelve hours, in which half of the Pods go away.
fn with_a_gap() -> Cluster {
    let mut cluster = of_sidecars(Part::Sidecar);
    let from = SPAN.from + 4.0 * HOUR;
    cluster.gaps = vec![(from, from + 4.0 * HOUR)];
    for (number, pod) in cluster.pods.iter_mut().enumerate() {
        if number % 2 == 0 {
            *pod = pod.clone().lived(0.0, from + 2.0 * HOUR);
        }
    }
    cluster
}

/// Two clusters with the same names in one Prometheus, under labels of their own; one is asked for.
fn told_apart() -> Row {
    let mut one = of_sidecars(Part::Sidecar);
    let mut other = mixed().twin("other");
    one.scraped.cluster = Some("a");
    other.scraped.cluster = Some("b");
    Row {
        name: "one of two clusters",
        counted: other.clone(),
        clusters: vec![one, other],
        flags: &["--matcher", "cluster=\"b\""],
        keep: &["bank"],
    }
}

/// Two clusters with the same names in one Prometheus, under the same label: the Pods' uids alone tell them apart.
fn under_one_label() -> Row {
    let mut one = of_sidecars(Part::Sidecar);
    one.scraped.cluster = Some("prod");
    let mut other = one.twin("other");
    for pod in &mut other.pods {
        for container in &mut pod.containers {
            container.requests = container.requests * 2.0;
        }
    }
    let clusters = vec![one, other];
    Row {
        name: "two clusters under one label",
        counted: Cluster::together(&clusters),
        clusters,
        flags: &["--matcher", "cluster=\"prod\""],
        keep: &["bank"],
    }
}

/// Few sidecars on many nodes, where ambient costs more.
pub(crate) fn sparse() -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 12);
    let web = Maker::Deployment("web", "7d9c5b8f6d");
    for number in 0..3 {
        let pod = with_sidecar("shop", &web, number, Part::Sidecar, busy(number, 3));
        cluster.add(pod.on(number));
    }
    cluster
}

/// What rules recorded of a cluster, and nothing else.
pub(crate) fn recorded_only() -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 1);
    cluster.scraped.only_rules = true;
    cluster
}

fn app() -> Container {
    Container::new("app", Size::new(0.25, 0.5))
}

/// A sidecar whose use is now below and now above what it requests.
fn busy(number: usize, all: usize) -> Container {
    let spread = part_of(number, all);
    Container::new("istio-proxy", SIDECAR).uses(
        Curve::wave(0.02, 0.12 + 0.1 * spread, 4.0 + 2.0 * spread, spread),
        Curve::wave(0.05, 0.25, 6.0, spread / 2.0),
    )
}

fn with_sidecar(
    namespace: &'static str,
    maker: &Maker,
    number: usize,
    part: Part,
    proxy: Container,
) -> Pod {
    let init = match part {
        Part::NativeSidecar => "istio-validation",
        Part::Sidecar | Part::Waypoint | Part::Gateway | Part::Ztunnel => "istio-init",
    };
    let init = Container::new(init, Size::new(0.1, 0.125)).once();
    Pod::new(namespace, maker, number)
        .labelled(&[("app", "web"), ("security.istio.io/tlsMode", "istio")])
        .with(app())
        .with(init)
        .with_proxy(part, proxy)
}
