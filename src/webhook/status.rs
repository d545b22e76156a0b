//! The second port, plain HTTP, for the kubelet and Prometheus: `/livez`, `/readyz`, `/metrics`, `/version`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use super::active::Active;
use super::readiness::Severity;
pub use super::readiness::{Readiness, State};
use crate::telemetry::metrics::Metrics;

/// The media type of OpenMetrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes.
pub fn router(
    readiness: Readiness,
    metrics: Arc<Metrics>,
    configuration: Arc<ArcSwap<Active>>,
) -> Router {
    let version = || async move {
        let version = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "configuration": configuration.load().to_json(),
        });
        (
            [(header::CONTENT_TYPE, "application/json")],
            version.to_string(),
        )
    };
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route(
            "/readyz",
            get(
                move |RawQuery(query): RawQuery| async move { ready(&readiness, query.as_deref()) },
            ),
        )
        .route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, OPENMETRICS)], metrics.to_text()) }),
        )
        .route("/version", get(version))
}

/// As the API server's own `/readyz`: `?verbose`, whatever its value, asks for every check.
fn ready(readiness: &Readiness, query: Option<&str>) -> impl IntoResponse + use<> {
    let report = readiness.report();
    let code = match report.worst {
        Severity::Passed | Severity::Warned => StatusCode::OK,
        Severity::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut parameters = query.unwrap_or_default().split('&');
    let verbose = parameters.any(|one| one == "verbose" || one.starts_with("verbose="));
    let text = if verbose {
        report.verbose
    } else {
        report.brief
    };
    (code, text)
}
