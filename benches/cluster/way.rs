//! The ways in which a Pod can get its labels, each in a namespace of its own; and the processes that some of them take.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshmode::tls::{Overwrite, Subjects, Validity, issue, write};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::constant;
use crate::served;
use crate::support::http;
use crate::support::istio::apply;
use crate::support::meshmode::run;
use crate::support::request::Reply;
use crate::support::{ControlPlane, free_port, wait_for};

/// Who gives a Pod its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Nobody.
    None,
    Meshmode,
    /// `meshmode generate admission-policy`.
    Policy,
    /// The webhook of `benches/peers`.
    Go,
    /// Nobody, after the server of meshmode was asked, without what decides.
    Constant,
    /// Nobody, in a namespace whose Pods istiod injects.
    Injected,
    /// meshmode, in such a namespace: it keeps them from being injected.
    Kept,
}

/// Certificates, and where things are.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) peers: PathBuf,
    ca: String,
    ports: Ports,
}

/// Where the webhooks listen whenever they run.
struct Ports {
    meshmode: u16,
    go: u16,
    constant: u16,
    status: u16,
}

/// The process of a way. Dropping it ends it.
pub(crate) struct Webhook(Child);

/// Where the webhooks' Services are.
const SERVICES: &str = "bench-webhooks";
const IN_FORCE: Duration = Duration::from_secs(20);

// === impl Way ===

impl Way {
    pub(crate) const ALONE: [Self; 5] = [
        Self::None,
        Self::Meshmode,
        Self::Policy,
        Self::Go,
        Self::Constant,
    ];
    pub(crate) const WITH_ISTIO: [Self; 3] = [Self::None, Self::Injected, Self::Kept];

    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::None => "bench-none",
            Self::Meshmode => "bench-meshmode",
            Self::Policy => "bench-policy",
            Self::Go => "bench-go",
            Self::Constant => "bench-constant",
            Self::Injected => "bench-injected",
            Self::Kept => "bench-kept",
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "no webhook",
            Self::Meshmode => "meshmode",
            Self::Policy => "MutatingAdmissionPolicy",
            Self::Go => "Go webhook",
            Self::Constant => "constant answer",
            Self::Injected => "injected by istiod",
            Self::Kept => "kept from it by meshmode",
        }
    }

    /// The labels of its namespace.
    pub(crate) fn labels(self) -> Value {
        match self {
            Self::None | Self::Go | Self::Constant => json!({}),
            Self::Meshmode | Self::Policy => json!({"meshmode.io/webhook": "enabled"}),
            Self::Injected => json!({"istio-injection": "enabled"}),
            Self::Kept => json!({"istio-injection": "enabled", "meshmode.io/webhook": "enabled"}),
        }
    }

    /// Whether a Pod became what it should.
    pub(crate) fn is_shown_by(self, reply: &Reply) -> bool {
        let mode = &reply.body["metadata"]["labels"]["istio.io/dataplane-mode"];
        let injected = reply.body["spec"].to_string().contains("istio-proxy");
        let expected = match self {
            Self::None | Self::Constant => (false, false),
            Self::Injected => (false, true),
            Self::Meshmode | Self::Policy | Self::Go | Self::Kept => (true, false),
        };
        reply.code == 201 && (mode == "ambient", injected) == expected
    }

    /// Starts the process that it takes.
    pub(crate) async fn start(self, site: &Site, cluster: &ControlPlane) -> Option<Webhook> {
        let mut command = match self {
            Self::None | Self::Policy | Self::Injected => return None,
            Self::Meshmode | Self::Kept => site.meshmode(cluster),
            Self::Go => site.go(cluster),
            Self::Constant => site.constant(),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let webhook = Webhook(
            child
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        );
        wait_for("the webhook", IN_FORCE, async || {
            self.is_ready(&site.ports).await
        })
        .await;
        Some(webhook)
    }

    /// An error says what it lacks.
    async fn is_ready(self, ports: &Ports) -> Result<(), String> {
        if self == Self::Constant {
            let connected = TcpStream::connect(("127.0.0.1", ports.constant)).await;
            return connected.map(drop).map_err(|error| error.to_string());
        }
        match http::get(ports.status, "/readyz").await? {
            (200, _) => Ok(()),
            (code, text) => Err(format!("{code} {text}")),
        }
    }
}

// === impl Site ===

