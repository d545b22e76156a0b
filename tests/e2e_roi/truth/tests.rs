//! By hand: what the truth of a few small clusters is.

use super::super::curve::Curve;
use super::super::model::Maker;
use super::*;

const HOUR: f64 = 3600.0;
const SPAN: Span = Span {
    from: 10.0 * HOUR,
    to: 20.0 * HOUR,
};

fn pod(namespace: &'static str, number: usize) -> Pod {
    let proxy = Container::new("istio-proxy", Size::new(0.1, 0.125))
        .uses(Curve::wave(0.0, 0.2, 2.0, 0.0), Curve::flat(0.25));
    let app = Container::new("app", Size::new(1.0, 1.0));
    Pod::new(namespace, &Maker::StatefulSet("db"), number)
        .with(app)
        .with_proxy(Part::Sidecar, proxy)
        .on(0)
}

fn near(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-9, "{one} is not {other}");
}

#[test]
fn a_pod_that_is_there_half_of_the_time_counts_half() {
    let mut cluster = Cluster::of_nodes("node", 2);
    cluster.add(pod("shop", 0));
    cluster.add(pod("shop", 1).lived(0.0, 15.0 * HOUR));
    // Ended: it reserves nothing more, though it is still listed.
    cluster.add(
        pod("keep", 2)
            .lived(5.0 * HOUR, 12.0 * HOUR)
            .kept_until(30.0 * HOUR),
    );
    let truth = Truth::of(&cluster, SPAN, &["keep"]);
    let sidecars = truth.sidecars();
    near(sidecars.count, 1.7);
    near(sidecars.by(By::Requests).vcpu, 0.17);
    near(sidecars.by(By::Usage).gib, 1.7 * 0.25);
    // The wave is above 0.1 half of the time, by 0.05 as a mean.
    near(sidecars.by(By::Max).vcpu, 1.7 * 0.125);
    near(
        truth.now(By::Requests, OPENCOST),
        OPENCOST.month(Size::new(0.17, 0.2125)),
    );
    let ambient = Size::new(0.4, 1.0);
    near(
        truth.all_ambient(By::Requests, OPENCOST),
        OPENCOST.month(ambient),
    );
    let kept = Size::new(0.42, 1.025);
    near(truth.possible(By::Requests, OPENCOST), OPENCOST.month(kept));
}

#[test]
fn a_gap_is_no_part_of_the_mean() {
    let mut cluster = Cluster::of_nodes("node", 1);
    cluster.add(pod("shop", 0));
    // In the gap for 2 of its 4 hours.
    cluster.add(pod("shop", 1).lived(12.0 * HOUR, 16.0 * HOUR));
    cluster.gaps.push((14.0 * HOUR, 18.0 * HOUR));
    let truth = Truth::of(&cluster, SPAN, &[]);
    near(truth.scraped, 0.6);
    near(truth.sidecars().count, 1.0 + 2.0 / 6.0);
}

#[test]
fn what_waits_for_a_node_costs_nothing() {
    let mut cluster = Cluster::of_nodes("node", 1);
    let mut waiting = pod("shop", 0);
    waiting.node = None;
    cluster.add(waiting);
    near(
        Truth::of(&cluster, SPAN, &[]).now(By::Requests, OPENCOST),
        0.0,
    );
}
