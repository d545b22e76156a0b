//! One of two replicas is killed without warning, while Pods are created.

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::load::{Load, Tally};
use super::site::{FailurePolicy, PROGRAM, ROLLED_OUT, Replica, Site};
use crate::support::node;
use crate::support::report::{Shown, say};
use crate::support::wait_for;

/// So many may be lost that the replica held: at 50 a second it has one at a time, more on a busy machine.
const HELD: usize = 5;
/// So many may be lost in all: calls to its address are refused until that is taken out of the Service.
const MOST: usize = 15;

/// Where a failed review is a refused Pod.
pub(crate) async fn loses_what_it_held(site: &Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let tally = killed(site).await;
    assert!(tally.unplaced.is_empty(), "{tally}");
    let is_refused = |why: &&String| why.contains("connection refused");
    let refused = tally.failures.iter().filter(is_refused).count();
    let held = tally.failures.len() - refused;
    say(&format!(
        "    lost of what it held: {held}; refused at its address until that is gone: {refused}\n"
    ));
    assert!(held <= HELD && refused + held <= MOST, "{tally}");
    Shown::Cases(tally.sent)
}

/// Where a failed review is a Pod without placement.
pub(crate) async fn skips_what_it_held(site: &Site) -> Shown {
    site.register(FailurePolicy::Ignore).await;
    let tally = killed(site).await;
    assert!(tally.failures.is_empty(), "{tally}");
    assert!(tally.unplaced.len() <= MOST, "{tally}");
    Shown::Cases(tally.sent)
}

async fn killed(site: &Site) -> Tally {
    let load = Load::of_pods(site);
    let before = served(site).await;
    load.more(100).await;
    let after = served(site).await;
    // The one that the API server talks to.
    let of = |name: &str, counts: &[(String, f64)]| {
        let found = counts.iter().find(|(replica, _)| replica == name);
        found.map_or(0.0, |(_, count)| *count)
    };
    let busy = after.iter().max_by(|(a, _), (b, _)| {
        let grown = |name: &str| of(name, &after) - of(name, &before);
        grown(a).total_cmp(&grown(b))
    });
    let busy = &busy.unwrap().0;
    let processes = node::processes(PROGRAM);
    let (number, _) = processes.iter().find(|(_, pod)| pod == busy).unwrap();
    let restarts = site.restarts().await;
    let start = Instant::now();
    kill_process(Pid::from_raw(*number).unwrap(), Signal::KILL).unwrap();
    wait_for("a new container", ROLLED_OUT, async || {
        let now = site.restarts().await;
        (now > restarts).then_some(()).ok_or(now)
    })
    .await;
    site.until_rolled_out().await;
    let took = start.elapsed().as_secs_f64();
    load.more(50).await;
    let tally = load.stop().await;
    site.say(
        &format!("killed {busy}, both ready after {took:.1} s"),
        &tally,
    );
    site.clear().await;
    tally
}

/// How many reviews each replica has answered.
async fn served(site: &Site) -> Vec<(String, f64)> {
    let mut counts = Vec::new();
    for replica in site.replicas().await {
        counts.push((replica.name.clone(), reviews(&replica).await));
    }
    counts
}

async fn reviews(replica: &Replica) -> f64 {
    let metrics = replica.metrics().await.unwrap();
    let of_pods = |line: &&str| line.starts_with("meshmode_reviews_total{");
    let counts = metrics.lines().filter(of_pods);
    let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    counts.map(count).sum()
}
