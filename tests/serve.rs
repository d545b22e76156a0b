//! `meshmode serve` as it is deployed: the real program, real certificates, real connections and signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a helper fails the test by panicking; tables have a row each"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::{SignedDuration, Timestamp};
use meshmode::tls::{Issued, Subjects, Validity, issue, pem, renew, sha256};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const DEADLINE: Duration = Duration::from_secs(20);

// === the program ===

/// A running server; killed when dropped.
struct Server {
    child: Child,
    log: Receiver<String>,
    seen: Vec<Value>,
    webhook: SocketAddr,
    status: SocketAddr,
}

/// A folder with certificates, or a configuration, as the kubelet keeps one.
struct Volume {
    folder: tempfile::TempDir,
    swaps: u32,
}

impl Server {
    fn start(volume: &Volume, arguments: &[&str]) -> Self {
        let (cert, key) = (volume.path("tls.crt"), volume.path("tls.key"));
        let mut child = program()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--status-listen",
                "127.0.0.1:0",
            ])
            .args(["--log-format", "json", "--reload-interval", "10ms"])
            .arg("--tls-cert")
            .arg(cert)
            .arg("--tls-key")
            .arg(key)
            .args(arguments)
            // Its flag says otherwise where that is tested.
            .env("MESHMODE_SHUTDOWN_DELAY", "0s")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self {
            child,
            log,
            seen: Vec::new(),
            webhook: unknown,
            status: unknown,
        };
        let starting = server.logged("starting");
        let address = |field: &str| starting[field].as_str().unwrap().parse().unwrap();
        (server.webhook, server.status) = (address("listen"), address("status_listen"));
        server.logged("ready");
        server
    }

    /// The next log line with this message.
    #[track_caller]
    fn logged(&mut self, message: &str) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no {message:?} after {:#?}", self.seen));
            let line: Value = serde_json::from_str(&line).unwrap();
            self.seen.push(line.clone());
            if line["message"].as_str().unwrap().starts_with(message) {
                return line;
            }
        }
    }

    fn signal(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    fn ended(mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("still running")
    }

    /// The answer of the second port: code, content type, body.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let stream = TcpStream::connect(self.status).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let request = Request::get(path)
            .header("host", "localhost")
            .body(Full::<Bytes>::default())
            .unwrap();
        let (answer, _) = tokio::join!(
            async {
                let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
                drop(sender);
                let kind = parts
                    .headers
                    .get("content-type")
                    .map(|v| v.to_str().unwrap().to_owned());
                let body = body.collect().await.unwrap().to_bytes();
                (
                    parts.status.as_u16(),
                    kind.unwrap_or_default(),
                    String::from_utf8(body.into()).unwrap(),
                )
            },
            connection
        );
        answer
    }

    /// The value of a sample of `/metrics`, 0 where it is not there.
    async fn metric(&self, sample: &str) -> f64 {
        let (_, _, text) = self.get("/metrics").await;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    async fn connect(&self, config: ClientConfig) -> Result<TlsStream<TcpStream>, std::io::Error> {
        let stream = TcpStream::connect(self.webhook).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// The configuration with this hash is in service, wherever that is told, and read not long ago.
    async fn serves(&self, hash: &str) {
        let (_, _, version) = self.get("/version").await;
        let version: Value = serde_json::from_str(&version).unwrap();
        let expected = json!({"hash": hash, "source": "file"});
        assert_eq!(version["configuration"], expected);
        let (_, _, metrics) = self.get("/metrics").await;
        let infos = metrics
            .lines()
            .filter(|line| line.starts_with("meshmode_configuration_info"));
        let expected = format!("meshmode_configuration_info{{hash=\"{hash}\",source=\"file\"}} 1");
        assert_eq!(
            infos.collect::<Vec<_>>(),
            [expected],
            "the active one alone"
        );
        let read = "meshmode_configuration_last_reload_success_timestamp_seconds";
        let age = Timestamp::now().as_second() as f64 - self.metric(read).await;
        assert!((0.0..60.0).contains(&age), "{age} s ago");
    }

    /// Waits until a gauge says 1: a reading may fall between two files, and be mended by the next.
    async fn until(&self, gauge: &str) {
        let end = Instant::now() + DEADLINE;
        while self.metric(gauge).await < 1.0 {
            assert!(Instant::now() < end, "{gauge} is not 1");
        }
    }

    /// Whether a client gets an answer, whatever it is.
    async fn answers(&self, config: ClientConfig) -> bool {
        let answered = async {
            let mut stream = self.connect(config).await?;
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                .await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 404"))
        };
        answered.await.unwrap_or(false)
    }

    /// Whether a client of `ca` with this name does.
    async fn lets_in(&self, issued: &Issued, ca: &ClientCa, name: &str) -> bool {
        let own = ca.client(name);
        let config = client_with(issued, &[&TLS13], &["http/1.1"], Some(&own));
        self.answers(config).await
    }

    /// One review on a connection of its own, over HTTP/1.1 as the API server's.
    async fn review(&self, issued: &Issued) -> Result<u16, String> {
        let stream = self
            .connect(client(issued, &[&TLS13, &TLS12], &["http/1.1"]))
            .await;
        let stream = stream.map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let ask = async {
            let answer = sender
                .send_request(review())
                .await
                .map_err(|error| error.to_string());
            let code = judge(answer?).await;
            drop(sender);
            Ok(code)
        };
        tokio::join!(ask, connection).0
    }

    /// Asks for reviews on one connection, one after the other, until one says what `until` wants; each must be
    /// answered. How many there were, and how long it took.
    async fn reviews_until(
        &self,
        issued: &Issued,
        mut until: impl FnMut(&Value) -> bool,
    ) -> (u32, Duration) {
        let config = client(issued, &[&TLS13], &["http/1.1"]);
        let stream = TokioIo::new(self.connect(config).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let start = Instant::now();
        let ask = async {
            let mut asked = 0;
            loop {
                assert!(start.elapsed() < DEADLINE, "after {asked} reviews");
                let answer = sender.send_request(review()).await.unwrap();
                assert_eq!(answer.status(), 200);
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                let mut answer: Value = serde_json::from_slice(&body).unwrap();
                asked += 1;
                let audit = answer["response"]["auditAnnotations"].take();
                assert_eq!(answer["response"]["allowed"], true);
                if until(&audit) {
                    drop(sender);
                    return (asked, start.elapsed());
                }
            }
        };
        tokio::join!(ask, connection).0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _has_ended = self.child.kill();
        let _has_ended = self.child.wait();
    }
}

impl Volume {
    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            swaps: 0,
        }
    }

    fn new(issued: &Issued) -> Self {
        let mut volume = Self::empty();
        volume.swap(&issued.leaf.cert_pem, &issued.leaf.key_pem);
        volume
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn swap(&mut self, cert: &str, key: &str) {
        self.replace(&[("tls.crt", cert), ("tls.key", key)]);
    }

    /// As the kubelet does: a new folder, `..data` renamed over to it, the old folder removed.
    fn replace(&mut self, files: &[(&str, &str)]) {
        self.swaps += 1;
        let root = self.folder.path();
        let version = format!("..version-{}", self.swaps);
        let old = fs::read_link(root.join("..data")).ok();
        fs::create_dir(root.join(&version)).unwrap();
        for (name, content) in files {
            fs::write(root.join(&version).join(name), content).unwrap();
        }
        symlink(&version, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        for (name, _) in files {
            let _there_after_the_first = symlink(Path::new("..data").join(name), root.join(name));
        }
        if let Some(old) = old {
            fs::remove_dir_all(root.join(old)).unwrap();
        }
    }
}

/// The program without the settings of whoever runs the tests.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshmode"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MESHMODE_") {
            command.env_remove(name);
        }
    }
    command
}

