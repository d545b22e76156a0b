//! End to end: a real API server creates real objects through the released program.
//!
//! One control plane for all steps, and for each its own namespaces. A step that cannot be shown on
//! the cluster at hand says so in the table at the end, with the reason; it never just passes.

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

mod support;

mod e2e {
    pub(crate) mod absence;
    pub(crate) mod admission_policy;
    pub(crate) mod certificates;
    pub(crate) mod commands;
    pub(crate) mod facts;
    pub(crate) mod facts_of_pods;
    pub(crate) mod large;
    pub(crate) mod manifests;
    pub(crate) mod pods;
    pub(crate) mod policies;
    pub(crate) mod record;
    pub(crate) mod revisions;
    pub(crate) mod self_knowledge;
    pub(crate) mod steps;
    pub(crate) mod workloads;
}

use e2e::steps::{Cluster, Report};
use e2e::{
    absence, admission_policy, certificates, commands, facts, facts_of_pods, large, manifests,
    pods, policies, record, revisions, self_knowledge, workloads,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_to_end() {
    let mut cluster = Cluster::start().await;
    let mut report = Report::default();
    report
        .step("Pods: every annotation of the rules", pods::rules(&cluster))
        .await;
    report
        .step(
            "Pods: choices, and what is left alone",
            pods::choices(&cluster),
        )
        .await;
    report
        .step("Pods: of Deployments", pods::deployment(&cluster))
        .await;
    report
        .step(
            "Pods: kubectl, dry run, null labels",
            pods::kubectl(&cluster),
        )
        .await;
    report
        .step(
            "Pods: out of scope, observed, exempt",
            pods::scope(&cluster),
        )
        .await;
    report
        .step(
            "Pods: the same by an admission policy",
            admission_policy::placed_alike(&cluster),
        )
        .await;
    report
        .step("policies: created", policies::created(&cluster))
        .await;
    report
        .step("policies: kubectl, dry run", policies::kubectl(&cluster))
        .await;
    report
        .step("policies: changed and deleted", policies::changed(&cluster))
        .await;
    report
        .step(
            "policies: root namespace, observed",
            policies::scope(&cluster),
        )
        .await;
    report
        .step("workloads: told what is off", workloads::told(&cluster))
        .await;
    report
        .step(
            "commands: explain and simulate",
            commands::of_the_cluster(&cluster),
        )
        .await;
    report
        .step("manifests: accepted", manifests::accepted(&cluster))
        .await;
    report
        .step(
            "manifests: the configuration",
            manifests::configuration(&cluster),
        )
        .await;
    report
        .step("manifests: who is asked", manifests::routing(&cluster))
        .await;
    report
        .step("facts: seen as they come", facts::seen(&cluster))
        .await;
    report
        .step(
            "facts: of namespace, workload and mesh",
            facts_of_pods::answers(&cluster),
        )
        .await;
    report
        .step(
            "facts: what siblings have",
            facts_of_pods::siblings(&cluster),
        )
        .await;
    report
        .step(
            "Pods: facts change, revisions keep",
            revisions::follow(&cluster),
        )
        .await;
    report
        .step(
            "facts: a minute without API server",
            facts_of_pods::a_minute_away(&mut cluster),
        )
        .await;
    report
        .step("facts: API server away", facts::recovered(&mut cluster))
        .await;
    report
        .step(
            "facts: a right is missing",
            facts::without_a_right(&cluster),
        )
        .await;
    report
        .step("facts: the program asks", facts::program(&cluster))
        .await;
    report
        .step(
            "meshmode stopped, and back",
            absence::fails_open(&mut cluster),
        )
        .await;
    report
        .step(
            "certificates swapped under load",
            certificates::swapped(&mut cluster),
        )
        .await;
    report
        .step(
            "certificates: what it knows of itself",
            self_knowledge::ca_bundles(&cluster),
        )
        .await;
    report
        .step("facts: of a large cluster", large::resident(&cluster))
        .await;
    report
        .step("reviews recorded", record::reviews(&mut cluster))
        .await;
    report.print();
}
