//! The node is drained while Pods are created: the disruption budget lets one Pod go, and the next one only when
//! the first one's replacement is ready.

use std::time::Instant;

use serde_json::json;

use super::load::Load;
use super::site::{FailurePolicy, ROLLED_OUT, SYSTEM, Site};
use crate::support::node;
use crate::support::report::Shown;
use crate::support::request::{Reply, pods};
use crate::support::wait_for;

/// There is one node: that it takes Pods again stands for another one.
pub(crate) async fn one_by_one(site: &Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let load = Load::of_pods(site);
    load.more(50).await;
    let old = site.replicas().await;
    let start = Instant::now();
    schedulable(site, false).await;
    assert_eq!(evict(site, &old[0].name).await.code, 201);
    // The budget is counted anew in a moment; then, and as long as no node takes the replacement, it refuses.
    wait_for("a refusal", ROLLED_OUT, async || {
        let reply = evict_dry_run(site, &old[1].name).await;
        (reply.code == 429).then_some(()).ok_or(reply.code)
    })
    .await;
    load.more(100).await;
    let refused = evict(site, &old[1].name).await;
    assert_eq!(refused.code, 429, "{refused:?}");
    let why = refused.body["details"]["causes"][0]["message"].to_string();
    schedulable(site, true).await;
    wait_for("the second eviction", ROLLED_OUT, async || {
        let reply = evict(site, &old[1].name).await;
        (reply.code == 201).then_some(()).ok_or(reply.body)
    })
    .await;
    site.until_rolled_out().await;
    let took = start.elapsed().as_secs_f64();
    load.more(50).await;
    let tally = load.stop().await;
    let what = format!("drained in {took:.1} s, the second eviction refused meanwhile ({why})");
    site.say(&what, &tally);
    tally.is_whole();
    site.clear().await;
    Shown::Cases(tally.sent)
}

async fn schedulable(site: &Site, is_schedulable: bool) {
    let path = format!("/api/v1/nodes/{}", node::NAME);
    let change = json!({"spec": {"unschedulable": !is_schedulable}});
    site.cluster.patch(&path, &change).await.created();
}

/// As `kubectl drain` does.
async fn evict(site: &Site, name: &str) -> Reply {
    evicted(site, name, &json!({})).await
}

async fn evict_dry_run(site: &Site, name: &str) -> Reply {
    evicted(site, name, &json!({"dryRun": ["All"]})).await
}

async fn evicted(site: &Site, name: &str, options: &serde_json::Value) -> Reply {
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": name, "namespace": SYSTEM}, "deleteOptions": options,
    });
    let path = format!("{}/{name}/eviction", pods(SYSTEM));
    // A refusal is a 429, which another client would send again and again.
    let client = site.cluster.client_that_tries_once();
    client.post(&path, &eviction).await
}
