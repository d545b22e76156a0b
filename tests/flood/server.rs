//! The program under attack: the one that `MESHMODE_E2E_BINARY` names, which is a released one, or that of the tests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use meshmode::tls::{Issued, Overwrite, Subjects, Validity, issue, pem, write};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) webhook: SocketAddr,
    status: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
    _certificates: tempfile::TempDir,
}

/// Whether figures can be held against it.
pub(crate) fn is_released() -> bool {
    std::env::var_os("MESHMODE_E2E_BINARY").is_some()
}

/// Lets this process, and those it starts, open as many files as the machine allows.
pub(crate) fn open_many_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).unwrap();
}

impl Server {
    pub(crate) fn start() -> Self {
        let certificates = tempfile::tempdir().unwrap();
        let subjects = Subjects::parse(["127.0.0.1"]).unwrap();
        let issued = issue(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap();
        write(certificates.path(), &issued, Overwrite::Refuse).unwrap();
        let binary = std::env::var_os("MESHMODE_E2E_BINARY")
            .map_or_else(|| env!("CARGO_BIN_EXE_meshmode").into(), PathBuf::from);
        let mut child = Command::new(binary)
            .env_clear()
            .args(["serve", "--cluster=off", "--log-format=json"])
            .args(["--listen=127.0.0.1:0", "--status-listen=127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(certificates.path().join("tls.crt"))
            .arg("--tls-key")
            .arg(certificates.path().join("tls.key"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut logged = |message: &str| loop {
            let line = lines.next().expect("it ended early").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == message {
                return line;
            }
        };
        let starting = logged("starting");
        logged("ready");
        let address = |field: &str| starting[field].as_str().unwrap().parse().unwrap();
        // A full pipe would hold it up.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self {
            child,
            webhook: address("listen"),
            status: address("status_listen"),
            tls: client(&issued),
            _certificates: certificates,
        }
    }

    /// The most bytes of memory that it has had so far (`VmHWM`).
    pub(crate) fn most_resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.unwrap().trim().parse::<u64>().unwrap() << 10
    }

    /// The value of a sample of `/metrics`.
    pub(crate) fn sample(&self, series: &str) -> f64 {
        let text = self.metrics();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {series} in {text}"))
            .parse()
            .unwrap()
    }

    /// No review has made it panic.
    pub(crate) fn has_not_panicked(&self) {
        assert_eq!(self.sample("meshmode_panics_total"), 0.0);
        assert_eq!(self.sample("meshmode_body_memory_bytes"), 0.0);
    }

    /// Waits until it holds no connection but those of the normal client.
    pub(crate) async fn forgets_them(&self) {
        let few = async {
            while self.sample("meshmode_connections") > 3.0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let few = tokio::time::timeout(Duration::from_secs(20), few).await;
        assert!(few.is_ok(), "{}", self.metrics());
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.status).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _has_ended = self.child.kill();
        let _has_ended = self.child.wait();
    }
}

fn client(issued: &Issued) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for ca in pem::certificates(issued.authority.cert_pem.as_bytes()).unwrap() {
        roots.add(ca).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let mut config = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
