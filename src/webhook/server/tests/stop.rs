//! The end: no client of a server that ends loses a review.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use super::*;

const CLOSE: &str = "connection: close";

const ENDING: Patience = Patience {
    delay: LONG,
    ..PATIENCE
};

/// Waits until answers say that the server ends.
async fn closing(served: &Served) {
    let said = async {
        while !ask(&mut served.connect("http/1.1").await)
            .await
            .contains(CLOSE)
        {}
    };
    timeout(LONG, said).await.unwrap();
}

#[tokio::test]
async fn while_it_ends_it_accepts_and_answers_and_says_so() {
    let mut served = started(ENDING).await;
    let mut idle = served.connect("http/1.1").await;
    let mut silent = served.connect("http/1.1").await;
    let unshaken = served.connect_plain().await;
    assert!(!ask(&mut idle).await.contains(CLOSE));
    served.tell_to_end();
    closing(&served).await;
    let mut shaken = served.shake(unshaken, "http/1.1").await;
    for (name, stream) in [
        ("idle", &mut idle),
        ("silent", &mut silent),
        ("new", &mut shaken),
    ] {
        let answer = ask(stream).await;
        assert!(answer.contains(CLOSE), "{name}: {answer}");
        ended(stream).await;
    }
}

#[tokio::test]
async fn idle_connections_are_closed_at_the_end_of_the_delay() {
    let patience = Patience {
        delay: SHORT * 3,
        ..PATIENCE
    };
    let mut served = started(patience).await;
    let mut idle = served.connect("http/1.1").await;
    ask(&mut idle).await;
    let start = Instant::now();
    served.tell_to_end();
    ended(&mut idle).await;
    assert!(start.elapsed() >= patience.delay, "{:?}", start.elapsed());
    timeout(LONG / 2, served.end()).await.unwrap();
}

#[tokio::test]
async fn who_came_in_the_last_moment_is_answered() {
    let mut served = started(PATIENCE).await;
    let unshaken = served.connect_plain().await;
    let mut silent = served.connect("http/1.1").await;
    served.tell_to_end();
    let mut late = served.shake(unshaken, "http/1.1").await;
    for stream in [&mut silent, &mut late] {
        assert!(ask(stream).await.contains(CLOSE));
        ended(stream).await;
    }
    served.end().await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_delay() {
    let slow = Slow::new();
    let mut served = Served::start(app(&slow), Arc::default(), PATIENCE).await;
    let mut stream = served.connect("http/1.1").await;
    send(&mut stream, "/slow").await;
    slow.asked(1).await;
    let mut idle = served.connect("http/1.1").await;
    ask(&mut idle).await;
    served.tell_to_end();
    ended(&mut idle).await;
    slow.go.add_permits(1);
    assert!(receive(&mut stream).await.contains(CLOSE));
    ended(&mut stream).await;
    served.end().await;
}

#[tokio::test]
async fn a_deadline_ends_it() {
    let patience = Patience {
        shutdown: SHORT,
        ..PATIENCE
    };
    let served = started(patience).await;
    let mut stream = served.connect("http/1.1").await;
    send(&mut stream, "/slow").await;
    timeout(LONG / 2, served.end()).await.unwrap();
    ended(&mut stream).await;
}

/// A client of HTTP/2.
struct Client {
    sender: SendRequest<Body>,
    connection: JoinSet<hyper::Result<()>>,
}

impl Client {
    async fn new(served: &Served) -> Self {
        let stream = TokioIo::new(served.connect("h2").await);
        let (sender, task) = handshake(TokioExecutor::new(), stream).await.unwrap();
        let mut connection = JoinSet::new();
        connection.spawn(task);
        Self { sender, connection }
    }

    async fn ask(&mut self, path: &str) -> String {
        let request = Request::get(format!("https://localhost{path}"));
        let request = request.body(Body::empty()).unwrap();
        let answer = self.sender.send_request(request).await.unwrap();
        assert!(!answer.headers().contains_key("connection"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.into()).unwrap()
    }

    /// Waits until the server has ended it in order.
    async fn ended(mut self) {
        let ended = timeout(LONG / 2, self.connection.join_next()).await;
        ended.expect("still open").unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn clients_of_http2_are_asked_to_go_elsewhere_at_once() {
    let slow = Slow::new();
    let mut served = Served::start(app(&slow), Arc::default(), ENDING).await;
    let mut idle = Client::new(&served).await;
    assert_eq!(idle.ask("/").await, "here");
    let mut busy = Client::new(&served).await;
    let in_flight = async {
        let answer = busy.ask("/slow").await;
        (answer, busy)
    };
    let end = async {
        slow.asked(1).await;
        let mut other = Client::new(&served).await;
        other.ask("/").await;
        served.tell_to_end();
        idle.ended().await;
        other.ended().await;
        let mut new = Client::new(&served).await;
        assert_eq!(new.ask("/").await, "here", "a new one is answered");
        new.ended().await;
        slow.go.add_permits(1);
    };
    let ((answer, busy), ()) = tokio::join!(in_flight, end);
    assert_eq!(answer, "here");
    busy.ended().await;
}

#[tokio::test]
async fn who_came_unseen_before_the_end_is_answered() {
    let mut served = started(PATIENCE).await;
    // The kernel takes it; nobody here has looked since.
    let stream = std::net::TcpStream::connect(served.address).unwrap();
    let client = served.client("http/1.1");
    served.tell_to_end();
    let asking = thread::spawn(move || ask_from_a_thread(stream, client));
    served.end().await;
    let answer = asking.join().unwrap();
    assert!(answer.contains("connection: close"), "{answer}");
}
