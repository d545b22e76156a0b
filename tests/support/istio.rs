//! A real Istio in front of the local control plane: the objects of an installation, and istiod as a
//! process. Its injector and validators are registered by URL, its workloads (ztunnel, istio-cni, istiod
//! itself) are left out: nothing would run them.
//!
//! `MESHMODE_ISTIO_BIN` may name the folder that `tests/istio/build.sh` has built; without it, it is built.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::manifests::list;
use super::process::{Guard, Process};
use super::request::{merge, pod, pods, policies, policy};
use super::{ControlPlane, built, free_port, http, wait_for};

/// istiod, and what is registered for it. Dropping it stops istiod; drop it before the control plane.
pub(crate) struct Istio {
    istiod: Process,
    _guard: Guard,
    site: Site,
}

/// Where things are: the programs, the folder of this run, the ports.
struct Site {
    tools: PathBuf,
    folder: TempDir,
    http: u16,
    https: u16,
}

/// What runs as Pods where there are nodes.
const WORKLOADS: [&str; 3] = ["Deployment", "DaemonSet", "HorizontalPodAutoscaler"];
const IN_FORCE: Duration = Duration::from_secs(30);

// === impl Istio ===

impl Istio {
    /// Installs Istio (profile ambient, revision `default`) and runs istiod; when this returns it injects
    /// sidecars and refuses invalid objects, labelled with a revision or not. The first start builds it.
    pub(crate) async fn start(cluster: &ControlPlane) -> Self {
        assert!(
            cluster.is_local(),
            "istiod runs here: the cluster must reach this machine"
        );
        let site = Site::new(tools().await);
        let guard = Guard::start(site.folder.path());
        let objects = site.install(cluster).await;
        let istiod = site.start_istiod(cluster, &objects, &guard).await;
        let istio = Self {
            istiod,
            _guard: guard,
            site,
        };
        istio.until_injecting(cluster, &json!({})).await;
        until_validating(cluster).await;
        istio
    }

    /// `/debug/ambientz`: under `policies` what ztunnel would receive, by istiod's own conversion.
    pub(crate) async fn ambientz(&self) -> Value {
        self.debug("ambientz").await.unwrap()
    }

    /// The folder of this run, with istiod's files and log.
    pub(crate) fn folder(&self) -> &Path {
        self.site.folder.path()
    }

    /// Where istiod serves plain HTTP: `/ready`, `/debug/…`.
    pub(crate) fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.site.http)
    }

    /// The end of istiod's log.
    pub(crate) fn log_tail(&self) -> String {
        self.istiod.log_tail()
    }

    /// What istiod says at `/debug/PAGE`.
    pub(crate) async fn debug(&self, page: &str) -> Result<Value, String> {
        let (code, body) = http::get(self.site.http, &format!("/debug/{page}")).await?;
        let problem = |error| format!("{code} {error}: {body}");
        serde_json::from_str(&body).map_err(problem)
    }

    /// The folder of programs and manifests (`tests/istio/build.sh` lists them).
    pub(crate) fn tools(&self) -> &Path {
        &self.site.tools
    }

    /// Runs istioctl against `cluster`.
    pub(crate) async fn istioctl(&self, cluster: &ControlPlane, arguments: &[&str]) -> Output {
        tokio::process::Command::new(self.site.tools.join("istioctl"))
            .env_clear()
            .env("HOME", self.folder())
            .env("KUBECONFIG", cluster.kubeconfig())
            .args(arguments)
            .kill_on_drop(true)
            .output()
            .await
            .unwrap()
    }

    /// Which Pods ztunnel would capture, by istio-cni's own code: `questions` are objects of a `pod` and
    /// its `namespaceLabels`. Without `selectors` (the text in `istio-cni-config`) the usual ones hold.
    pub(crate) fn captures(&self, selectors: Option<&str>, questions: &[Value]) -> Vec<bool> {
        let mut command = Command::new(self.site.tools.join("capture"));
        if let Some(selectors) = selectors {
            command.args(["-selectors", selectors]);
        }
        let file = self.folder().join("questions.json");
        fs::write(&file, json!(questions).to_string()).unwrap();
        let output = command
            .stdin(File::open(file).unwrap())
            .output()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Registers more injector webhooks for this istiod: those of a further revision, or of a tag.
    pub(crate) async fn register(&self, cluster: &ControlPlane, mut configuration: Value) {
        self.site.reach(&mut configuration);
        // istiod keeps the bundle of its own revision right, and of no other.
        let name = "mutatingwebhookconfigurations/istio-sidecar-injector";
        let path = format!("/apis/admissionregistration.k8s.io/v1/{name}");
        let own = cluster.get(&path).await;
        let bundle = &own.created()["webhooks"][0]["clientConfig"]["caBundle"];
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = bundle.clone();
        }
        apply(cluster, &[configuration]).await;
    }

    /// Waits until a Pod with `metadata` (and with a wish for a sidecar, where that says nothing) would
    /// get a sidecar in the namespace `default`.
    pub(crate) async fn until_injecting(&self, cluster: &ControlPlane, metadata: &Value) {
        let mut wanted = json!({"labels": {"sidecar.istio.io/inject": "true"}});
        merge(&mut wanted, metadata);
        let pod = pod("wants-a-sidecar", &wanted);
        let path = format!("{}?dryRun=All", pods("default"));
        wait_for("an injected Pod", IN_FORCE, async || {
            let reply = cluster.post(&path, &pod).await;
            let injected = reply.body["spec"].to_string().contains("istio-proxy");
            injected.then_some(()).ok_or(reply.body)
        })
        .await;
    }
}

