//! Somebody between meshmode and a real Prometheus, for what a Prometheus does not do when asked: answers with warnings (as
//! Thanos gives them where a store is away), 503, silence, tokens and tenants.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Hands it on, and adds warnings to the answer.
    Partial,
    /// Says 503 this many times, and hands on what comes then.
    Unavailable(usize),
    /// Says 500, always.
    Broken,
    /// Never answers.
    Silent,
    /// Sends the first half of the answer's text, whole in form.
    Garbled,
    /// Answers with a page, as a proxy that wants a login does.
    Page,
    /// Hands on what has this header, and says 401 to others.
    Asks(&'static str, &'static str),
}

/// It runs until it is dropped.
pub(crate) struct StandIn {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    _serving: JoinSet<()>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The parameters of the URL, or else the form.
    pub(crate) form: String,
}

#[derive(Clone)]
struct Between {
    manner: Manner,
    prometheus: u16,
    asked: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

// === impl StandIn ===

impl StandIn {
    /// In front of the Prometheus of this port.
    pub(crate) async fn start(manner: Manner, prometheus: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let between = Between {
            manner,
            prometheus,
            asked: Arc::default(),
            seen: Arc::clone(&seen),
        };
        let router = Router::new().fallback(answer).with_state(between);
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            port,
            seen,
            _serving: serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(between): State<Between>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let form = head.uri.query().map(str::to_owned);
    between.seen.lock().unwrap().push(Seen {
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        headers: head.headers.clone(),
        form: form.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned()),
    });
    let turn = between.asked.fetch_add(1, Ordering::Relaxed);
    let says = |status, text: &str| {
        let response = Response::builder().status(status);
        response.body(Body::from(text.to_owned())).unwrap()
    };
    match between.manner {
        Manner::Silent => std::future::pending().await,
        Manner::Broken => return says(StatusCode::INTERNAL_SERVER_ERROR, "out of order"),
        Manner::Page => return says(StatusCode::OK, "<html><body>Please log in</body></html>"),
        Manner::Unavailable(times) if turn < times => {
            return says(StatusCode::SERVICE_UNAVAILABLE, "no store is ready");
        }
        Manner::Asks(header, value) if head.headers.get(header).is_none_or(|is| is != value) => {
            return says(StatusCode::UNAUTHORIZED, "who are you?");
        }
        Manner::Partial | Manner::Garbled | Manner::Unavailable(_) | Manner::Asks(..) => {}
    }
    let mut onward = Request::from_parts(head, Full::new(body));
    onward.headers_mut().remove(AUTHORIZATION);
    onward.headers_mut().remove(HOST);
    let (status, answer) = hand_on(between.prometheus, onward).await;
    match between.manner {
        Manner::Partial => says(status, &with_warnings(&answer)),
        Manner::Garbled => says(status, &answer[..answer.len() / 2]),
        Manner::Silent
        | Manner::Broken
        | Manner::Page
        | Manner::Unavailable(_)
        | Manner::Asks(..) => says(status, &answer),
    }
}

async fn hand_on(port: u16, mut request: Request<Full<axum::body::Bytes>>) -> (StatusCode, String) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    let stream = TokioIo::new(stream.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let host = format!("127.0.0.1:{port}").parse().unwrap();
    request.headers_mut().insert(HOST, host);
    request.headers_mut().remove(CONTENT_LENGTH);
    let exchange = async {
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    tokio::select! {
        answer = exchange => answer,
        ended = connection => panic!("Prometheus ended the connection: {ended:?}"),
    }
}

fn with_warnings(answer: &str) -> String {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    answer["warnings"] = json!(["store 10.0.0.7:10901 is not reachable"]);
    answer.to_string()
}