impl Site {
    /// Makes certificates for the Services of all webhooks.
    pub(crate) fn new(folder: &Path) -> Self {
        let names = ["meshmode", "go", "constant"].map(|name| format!("{name}.{SERVICES}.svc"));
        let subjects = Subjects::parse(names).unwrap();
        let issued = issue(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap();
        write(folder, &issued, Overwrite::Refuse).unwrap();
        let peers = std::env::var_os("MESHMODE_PEERS_BIN")
            .expect("MESHMODE_PEERS_BIN: run `make bench-cluster`");
        Self {
            folder: folder.to_owned(),
            peers: PathBuf::from(peers).join("peers"),
            ca: issued.authority.cert_pem,
            ports: Ports {
                meshmode: free_port(),
                go: free_port(),
                constant: free_port(),
                status: free_port(),
            },
        }
    }

    /// Makes the namespaces, and registers all ways but Istio's, each for its own.
    pub(crate) async fn register(&self, cluster: &ControlPlane) {
        cluster.namespace(SERVICES, &json!({})).await;
        for way in [
            Way::None,
            Way::Meshmode,
            Way::Policy,
            Way::Go,
            Way::Constant,
            Way::Injected,
            Way::Kept,
        ] {
            cluster.namespace(way.namespace(), &way.labels()).await;
        }
        let ours = [Way::Meshmode.namespace(), Way::Kept.namespace()];
        let mut objects = ["meshmode", "go", "constant"].map(service).to_vec();
        objects.push(self.webhook(
            "aa-meshmode",
            "meshmode",
            self.ports.meshmode,
            "/mutate/pods",
            &ours,
        ));
        objects.push(self.webhook(
            "aa-go",
            "go",
            self.ports.go,
            "/mutate--v1-pod",
            &[Way::Go.namespace()],
        ));
        objects.push(self.webhook(
            "aa-constant",
            "constant",
            self.ports.constant,
            constant::PATH,
            &[Way::Constant.namespace()],
        ));
        objects.extend(policy());
        apply(cluster, &objects).await;
    }

    /// As `manifests/base` has it, but for `failurePolicy`: a create without its labels is none that counts.
    fn webhook(
        &self,
        name: &str,
        service: &str,
        port: u16,
        path: &str,
        namespaces: &[&str],
    ) -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": format!("pods.{service}.example.com"),
                "clientConfig": {
                    "service": {"namespace": SERVICES, "name": service, "port": port, "path": path},
                    "caBundle": STANDARD.encode(&self.ca),
                },
                "namespaceSelector": among(namespaces),
                "objectSelector": {"matchExpressions": [
                    {"key": "meshmode.io/webhook", "operator": "NotIn", "values": ["disabled"]},
                ]},
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                    "resources": ["pods"], "scope": "Namespaced",
                }],
                "failurePolicy": "Fail",
                "timeoutSeconds": 3,
                "reinvocationPolicy": "Never",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }],
        })
    }

    fn meshmode(&self, cluster: &ControlPlane) -> Command {
        let mut command = Command::new(served::binary());
        command
            .arg("serve")
            .arg(format!("--listen=127.0.0.1:{}", self.ports.meshmode))
            .arg(format!("--status-listen=127.0.0.1:{}", self.ports.status))
            .arg("--tls-cert")
            .arg(self.folder.join("tls.crt"))
            .arg("--tls-key")
            .arg(self.folder.join("tls.key"))
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig())
            .arg(format!("--service={SERVICES}/meshmode"))
            .arg("--log-format=json")
            .env("MALLOC_MMAP_THRESHOLD_", "131072");
        command
    }

    /// This program again.
    fn constant(&self) -> Command {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command
            .arg(constant::FLAG)
            .arg(format!("127.0.0.1:{}", self.ports.constant))
            .arg(&self.folder)
            .env("MALLOC_MMAP_THRESHOLD_", "131072");
        command
    }

    fn go(&self, cluster: &ControlPlane) -> Command {
        let mut command = Command::new(&self.peers);
        command
            .arg("--webhook-host=127.0.0.1")
            .arg(format!("--webhook-port={}", self.ports.go))
            .arg(format!("--webhook-cert-path={}", self.folder.display()))
            .arg(format!(
                "--health-probe-bind-address=127.0.0.1:{}",
                self.ports.status
            ))
            .env("KUBECONFIG", cluster.kubeconfig());
        command
    }
}

/// It leads to this machine, so that the API server calls as it calls any Service: over HTTP/1.1.
fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": SERVICES},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    })
}

/// The default rules, for the namespace of this way alone.
fn policy() -> Vec<Value> {
    let output = run(&[
        "generate",
        "admission-policy",
        "-ojson",
        "--name=ab-meshmode",
        "--failure-policy=fail",
    ]);
    assert!(output.status.success(), "{output:?}");
    let mut list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let Value::Array(mut objects) = list["items"].take() else {
        panic!("no List");
    };
    for object in &mut objects {
        if object["kind"] == "MutatingAdmissionPolicy" {
            object["spec"]["matchConstraints"]["namespaceSelector"] =
                among(&[Way::Policy.namespace()]);
        }
    }
    objects
}

fn among(namespaces: &[&str]) -> Value {
    json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
    ]})
}

// === impl Webhook ===

impl Webhook {
    pub(crate) fn cpu(&self) -> Duration {
        served::cpu(self.0.id())
    }

    /// Its resident memory in MiB.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    pub(crate) fn resident(&self) -> f64 {
        served::status_of(self.0.id(), "VmRSS") as f64 / 1024.0
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