fn issued() -> Issued {
    let subjects = Subjects::parse(["localhost"]).unwrap();
    issue(&subjects, Validity::default(), Timestamp::now()).unwrap()
}

fn client(
    issued: &Issued,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> ClientConfig {
    client_with(issued, versions, protocols, None)
}

fn client_with(
    issued: &Issued,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
    own: Option<&Issued>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for ca in pem::certificates(issued.authority.cert_pem.as_bytes()).unwrap() {
        roots.add(ca).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = pem::certificates(own.leaf.cert_pem.as_bytes()).unwrap();
            let key = pem::private_key(own.leaf.key_pem.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    config
}

fn review_body() -> Bytes {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {"metadata": {"generateName": "web-"}, "spec": {}},
        },
    })
    .to_string()
    .into()
}

fn review() -> Request<Full<Bytes>> {
    Request::post("https://localhost/mutate/pods?timeout=5s")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(review_body()))
        .unwrap()
}

/// The code of an answer, which is whole and of this review where it is 200.
async fn judge(answer: hyper::Response<Incoming>) -> u16 {
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert!(
        code != 200 || answer["response"]["uid"] == "u-1",
        "{answer}"
    );
    code
}

// === protocols ===

#[tokio::test]
async fn every_client_is_served_and_connections_are_kept() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let server = Server::start(&volume, &[]);
    for version in [&TLS12, &TLS13] {
        for protocols in [&["http/1.1"][..], &[], &["h2", "http/1.1"]] {
            let stream = server
                .connect(client(&issued, &[version], protocols))
                .await
                .unwrap();
            let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            assert_eq!(
                agreed.as_deref(),
                protocols.first().map(|name| name.as_bytes())
            );
            let stream = TokioIo::new(stream);
            let mut tasks = tokio::task::JoinSet::new();
            if agreed.as_deref() == Some(b"h2") {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                        .await
                        .unwrap();
                tasks.spawn(connection);
                for _ in 0..3 {
                    assert_eq!(
                        judge(sender.send_request(review()).await.unwrap()).await,
                        200
                    );
                }
            } else {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(stream).await.unwrap();
                tasks.spawn(connection);
                for _ in 0..3 {
                    sender.ready().await.unwrap();
                    assert_eq!(
                        judge(sender.send_request(review()).await.unwrap()).await,
                        200
                    );
                }
            }
        }
    }
    let answered = "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"}";
    assert_eq!(server.metric(answered).await, 18.0);
}

