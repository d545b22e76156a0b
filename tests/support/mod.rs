//! A real Kubernetes control plane for the tests: etcd, API server and controller manager as
//! child processes, built by `tests/controlplane/build.sh`. Nothing but Go is needed.
//!
//! The environment may change where it comes from:
//! - `MESHMODE_E2E_KUBECONFIG`: a kubeconfig; its cluster is used, with the `kubectl` on the
//!   PATH, and nothing is started;
//! - `MESHMODE_CONTROLPLANE_BIN`: a folder with the four binaries; nothing is built.
//!
//! Everything here fails the test by panicking, with what was waited for and what was seen.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

pub(crate) mod effect;
pub(crate) mod evaluator;
pub(crate) mod http;
pub(crate) mod istio;
pub(crate) mod kwok;
mod local;
pub(crate) mod manifests;
pub(crate) mod meshmode;
pub(crate) mod node;
pub(crate) mod policies;
mod process;
pub(crate) mod prometheus;
pub(crate) mod ran;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod requests;
pub(crate) mod rights;
pub(crate) mod wait;
pub(crate) mod watching;

use std::env;
use std::fs;
use std::net::IpAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use local::Local;
pub(crate) use local::Reach;
use request::Requests;
pub(crate) use wait::{free_port, wait_for};

/// A Kubernetes cluster to test against. Dropping it stops what `start` started.
pub(crate) struct ControlPlane {
    local: Option<Local>,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    config: Config,
    requests: Requests,
}

impl Deref for ControlPlane {
    type Target = Requests;

    fn deref(&self) -> &Requests {
        &self.requests
    }
}

/// The audit log of the API server.
#[derive(Debug)]
pub(crate) enum AuditEvents {
    /// Its events (`audit.k8s.io/v1`) up to now. The API server writes an event after it has
    /// sent the response: look for one with [`wait_for`].
    Recorded(Vec<Value>),
    /// The cluster is not ours: its audit log is out of reach.
    Unavailable,
}

impl ControlPlane {
    /// Gives a cluster that is ready: the API server says so, and the ServiceAccount `default`
    /// exists in the namespace `default`. The first start builds the binaries, in minutes.
    pub(crate) async fn start() -> Self {
        let control_plane = match env::var_os("MESHMODE_E2E_KUBECONFIG") {
            Some(kubeconfig) => Self::existing(kubeconfig.into()).await,
            None => Self::local(Reach::Machine).await,
        };
        control_plane.wait_for_namespace("default").await;
        control_plane
    }

    /// Gives one of its own that Pods reach, too, for a node to join.
    pub(crate) async fn start_for_node(address: IpAddr) -> Self {
        let control_plane = Self::local(Reach::Pods(address)).await;
        control_plane.wait_for_namespace("default").await;
        control_plane
    }

    async fn existing(kubeconfig: PathBuf) -> Self {
        let read = Kubeconfig::read_from(&kubeconfig).expect("MESHMODE_E2E_KUBECONFIG");
        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
        let config = config.expect("MESHMODE_E2E_KUBECONFIG");
        Self {
            local: None,
            kubectl: "kubectl".into(),
            kubeconfig,
            requests: Requests(client_of(&config)),
            config,
        }
    }

    async fn local(reach: Reach) -> Self {
        let binaries = built("MESHMODE_CONTROLPLANE_BIN", "tests/controlplane/build.sh").await;
        let local = Local::start(binaries, reach).await;
        let config = local.config().await;
        Self {
            kubectl: local.kubectl(),
            kubeconfig: local.path("kubeconfig"),
            requests: Requests(client_of(&config)),
            config,
            local: Some(local),
        }
    }

    /// A new client, of the administrator. It belongs to the tokio runtime of the caller.
    pub(crate) fn client(&self) -> Client {
        client_of(&self.config)
    }

    /// Requests over connections of their own.
    pub(crate) fn another_client(&self) -> Requests {
        Requests(self.client())
    }

    /// The same, for whom every reply counts: a client else sends again what got a 429, 503 or 504.
    pub(crate) fn client_that_tries_once(&self) -> Requests {
        let mut config = self.config.clone();
        config.default_retry = false;
        Requests(client_of(&config))
    }

