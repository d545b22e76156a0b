//! meshmode is replaced, Pod by Pod, while Pods are created.

use std::time::Instant;

use serde_json::json;

use super::load::{Load, Tally};
use super::site::{DEPLOYMENT, FailurePolicy, Site};
use crate::support::report::Shown;

const TIMES: u32 = 3;

/// Where a failed review is a refused Pod, none is refused.
pub(crate) async fn loses_nothing(site: &Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let mut reviews = 0;
    for _ in 0..TIMES {
        reviews += rolled_out(site).await.sent;
    }
    Shown::Cases(reviews)
}

/// Where a failed review is a Pod without placement, none is without.
pub(crate) async fn skips_nobody(site: &Site) -> Shown {
    site.register(FailurePolicy::Ignore).await;
    Shown::Cases(rolled_out(site).await.sent)
}

async fn rolled_out(site: &Site) -> Tally {
    let load = Load::of_pods(site);
    load.more(50).await;
    let start = Instant::now();
    let deployment = site.cluster.get(DEPLOYMENT).await;
    // As `kubectl rollout restart` does, with what is another text each time.
    let last = deployment.created()["metadata"]["generation"].to_string();
    let annotated =
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": last}}});
    let change = json!({"spec": {"template": annotated}});
    site.cluster.patch(DEPLOYMENT, &change).await.created();
    site.until_rolled_out().await;
    let took = start.elapsed().as_secs_f64();
    load.more(50).await;
    let tally = load.stop().await;
    site.say(&format!("rolled out in {took:.1} s"), &tally);
    tally.is_whole();
    site.clear().await;
    tally
}