#[tokio::test]
async fn a_slow_handshake_is_ended_and_harms_nobody() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let mut server = Server::start(&volume, &["--handshake-timeout", "200ms"]);
    let mut slow = TcpStream::connect(server.webhook).await.unwrap();
    slow.write_all(&[22, 3, 1]).await.unwrap();
    assert_eq!(server.review(&issued).await, Ok(200));
    let mut rest = Vec::new();
    let read = tokio::time::timeout(DEADLINE, slow.read_to_end(&mut rest)).await;
    drop(read.expect("the server ends it"));
    let line = server.logged("a TLS handshake failed");
    assert!(line["error"].as_str().unwrap().contains("200ms"), "{line}");
    let metric = "meshmode_tls_handshake_failures_total{cause=\"timed-out\"}";
    assert_eq!(server.metric(metric).await, 1.0);
    assert_eq!(server.review(&issued).await, Ok(200));
}

#[tokio::test]
async fn a_client_certificate_is_required_where_asked_for() {
    let (issued, clients, strangers) = (issued(), ClientCa::new(), ClientCa::new());
    let volume = Volume::new(&issued);
    let ca = volume.path("client-ca.crt");
    fs::write(&ca, clients.pem()).unwrap();
    let (stranger, ours) = (strangers.client("client"), clients.client("client"));
    let server = Server::start(&volume, &["--tls-client-ca", ca.to_str().unwrap()]);
    for version in [&TLS12, &TLS13] {
        for (name, own, served) in [
            ("none", None, false),
            ("a stranger's", Some(&stranger), false),
            ("ours", Some(&ours), true),
        ] {
            let config = client_with(&issued, &[version], &["http/1.1"], own);
            assert_eq!(server.answers(config).await, served, "{version:?} {name}");
        }
    }
}

