//! End to end with a real Istio: what meshmode predicts is compared with what istiod and istio-cni do.
//!
//! One control plane and one istiod for all steps, and for each its own namespaces.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a step fails by panicking"
)]

mod support;

mod e2e_istio {
    pub(crate) mod harness;
}

use e2e_istio::harness;
use support::ControlPlane;
use support::istio::Istio;
use support::kwok::Kwok;
use support::report::Report;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_to_end_with_istio() {
    let cluster = ControlPlane::start().await;
    let istio = Istio::start(&cluster).await;
    let kwok = Kwok::start(&cluster).await;
    let mut report = Report::default();
    report
        .step(
            "Istio injects, validates, and sees a waypoint",
            harness::works(&cluster, &istio, &kwok),
        )
        .await;
    report.print();
}
