//! End to end with a real Prometheus: `meshmode roi` is compared with what clusters really cost, which is computed from
//! their models alone.
//!
//! `make e2e-roi` runs it. It needs Prometheus, promtool and Chromium, an API server, and for it a network of its own
//! (`tests/netns.sh`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a step fails by panicking"
)]
#![allow(
    clippy::cognitive_complexity,
    clippy::too_many_lines,
    reason = "assertions count as branches, and a table of cases has as many lines as cases"
)]

#[path = "support/figures.rs"]
mod figures;
mod support;

mod e2e_roi {
    pub(crate) mod accuracy;
    pub(crate) mod cluster;
    pub(crate) mod clusters;
    pub(crate) mod command;
    pub(crate) mod curve;
    pub(crate) mod failures;
    pub(crate) mod forms;
    pub(crate) mod found;
    pub(crate) mod model;
    pub(crate) mod openmetrics;
    pub(crate) mod page;
    pub(crate) mod scale;
    pub(crate) mod site;
    pub(crate) mod standin;
    pub(crate) mod truth;
    pub(crate) mod weekly;
}

use e2e_roi::clusters::{self, DATA};
use e2e_roi::{accuracy, failures, forms, found, page, scale, site, weekly};
use support::report::Report;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_to_end_with_prometheus() {
    let mut report = Report::default();
    report
        .step("figures: within 1 % of the truth", accuracy::holds())
        .await;
    report
        .step("figures: ambient costs more", forms::a_loss())
        .await;
    // The others are of one mesh that has everything.
    let blocks = tokio::task::block_in_place(|| site::blocks(&[clusters::mixed()], DATA));
    report
        .step(
            "forms: the same figures in each",
            forms::every_form(&blocks),
        )
        .await;
    report
        .step("forms: recorded and replayed", forms::replayed(&blocks))
        .await;
    report
        .step(
            "forms: the page in Chromium",
            page::shows_the_figures(&blocks),
        )
        .await;
    report
        .step(
            "failures: the connection",
            failures::of_the_connection(&blocks),
        )
        .await;
    report
        .step("failures: who asks", failures::of_credentials(&blocks))
        .await;
    report
        .step("failures: TLS", failures::of_tls(&blocks))
        .await;
    report
        .step("failures: the data", failures::of_the_data(&blocks))
        .await;
    report
        .step("failures: 503 for a moment", failures::tried_again(&blocks))
        .await;
    report
        .step("failures: wrong flags", failures::of_the_flags())
        .await;
    report
        .step(
            "found: in the cluster, and asked through the API server",
            found::through_the_api_server(&blocks),
        )
        .await;
    report
        .step(
            "weekly: the last reports, and no right too many",
            weekly::keeps_the_last(&blocks),
        )
        .await;
    report
        .step("scale: time and memory", scale::is_quick())
        .await;
    report.print();
}