/// A CA of clients.
struct ClientCa(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl ClientCa {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self(rcgen::CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate of it.
    fn client(&self, name: &str) -> Issued {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        let common = rcgen::DnType::CommonName;
        params.distinguished_name.push(common, name);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let mut own = issued();
        own.leaf.cert_pem = params.signed_by(&key, &self.0).unwrap().pem();
        own.leaf.key_pem = key.serialize_pem();
        own
    }
}

/// What `meshmode certs` would have made at another time.
fn issued_at(now: Timestamp) -> Issued {
    let subjects = Subjects::parse(["127.0.0.1", "localhost"]).unwrap();
    issue(&subjects, Validity::default(), now).unwrap()
}

#[tokio::test]
async fn readiness_says_what_is_wrong_with_the_certificate() {
    let hours = |hours: i64| Timestamp::now() + SignedDuration::from_hours(hours);
    let (over, good, early) = (
        issued_at(hours(-24 * 366)),
        issued_at(hours(0)),
        issued_at(hours(2)),
    );
    let mut volume = Volume::new(&over);
    let mut server = Server::start(&volume, &["--self-check-interval", "20ms"]);
    let (code, _, body) = server.get("/readyz").await;
    assert_eq!(code, 503, "{body}");
    assert!(
        body.starts_with("not ready: certificate: the certificate in service ended at")
            && body.contains("renew it"),
        "{body}"
    );
    let (code, _, verbose) = server.get("/readyz?verbose").await;
    assert_eq!(code, 503);
    assert!(
        verbose.contains("[-]certificate failed: ")
            && verbose.contains("[+]listener ok\n")
            && verbose.ends_with("readyz check failed\n"),
        "{verbose}"
    );
    let expired = "meshmode_self_check{check=\"certificate\",reason=\"expired\"}";
    assert_eq!(server.metric(expired).await, 1.0);

    volume.swap(&good.leaf.cert_pem, &good.leaf.key_pem);
    server.logged("serving with a new certificate");
    server.logged("a check of itself passes");
    assert_eq!(server.get("/readyz").await.2, "ok\n");
    assert_eq!(server.metric(expired).await, 0.0);
    for (name, files, reason) in [
        ("over", Some(&over), "out-of-time"),
        ("early", Some(&early), "out-of-time"),
        ("gone", None, "unreadable"),
    ] {
        match files {
            Some(Issued { leaf, .. }) => volume.swap(&leaf.cert_pem, &leaf.key_pem),
            None => volume.replace(&[]),
        }
        server.logged("the certificate on disk cannot be served");
        let files =
            format!("meshmode_self_check{{check=\"certificate-files\",reason=\"{reason}\"}}");
        server.until(&files).await;
        let (code, _, verbose) = server.get("/readyz?verbose").await;
        assert_eq!(code, 200, "{name}: {verbose}");
        assert!(
            verbose.contains("[+]certificate-files ok, with a warning: "),
            "{name}: {verbose}"
        );
        assert_eq!(server.review(&good).await, Ok(200), "{name}");
    }
    let not_after = server
        .metric("meshmode_certificate_not_after_timestamp_seconds")
        .await;
    assert_eq!(not_after, good.leaf.not_after.as_second() as f64);
}

/// As an API server does that has an AdmissionConfiguration with a client certificate.
#[tokio::test]
async fn clients_are_let_in_by_name_and_by_a_ca_that_may_change() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let (one, two) = (ClientCa::new(), ClientCa::new());
    let mut authorities = Volume::empty();
    authorities.replace(&[("ca.crt", &one.pem())]);
    let file = authorities.path("ca.crt");
    let flags = [
        "--tls-client-ca",
        file.to_str().unwrap(),
        "--tls-client-name=kube-apiserver,other",
        "--self-check-interval=20ms",
    ];
    let mut server = Server::start(&volume, &flags);
    let refused =
        |reason: &str| format!("meshmode_client_certificates_refused_total{{reason=\"{reason}\"}}");
    assert_eq!(server.metric(&refused("other-name")).await, 0.0);
    assert!(server.lets_in(&issued, &one, "kube-apiserver").await);
    assert!(!server.lets_in(&issued, &one, "kubelet").await);
    let line = server.logged("a client was not let in");
    assert_eq!(line["names"], "kubelet");
    assert_eq!(server.metric(&refused("other-name")).await, 1.0);
    assert!(!server.lets_in(&issued, &two, "kube-apiserver").await);
    assert_eq!(server.metric(&refused("untrusted")).await, 1.0);

    authorities.replace(&[("ca.crt", "garbage")]);
    server.logged("a check of itself found something");
    let (code, _, verbose) = server.get("/readyz?verbose").await;
    assert_eq!(code, 200, "{verbose}");
    assert!(
        verbose.contains("[+]client-ca ok, with a warning: "),
        "{verbose}"
    );
    assert!(verbose.contains("[+]listener ok\n"), "{verbose}");
    assert!(server.lets_in(&issued, &one, "kube-apiserver").await);

    authorities.replace(&[("ca.crt", &two.pem())]);
    server.logged("clients are checked with new CAs");
    assert!(!server.lets_in(&issued, &one, "kube-apiserver").await);
    assert!(server.lets_in(&issued, &two, "kube-apiserver").await);
    // It looked at itself all the while, and was not refused.
    let failures = "meshmode_tls_handshake_failures_total{cause=\"failed\"}";
    assert!(server.metric(failures).await <= 3.0);
}

// === files that change ===

#[tokio::test]
async fn certificates_are_swapped_twice_while_reviews_flow() {
    let issued = issued();
    let mut volume = Volume::new(&issued);
    let mut server = Server::start(&volume, &[]);
    let subjects = Subjects::parse(["localhost"]).unwrap();
    let new_leaf = || {
        renew(
            &issued.authority,
            &subjects,
            Duration::from_secs(3600),
            Timestamp::now(),
        )
        .unwrap()
    };
    let swapped = "meshmode_reloads_total{file=\"certificate\",outcome=\"done\"}";
    let kept = "meshmode_reloads_total{file=\"certificate\",outcome=\"kept-last-good\"}";
    for swaps in [1.0, 2.0] {
        let leaf = new_leaf();
        volume.swap(&leaf.cert_pem, &leaf.key_pem);
        let end = Instant::now() + DEADLINE;
        while server.metric(swapped).await < swaps {
            assert!(Instant::now() < end, "swap {swaps} is not noticed");
            assert_eq!(server.review(&issued).await, Ok(200));
        }
        server.logged("serving with a new certificate");
        let stream = server
            .connect(client(&issued, &[&TLS13], &["http/1.1"]))
            .await
            .unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        assert_eq!(
            shown,
            pem::certificates(leaf.cert_pem.as_bytes()).unwrap()[0]
        );
        let ends = server
            .metric("meshmode_certificate_not_after_timestamp_seconds")
            .await;
        assert_eq!(ends, leaf.not_after.as_second() as f64);
    }
    volume.swap("garbage", "garbage");
    let line = server.logged("the certificate on disk cannot be served");
    assert_ne!(line["error"], Value::Null, "{line}");
    assert_eq!(server.metric(kept).await, 1.0);
    assert_eq!(server.review(&issued).await, Ok(200), "the last good one");
    // A key of another certificate, then the files go away.
    volume.swap(&new_leaf().cert_pem, &new_leaf().key_pem);
    server.logged("the certificate on disk cannot be served");
    fs::remove_file(volume.path("tls.key")).unwrap();
    let with_its_cause = |error: &str| error.contains("tls.key") && error.contains("No such file");
    while !server.logged("the certificate on disk cannot be served")["error"]
        .as_str()
        .is_some_and(with_its_cause)
    {}
    assert!(server.metric(kept).await >= 3.0);
    assert_eq!(server.review(&issued).await, Ok(200), "the last good one");
}

#[tokio::test]
async fn a_configuration_is_reloaded_and_a_bad_one_is_not() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let file = volume.path("config.yaml");
    let with_default = |mode: &str| {
        format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: {mode}, reason: a test}}\n"
        )
    };
    fs::write(&file, with_default("ambient")).unwrap();
    let mut server = Server::start(&volume, &["--config", file.to_str().unwrap()]);
    server
        .serves(&sha256(with_default("ambient").as_bytes()))
        .await;
    let placed = |mode: &str| {
        format!("meshmode_placements_total{{stance=\"enforce\",mode=\"{mode}\",rule=\"default\"}}")
    };
    assert_eq!(server.review(&issued).await, Ok(200));
    assert_eq!(server.metric(&placed("ambient")).await, 1.0);

    let beside = volume.path("config.new");
    let replace = |text: &[u8]| {
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &file).unwrap();
    };
    replace(with_default("none").as_bytes());
    let line = server.logged("a new configuration is in service");
    let [before, hash] = ["ambient", "none"].map(|mode| sha256(with_default(mode).as_bytes()));
    assert_eq!(
        (&line["before"], &line["configuration"]),
        (&json!(before), &json!(hash))
    );
    server.serves(&hash).await;
    assert_eq!(server.review(&issued).await, Ok(200));
    assert_eq!(server.metric(&placed("none")).await, 1.0);

    for (bad, place) in [
        (with_default("sidecars").into_bytes(), "4:19: "),
        (b"placement: [\n".to_vec(), "1:12: "),
        (b"# caf\xe9\n".to_vec(), "1:6: is not UTF-8"),
    ] {
        replace(&bad);
        let line = server.logged("the configuration on disk has mistakes");
        let problems = line["problems"].as_str().unwrap();
        assert_eq!(line["at"], place.split(": ").next().unwrap());
        assert_eq!(line["configuration"], hash, "the last good one");
        assert_eq!(server.get("/readyz").await.0, 200);
        server.serves(&hash).await;
        assert!(problems.starts_with(place), "{problems}");
        assert_eq!(line["file"], file.to_str().unwrap());
    }
    assert_eq!(server.review(&issued).await, Ok(200));
    assert_eq!(
        server.metric(&placed("none")).await,
        2.0,
        "the last good one"
    );
    let kept = "meshmode_reloads_total{file=\"configuration\",outcome=\"kept-last-good\"}";
    assert_eq!(server.metric(kept).await, 3.0);
}

