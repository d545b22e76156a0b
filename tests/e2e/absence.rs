//! meshmode away: Pods are created all the same, and placed again once it is back.

use std::time::Duration;

use serde_json::json;

use super::policies::l7;
use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::request::{pod, pods, policies, policy};
use crate::support::wait_for;

/// Stopped by SIGTERM, then started where it was.
pub(crate) async fn fails_open(cluster: &mut Cluster) -> Shown {
    if matches!(cluster.program, Program::Deployed) {
        return Shown::Skipped(LOCAL_ONLY);
    }
    cluster.namespace("away", Some("enabled")).await;
    let placed = cluster
        .control_plane
        .post(&pods("away"), &pod("before", &json!({})))
        .await;
    assert!(placed.labels()["istio.io/dataplane-mode"].is_string());

    cluster.ours().stop().await;
    for name in ["first", "second"] {
        let reply = cluster
            .control_plane
            .post(&pods("away"), &pod(name, &json!({})))
            .await;
        assert!(reply.labels().is_null(), "{reply:#?}");
    }
    let annotations = cluster.audited("create", "away", "first").await.unwrap();
    assert!(
        annotations.to_string().contains("failed-open.mutation"),
        "{annotations}"
    );
    let unjudged = policy("unjudged", &json!({}), &l7());
    cluster
        .control_plane
        .post(&policies("away"), &unjudged)
        .await
        .created();

    cluster.ours().start_again().await;
    let deadline = Duration::from_secs(10);
    let mut tries = 0;
    wait_for("a Pod with labels again", deadline, async || {
        tries += 1;
        let pod = pod(&format!("back-{tries}"), &json!({}));
        let reply = cluster.control_plane.post(&pods("away"), &pod).await;
        reply.labels()["istio.io/dataplane-mode"].as_str().map(drop)
    })
    .await;
    cluster
        .until_refused("away", &policy("judged", &json!({}), &l7()))
        .await;
    Shown::Cases(5)
}
