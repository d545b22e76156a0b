//! On a real node: kubelet, containerd and kube-proxy run the shipped manifests with the released program, and the
//! API server calls it through its Service. Each promise of docs/reliability.md is shown under load, with its figures.
//!
//! `make e2e-node` runs it, as root, in namespaces of its own (`tests/node/run.sh`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a step fails by panicking"
)]

mod support;

mod e2e_node {
    pub(crate) mod away;
    pub(crate) mod drained;
    pub(crate) mod killed;
    pub(crate) mod load;
    pub(crate) mod rights;
    pub(crate) mod rollout;
    pub(crate) mod rotated;
    pub(crate) mod sandbox;
    pub(crate) mod site;
}

use e2e_node::site::Site;
use e2e_node::{away, drained, killed, rights, rollout, rotated, sandbox};
use support::report::Report;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_node() {
    let mut site = Site::start().await;
    let mut report = Report::default();
    report
        .step("sandbox: what the Pods may", sandbox::closed(&site))
        .await;
    report
        .step("sandbox: the NetworkPolicy", sandbox::policy(&site))
        .await;
    report
        .step("rollout: three times, Fail", rollout::loses_nothing(&site))
        .await;
    report
        .step(
            "rollout: once, Ignore as shipped",
            rollout::skips_nobody(&site),
        )
        .await;
    report
        .step("rotated: the Secret, Fail", rotated::under_load(&mut site))
        .await;
    report
        .step(
            "killed: one of two, Fail",
            killed::loses_what_it_held(&site),
        )
        .await;
    report
        .step(
            "killed: one of two, Ignore",
            killed::skips_what_it_held(&site),
        )
        .await;
    report
        .step("drained: the disruption budget", drained::one_by_one(&site))
        .await;
    report
        .step("away: API server, for meshmode", away::cut_off(&mut site))
        .await;
    report
        .step("away: API server, restarted", away::restarted(&mut site))
        .await;
    report
        .step("away: etcd, for 20 s", away::without_etcd(&mut site))
        .await;
    report
        .step("rights: as many as are used", rights::as_granted(&site))
        .await;
    report.print();
}
