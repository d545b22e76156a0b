//! Connections that do not do what they should, and the end.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use super::*;
use crate::webhook::testing::{PATIENCE, Served, counted};

mod crowd;
mod stop;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

/// Requests to `/slow`: how many there are, and how many may be answered.
struct Slow {
    asked: Semaphore,
    go: Semaphore,
}

impl Slow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            asked: Semaphore::new(0),
            go: Semaphore::new(0),
        })
    }

    async fn answer(&self) -> &'static str {
        self.asked.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        "here"
    }

    /// Waits until there are so many.
    async fn asked(&self, count: u32) {
        let asked = timeout(LONG, self.asked.acquire_many(count)).await;
        drop(asked.expect("not asked"));
    }
}

/// The path `/` answers at once, `/slow` when it may.
fn app(slow: &Arc<Slow>) -> Router {
    let slow = Arc::clone(slow);
    Router::new()
        .route("/", axum::routing::get(async || "here"))
        .route(
            "/slow",
            axum::routing::get(async move || slow.answer().await),
        )
}

async fn started(patience: Patience) -> Served {
    Served::start(app(&Slow::new()), Arc::default(), patience).await
}

async fn send(stream: &mut TlsStream<TcpStream>, path: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
}

/// The whole answer.
async fn receive(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        let read = timeout(LONG, stream.read_buf(&mut answer)).await.unwrap();
        assert_ne!(read.unwrap(), 0, "cut off");
    }
    String::from_utf8(answer).unwrap()
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    send(stream, "/").await;
    receive(stream).await
}

/// Waits until the other side has ended it, without another word.
async fn ended(stream: &mut TlsStream<TcpStream>) {
    let mut rest = Vec::new();
    // One that is cut off may miss the farewell of TLS.
    let read = timeout(LONG, stream.read_to_end(&mut rest)).await;
    drop(read.expect("still open"));
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let patience = Patience {
        idle: SHORT,
        ..PATIENCE
    };
    let served = started(patience).await;
    let mut answered = served.connect("http/1.1").await;
    ask(&mut answered).await;
    ended(&mut answered).await;
    for protocol in ["http/1.1", "h2"] {
        let mut stream = served.connect(protocol).await;
        let mut rest = Vec::new();
        let closed = timeout(LONG, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{protocol}: still open");
    }
    served.end().await;
}

#[test]
fn an_idle_connection_is_kept_longer_than_the_api_server_does() {
    assert!(IDLE > Duration::from_secs(90));
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_end() {
    let served = started(PATIENCE).await;
    let mut answered = served.connect("http/1.1").await;
    ask(&mut answered).await;
    let silent = [served.connect("http/1.1").await, served.connect("h2").await];
    let unshaken = served.connect_plain().await;
    timeout(LONG / 2, served.end()).await.unwrap();
    drop((silent, unshaken, answered));
}
