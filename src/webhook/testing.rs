//! What the tests here share: a server with a certificate of its own, and clients of it; and a cluster.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::active::{Active, Origin};
use super::server::worker::Workers;
use super::server::{Limits, Patience, Served as Serving, serve};
use crate::config::read;
use crate::placement::facts::Resource;
use crate::placement::facts::source::{
    Believed, Connection, Decided, Missing, Namespace, Requirement, Siblings, Source, Waypoint,
    Workload,
};
use crate::placement::outcome::Istio;
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};
use crate::telemetry::metrics::Metrics;
use crate::tls::{CertificatePair, ReloadingPair, Subjects, Validity, issue, pem, server_config};

/// The configuration in this text, in service.
pub(crate) fn active(text: &str) -> Active {
    Active {
        configuration: read(text).unwrap(),
        hash: "5af1".to_owned(),
        origin: Origin::File,
    }
}

/// Of a server that waits for nobody, and ends at once.
pub(super) const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(10),
    idle: Duration::from_secs(10),
    delay: Duration::ZERO,
    shutdown: Duration::from_secs(10),
};

const TWO: NonZero<usize> = NonZero::new(2).unwrap();

/// A server that runs until it is told to end, or dropped.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    ca_pem: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinSet<()>,
}

impl Served {
    pub(super) async fn start(app: Router, metrics: Arc<Metrics>, patience: Patience) -> Self {
        let limits = Limits {
            connections: 100,
            handshakes: 8,
        };
        Self::start_with(app, metrics, patience, limits).await
    }

    pub(super) async fn start_with(
        app: Router,
        metrics: Arc<Metrics>,
        patience: Patience,
        limits: Limits,
    ) -> Self {
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
        let served = Serving {
            tls: Arc::new(tls),
            app,
            metrics,
            workers: Workers::start(TWO).unwrap(),
        };
        task.spawn(serve(listener, served, patience, limits, told));
        let ca_pem = issued.authority.cert_pem;
        Self {
            address,
            ca_pem,
            stop: Some(stop),
            task,
        }
    }

    /// A connection after its handshake.
    pub(super) async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        self.shake(self.connect_plain().await, protocol).await
    }

    /// A connection before its handshake.
    pub(super) async fn connect_plain(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The handshake.
    pub(super) async fn shake(&self, stream: TcpStream, protocol: &str) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(self.client(protocol)));
        connector.connect(name, stream).await.unwrap()
    }

    /// What a client speaks, and whom it believes.
    pub(super) fn client(&self, protocol: &str) -> ClientConfig {
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
        config
    }

    /// Tells it to end.
    pub(super) fn tell_to_end(&mut self) {
        drop(self.stop.take());
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn end(mut self) {
        self.tell_to_end();
        self.task.join_next().await.unwrap().unwrap();
    }
}

/// Waits until `metrics` have `line`.
pub(super) async fn counted(metrics: &Metrics, line: &str) {
    let counted = async {
        while !metrics.to_text().lines().any(|found| found == line) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(10), counted).await;
    assert!(counted.is_ok(), "{line} is not in\n{}", metrics.to_text());
}

/// A cluster whose objects come after a while.
#[derive(Debug)]
pub(super) struct Coming {
    at: Option<Instant>,
    asked: AtomicUsize,
    remembered: Mutex<Vec<(RevisionRef<'static>, Decided)>>,
    running: Option<Siblings>,
}

impl Coming {
    /// All of them are there after `wait`.
    pub(super) fn after(wait: Duration) -> Self {
        Self {
            at: Some(Instant::now() + wait),
            ..Self::never()
        }
    }

    /// Nothing watches them.
    pub(super) fn never() -> Self {
        Self {
            at: None,
            asked: AtomicUsize::default(),
            remembered: Mutex::default(),
            running: None,
        }
    }

    /// The Pods of each workload that run now have this.
    pub(super) fn with(self, running: Siblings) -> Self {
        Self {
            running: Some(running),
            ..self
        }
    }

    /// How often it was asked about an object.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// What it was told.
    pub(super) fn remembered(&self) -> Vec<(RevisionRef<'static>, Decided)> {
        self.remembered.lock().unwrap().clone()
    }

    fn is_there(&self, resource: Resource, namespace: &str, name: &str) -> Result<(), Missing> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.at {
            None => Err(Missing::NotWatched(resource)),
            Some(at) if at <= Instant::now() => Ok(()),
            Some(_) => Err(Missing::NotSeen {
                resource,
                namespace: namespace.into(),
                name: name.into(),
            }),
        }
    }
}

impl Source for Coming {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing> {
        self.is_there(Resource::Namespaces, "", name)?;
        Ok(Arc::default())
    }

    fn workload(&self, workload: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        let resource = Resource::Deployments;
        self.is_there(resource, &workload.namespace, &workload.name)?;
        Ok(Arc::new(Workload {
            replicas: Some(20),
            max_replicas: Some(20),
            ..Workload::default()
        }))
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        Ok(Vec::new())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Ok(None)
    }

    fn siblings(&self, _: &RevisionRef<'_>, _: Believed<'_>) -> Result<Option<Siblings>, Missing> {
        Ok(self.running.clone())
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        Err(Missing::NotReadYet(Resource::Injectors))
    }

    fn running(&self, _: &WorkloadRef<'_>) -> Option<Siblings> {
        self.running.clone()
    }

    fn remember(&self, revision: &RevisionRef<'_>, decided: Decided) {
        let owned = |text: &str| Cow::Owned(text.to_owned());
        let revision = RevisionRef {
            owner: owned(&revision.owner),
            hash: owned(&revision.hash),
        };
        self.remembered.lock().unwrap().push((revision, decided));
    }
}
