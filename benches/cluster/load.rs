//! Pods created through the API server: at a fixed rate, each at its time whatever became of those before; and as many as
//! it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::support::request::{Requests, merge, pod, pods};
use crate::support::{ControlPlane, wait_for};
use crate::way::Way;

/// One every 20 ms: 50 a second.
const EVERY: Duration = Duration::from_millis(20);
/// How many wait for an answer where as many are created as go.
const AT_A_TIME: usize = 8;

/// Creates `count` Pods at the rate; gives how long each took in milliseconds, sorted.
pub(crate) async fn at_rate(client: &Requests, way: Way, count: usize) -> Vec<f64> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = JoinSet::new();
    for _ in 0..count {
        ticks.tick().await;
        sent.spawn(create(client.clone(), way));
    }
    let mut took: Vec<f64> = sent.join_all().await;
    took.sort_by(f64::total_cmp);
    took
}

/// Creates `count` Pods, some at a time; gives how many that were a second.
pub(crate) async fn saturated(client: &Requests, way: Way, count: usize) -> f64 {
    let left = Arc::new(AtomicUsize::new(count));
    let start = Instant::now();
    let mut creating = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (left, client) = (Arc::clone(&left), client.clone());
        creating.spawn(async move {
            let one_less = |left: usize| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                .is_ok()
            {
                create(client.clone(), way).await;
            }
        });
    }
    creating.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let count = count as f64;
    count / start.elapsed().as_secs_f64()
}

/// Waits until the API server goes by what is registered.
pub(crate) async fn until_in_force(cluster: &ControlPlane, way: Way) {
    let path = format!("{}?dryRun=All", pods(way.namespace()));
    wait_for(way.as_str(), Duration::from_secs(20), async || {
        let reply = cluster.post(&path, &body(0)).await;
        way.is_shown_by(&reply).then_some(()).ok_or(reply.body)
    })
    .await;
}

/// Removes what was created.
pub(crate) async fn clear(cluster: &ControlPlane, way: Way) {
    let path = pods(way.namespace());
    let reply = cluster
        .delete(&format!("{path}?gracePeriodSeconds=0"))
        .await;
    assert_eq!(reply.code, 200, "{reply:#?}");
    wait_for("Pods to be gone", Duration::from_secs(30), async || {
        let left = cluster.get(&format!("{path}?limit=1")).await;
        let none = left.body["items"].as_array().is_some_and(Vec::is_empty);
        none.then_some(())
    })
    .await;
}

/// Creates one that no scheduler takes, and sees that it became what it should.
async fn create(client: Requests, way: Way) -> f64 {
    static CREATED: AtomicUsize = AtomicUsize::new(0);
    let number = CREATED.fetch_add(1, Ordering::Relaxed);
    let pod = body(number);
    let path = pods(way.namespace());
    let start = Instant::now();
    let reply = client
        .try_send(Method::POST, &path, "application/json", &pod)
        .await;
    let took = start.elapsed();
    let reply = reply.expect("a reply");
    assert!(way.is_shown_by(&reply), "{way:?}: {reply:#?}");
    took.as_secs_f64() * 1e3
}

fn body(number: usize) -> Value {
    let mut pod = pod(
        &format!("pod-{number}"),
        &json!({"labels": {"app": "measured"}}),
    );
    merge(&mut pod["spec"], &json!({"schedulerName": "none"}));
    pod
}