/// As `manifests/base` mounts it: the path of the file never changes, what is behind it does.
#[tokio::test]
async fn a_config_map_is_swapped_twice_while_reviews_flow() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let text = |mode: &str| {
        format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: {mode}, reason: a test}}\n"
        )
    };
    let mut config_map = Volume::empty();
    config_map.replace(&[("config.yaml", &text("ambient"))]);
    let file = config_map.path("config.yaml");
    let mut server = Server::start(&volume, &["--config", file.to_str().unwrap()]);
    for (mode, content) in [
        ("ambient", None),
        ("none", Some(text("none"))),
        ("none", Some("placement: [".to_owned())),
        ("sidecar", Some(text("sidecar"))),
    ] {
        if let Some(content) = &content {
            config_map.replace(&[("config.yaml", content)]);
        }
        let hash = sha256(text(mode).as_bytes());
        let wanted = |audit: &Value| {
            // Decision and hash are of one configuration, also while it is swapped.
            let placed = audit["placement"].as_str().unwrap();
            assert_eq!(audit["configuration"], sha256(text(placed).as_bytes()));
            audit["configuration"] == hash
        };
        let (_, took) = server.reviews_until(&issued, wanted).await;
        assert!(took < Duration::from_secs(15), "{mode} after {took:?}");
        if content.is_some_and(|content| content.ends_with('[')) {
            server.logged("the configuration on disk has mistakes");
        }
        server.serves(&hash).await;
    }
    let failed = "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"panicked\"}";
    assert_eq!(server.metric(failed).await, 0.0);
}

