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
    pub(crate) mod conformance;
    pub(crate) mod harness;
    pub(crate) mod injector_policy;
    pub(crate) mod matrix;
    pub(crate) mod mesh;
    pub(crate) mod messages;
    pub(crate) mod order;
    pub(crate) mod other;
    pub(crate) mod waypoints;
}

use e2e_istio::mesh::Mesh;
use e2e_istio::{conformance, harness, injector_policy, matrix, messages, order, waypoints};
use support::report::Report;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_to_end_with_istio() {
    let mesh = Mesh::start().await;
    let mut report = Report::default();
    if conformance::asked_for().is_some() {
        report
            .step("policies: random, at istiod", conformance::agrees(&mesh))
            .await;
        return report.print();
    }
    let created = matrix::created(&mesh).await;
    report
        .step(
            "Pods: predicted and created",
            matrix::agrees(&mesh, &created),
        )
        .await;
    report
        .step("Pods: other selectors of istio-cni", async {
            matrix::other_selectors(&mesh, &created)
        })
        .await;
    // From here on there is a node, of a version that istiod cannot read: it injects no native sidecars.
    report
        .step(
            "Istio itself: waypoint, ambientz, status",
            harness::works(&mesh),
        )
        .await;
    report
        .step(
            "waypoints: Services, policies, workloads",
            waypoints::agrees(&mesh),
        )
        .await;
    report
        .step(
            "Pods: other policies of the injector",
            injector_policy::agrees(&mesh),
        )
        .await;
    report
        .step("order: the name decides", order::name_decides(&mesh))
        .await;
    report
        .step("order: two injectors", order::two_injectors(&mesh))
        .await;
    report
        .step("order: labels of others win", order::others_win(&mesh))
        .await;
    report
        .step("policies: every message, by kubectl", messages::seen(&mesh))
        .await;
    // Last, for it takes istiod's validation away.
    report
        .step("policies: random, at istiod", conformance::agrees(&mesh))
        .await;
    report.print();
}