// === impl Site ===

impl Site {
    fn new(tools: PathBuf) -> Self {
        let prefix = "meshmode-istio-";
        Self {
            tools,
            folder: tempfile::Builder::new().prefix(prefix).tempdir().unwrap(),
            http: free_port(),
            https: free_port(),
        }
    }

    /// Applies what an installation applies, but for its workloads; gives the objects.
    async fn install(&self, cluster: &ControlPlane) -> Vec<Value> {
        let mut objects = manifest(&self.tools.join("istio.yaml"));
        objects.retain(|object| !WORKLOADS.iter().any(|kind| object["kind"] == *kind));
        objects.iter_mut().for_each(|object| self.reach(object));
        let is_crd = |object: &Value| object["kind"] == "CustomResourceDefinition";
        let (crds, objects): (Vec<_>, Vec<_>) = objects.into_iter().partition(is_crd);
        apply(cluster, &manifest(&self.tools.join("gateway-api.yaml"))).await;
        apply(cluster, &crds).await;
        let wait = ["wait", "--for=condition=Established", "crd", "--all"];
        let output = cluster.kubectl(&wait).await;
        assert!(output.status.success(), "{output:?}");
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}});
        apply(cluster, &[namespace]).await;
        apply(cluster, &objects).await;
        objects
    }

    /// The webhooks of a configuration reach istiod here; other objects are as they were.
    fn reach(&self, object: &mut Value) {
        let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
        for webhook in webhooks.into_iter().flatten() {
            let path = &webhook["clientConfig"]["service"]["path"];
            // istioctl makes a tag from the configuration that is there: that has the URL.
            if let Some(path) = path.as_str() {
                let url = format!("https://localhost:{}{path}", self.https);
                webhook["clientConfig"] = json!({"url": url});
            }
        }
    }

    async fn start_istiod(
        &self,
        cluster: &ControlPlane,
        objects: &[Value],
        guard: &Guard,
    ) -> Process {
        let mesh = config_map(objects, "istio")["mesh"].as_str();
        fs::write(self.folder.path().join("mesh"), mesh.expect("a text")).unwrap();
        let mut command = Command::new(self.tools.join("pilot-discovery"));
        command
            .envs([
                ("REVISION", "default"),
                ("PILOT_CERT_PROVIDER", "istiod"),
                ("POD_NAME", "istiod-local"),
                ("POD_NAMESPACE", "istio-system"),
                ("SERVICE_ACCOUNT", "istiod"),
                ("PILOT_ENABLE_AMBIENT", "true"),
                ("CA_TRUSTED_NODE_ACCOUNTS", "istio-system/ztunnel"),
                ("CLUSTER_ID", "Kubernetes"),
                // It puts its CA into webhooks with a URL of this host.
                ("ISTIOD_CUSTOM_HOST", "localhost"),
            ])
            .arg("discovery")
            .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
            .arg(format!("--httpAddr=127.0.0.1:{}", self.http))
            .arg(format!("--httpsAddr=127.0.0.1:{}", self.https))
            .arg(format!("--grpcAddr=127.0.0.1:{}", free_port()))
            .arg(format!("--secureGRPCAddr=127.0.0.1:{}", free_port()))
            .arg(format!("--monitoringAddr=127.0.0.1:{}", free_port()))
            // No such folder: it reads, and watches, the ConfigMap istio-sidecar-injector.
            .args(["--injectionWebhookDir=none", "--meshConfig=mesh"])
            .arg("--domain=cluster.local");
        let mut istiod = Process::start("istiod", &mut command, self.folder.path(), guard);
        istiod
            .until_ready(async || http::ok(self.http, "/ready").await)
            .await;
        istiod
    }
}

/// The folder of programs and manifests, built if need be.
pub(super) async fn tools() -> PathBuf {
    built("MESHMODE_ISTIO_BIN", "tests/istio/build.sh").await
}

/// The documents of a YAML file.
pub(crate) fn manifest(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect()
}

/// Applies `objects` as they are.
pub(crate) async fn apply(cluster: &ControlPlane, objects: &[Value]) {
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let output = cluster.kubectl_with_input(&apply, &list(objects)).await;
    assert!(output.status.success(), "{output:?}");
}

/// The data of a ConfigMap among `objects`.
fn config_map<'o>(objects: &'o [Value], name: &str) -> &'o Value {
    let found = objects
        .iter()
        .find(|object| object["kind"] == "ConfigMap" && object["metadata"]["name"] == name);
    &found.unwrap_or_else(|| panic!("no ConfigMap {name}"))["data"]
}

/// Both validators: the one of a revision sees labelled objects only, the default one all.
async fn until_validating(cluster: &ControlPlane) {
    let path = format!("{}?dryRun=All", policies("default"));
    for labels in [json!({}), json!({"istio.io/rev": "default"})] {
        let invalid = policy(
            "invalid",
            &json!({"labels": labels}),
            &json!({"action": "DENY", "rules": []}),
        );
        wait_for("a refused AuthorizationPolicy", IN_FORCE, async || {
            let reply = cluster.post(&path, &invalid).await;
            (reply.code == 400 || reply.code == 403)
                .then_some(())
                .ok_or(reply.body)
        })
        .await;
    }
}
