//! The second port, plain HTTP, for the kubelet and Prometheus: `/livez`, `/readyz`, `/metrics`, `/version`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use super::active::Active;
use crate::telemetry::metrics::Metrics;

/// Whether reviews should be sent here, and if not, why.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

/// The states of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not yet listening.
    Starting = 0,
    /// Answering.
    Ready = 1,
    /// Asked to end.
    Stopping = 2,
}

/// The media type of OpenMetrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// === impl Readiness ===

impl Readiness {
    /// Goes over to `state`.
    pub fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Release);
    }

    /// The present state.
    pub fn get(&self) -> State {
        match self.0.load(Ordering::Acquire) {
            1 => State::Ready,
            2 => State::Stopping,
            _ => State::Starting,
        }
    }
}

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
            get(move || async move { ready(readiness.get()) }),
        )
        .route(
            "/metrics",
            get(move || async move { ([(header::CONTENT_TYPE, OPENMETRICS)], metrics.to_text()) }),
        )
        .route("/version", get(version))
}

fn ready(state: State) -> impl IntoResponse {
    match state {
        State::Ready => (StatusCode::OK, "ok\n"),
        State::Starting => (StatusCode::SERVICE_UNAVAILABLE, "not ready: starting\n"),
        State::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping\n"),
    }
}
