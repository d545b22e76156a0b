//! The life of the serving process: start to ready, the first review after that, memory at rest, and load on
//! a real TLS socket (client and server share the machine's cores).
//!
//! It starts the released binary again and again, and prints the median and the worst. Not a criterion
//! benchmark: what is measured happens once a process.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use meshmode::tls::{Overwrite, Subjects, Validity, issue, write};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const RUNS: usize = 20;
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(3);
const REVIEW: &[u8] = include_bytes!("../tests/data/reviews/pod-usual.json");

struct Run {
    ready: Duration,
    first_review: Duration,
    second_review: Duration,
    resident_kib: u64,
}

fn main() {
    // The manifest lists this with harness = false: cargo also calls it as a test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let now = jiff::Timestamp::now();
    let subjects = Subjects::parse(["127.0.0.1"]).expect("a subject");
    let issued = issue(&subjects, Validity::default(), now).expect("certificates");
    write(folder.path(), &issued, Overwrite::Refuse).expect("files");
    let tls = client(&issued.authority.cert_pem);
    let runs: Vec<Run> = (0..RUNS).map(|_| run(folder.path(), &tls)).collect();
    let print = |name: &str, unit: &str, value: &dyn Fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        println!(
            "{name:<22} median {:>7.2} {unit}, worst {:>7.2} {unit}",
            values[RUNS / 2],
            values[RUNS - 1]
        );
    };
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    print("start to ready", "ms", &|run| ms(run.ready));
    print("first review", "ms", &|run| ms(run.first_review));
    print("second review", "ms", &|run| ms(run.second_review));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    print("resident memory", "MiB", &|run| {
        run.resident_kib as f64 / 1024.0
    });
    under_load(folder.path(), &tls);
}

fn under_load(certs: &std::path::Path, tls: &Arc<ClientConfig>) {
    let (server, webhook, _) = start(certs);
    for connections in [1, 8, 64] {
        let mut latencies = load(webhook, tls, connections);
        latencies.sort();
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        println!(
            "{connections:>2} connections: {:>6} reviews a second, p50 {:?}, p99 {:?}, resident {} KiB",
            latencies.len() as u64 / LOAD.as_secs(),
            at(50),
            at(99),
            server.resident_kib(),
        );
    }
}

fn run(certs: &std::path::Path, tls: &Arc<ClientConfig>) -> Run {
    let (server, webhook, ready) = start(certs);
    let resident_kib = server.resident_kib();
    let first_review = review(webhook, tls);
    let second_review = review(webhook, tls);
    Run {
        ready,
        first_review,
        second_review,
        resident_kib,
    }
}

/// Starts the binary: its address, and how long it took to get ready.
fn start(certs: &std::path::Path) -> (Server, SocketAddr, Duration) {
    let (webhook, status) = (free(), free());
    let binary = option_env!("MESHMODE_BENCH_BINARY").unwrap_or(env!("CARGO_BIN_EXE_meshmode"));
    let start = Instant::now();
    let child = Command::new(binary)
        .args([
            "serve",
            "--listen",
            &webhook.to_string(),
            "--status-listen",
            &status.to_string(),
        ])
        .arg("--tls-cert")
        .arg(certs.join("tls.crt"))
        .arg("--tls-key")
        .arg(certs.join("tls.key"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let server = Server(child);
    while !is_ready(status) {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "not ready after 10 s"
        );
        std::thread::yield_now();
    }
    (server, webhook, start.elapsed())
}

/// A review on a connection of its own, handshake included.
fn review(address: SocketAddr, tls: &Arc<ClientConfig>) -> Duration {
    let start = Instant::now();
    send(&mut connect(address, tls));
    start.elapsed()
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> Stream {
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::clone(tls), name).expect("a connection");
    let socket = TcpStream::connect(address).expect("the server");
    socket.set_nodelay(true).expect("a socket");
    StreamOwned::new(connection, socket)
}

/// A review on a connection that is kept.
fn send(stream: &mut Stream) {
    let head = format!(
        "POST /mutate/pods HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        REVIEW.len()
    );
    let request = [head.as_bytes(), REVIEW].concat();
    stream.write_all(&request).expect("sent");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&answer) {
        let read = stream.read(&mut buffer).expect("an answer");
        assert!(read > 0, "closed in the middle of an answer");
        answer.extend_from_slice(&buffer[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// Whether the body is as long as its head says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

/// Reviews on so many kept connections at once, for [`LOAD`].
fn load(address: SocketAddr, tls: &Arc<ClientConfig>, connections: usize) -> Vec<Duration> {
    let end = Instant::now() + LOAD;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(address, tls);
                    let mut latencies = Vec::new();
                    while Instant::now() < end {
                        let start = Instant::now();
                        send(&mut stream);
                        latencies.push(start.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        let latencies = senders
            .into_iter()
            .map(|sender| sender.join().expect("a sender"));
        latencies.flatten().collect()
    })
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = String::new();
    let asked =
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    asked
        .and_then(|()| stream.read_to_string(&mut answer))
        .is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

fn client(ca: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in meshmode::tls::pem::certificates(ca.as_bytes()).expect("the CA") {
        roots.add(certificate).expect("the CA");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(
        builder
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

struct Server(Child);

impl Server {
    fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("Linux");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("VmRSS");
        line.split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok())
            .expect("kB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
