//! Connections that do not do what they should.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;
use crate::webhook::testing::Served;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

fn app() -> Router {
    Router::new().route("/", axum::routing::get(async || "here"))
}

async fn started(patience: Patience) -> Served {
    Served::start(app(), Arc::default(), patience).await
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let patience = Patience {
        handshake: LONG,
        idle: SHORT,
        shutdown: LONG,
    };
    let served = started(patience).await;
    let mut stream = served.connect("http/1.1").await;
    let mut rest = Vec::new();
    let closed = timeout(LONG, stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "still open");
    served.end().await;
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_end() {
    let patience = Patience {
        handshake: LONG,
        idle: LONG,
        shutdown: LONG,
    };
    let served = started(patience).await;
    let mut answered = served.connect("http/1.1").await;
    answered
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        assert_ne!(answered.read_buf(&mut answer).await.unwrap(), 0);
    }
    let silent = [served.connect("http/1.1").await, served.connect("h2").await];
    timeout(LONG / 2, served.end()).await.unwrap();
    drop((silent, answered));
}
