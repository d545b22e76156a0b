//! What meshmode needs is away: the API server, for meshmode or for all, and etcd. Reviews go on.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::load::Load;
use super::site::{FailurePolicy, ROLLED_OUT, Site};
use crate::support::report::Shown;
use crate::support::wait_for;

/// How long etcd stands still.
const STILL: Duration = Duration::from_secs(20);
/// How many reviews are sent while something is away, at 50 a second.
const MEANWHILE: usize = 300;

/// Pods do not reach the API server any more; it reaches them.
pub(crate) async fn cut_off(site: &mut Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let port = site.cluster.apiserver_port();
    let load = Load::of_pods(site);
    load.more(50).await;
    nft(&include_str!("cut.nft").replace("PORT", &port.to_string()));
    // What is rejected of a connection that is open, netfilter does not translate back: it would stay open, and silent.
    let mut ended = Command::new("ss");
    let ended = ended.args([
        "--kill",
        "--tcp",
        "--numeric",
        "sport",
        &format!("= :{port}"),
    ]);
    assert!(
        ended
            .args(["dst", "10.244.0.0/24"])
            .output()
            .unwrap()
            .status
            .success()
    );
    wait_for("watches that are behind", ROLLED_OUT, async || {
        for replica in site.replicas().await {
            if !is_behind(&replica.metrics().await?) {
                return Err(format!("{} follows", replica.name));
            }
        }
        Ok(())
    })
    .await;
    load.more(MEANWHILE).await;
    nft("delete table inet cut");
    wait_for("watches that follow", ROLLED_OUT, async || {
        for replica in site.replicas().await {
            if is_behind(&replica.metrics().await?) {
                return Err(format!("{} is behind", replica.name));
            }
        }
        Ok(())
    })
    .await;
    let tally = load.stop().await;
    site.say("cut off from the API server", &tally);
    tally.is_whole();
    site.clear().await;
    Shown::Cases(tally.sent)
}

/// The API server stops and starts again: whoever else sends reviews to the Service meanwhile is answered.
pub(crate) async fn restarted(site: &mut Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let reviews = Load::of_reviews(site).await;
    reviews.more(50).await;
    site.cluster.stop_apiserver().await;
    reviews.more(MEANWHILE).await;
    site.cluster.start_apiserver().await;
    back(site, reviews, "API server restarted").await
}

/// etcd stands still: the API server answers nobody, and meshmode all.
pub(crate) async fn without_etcd(site: &mut Site) -> Shown {
    let reviews = Load::of_reviews(site).await;
    reviews.more(50).await;
    site.cluster.signal_etcd(Signal::STOP);
    let meanwhile = STILL.as_millis() / 20;
    reviews.more(usize::try_from(meanwhile).unwrap()).await;
    site.cluster.signal_etcd(Signal::CONT);
    back(site, reviews, "etcd still for 20 s").await
}

/// All reviews were answered, and Pods are placed as before.
async fn back(site: &Site, reviews: Load, what: &str) -> Shown {
    wait_for("an API server that creates Pods", ROLLED_OUT, async || {
        let pod = Load::of_pods(site);
        pod.more(10).await;
        let tally = pod.stop().await;
        let is_back = tally.failures.is_empty();
        is_back
            .then_some(())
            .ok_or_else(|| format!("{:?}", tally.failures))
    })
    .await;
    let pods = Load::of_pods(site);
    pods.more(100).await;
    let pods = pods.stop().await;
    let reviews = reviews.stop().await;
    site.say(
        &format!("{what}, reviews to the Service meanwhile"),
        &reviews,
    );
    site.say(&format!("{what}, Pods created afterwards"), &pods);
    reviews.is_whole();
    pods.is_whole();
    site.until_rolled_out().await;
    site.clear().await;
    Shown::Cases(reviews.sent + pods.sent)
}

/// Whether some watch has lost its connection.
fn is_behind(metrics: &str) -> bool {
    let series = "meshmode_cluster_behind_since_timestamp_seconds{";
    let since = metrics.lines().filter(|line| line.starts_with(series));
    since
        .into_iter()
        .any(|line| !line.ends_with(" 0") && !line.ends_with(" 0.0"))
}

/// Changes the packet filter of the node.
fn nft(script: &str) {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let written = child.stdin.take().unwrap().write_all(script.as_bytes());
    assert!(child.wait().unwrap().success(), "nft refuses {script}");
    written.unwrap();
}
