//! What the benchmarks of the serving process share: the released binary as a process, and a client of it that speaks
//! HTTP/1.1 over TLS as the API server does.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A connection after its handshake, or before it.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// How long a start may take on a machine that does other things too.
const READY: Duration = Duration::from_secs(30);

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Where reviews go.
    pub(crate) webhook: SocketAddr,
    /// Where its metrics are.
    pub(crate) status: SocketAddr,
    /// How long it took to get ready.
    pub(crate) ready: Duration,
}

impl Server {
    /// Starts the binary, with the certificate in `certs` and further flags; nobody reads its log.
    pub(crate) fn start(certs: &Path, flags: &[&str]) -> Self {
        Self::start_logging(certs, flags, Stdio::null())
    }

    /// The same with its log to be read, or in a file.
    pub(crate) fn start_logging(certs: &Path, flags: &[&str], log: Stdio) -> Self {
        let (webhook, status) = (free(), free());
        let start = Instant::now();
        let child = Command::new(binary())
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
            .args(flags)
            .stderr(log)
            .spawn()
            .expect("the binary");
        let mut server = Self {
            child,
            webhook,
            status,
            ready: Duration::ZERO,
        };
        while get(status, "/readyz").is_none() {
            assert!(start.elapsed() < READY, "not ready after {READY:?}");
            std::thread::yield_now();
        }
        server.ready = start.elapsed();
        server
    }

    /// The number of a line of `/proc/PID/status`, such as `VmRSS` (in KiB) and `Threads`.
    pub(crate) fn status_of(&self, name: &str) -> u64 {
        status_of(self.child.id(), name)
    }

    /// A path below its folder in `/proc`.
    pub(crate) fn proc(&self, path: &str) -> String {
        format!("/proc/{}/{path}", self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The released program, or the one that cargo built for the benchmark.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("MESHMODE_BENCH_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_meshmode").into(), PathBuf::from)
}

/// The number of a line of `/proc/PID/status`.
pub(crate) fn status_of(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {status}"))
}

/// The time that the threads of a process ran, in user and kernel mode: finer than the ticks of `/proc/PID/stat`.
pub(crate) fn cpu(process: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process");
    let ran = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(ran.sum())
}

/// A client that trusts this CA.
pub(crate) fn client(ca: &str) -> Arc<ClientConfig> {
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

/// A connection to `address`; the handshake happens with the first bytes.
pub(crate) fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    Ok(StreamOwned::new(connection, socket))
}

/// The bytes that ask for an answer to a review.
pub(crate) fn request(path: &str, review: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        review.len()
    );
    [head.as_bytes(), review].concat()
}

/// A review on a connection that is kept: an error is one without an answer, or with another code than 200.
pub(crate) fn send(stream: &mut Stream, path: &str, review: &[u8]) -> io::Result<()> {
    ask(stream, path, review).map(drop)
}

/// [`send`], with the body of the answer.
pub(crate) fn ask(stream: &mut Stream, path: &str, review: &[u8]) -> io::Result<String> {
    stream.write_all(&request(path, review))?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&answer) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    is_ok(&answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    Ok(body.to_owned())
}

/// The error is an answer with another code than 200.
pub(crate) fn is_ok(answer: &[u8]) -> io::Result<()> {
    if answer.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(answer)))
}

/// The body of a page of the second port, where it says 200.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// Whether the body is as long as its head says.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

/// A port that nobody listens on.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}
