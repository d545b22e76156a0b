//! Too many connections, slow ones, broken ones: ended, counted, and harmless to others.

use rustls::ClientConnection;
use rustls_pki_types::ServerName;

use super::*;

fn cause(cause: &str, count: u32) -> String {
    format!("meshmode_connections_ended_total{{cause=\"{cause}\"}} {count}")
}

/// A server, its metrics, and a permit for each of its slow answers.
struct Tight {
    served: Served,
    metrics: Arc<Metrics>,
    slow: Arc<Slow>,
}

impl Tight {
    async fn start(patience: Patience, connections: usize) -> Self {
        let (metrics, slow) = (Arc::new(Metrics::default()), Slow::new());
        let limits = Limits {
            connections,
            handshakes: 1,
        };
        let served = Served::start_with(app(&slow), Arc::clone(&metrics), patience, limits).await;
        Self {
            served,
            metrics,
            slow,
        }
    }

    async fn counted(&self, line: &str) {
        counted(&self.metrics, line).await;
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.served.connect("http/1.1").await
    }
}

#[tokio::test]
async fn a_slow_head_is_ended_and_an_idle_connection_is_not() {
    let patience = Patience {
        head: SHORT,
        ..PATIENCE
    };
    let server = Tight::start(patience, 9).await;
    let mut idle = server.connect().await;
    ask(&mut idle).await;
    let mut silent = server.connect().await;
    for (index, name) in (1..).zip(["the first request", "another"]) {
        let mut slow = server.connect().await;
        if index == 2 {
            ask(&mut slow).await;
        }
        slow.write_all(b"GET / HT").await.unwrap();
        ended(&mut slow).await;
        server.counted(&cause("slow-head", index)).await;
        assert!(ask(&mut idle).await.contains("200"), "{name}");
    }
    ask(&mut silent).await;
    server.counted(&cause("idle", 0)).await;
    server.served.end().await;
}

#[tokio::test]
async fn the_connection_that_is_worth_least_makes_place() {
    let server = Tight::start(PATIENCE, 3).await;
    let mut first = server.connect().await;
    ask(&mut first).await;
    let mut second = server.connect().await;
    ask(&mut second).await;
    let mut silent = server.connect().await;
    server.counted("meshmode_connections 3").await;
    // The silent one goes, then the one that was idle for longest, and never one that asks.
    let mut third = server.connect().await;
    ended(&mut silent).await;
    ask(&mut third).await;
    ask(&mut first).await;
    send(&mut third, "/slow").await;
    server.slow.asked(1).await;
    let mut fourth = server.connect().await;
    ended(&mut second).await;
    server.counted(&cause("evicted", 2)).await;
    for stream in [&mut first, &mut fourth] {
        send(stream, "/slow").await;
    }
    server.slow.asked(3).await;
    let mut refused = server.served.connect_plain().await;
    let read = timeout(LONG, refused.read(&mut [0])).await;
    drop(read.expect("still open"));
    server.slow.go.add_permits(3);
    for stream in [&mut first, &mut third, &mut fourth] {
        receive(stream).await;
    }
    server.counted(&cause("refused", 1)).await;
    server.served.end().await;
}

#[tokio::test]
async fn a_stalled_handshake_takes_no_place_of_another() {
    let server = Tight::start(PATIENCE, 9).await;
    let mut stalled = Vec::new();
    for share in [0, 1, 2] {
        let mut stream = server.served.connect_plain().await;
        let hello = hello(&server.served);
        let part = &hello[..hello.len() * share / 2];
        stream.write_all(part).await.unwrap();
        if share == 2 {
            assert_ne!(stream.read(&mut [0]).await.unwrap(), 0, "answered");
        }
        stalled.push(stream);
    }
    let mut stream = timeout(LONG / 2, server.connect()).await.unwrap();
    ask(&mut stream).await;
    drop(stalled);
    server
        .counted("meshmode_tls_handshake_failures_total{cause=\"failed\"} 3")
        .await;
    server.counted("meshmode_connections 1").await;
    server.served.end().await;
}

/// The first words of a handshake.
fn hello(served: &Served) -> Vec<u8> {
    let config = Arc::new(served.client("http/1.1"));
    let name = ServerName::try_from("localhost").unwrap();
    let mut hello = Vec::new();
    let mut client = ClientConnection::new(config, name).unwrap();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn a_connection_that_breaks_is_counted() {
    let server = Tight::start(PATIENCE, 9).await;
    let mut garbage = server.connect().await;
    garbage
        .write_all(b"\x16\x03\x01 no HTTP\r\n\r\n")
        .await
        .unwrap();
    server.counted(&cause("broken", 1)).await;
    let mut cut_off = server.connect().await;
    cut_off.write_all(b"GET / HT").await.unwrap();
    drop(cut_off);
    server.counted(&cause("broken", 2)).await;
    server.served.end().await;
}
