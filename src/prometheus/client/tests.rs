//! What is sent, what is tried again, and handshakes that fail, each for its reason.

use std::net::SocketAddr;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::prometheus::error::TlsAdvice;
use crate::prometheus::testing::{Server, vector};

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn quick(url: &str) -> Settings {
    let mut settings = Settings::of(url);
    settings.manner.backoff = Duration::from_millis(1);
    settings.manner.timeout = Duration::from_secs(10);
    settings
}

async fn ask(settings: &Settings) -> Result<Answer, Error> {
    Client::direct(settings)?.instant("up", AT).await
}

fn success() -> (StatusCode, String) {
    (StatusCode::OK, vector(&[]))
}

#[tokio::test]
async fn what_is_sent() {
    let server = Server::start(|_, _| success()).await;
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "me:secret\n").unwrap();
    let mut settings = quick(&format!("{}/prometheus/", server.url()));
    settings.basic_auth_file = Some(password);
    settings.manner.headers = vec![("X-Scope-OrgID".to_owned(), "team".to_owned())];
    settings.manner.query_params = vec![("dedup".to_owned(), "true".to_owned())];
    let client = Client::direct(&settings).unwrap();
    client.instant("up{a=\"b&c\"}", AT).await.unwrap();
    let range = At::Range {
        start: AT,
        end: Timestamp::from_second(60).unwrap(),
        step: Duration::from_secs(30),
    };
    let text = "up".to_owned();
    client.ask(&Query { text, at: range }).await.unwrap();
    let seen = server.seen();
    let [instant, range] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(instant.path, "/prometheus/api/v1/query");
    assert_eq!(instant.parameter("query"), "up{a=\"b&c\"}");
    assert_eq!(instant.parameter("time"), "0");
    assert_eq!(instant.parameter("timeout"), "10s");
    assert_eq!(instant.parameter("dedup"), "true");
    assert_eq!(
        instant.headers.get("authorization").unwrap(),
        "Basic bWU6c2VjcmV0"
    );
    assert_eq!(instant.headers.get("x-scope-orgid").unwrap(), "team");
    let agent = instant.headers.get("user-agent").unwrap().to_str().unwrap();
    assert!(agent.starts_with("meshmode/"), "{agent}");
    assert_eq!(range.path, "/prometheus/api/v1/query_range");
    let times = ["start", "end", "step"].map(|name| range.parameter(name));
    assert_eq!(times, ["0", "60", "30"]);
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let rows = [
        ("503, then an answer", 503, 2, 3, ""),
        ("429, then an answer", 429, 1, 2, ""),
        ("503 for ever", 503, 99, 4, "cannot answer now (HTTP 503"),
        ("500 is not tried again", 500, 99, 1, "failed (HTTP 500"),
        ("401 is not tried again", 401, 99, 1, "HTTP 401"),
    ];
    for (name, status, failures, asked, expected) in rows {
        let server = Server::start(move |_, before| {
            if before < failures {
                let error = r#"{"status":"error","errorType":"x","error":"y"}"#;
                (StatusCode::from_u16(status).unwrap(), error.to_owned())
            } else {
                success()
            }
        })
        .await;
        let message = ask(&quick(&server.url()))
            .await
            .err()
            .map(|error| error.to_string());
        let message = message.unwrap_or_default();
        assert!(message.contains(expected), "{name}: {message}");
        assert_eq!(message.is_empty(), expected.is_empty(), "{name}: {message}");
        assert_eq!(server.seen().len(), asked, "{name}");
    }
}

#[tokio::test]
async fn a_query_that_the_server_gave_up_is_not_asked_again() {
    let server = Server::start(|_, _| {
        let error = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
        (StatusCode::SERVICE_UNAVAILABLE, error.to_owned())
    })
    .await;
    let error = ask(&quick(&server.url())).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert_eq!(server.seen().len(), 1);
}

/// Reads the begin of a request of each connection, then does as it is told, and counts connections.
async fn rude(close: bool) -> (SocketAddr, JoinSet<()>, tokio::sync::watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (count, counted) = tokio::sync::watch::channel(0);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            count.send_modify(|count| *count += 1);
            connection.read_u8().await.unwrap();
            if !close {
                open.push(connection);
            }
        }
    });
    (address, task, counted)
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let (address, _task, counted) = rude(true).await;
    let error = ask(&quick(&format!("http://{address}"))).await.unwrap_err();
    assert!(matches!(error, Error::Cut { tries: 4, .. }), "{error}");
    assert!(*counted.borrow() >= 4);
}