    /// The path of a kubeconfig file for this cluster.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Whether the cluster was started by `start`: only then can its API server be stopped.
    pub(crate) fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Runs kubectl, so that a test sees what a person sees: warnings are on stderr.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with_input(arguments, "").await
    }

    /// Runs kubectl with something to read: `kubectl_with_input(&["apply", "-f", "-"], manifest)`.
    pub(crate) async fn kubectl_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(&self.kubectl);
        if let Some(local) = &self.local {
            // Neither the caches nor the preferences of the person who runs the tests.
            command.env("KUBECACHEDIR", local.path("kubectl-cache"));
            command.env("KUBERC", "off");
        }
        let mut child = command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.kubectl.display()));
        let mut stdin = child.stdin.take().unwrap();
        // An error means that kubectl ended without reading it all: its output tells more.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.unwrap()
    }

    /// What the audit log says about Pods and AuthorizationPolicies written so far.
    pub(crate) fn audit_events(&self) -> AuditEvents {
        let Some(local) = &self.local else {
            return AuditEvents::Unavailable;
        };
        let log = fs::read_to_string(local.path("audit.log")).unwrap_or_default();
        let events = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        AuditEvents::Recorded(events)
    }

    /// The lines of the API server's own log that have `part` in them; of another cluster's none.
    pub(crate) fn logged(&self, part: &str) -> Vec<String> {
        let log = self
            .local
            .as_ref()
            .map(|local| local.path("kube-apiserver.log"));
        let log = log
            .and_then(|path| fs::read_to_string(path).ok())
            .unwrap_or_default();
        let lines = log.lines().filter(|line| line.contains(part));
        lines.map(str::to_owned).collect()
    }

    /// Makes a namespace with `labels`, or gives it these, and waits until Pods can be created in it.
    pub(crate) async fn namespace(&self, name: &str, labels: &Value) {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        });
        let path = format!("/api/v1/namespaces/{name}");
        self.server_side_apply(&path, &namespace).await.created();
        self.wait_for_namespace(name).await;
    }

    /// Waits until Pods can be created in a new namespace: that needs the ServiceAccount
    /// `default`, which the controller manager creates.
    pub(crate) async fn wait_for_namespace(&self, namespace: &str) {
        let client = self.client();
        let what = format!("the ServiceAccount default in namespace {namespace}");
        wait_for(&what, Duration::from_secs(60), async || {
            has_service_account(client.clone(), namespace).await
        })
        .await;
    }

    /// Makes Istio's AuthorizationPolicies known, unless the cluster knows them already.
    pub(crate) async fn install_crds(&self) {
        let client = self.client();
        let crds = Api::<CustomResourceDefinition>::all(client.clone());
        let name = "authorizationpolicies.security.istio.io";
        if crds.get_opt(name).await.unwrap().is_none() {
            let manifest = include_str!("authorizationpolicy-crd.yaml");
            let output = self
                .kubectl_with_input(&["apply", "--server-side", "-f", "-"], manifest)
                .await;
            assert!(output.status.success(), "{output:?}");
        }
        wait_for(
            "AuthorizationPolicies",
            Duration::from_secs(10),
            async || serves_authorization_policies(&client).await,
        )
        .await;
    }

    /// Stops the API server alone.
    pub(crate) async fn stop_apiserver(&mut self) {
        self.ours().stop_apiserver().await;
    }

    /// Starts the stopped API server again, on the same port and with the same certificate.
    pub(crate) async fn start_apiserver(&mut self) {
        self.ours().start_apiserver().await;
    }

    /// Sends a signal to etcd: SIGSTOP, and then SIGCONT.
    pub(crate) fn signal_etcd(&mut self, signal: Signal) {
        self.ours().signal_etcd(signal);
    }

    /// The port that the API server listens on.
    pub(crate) fn apiserver_port(&mut self) -> u16 {
        self.ours().apiserver_port()
    }

    fn ours(&mut self) -> &mut Local {
        self.local
            .as_mut()
            .expect("the API server of MESHMODE_E2E_KUBECONFIG is not ours: ask is_local() first")
    }
}

/// The folder that the environment `variable` names, or else the one that `script` builds if need be.
async fn built(variable: &str, script: &str) -> PathBuf {
    if let Some(folder) = env::var_os(variable) {
        return fs::canonicalize(folder).unwrap_or_else(|error| panic!("{variable}: {error}"));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let shown = script.display();
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
    assert!(output.status.success(), "{shown} failed, see above");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let folder = stdout.lines().last();
    folder.expect("the last line is the folder").into()
}

fn client_of(config: &Config) -> Client {
    Client::try_from(config.clone()).expect("a configuration that makes a client")
}

async fn has_service_account(client: Client, namespace: &str) -> Result<(), String> {
    let accounts = Api::<ServiceAccount>::namespaced(client, namespace);
    let account = accounts.get("default").await;
    account.map(drop).map_err(|error| error.to_string())
}

/// Established is not enough for kubectl: the discovery follows a moment later.
async fn serves_authorization_policies(client: &Client) -> Result<(), String> {
    let list = ::http::Request::get("/apis/security.istio.io/v1/authorizationpolicies?limit=1");
    let list = list.body(Vec::new()).unwrap();
    client.request_text(list).await.map_err(|e| e.to_string())?;
    let known = client
        .list_api_group_resources("security.istio.io/v1")
        .await;
    let known = known.map_err(|e| e.to_string())?.resources;
    let found = known.iter().any(|r| r.kind == "AuthorizationPolicy");
    found
        .then_some(())
        .ok_or_else(|| "not in the discovery".to_owned())
}
