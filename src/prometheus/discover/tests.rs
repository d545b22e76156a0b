//! Services as charts make them, and which is taken.

use serde_json::json;

use super::*;

/// A Service with labels and ports (name and number).
fn service(
    namespace: &str,
    name: &str,
    labels: &[(&str, &str)],
    ports: &[(&str, i32)],
) -> core::Service {
    let labels: serde_json::Map<_, _> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let ports: Vec<_> = ports
        .iter()
        .map(|(name, port)| json!({"name": name, "port": port}))
        .collect();
    serde_json::from_value(json!({
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"ports": ports},
    }))
    .unwrap()
}

#[test]
fn the_one_that_scrapes_comes_first() {
    let label = "app.kubernetes.io/name";
    let web = [("web", 9090)];
    let all = [
        service(
            "monitoring",
            "thanos-query",
            &[],
            &[("grpc", 10901), ("http", 9090)],
        ),
        service("monitoring", "prometheus-operated", &[], &web),
        service(
            "monitoring",
            "prometheus-operator",
            &[(label, "prometheus-operator")],
            &[("https", 443)],
        ),
        service(
            "monitoring",
            "prometheus-k8s",
            &[(label, "prometheus")],
            &[("web", 9090), ("reloader-web", 8080)],
        ),
        service("default", "kubernetes", &[], &[("https", 443)]),
        service("other", "prometheus-server", &[], &[("http", 80)]),
        service(
            "other",
            "prometheus-alertmanager",
            &[(label, "alertmanager")],
            &[("http", 9093)],
        ),
    ];
    let found = choose(&all).unwrap();
    assert_eq!(
        found.service.to_string(),
        "the Service monitoring/prometheus-k8s port 9090"
    );
    let others: Vec<&str> = found
        .others
        .iter()
        .map(|other| other.name.as_str())
        .collect();
    // prometheus-operated is the same one.
    assert_eq!(others, ["prometheus-server", "thanos-query"]);
}

#[test]
fn addresses() {
    let label = "app.kubernetes.io/name";
    let rows = [
        (
            "the chart kube-prometheus-stack, with its release's name",
            service(
                "mon",
                "mine-kube-prometheus-stack-prometheus",
                &[],
                &[("http-web", 9090), ("reloader-web", 8080)],
            ),
            "http://mine-kube-prometheus-stack-prometheus.mon.svc:9090",
            "/api/v1/namespaces/mon/services/http:mine-kube-prometheus-stack-prometheus:9090/proxy",
        ),
        (
            "Mimir",
            service("mimir", "mimir-nginx", &[], &[("http-metric", 80)]),
            "http://mimir-nginx.mimir.svc:80/prometheus",
            "/api/v1/namespaces/mimir/services/http:mimir-nginx:80/proxy/prometheus",
        ),
        (
            "OpenShift",
            service(
                "openshift-monitoring",
                "thanos-querier",
                &[],
                &[("web", 9091), ("tenancy", 9092)],
            ),
            "http://thanos-querier.openshift-monitoring.svc:9091",
            "/api/v1/namespaces/openshift-monitoring/services/http:thanos-querier:9091/proxy",
        ),
        (
            "TLS",
            service("mon", "prometheus", &[], &[("https", 443)]),
            "https://prometheus.mon.svc:443",
            "/api/v1/namespaces/mon/services/https:prometheus:443/proxy",
        ),
        (
            "by a label",
            service(
                "mon",
                "metrics",
                &[
                    (label, "prometheus"),
                    ("app.kubernetes.io/component", "server"),
                ],
                &[("x", 9090)],
            ),
            "http://metrics.mon.svc:9090",
            "/api/v1/namespaces/mon/services/http:metrics:9090/proxy",
        ),
    ];
    for (name, service, url, path) in rows {
        let found = choose(&[service]).unwrap().service;
        assert_eq!(
            (found.url().as_str(), found.proxy_path().as_str()),
            (url, path),
            "{name}"
        );
    }
}

#[test]
fn others_are_none() {
    let label = "app.kubernetes.io/name";
    let all = [
        service(
            "a",
            "prometheus-node-exporter",
            &[(label, "prometheus-node-exporter")],
            &[("m", 9100)],
        ),
        service(
            "a",
            "thanos-store",
            &[(label, "thanos-store")],
            &[("http", 10902)],
        ),
        service(
            "a",
            "adapter",
            &[
                (label, "prometheus"),
                ("app.kubernetes.io/component", "metrics-adapter"),
            ],
            &[("http", 80)],
        ),
        service("a", "prometheus", &[], &[("grpc", 1)]),
    ];
    let message = choose(&all).unwrap_err().to_string();
    assert!(
        message.contains("none of the 4 Services") && message.contains("--prometheus-url"),
        "{message}"
    );
}
