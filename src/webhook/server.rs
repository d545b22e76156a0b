//! TLS connections: accepted, handshaken within a deadline, served over HTTP/1.1 or HTTP/2, and ended
//! without cutting a review off.
//!
//! Handshake failures are counted and logged: on a webhook a wrong CA bundle is *the* incident.

mod connection;
mod crowd;
mod link;
mod noted;
pub mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::connection::Shared;
use self::crowd::{Crowd, WorkerEnded};
use self::worker::Workers;
use crate::telemetry::metrics::Metrics;

/// What is served, and by whom.
#[derive(Debug)]
pub struct Served {
    /// Whom clients are to find.
    pub tls: Arc<ServerConfig>,
    /// What answers them.
    pub app: Router,
    /// Where connections are counted.
    pub metrics: Arc<Metrics>,
    /// The threads that do it: each new connection goes to the one that has the fewest.
    pub workers: Workers,
}

/// How patient the server is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the head of a request that has begun.
    pub head: Duration,
    /// For a connection that says nothing.
    pub idle: Duration,
    /// For clients to learn that it ends: so long it accepts and answers as before.
    pub delay: Duration,
    /// For reviews in flight, after that.
    pub shutdown: Duration,
}

/// How much the server takes on at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections. Beyond, the one that is worth least makes place.
    pub connections: usize,
    /// The most handshakes that are computed at a time: each worker has its share, and at least one. Beyond, they wait their
    /// turn.
    pub handshakes: usize,
}

/// How long a connection may say nothing. The API server keeps idle connections for 90 s and does not
/// repeat a review that meets a closed one (kubernetes#127335), so this must be more. It holds before the first request
/// too: Go keeps a connection that it opened in vain.
pub const IDLE: Duration = Duration::from_secs(150);
/// How long the head of a request may take. The API server sends it at once.
pub const HEAD: Duration = Duration::from_secs(10);

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is not near.
    Serving,
    /// Whoever comes is answered, and told to go elsewhere for the next one.
    Closing,
    /// Nobody is accepted any more; what is in flight is answered.
    Ending,
}

/// Serves on `listener` until `shutdown`; then on for a while, until no client comes any more, and lets reviews in
/// flight end. It ends too where one of the workers has.
pub async fn serve(
    listener: TcpListener,
    served: Served,
    patience: Patience,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let (stage, seen) = watch::channel(Stage::Serving);
    let shared = Arc::new(Shared {
        tls: served.tls,
        app: served.app,
        metrics: served.metrics,
        patience,
        stage: seen,
    });
    let mut crowd = Crowd::new(shared, served.workers, limits);
    let accepted = async {
        crowd.accept(&listener, shutdown).await?;
        stage.send_replace(Stage::Closing);
        crowd.accept(&listener, sleep(patience.delay)).await
    };
    if let Err(WorkerEnded) = accepted.await {
        return tracing::error!(
            "a thread that answers reviews is gone: this ends, so that the process starts anew"
        );
    }
    crowd.accept_the_last(listener);
    stage.send_replace(Stage::Ending);
    if timeout(patience.shutdown, crowd.empty()).await.is_err() {
        tracing::warn!(
            deadline = ?patience.shutdown,
            "ended although reviews were still in flight: they get no answer"
        );
    }
}

#[cfg(test)]
mod tests;
