//! The life of the serving process: start to ready, the first review after that, memory at rest.
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
}

fn run(certs: &std::path::Path, tls: &Arc<ClientConfig>) -> Run {
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
    let ready = start.elapsed();
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

/// A review on a connection of its own, handshake included.
fn review(address: SocketAddr, tls: &Arc<ClientConfig>) -> Duration {
    let start = Instant::now();
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::clone(tls), name).expect("a connection");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).expect("the server"));
    let head = format!(
        "POST /mutate/pods HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        REVIEW.len()
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(REVIEW))
        .expect("sent");
    let mut answer = String::new();
    // A close without a TLS goodbye is still an answer.
    drop(stream.read_to_string(&mut answer));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("JSONPatch"),
        "{answer}"
    );
    start.elapsed()
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
