//! End to end: a real API server creates real objects through the released program.
//!
//! One control plane for all steps, and for each its own namespaces. A step that cannot be shown on
//! the cluster at hand says so in the table at the end, with the reason; it never just passes.

mod support;

mod e2e {
    pub(crate) mod record;
    pub(crate) mod steps;
}

use e2e::record;
use e2e::steps::{Cluster, Report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_to_end() {
    let mut cluster = Cluster::start().await;
    let mut report = Report::default();
    report
        .step("reviews recorded", record::reviews(&mut cluster))
        .await;
    report.print();
}