// === the second port ===

#[tokio::test]
async fn the_second_port_tells_how_it_is() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let server = Server::start(&volume, &[]);
    assert_eq!(server.review(&issued).await, Ok(200));
    for path in ["/livez", "/readyz"] {
        let (code, _, body) = server.get(path).await;
        assert_eq!((code, body.as_str()), (200, "ok\n"), "{path}");
    }
    let (code, kind, body) = server.get("/version").await;
    assert_eq!((code, kind.as_str()), (200, "application/json"));
    let version: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["configuration"]["source"], "embedded default");
    let hash = version["configuration"]["hash"].as_str().unwrap();
    let bits = hash.bytes().filter(u8::is_ascii_hexdigit).count() * 4;
    assert_eq!((bits, hash.len()), (256, 64), "{hash}");
    assert_eq!(server.get("/mutate/pods").await.0, 404);
    let (code, kind, text) = server.get("/metrics").await;
    assert_eq!(
        (code, kind.as_str()),
        (
            200,
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
    );
    is_open_metrics(&text);
}

/// Families with HELP and TYPE, samples of them only, `# EOF` at the end.
fn is_open_metrics(text: &str) {
    let body = text
        .strip_suffix("# EOF\n")
        .unwrap_or_else(|| panic!("no # EOF: {text}"));
    let mut family: Option<(&str, &str)> = None;
    let mut helped = None;
    let mut families = 0;
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.trim().is_empty(), "{line}");
            helped = Some(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped, Some(name), "HELP comes first: {line}");
            assert!(name.starts_with("meshmode_"), "{line}");
            assert!(
                ["counter", "gauge", "histogram", "info"].contains(&kind),
                "{line}"
            );
            family = Some((name, kind));
            families += 1;
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, kind) = family.unwrap();
            let suffix = sample
                .split('{')
                .next()
                .unwrap()
                .strip_prefix(name)
                .unwrap();
            let allowed: &[&str] = match kind {
                "counter" => &["_total"],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(families >= 8, "{families} families only: {text}");
}

