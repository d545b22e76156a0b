//! A cluster in which nothing stays.

use super::super::model::{Cluster, Maker, Part, part_of};
use super::{HOUR, SPAN, busy, with_sidecar};

/// A rollout, a scale to zero and back, Jobs that are still listed when they have ended, a container started again, and
/// a Pod that waits for a node.
pub(super) fn restless() -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 2);
    let from = |hours: f64| SPAN.from + hours * HOUR;
    let (old, new) = (
        Maker::Deployment("web", "7d9c5b8f6d"),
        Maker::Deployment("web", "59f8d7c6bb"),
    );
    for number in 0..4 {
        let pod = with_sidecar("shop", &old, number, Part::Sidecar, busy(number, 4));
        let turn = from(5.0 + part_of(number, 4));
        cluster.add(pod.on(number % 2).lived(0.0, turn));
        let pod = with_sidecar("shop", &new, number, Part::NativeSidecar, busy(number, 4));
        cluster.add(pod.on(number % 2).lived(turn - 47.0, f64::INFINITY));
    }
    let night = Maker::Deployment("night", "6c5d4f7b8f");
    for (number, (begin, end)) in [(0.0, 2.0), (7.25, 9.5), (11.0, 13.0)]
        .into_iter()
        .enumerate()
    {
        let pod = with_sidecar("shop", &night, number, Part::Sidecar, busy(number, 3));
        cluster.add(pod.on(1).lived(from(begin) + 13.0, from(end) - 29.0));
    }
    for number in 0..11 {
        let begin = from(12.0 * part_of(number, 11)) + 101.0;
        let maker = Maker::Job(format!("report-{}", 29_852_640 + 65 * number), "report");
        let pod = with_sidecar(
            "bank",
            &maker,
            number,
            Part::NativeSidecar,
            busy(number, 11),
        )
        .lived(begin, begin + 1260.0)
        .kept_until(begin + 3.0 * HOUR);
        cluster.add(pod.on(number % 2));
    }
    let mut again = with_sidecar(
        "bank",
        &Maker::StatefulSet("ledger"),
        0,
        Part::Sidecar,
        busy(0, 2),
    );
    for container in &mut again.containers {
        *container = container
            .clone()
            .restarted(&[from(3.0) + 17.0, from(3.5), from(8.0) + 41.0]);
    }
    cluster.add(again.on(0));
    cluster.add(with_sidecar(
        "bank",
        &Maker::StatefulSet("ledger"),
        1,
        Part::Sidecar,
        busy(1, 2),
    ));
    cluster
}
