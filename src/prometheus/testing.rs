//! Servers for tests of what a real Prometheus cannot be made to do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::answer::Answer;

/// A server on a port of its own, that ends with the test.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    _task: JoinSet<()>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) form: Vec<(String, String)>,
}

type Answering = dyn Fn(&Seen, usize) -> (StatusCode, String) + Send + Sync;

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answering>,
}

// === impl Server ===

impl Server {
    /// Answers each request, of which it is told how many came before.
    pub(super) async fn start(
        answer: impl Fn(&Seen, usize) -> (StatusCode, String) + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared {
            seen: Arc::clone(&seen),
            answer: Arc::new(answer),
        };
        let router = Router::new().fallback(handle).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            seen,
            _task: task,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Seen {
    pub(super) fn parameter(&self, name: &str) -> &str {
        let mut all = self.form.iter();
        all.find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

async fn handle(State(shared): State<Shared>, request: Request) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = Seen {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        form: form_urlencoded::parse(&body).into_owned().collect(),
    };
    let before = {
        let mut all = shared.seen.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    (shared.answer)(&seen, before).into_response()
}

/// What the client makes of a body.
pub(super) fn answer(body: &str) -> Answer {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Answer::of(&body, serde_json::from_slice(&body).unwrap())
}

/// The body of an answer with these series.
pub(super) fn vector(rows: &[(Value, f64)]) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|(metric, value)| json!({"metric": metric, "value": [1, value.to_string()]}))
        .collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": rows}}).to_string()
}