// === the end ===

#[tokio::test]
async fn a_review_in_flight_is_answered_before_the_end() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let mut server = Server::start(&volume, &["--shutdown-delay", "1s"]);
    let mut stream = server
        .connect(client(&issued, &[&TLS13], &["http/1.1"]))
        .await
        .unwrap();
    let body = review_body();
    let head = format!(
        "POST /mutate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The handler asks for the body: now the review is in flight.
    let mut begun = [0; 25];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal();
    server.logged("asked to end");
    assert_eq!(server.get("/readyz").await.0, 503);
    assert_eq!(server.get("/livez").await.0, 200);
    assert_eq!(server.review(&issued).await, Ok(200), "whoever comes");
    stream.write_all(&body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"u-1\""),
        "{answer}"
    );
    server.logged("ended");
    assert_eq!(server.ended().code(), Some(0));
}

#[tokio::test]
async fn asked_twice_it_ends_at_once() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let mut server = Server::start(&volume, &["--shutdown-delay", "1h"]);
    let mut stream = server
        .connect(client(&issued, &[&TLS13], &["http/1.1"]))
        .await
        .unwrap();
    stream.write_all(b"POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 25]).await.unwrap();
    server.signal();
    server.logged("asked to end");
    server.signal();
    server.logged("ended at once");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let issued = issued();
    let volume = Volume::new(&issued);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (cert, key) = (volume.path("tls.crt"), volume.path("tls.key"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let rows: [(&str, &[&str], i32, &[&str]); 8] = [
        (
            "no certificate",
            &["--tls-cert", "/nowhere/tls.crt"],
            3,
            &["meshmode certs", "/nowhere/tls.crt", "No such file"],
        ),
        (
            "a key in place of the certificate",
            &["--tls-cert", key, "--tls-key", key],
            3,
            &["meshmode certs", key],
        ),
        (
            "a client CA that is none",
            &["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", key],
            3,
            &["client CA"],
        ),
        (
            "the port is taken",
            &["--tls-cert", cert, "--tls-key", key, "--listen", &taken],
            3,
            &["--listen", &taken, "in use"],
        ),
        (
            "the second port is taken",
            &[
                "--tls-cert",
                cert,
                "--tls-key",
                key,
                "--listen",
                "127.0.0.1:0",
                "--status-listen",
                &taken,
            ],
            3,
            &["--status-listen", &taken, "in use"],
        ),
        (
            "no cluster where one is required",
            &[
                "--tls-cert",
                cert,
                "--tls-key",
                key,
                "--cluster",
                "required",
            ],
            3,
            &[
                "--cluster is required",
                "--kubeconfig",
                "automountServiceAccountToken",
            ],
        ),
        (
            "no kubeconfig where one is named",
            &[
                "--tls-cert",
                cert,
                "--tls-key",
                key,
                "--kubeconfig",
                "/nowhere/kubeconfig",
            ],
            3,
            &["cannot use the kubeconfig /nowhere/kubeconfig"],
        ),
        (
            "a flag that is none",
            &["--tls-cret", cert],
            2,
            &["--tls-cret"],
        ),
    ];
    for (name, arguments, code, texts) in rows {
        let output = program().arg("serve").args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        for text in texts {
            assert!(said.contains(text), "{name}: {text:?} is not in: {said}");
        }
        assert!(output.stdout.is_empty(), "{name}");
    }
}
