//! Data that no figure can be made of.

use super::super::clusters::{self, DATA, WINDOW};
use super::super::command::{roi, roi_of_window};
use super::super::model::{Cluster, Container, Maker, Part, Pod, Size};
use super::super::site;
use super::super::standin::{Manner, StandIn};
use super::{Said, works};
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::report::Shown;

/// Data that no figure can be made of.
pub(crate) async fn of_the_data(blocks: &Blocks) -> Shown {
    let mut said = Said::default();
    let empty = Prometheus::start(&Blocks::none(), "60s", &[], "").await;
    let metric = "kube_pod_container_resource_requests";
    let cadvisor = "container_cpu_usage_seconds_total";
    let nothing = roi_of_window(&empty.url(), &[]);
    said.fails(
        "an empty Prometheus",
        &nothing,
        &["absent", metric, cadvisor],
    );
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let url = prometheus.url();
    let nowhere = roi_of_window(&url, &["--matcher", "cluster=\"nowhere\""]);
    said.fails(
        "a matcher that matches nothing",
        &nowhere,
        &["cluster=\"nowhere\"", metric],
    );
    let earlier = [
        "--prometheus-url",
        &url,
        "--window",
        WINDOW,
        "--at",
        "2025-01-01T00:00:00Z",
    ];
    said.fails(
        "a window before all data",
        &roi(&earlier),
        &["2025-01-01", "--window"],
    );
    let recorded = site::prometheus(&[clusters::recorded_only()], DATA).await;
    let rules = roi_of_window(&recorded.url(), &[]);
    said.fails("only recording rules", &rules, &["recording rules", ":sum"]);
    for (name, value) in [("NaN", f64::NAN), ("+Inf", f64::INFINITY)] {
        let odd = site::prometheus(&[odd(value)], DATA).await;
        said.fails(
            name,
            &roi_of_window(&odd.url(), &[]),
            &[name, "shop", "web"],
        );
    }
    let two = {
        let row = clusters::rows()
            .into_iter()
            .find(|row| row.name == "one of two clusters");
        site::prometheus(&row.unwrap().clusters, DATA).await
    };
    let both = roi_of_window(&two.url(), &[]);
    said.fails("several clusters", &both, &["--matcher cluster=", "a, b"]);
    let small = ["--query.max-samples=100"];
    let small = Prometheus::start(blocks, "60s", &small, "").await;
    let too_large = roi_of_window(&small.url(), &[]);
    said.fails(
        "a query that is too large",
        &too_large,
        &["too large", "kube_pod", "--window"],
    );
    let partial = StandIn::start(Manner::Partial, prometheus.port).await;
    let store = "store 10.0.0.7:10901 is not reachable";
    let refused = roi_of_window(&partial.url(), &["-o", "json"]);
    said.fails("a partial answer", &refused, &[store, "--allow-partial"]);
    let allowed = roi_of_window(&partial.url(), &["--allow-partial", "-o", "json"]);
    works(&allowed);
    let warnings = allowed.json()["warnings"].to_string();
    assert!(warnings.contains(store), "{warnings}");
    // The window is another.
    said.differ(&["an empty Prometheus", "a window before all data"]);
    said.shown()
}

/// One sidecar requests a value that is no amount.
fn odd(value: f64) -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 1);
    for (number, asked) in [0.1, value].into_iter().enumerate() {
        let proxy = Container::new("istio-proxy", Size::new(asked, 0.125));
        let maker = Maker::Deployment("web", "7d9c5b8f6d");
        let pod = Pod::new("shop", &maker, number).with_proxy(Part::Sidecar, proxy);
        cluster.add(pod.on(0));
    }
    cluster
}
