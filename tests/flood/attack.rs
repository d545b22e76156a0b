//! Clients that no API server is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server::Server;
use super::strange::{Strange, large};

/// Where, and how it speaks.
#[derive(Clone)]
pub(crate) struct Attack {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

/// Connections that are open and say nothing.
pub(crate) struct Silent {
    _before_the_handshake: Vec<TcpStream>,
    _after_it: Vec<TlsStream<TcpStream>>,
}

/// What became of large bodies.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) answered: usize,
    refused: usize,
    /// Not there in 10 s, or cut off after a pause of 5 s: on a machine that does much else.
    too_slow: usize,
    other: Vec<String>,
}

/// So many attack at a time where they are many.
const AT_A_TIME: usize = 100;
const SECOND: Duration = Duration::from_secs(1);
/// What takes longer is not ended by the server: its patience is 10 s.
const ENDED: Duration = Duration::from_secs(15);

const HEAD: &str =
    "POST /mutate/pods HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

impl Attack {
    pub(crate) fn on(server: &Server) -> Self {
        Self {
            address: server.webhook,
            tls: Arc::clone(&server.tls),
        }
    }

    /// Connections that send nothing: half of them before their handshake, half after it.
    pub(crate) async fn hold_silent(&self, count: usize) -> Silent {
        let mut before = Vec::new();
        let mut after = Vec::new();
        for _ in 0..count / 2 {
            before.push(self.connect().await);
            after.push(self.shaken().await);
        }
        Silent {
            _before_the_handshake: before,
            _after_it: after,
        }
    }

    /// Connections that send a byte a second: of a handshake, of a head, of a body.
    pub(crate) fn send_slowly(&self, count: usize) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for index in 0..count {
            let attack = self.clone();
            tasks.spawn(async move {
                match index % 3 {
                    0 => drip(attack.connect().await, &attack.hello()).await,
                    1 => drip(attack.shaken().await, HEAD.as_bytes()).await,
                    _ => {
                        let mut stream = attack.shaken().await;
                        let head = format!("{HEAD}content-length: 9999\r\n\r\n");
                        stream.write_all(head.as_bytes()).await.unwrap();
                        drip(stream, &[b' '; 60]).await;
                    }
                }
            });
        }
        tasks
    }

    /// Waits until the server has ended all of them.
    pub(crate) async fn all_ended(&self, mut slow: JoinSet<()>) {
        while let Some(ended) = slow.join_next().await {
            ended.unwrap();
        }
    }

    /// Handshakes that are broken off: after the first words, or after the answer to them.
    pub(crate) async fn break_off(&self, count: usize) {
        let mut tasks = JoinSet::new();
        for index in 0..count {
            if tasks.len() >= AT_A_TIME {
                tasks.join_next().await.unwrap().unwrap();
            }
            let attack = self.clone();
            tasks.spawn(async move {
                let mut stream = attack.connect().await;
                let hello = attack.hello();
                // The server may be quicker to end it.
                drop(stream.write_all(&hello).await);
                if index % 2 == 0 {
                    drop(timeout(SECOND, stream.read(&mut [0])).await);
                }
            });
        }
        tasks.join_all().await;
    }

    /// Each of them on a connection of its own; each is answered as expected.
    pub(crate) async fn send(&self, reviews: Vec<Strange>) {
        for Strange { name, body, codes } in reviews {
            let code = self.ask(body).await;
            let code = code.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(codes.contains(&code), "{name}: {code}");
        }
        // A reset in the middle of a body.
        let mut stream = self.shaken().await;
        let head = format!("{HEAD}content-length: 9999\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (socket, _) = stream.into_inner();
        socket.set_zero_linger().unwrap();
    }

    /// Bodies of 7 MiB, all at once.
    pub(crate) async fn send_large(&self, count: usize) -> Answers {
        let body = large();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (attack, body) = (self.clone(), body.clone());
            tasks.spawn(async move { attack.ask(body).await });
        }
        let mut answers = Answers::default();
        while let Some(answer) = tasks.join_next().await {
            match answer.unwrap() {
                Ok(200) => answers.answered += 1,
                Ok(503) => answers.refused += 1,
                Ok(408) => answers.too_slow += 1,
                Err(error) if error.contains("BodyWrite") => answers.too_slow += 1,
                other => answers.other.push(format!("{other:?}")),
            }
        }
        answers
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn shaken(&self) -> TlsStream<TcpStream> {
        let name = ServerName::from(self.address.ip());
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        connector.connect(name, self.connect().await).await.unwrap()
    }

    /// The first words of a handshake.
    fn hello(&self) -> Vec<u8> {
        let name = ServerName::from(self.address.ip());
        let mut client = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    }

    async fn ask(&self, body: Bytes) -> Result<u16, String> {
        let stream = TokioIo::new(self.shaken().await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(|error| error.to_string())?;
        let request = Request::post("/mutate/pods?timeout=30s")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(body))
            .unwrap();
        let ask = async {
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(|error| format!("{error:?}"))?;
            let code = answer.status().as_u16();
            drop(answer.into_body().collect().await);
            drop(sender);
            Ok(code)
        };
        tokio::join!(ask, connection).0
    }
}

// === impl Answers ===

impl Answers {
    /// How many got an answer.
    pub(crate) const fn count(&self) -> usize {
        self.answered + self.refused + self.too_slow
    }
}

/// Sends a byte a second, until the other side has had enough.
async fn drip(mut stream: impl AsyncWrite + tokio::io::AsyncRead + Unpin, bytes: &[u8]) {
    let send = async {
        for byte in bytes {
            let sent = stream.write_all(&[*byte]).await;
            if sent.is_err() || stream.flush().await.is_err() {
                return;
            }
            // It says something only at its end.
            if timeout(SECOND, stream.read(&mut [0])).await.is_ok() {
                return;
            }
        }
        panic!("all was taken");
    };
    timeout(ENDED, send).await.expect("still open");
}
