//! TLS connections: accepted, handshaken within a deadline, served over HTTP/1.1 or HTTP/2, and ended
//! without cutting a review off.
//!
//! Handshake failures are counted and logged: on a webhook a wrong CA bundle is *the* incident.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::telemetry::logs::chain;
use crate::telemetry::metrics::{Handshake, Metrics};

/// How patient the server is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For a connection that says nothing.
    pub idle: Duration,
    /// For reviews in flight when it is asked to end.
    pub shutdown: Duration,
}

/// How long a connection may say nothing. The API server keeps idle connections for 90 s and does not
/// repeat a review that meets a closed one (kubernetes#127335), so this must be more.
pub const IDLE: Duration = Duration::from_secs(150);
/// How long to wait after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `app` on `listener` until `shutdown`, then lets reviews in flight end.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    app: Router,
    metrics: Arc<Metrics>,
    patience: Patience,
    shutdown: impl Future<Output = ()>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let connection = Connection {
                        acceptor: acceptor.clone(),
                        app: app.clone(),
                        metrics: Arc::clone(&metrics),
                        peer,
                    };
                    connections.spawn(connection.run(stream, patience, graceful.watcher()));
                }
                Err(error) => refused(&error).await,
            },
            // Ended ones are taken out: the set must not grow with the connections there ever were.
            Some(_) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    drain(graceful, connections, patience.shutdown).await;
}

async fn refused(error: &io::Error) {
    let error = chain(error);
    tracing::warn!(
        error,
        "could not accept a connection: is the limit of open files too low?"
    );
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn drain(graceful: GracefulShutdown, mut connections: JoinSet<()>, deadline: Duration) {
    let all = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    if tokio::time::timeout(deadline, all).await.is_err() {
        tracing::warn!(
            ?deadline,
            "ended although reviews were still in flight: they get no answer"
        );
    }
}

/// One connection to be served.
struct Connection {
    acceptor: TlsAcceptor,
    app: Router,
    metrics: Arc<Metrics>,
    peer: SocketAddr,
}

impl Connection {
    async fn run(
        self,
        stream: TcpStream,
        patience: Patience,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        // Answers are small and somebody waits for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(peer = %self.peer, error = chain(&error), "could not set TCP_NODELAY");
        }
        let handshake =
            tokio::time::timeout(patience.handshake, self.acceptor.accept(stream)).await;
        let stream = match handshake {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.failed(Handshake::Failed, &chain(&error)),
            Err(_) => {
                let text = format!("not done after {:?}", patience.handshake);
                return self.failed(Handshake::TimedOut, &text);
            }
        };
        let builder = http(stream.get_ref().1.alpn_protocol(), patience.idle);
        let service = TowerToHyperService::new(self.app);
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = watcher.watch(connection).await {
            let error = chain(&*error);
            tracing::debug!(peer = %self.peer, error, "a connection ended badly");
        }
    }

    /// A probe that connects and goes away is no news; a certificate that the other side does not trust is.
    fn failed(&self, how: Handshake, error: &str) {
        self.metrics.handshake_failed(how);
        if error.contains("eof") {
            tracing::debug!(peer = %self.peer, error, "a connection ended before its handshake");
        } else {
            tracing::warn!(
                peer = %self.peer,
                error,
                "a TLS handshake failed: if this is the API server, check the caBundle of the webhook configurations"
            );
        }
    }
}

/// HTTP/1.1 unless HTTP/2 was agreed on. To look at the first bytes instead would be to wait for them without
/// an end.
fn http(agreed: Option<&[u8]>, idle: Duration) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    if agreed == Some(b"h2") {
        // Not `http2_only`: hyper would not end a connection that has not yet said a word.
        let mut builder = builder;
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(idle)
            .keep_alive_timeout(idle);
        return builder;
    }
    let mut builder = builder.http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle);
    builder
}

#[cfg(test)]
mod tests;
