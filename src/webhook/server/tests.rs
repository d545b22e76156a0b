//! Connections that do not do what they should, and the end.

use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::thread;

use rustls::{ClientConnection, StreamOwned};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
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

/// The path `/` answers at once, `/slow` when it may, `/thread` with who answers.
fn app(slow: &Arc<Slow>) -> Router {
    let slow = Arc::clone(slow);
    Router::new()
        .route("/", axum::routing::get(async || "here"))
        .route("/thread", axum::routing::get(answerer))
        .route(
            "/slow",
            axum::routing::get(async move || slow.answer().await),
        )
}

async fn answerer() -> String {
    format!("{} is here", thread::current().name().unwrap())
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

/// Asks without a runtime, over a connection that the kernel has taken, and gives the whole answer.
fn ask_from_a_thread(stream: std::net::TcpStream, client: rustls::ClientConfig) -> String {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let name = "localhost".try_into().unwrap();
    let tls = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        let mut some = [0; 1024];
        let read = stream.read(&mut some).unwrap();
        assert_ne!(read, 0, "cut off");
        answer.extend_from_slice(&some[..read]);
    }
    String::from_utf8(answer).unwrap()
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

#[tokio::test]
async fn each_worker_gets_connections() {
    let served = started(PATIENCE).await;
    let mut who = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut stream = served.connect("http/1.1").await;
        send(&mut stream, "/thread").await;
        let answer = receive(&mut stream).await;
        who.extend(answer.lines().last().map(ToOwned::to_owned));
        kept.push(stream);
    }
    who.sort();
    let expected = [0, 0, 1, 1].map(|number| format!("reviews-{number} is here"));
    assert_eq!(who, expected);
    served.end().await;
}

#[tokio::test]
async fn the_thread_that_accepts_is_needed_for_no_answer() {
    let served = started(PATIENCE).await;
    let (address, client) = (served.address, served.client("http/1.1"));
    let (accepted, told) = oneshot::channel();
    let (go, going) = mpsc::channel::<()>();
    let asking = thread::spawn(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        accepted.send(()).unwrap();
        going.recv().unwrap();
        ask_from_a_thread(stream, client)
    });
    told.await.unwrap();
    // Another one that came later is served: so is the first.
    ask(&mut served.connect("http/1.1").await).await;
    go.send(()).unwrap();
    // This thread accepts, and does nothing from here on but wait.
    let answer = asking.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
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
