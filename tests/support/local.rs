//! A control plane of processes on this machine: etcd, kube-apiserver, kube-controller-manager.
//!
//! No kubelet runs here: Pods stay Pending, which is all that admission needs (`node/` has one).

use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::process::{Guard, Process};
use super::{free_port, has_service_account};

/// The processes. They are dropped, and by that stopped, in the order of these fields: the API
/// server waits long for etcd when that is gone, and the guard is needed to the end.
pub(super) struct Local {
    _controller_manager: Process,
    apiserver: Option<Process>,
    etcd: Process,
    guard: Guard,
    site: Site,
}

/// Who reaches the API server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// Processes of this machine.
    Machine,
    /// Pods, too, by the Service `kubernetes`: the address is the one of their node.
    Pods(IpAddr),
}

/// Where things are: the binaries, the ports, and the folder of this run.
struct Site {
    binaries: PathBuf,
    folder: TempDir,
    reach: Reach,
    etcd_port: u16,
    apiserver_port: u16,
}

impl Local {
    pub(super) async fn start(binaries: PathBuf, reach: Reach) -> Self {
        let site = Site::new(binaries, reach);
        let guard = Guard::start(site.folder.path());
        let etcd = site.start_etcd(&guard).await;
        let apiserver = site.start_apiserver(&guard).await;
        let controller_manager = site.start_controller_manager(&guard).await;
        Self {
            _controller_manager: controller_manager,
            apiserver: Some(apiserver),
            etcd,
            guard,
            site,
        }
    }

    pub(super) async fn stop_apiserver(&mut self) {
        let apiserver = self.apiserver.take();
        // Stopping blocks, and the webhook under test may run on this thread.
        tokio::task::spawn_blocking(|| drop(apiserver))
            .await
            .expect("stopping does not panic");
    }

    pub(super) async fn start_apiserver(&mut self) {
        assert!(self.apiserver.is_none(), "the API server runs already");
        self.apiserver = Some(self.site.start_apiserver(&self.guard).await);
    }

    pub(super) fn signal_etcd(&self, signal: Signal) {
        self.etcd.signal(signal);
    }

    pub(super) const fn apiserver_port(&self) -> u16 {
        self.site.apiserver_port
    }

    pub(super) fn kubectl(&self) -> PathBuf {
        self.site.binaries.join("kubectl")
    }

    /// A file or folder in the folder of this run.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.site.folder.path().join(name)
    }

    pub(super) async fn config(&self) -> Config {
        client_config(&self.path("kubeconfig")).await.unwrap()
    }
}

/// The configuration of a client, never through the proxy that the environment may name.
async fn client_config(kubeconfig: &Path) -> Result<Config, String> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(|e| e.to_string())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(|error| error.to_string())?;
    config.proxy_url = None;
    Ok(config)
}

// === impl Site ===

impl Site {
    /// Makes the folder, with the files that the components read.
    fn new(binaries: PathBuf, reach: Reach) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("meshmode-e2e-")
            .tempdir()
            .unwrap();
        let site = Self {
            binaries,
            folder,
            reach,
            etcd_port: free_port(),
            apiserver_port: free_port(),
        };
        let token = random_token();
        site.write(
            "tokens.csv",
            &format!("{token},admin,admin,\"system:masters\"\n"),
        );
        site.write("kubeconfig", &site.kubeconfig(&token));
        site.write("audit-policy.yaml", include_str!("audit-policy.yaml"));
        let service_accounts = rcgen::KeyPair::generate().unwrap();
        site.write("sa.key", &service_accounts.serialize_pem());
        site.write("sa.pub", &service_accounts.public_key_pem());
        site
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// `apiserver.crt` is there once the API server has started.
    fn kubeconfig(&self, token: &str) -> String {
        let ca = self.folder.path().join("apiserver.crt");
        format!(
            "apiVersion: v1
kind: Config
current-context: e2e
contexts: [{{name: e2e, context: {{cluster: e2e, user: admin}}}}]
users: [{{name: admin, user: {{token: {token}}}}}]
clusters:
- name: e2e
  cluster:
    server: https://{address}:{port}
    certificate-authority: {ca}
",
            address = self.reach.address(),
            port = self.apiserver_port,
            ca = ca.display(),
        )
    }

    fn start(&self, name: &'static str, arguments: &[&str], guard: &Guard) -> Process {
        let mut command = Command::new(self.binaries.join(name));
        Process::start(name, command.args(arguments), self.folder.path(), guard)
    }

    async fn start_etcd(&self, guard: &Guard) -> Process {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", free_port());
        let arguments = [
            "--data-dir=etcd",
            &format!("--listen-client-urls={client}"),
            &format!("--advertise-client-urls={client}"),
            &format!("--listen-peer-urls={peer}"),
            &format!("--initial-advertise-peer-urls={peer}"),
            &format!("--initial-cluster=default={peer}"),
            "--unsafe-no-fsync",
            "--log-level=error",
        ];
        let mut etcd = self.start("etcd", &arguments, guard);
        etcd.until_ready(async || {
            let connection = TcpStream::connect(("127.0.0.1", self.etcd_port)).await;
            connection.map(drop).map_err(|error| error.to_string())
        })
        .await;
        etcd
    }

    async fn start_apiserver(&self, guard: &Guard) -> Process {
        let address = self.reach.address();
        let endpoints = match self.reach {
            // Without it, it looks for an address that other machines can reach.
            Reach::Machine => "none",
            Reach::Pods(_) => "lease",
        };
        let arguments = [
            &format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            &format!("--secure-port={}", self.apiserver_port),
            &format!("--bind-address={address}"),
            &format!("--advertise-address={address}"),
            &format!("--endpoint-reconciler-type={endpoints}"),
            "--cert-dir=.",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=sa.pub",
            "--service-account-signing-key-file=sa.key",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--audit-policy-file=audit-policy.yaml",
            "--audit-log-path=audit.log",
        ];
        let mut apiserver = self.start("kube-apiserver", &arguments, guard);
        apiserver
            .until_ready(async || {
                let readyz = http::Request::get("/readyz").body(Vec::new()).unwrap();
                let answer = self.client().await?.request_text(readyz).await;
                answer.map(drop).map_err(|error| error.to_string())
            })
            .await;
        apiserver
    }

    async fn start_controller_manager(&self, guard: &Guard) -> Process {
        let arguments = [
            "--kubeconfig=kubeconfig",
            "--service-account-private-key-file=sa.key",
            "--secure-port=0",
            "--leader-elect=false",
            // What Pods verify the API server with.
            "--root-ca-file=apiserver.crt",
            "--node-monitor-period=500ms",
            // The default of 20 requests a second delays ServiceAccounts by seconds.
            "--kube-api-qps=300",
            "--kube-api-burst=500",
        ];
        let mut controller_manager = self.start("kube-controller-manager", &arguments, guard);
        controller_manager
            .until_ready(async || has_service_account(self.client().await?, "default").await)
            .await;
        controller_manager
    }

    async fn client(&self) -> Result<Client, String> {
        let config = client_config(&self.folder.path().join("kubeconfig")).await?;
        Client::try_from(config).map_err(|error| error.to_string())
    }
}

// === impl Reach ===

impl Reach {
    const fn address(self) -> IpAddr {
        match self {
            Self::Machine => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::Pods(node) => node,
        }
    }
}

fn random_token() -> String {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
