//! Requests on connections that others share, or that end.

use std::io::ErrorKind;

use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::*;

async fn serve(router: Router, app: &App) -> Served {
    Served::start(router, Arc::clone(&app.metrics), PATIENCE).await
}

/// As HTTP/2 has it.
const URL: &str = "https://localhost/mutate/pods";

/// Who sends requests over a connection of HTTP/2, which ends where the second is dropped.
async fn http2(served: &Served) -> (SendRequest<Body>, JoinSet<hyper::Result<()>>) {
    let stream = TokioIo::new(served.connect("h2").await);
    let shaken = handshake(TokioExecutor::new(), stream).await;
    let (sender, connection) = shaken.unwrap();
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    (sender, connections)
}

const HALF: &[u8] = b"POST /mutate/pods HTTP/1.1\r\nhost: localhost\r\n\
    content-type: application/json\r\ncontent-length: 9\r\n\r\n{";

#[tokio::test]
async fn a_stalled_body_ends_its_connection_with_a_408() {
    let app = app();
    let router = super::with(app.clone(), decide, Duration::from_millis(50));
    let served = serve(router, &app).await;
    let mut stream = served.connect("http/1.1").await;
    stream.write_all(HALF).await.unwrap();
    let mut answer = String::new();
    let ended = stream.read_to_string(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
    assert!(ended.is_ok(), "still open after {answer}");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    served.end().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_as_such() {
    let app = app();
    let served = serve(router(app.clone()), &app).await;
    let mut stream = served.connect("http/1.1").await;
    stream.write_all(HALF).await.unwrap();
    drop(stream);
    let aborted = "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"aborted\"}";
    counted(&app.metrics, &format!("{aborted} 1")).await;

    let (mut sender, _connection) = http2(&served).await;
    let broken = Body::new(Broken(ErrorKind::TimedOut));
    let given_up = sender.send_request(request(URL, broken)).await;
    assert!(given_up.is_err(), "there is no answer to no body");
    counted(&app.metrics, &format!("{aborted} 2")).await;
    let well = pod_review(&pod(&json!({}))).to_string();
    let after = sender.send_request(request(URL, well)).await.unwrap();
    assert_eq!(after.status(), 200, "afterwards, on the same connection");
    drop(sender);
    served.end().await;
}

#[tokio::test]
async fn a_stalled_body_harms_no_sibling_on_its_http2_connection() {
    let app = app();
    let router = super::with(app.clone(), decide, Duration::from_millis(50));
    let served = serve(router, &app).await;
    let (mut sender, _connection) = http2(&served).await;
    let stalled = Body::new(Endless {
        chunk: Some(Bytes::from_static(b"{")),
        pause: None,
    });
    let mut other = sender.clone();
    let late = other.send_request(request(URL, stalled));
    let well = pod_review(&pod(&json!({}))).to_string();
    let sibling = sender.send_request(request(URL, well));
    let (late, sibling) = tokio::join!(late, sibling);
    assert_eq!(
        (
            late.unwrap().status().as_u16(),
            sibling.unwrap().status().as_u16()
        ),
        (408, 200)
    );
    drop((sender, other));
    served.end().await;
}

#[tokio::test]
async fn a_panic_harms_no_sibling_on_its_http2_connection() {
    let app = app();
    let served = serve(super::with(app.clone(), fragile, MAX_BODY_TIME), &app).await;
    let (mut sender, _connection) = http2(&served).await;
    let well = pod_review(&pod(&json!({})));
    let bad = but(well.clone(), "namespace", json!("panic"));
    let mut siblings = JoinSet::new();
    for index in 0..40 {
        let (review, expected) = if index % 4 == 0 {
            (&bad, 500)
        } else {
            (&well, 200)
        };
        let mut sender = sender.clone();
        let request = request(URL, review.to_string());
        siblings.spawn(async move {
            (
                sender
                    .send_request(request)
                    .await
                    .map(|answer| answer.status().as_u16()),
                expected,
            )
        });
    }
    while let Some(ended) = siblings.join_next().await {
        let (code, expected) = ended.unwrap();
        assert_eq!(code.unwrap(), expected);
    }
    let after = sender
        .send_request(request(URL, well.to_string()))
        .await
        .unwrap();
    assert_eq!(after.status(), 200, "afterwards, on the same connection");
    drop(sender);
    served.end().await;
}
