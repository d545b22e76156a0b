//! A mutating webhook of somebody else: it sets the labels that an annotation of the Pod names.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::ControlPlane;
use crate::support::istio::apply;
use crate::support::meshmode::certs;

/// A running server. Dropping it stops it.
pub(crate) struct Other {
    _tasks: JoinSet<()>,
    port: u16,
    ca: String,
}

/// Connections whose handshake is done.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// The annotation: a JSON object of labels.
pub(crate) const SET: &str = "other.example.com/set";

// === impl Other ===

impl Other {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        certs(folder.path(), &[]);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = Tls {
            listener,
            acceptor: acceptor(folder.path()),
        };
        let router = Router::new().route("/mutate", post(mutate));
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(tls, router).await.unwrap() });
        Self {
            _tasks: tasks,
            port,
            ca: std::fs::read_to_string(folder.path().join("ca.crt")).unwrap(),
        }
    }

    /// Registers it for the Pods of one namespace, under a name that decides when it is called.
    pub(crate) async fn register(&self, cluster: &ControlPlane, name: &str, namespace: &str) {
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "labels.other.example.com",
                "clientConfig": {
                    "url": format!("https://127.0.0.1:{}/mutate", self.port),
                    "caBundle": STANDARD.encode(&self.ca),
                },
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [{
                    "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                }],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }],
        });
        apply(cluster, &[configuration]).await;
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let certificates = CertificateDer::pem_file_iter(folder.join("tls.crt")).unwrap();
    let certificates = certificates.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("tls.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

async fn mutate(review: String) -> impl IntoResponse {
    let review = serde_json::from_str(&review).unwrap();
    let json = [(CONTENT_TYPE, "application/json")];
    (json, answer(&review).to_string())
}

fn answer(review: &Value) -> Value {
    let metadata = &review["request"]["object"]["metadata"];
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    if let Some(labels) = metadata["annotations"][SET].as_str() {
        let patch = STANDARD.encode(patch(metadata, labels).to_string());
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(patch);
    }
    json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})
}

fn patch(metadata: &Value, labels: &str) -> Value {
    let labels: serde_json::Map<String, Value> = serde_json::from_str(labels).unwrap();
    if !metadata["labels"].is_object() {
        return json!([{"op": "add", "path": "/metadata/labels", "value": labels}]);
    }
    let operations = labels.into_iter().map(|(key, value)| {
        let key = key.replace('/', "~1");
        json!({"op": "add", "path": format!("/metadata/labels/{key}"), "value": value})
    });
    operations.collect()
}

// === impl Tls ===

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, from) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