#[tokio::test]
async fn a_server_that_is_silent_is_left() {
    let (address, _task, _counted) = rude(false).await;
    let mut settings = quick(&format!("http://{address}"));
    settings.manner.timeout = Duration::from_millis(50);
    let error = ask(&settings).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { tries: 2, .. }), "{error}");
    assert!(error.to_string().contains("--timeout"), "{error}");
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = ask(&quick(&format!("http://{address}"))).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let error = ask(&quick("http://nobody.invalid")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

// === TLS ===

/// A CA, a server of it, and files for a client.
struct Encrypted {
    folder: TempDir,
    address: SocketAddr,
    _task: JoinSet<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Anybody,
    OfTheCa,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Encrypted {
    async fn start(name: &str, year: i32, clients: Clients) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = authority();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text);
        write("ca.crt", ca.pem()).unwrap();
        write("other.crt", authority().pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &ca).unwrap();
        let own = KeyPair::generate().unwrap();
        let client = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        write("client.crt", client.signed_by(&own, &ca).unwrap().pem()).unwrap();
        write("client.key", own.serialize_pem()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            Clients::Anybody => builder.with_no_client_auth(),
            Clients::OfTheCa => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap(),
            ),
        };
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
        Self {
            folder,
            address,
            _task: task,
        }
    }

    fn file(&self, name: &str) -> Option<std::path::PathBuf> {
        Some(self.folder.path().join(name))
    }
}

/// Answers one request a connection.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(connection).await else {
            continue;
        };
        let mut request = [0; 4_096];
        if stream.read(&mut request).await.is_err() {
            continue;
        }
        let body = vector(&[]);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}

/// What a row changes of the settings.
type Change = fn(&mut Settings, &Encrypted);
/// The server's name, the year its certificate ends, who may come, what is set, and what is wrong then.
type Handshake = (
    &'static str,
    &'static str,
    i32,
    Clients,
    Change,
    Option<TlsAdvice>,
);

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn handshakes() {
    let by_ca: Change = |settings, server| settings.ca_file = server.file("ca.crt");
    let rows: [Handshake; 9] = [
        ("its CA", "127.0.0.1", 4_000, Clients::Anybody, by_ca, None),
        (
            "the system's CAs",
            "127.0.0.1",
            4_000,
            Clients::Anybody,
            |_, _| {},
            Some(TlsAdvice::UnknownAuthority),
        ),
        (
            "another CA",
            "127.0.0.1",
            4_000,
            Clients::Anybody,
            |settings, server| settings.ca_file = server.file("other.crt"),
            Some(TlsAdvice::UnknownAuthority),
        ),
        (
            "nobody looks",
            "elsewhere",
            4_000,
            Clients::Anybody,
            |settings, _| settings.verify = Verify::No,
            None,
        ),
        (
            "another name",
            "prometheus.example.com",
            4_000,
            Clients::Anybody,
            by_ca,
            Some(TlsAdvice::OtherName(" (prometheus.example.com)".to_owned())),
        ),
        (
            "that name",
            "prometheus.example.com",
            4_000,
            Clients::Anybody,
            |settings, server| {
                settings.ca_file = server.file("ca.crt");
                settings.tls_server_name = Some("prometheus.example.com".to_owned());
            },
            None,
        ),
        (
            "too old",
            "127.0.0.1",
            2_001,
            Clients::Anybody,
            by_ca,
            Some(TlsAdvice::OutOfTime),
        ),
        (
            "it wants a certificate",
            "127.0.0.1",
            4_000,
            Clients::OfTheCa,
            by_ca,
            Some(TlsAdvice::ClientCertificate),
        ),
        (
            "it gets one",
            "127.0.0.1",
            4_000,
            Clients::OfTheCa,
            |settings, server| {
                settings.ca_file = server.file("ca.crt");
                settings.client_cert_file = server.file("client.crt");
                settings.client_key_file = server.file("client.key");
            },
            None,
        ),
    ];
    for (name, subject, year, clients, change, expected) in rows {
        let server = Encrypted::start(subject, year, clients).await;
        let mut settings = quick(&format!("https://{}", server.address));
        change(&mut settings, &server);
        match (ask(&settings).await, expected) {
            (Ok(_), None) => {}
            (Err(Error::Tls { advice, .. }), Some(expected)) => {
                assert_eq!(advice, expected, "{name}")
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn no_tls_there() {
    let server = Server::start(|_, _| success()).await;
    let mut settings = quick(&server.url().replace("http", "https"));
    settings.verify = Verify::No;
    let error = ask(&settings).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Tls {
                advice: TlsAdvice::NotTls,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn files_for_tls() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let https = Settings::of("https://host");
    let rows = [
        (
            "no CA in it",
            Settings {
                ca_file: Some(empty.clone()),
                ..https.clone()
            },
            "for --ca-file is no PEM",
        ),
        (
            "no such file",
            Settings {
                ca_file: Some("/nowhere".into()),
                ..https.clone()
            },
            "/nowhere for --ca-file",
        ),
        (
            "no key",
            Settings {
                client_cert_file: Some(empty),
                ..https.clone()
            },
            "go together",
        ),
        (
            "a name that is none",
            Settings {
                tls_server_name: Some("a b".to_owned()),
                ..https
            },
            "`a b` is neither",
        ),
    ];
    for (name, settings, expected) in rows {
        let error = Client::direct(&settings).err().unwrap();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}
