//! What the tests here share: a server with a certificate of its own, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server::{Patience, serve};
use crate::telemetry::metrics::Metrics;
use crate::tls::{CertificatePair, ReloadingPair, Subjects, Validity, issue, pem, server_config};

/// A server that runs until it is told to end, or dropped.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    ca_pem: String,
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

impl Served {
    pub(super) async fn start(app: Router, metrics: Arc<Metrics>, patience: Patience) -> Self {
        let subjects = Subjects::parse(["localhost"]).unwrap();
        let issued = issue(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap();
        let (cert, key) = (&issued.leaf.cert_pem, &issued.leaf.key_pem);
        let pair = CertificatePair::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
        let tls = server_config(Arc::new(ReloadingPair::new(pair)), None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        let told = async { drop(stopped.await) };
        task.spawn(serve(listener, Arc::new(tls), app, metrics, patience, told));
        let ca_pem = issued.authority.cert_pem;
        Self {
            address,
            ca_pem,
            stop,
            task,
        }
    }

    /// A connection after its handshake.
    pub(super) async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        for ca in pem::certificates(self.ca_pem.as_bytes()).unwrap() {
            roots.add(ca).unwrap();
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn end(mut self) {
        drop(self.stop);
        self.task.join_next().await.unwrap().unwrap();
    }
}
