//! One connection: its handshake, its requests, its end.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderValue, Version, header};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep_until, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::link::{Link, Protocol};
use super::noted::Noted;
use super::{Patience, Stage};
use crate::telemetry::logs::chain;
use crate::telemetry::metrics::{Ended, Handshake, Metrics};

/// What all connections share.
pub(super) struct Shared {
    pub(super) tls: Arc<ServerConfig>,
    pub(super) app: Router,
    pub(super) metrics: Arc<Metrics>,
    pub(super) patience: Patience,
    pub(super) stage: watch::Receiver<Stage>,
}

/// One connection to be served.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Arc<Link>,
    /// A place for each handshake that its worker may compute at a time.
    pub(super) handshakes: Arc<Semaphore>,
    pub(super) peer: SocketAddr,
}

/// How long a connection that was opened in the last moment has to ask, when the server ends.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How long one that was idle for too long has to take note of its end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The most that is read at a time, and so the longest head.
const BUFFER: usize = 32 << 10;

impl Connection {
    /// Serves until one of both ends it.
    pub(super) async fn run(self, stream: std::net::TcpStream) {
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                let error = chain(&error);
                return tracing::warn!(peer = %self.peer, error, "a connection could not be watched, and was closed");
            }
        };
        // Answers are small and somebody waits for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(peer = %self.peer, error = chain(&error), "could not set TCP_NODELAY");
        }
        let patience = self.shared.patience.handshake;
        let shaken = tokio::select! {
            biased;
            shaken = timeout(patience, self.shake(stream)) => shaken,
            () = self.last_call() => return,
        };
        match shaken {
            // On the heap: what is done once takes no memory of a connection that is kept.
            Ok(Ok(stream)) => Box::pin(self.serve(stream)).await,
            Ok(Err(error)) => self.failed(Handshake::Failed, &error),
            Err(_) => {
                let error = io::Error::other(format!("not done after {patience:?}"));
                self.failed(Handshake::TimedOut, &error);
            }
        }
    }

    /// A hello costs nothing until it is whole. Then the keys are computed, of few handshakes at a time, so that reviews
    /// are answered in between; waiting for the other side takes no place.
    async fn shake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let mut rest = Box::pin(hello.into_stream(Arc::clone(&self.shared.tls)));
        let mut place = self.handshakes.acquire().await.ok();
        poll_fn(|context| {
            let polled = rest.as_mut().poll(context);
            drop(place.take());
            polled
        })
        .await
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) {
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            Some(_) | None => Protocol::Http1,
        };
        self.link.shaken(protocol);
        let stream = Noted {
            stream,
            link: Arc::clone(&self.link),
        };
        let service = service(Arc::clone(&self.shared), Arc::clone(&self.link));
        let connection = http(protocol, self.shared.patience.idle)
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let mut connection = pin!(connection);
        let why = tokio::select! {
            biased;
            ended = &mut connection => return self.ended(ended),
            overdue = self.link.overdue(self.shared.patience) => Some(overdue),
            () = self.told_to_leave(protocol) => None,
        };
        if let Some(why) = why {
            self.shared.metrics.traffic().ended(why);
        }
        if why == Some(Ended::SlowHead) {
            return;
        }
        connection.as_mut().graceful_shutdown();
        match why {
            None => self.ended(connection.await),
            // Who does not even take the farewell is not waited for.
            Some(_) => drop(timeout(FAREWELL, connection).await),
        }
    }

    /// Over HTTP/2 a client can be asked to go elsewhere without harm, so it is, at once. One of HTTP/1.1 that is idle
    /// cannot: a review that crosses the end of its connection is lost. It stays to the last.
    async fn told_to_leave(&self, protocol: Protocol) {
        match protocol {
            Protocol::Http1 => self.ending().await,
            Protocol::Http2 => {
                let mut stage = self.shared.stage.clone();
                if *stage.borrow() == Stage::Serving {
                    // An error is the end of the server.
                    drop(stage.wait_for(|stage| *stage != Stage::Serving).await);
                    return;
                }
            }
        }
        tokio::select! {
            () = self.link.proven() => {}
            () = self.last_call() => {}
        }
    }

    /// Waits until nobody is accepted any more.
    async fn ending(&self) {
        let mut stage = self.shared.stage.clone();
        drop(stage.wait_for(|stage| *stage == Stage::Ending).await);
    }

    /// Waits until then, and until one that was opened in the last moment has had its time to ask.
    async fn last_call(&self) {
        self.ending().await;
        sleep_until(self.link.opened() + LAST_CALL).await;
    }

    fn ended<E: Into<Box<dyn std::error::Error + Send + Sync>>>(&self, ended: Result<(), E>) {
        if let Err(error) = ended {
            self.shared.metrics.traffic().ended(Ended::Broken);
            let error = chain(&*error.into());
            tracing::debug!(peer = %self.peer, error, "a connection ended badly");
        }
    }

    /// A probe that connects and goes away is no news; a certificate that the other side does not trust is.
    fn failed(&self, how: Handshake, error: &io::Error) {
        self.shared.metrics.handshake_failed(how);
        let peer = self.peer;
        match Failed::by(error) {
            Failed::Told(what) => tracing::debug!(%peer, error = chain(error), "{what}"),
            Failed::News(what) => tracing::warn!(%peer, error = chain(error), "{what}"),
        }
    }
}

/// What is said of a handshake that did not end well.
enum Failed {
    /// Nothing happened, or it was said elsewhere.
    Told(&'static str),
    News(&'static str),
}

impl Failed {
    fn by(error: &io::Error) -> Self {
        let gone = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
        );
        if gone {
            return Self::Told("a connection ended before its handshake");
        }
        let error = error.get_ref().and_then(|error| error.downcast_ref());
        match error {
            // What verifies client certificates has said it, and what to do.
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                Self::Told("a TLS handshake ended: its client was refused")
            }
            Some(rustls::Error::AlertReceived(_)) => Self::News(
                "a TLS client did not take the certificate: if this is the API server, check the caBundle of the webhook configurations",
            ),
            Some(_) | None => Self::News("a TLS handshake failed"),
        }
    }
}

/// Answers of the app; `link` knows of each request, and the last answer of a connection says so.
fn service(
    shared: Arc<Shared>,
    link: Arc<Link>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + Send {
    let app = TowerToHyperService::new(shared.app.clone());
    service_fn(move |request: http::Request<Incoming>| {
        let asking = link.asks();
        let (shared, version) = (Arc::clone(&shared), request.version());
        let answer = app.call(request);
        async move {
            let mut answer = answer.await?;
            if *shared.stage.borrow() != Stage::Serving && version < Version::HTTP_2 {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            drop(asking);
            Ok(answer)
        }
    })
}

/// HTTP/1.1 unless HTTP/2 was agreed on. To look at the first bytes instead would be to wait for them without
/// an end.
fn http(protocol: Protocol, idle: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    match protocol {
        Protocol::Http1 => {
            builder = builder.http1_only();
            // Its own timeout does not know an idle connection from a slow head: `Link::overdue` does.
            builder
                .http1()
                .max_buf_size(BUFFER)
                .header_read_timeout(None);
        }
        // Not `http2_only`: hyper would not end a connection that has not yet said a word.
        Protocol::Http2 => {
            builder
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(idle)
                .keep_alive_timeout(idle);
        }
    }
    builder
}
