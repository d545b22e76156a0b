//! A node that joins the control plane: containerd, kubelet, kube-proxy (nftables) and a scheduler as processes, in
//! namespaces that `tests/node/run.sh` has made. Pods run on it, and Services reach them.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::net::UnixStream;

use super::http;
use super::process::{Guard, Process};
use super::request::is_ready;
use super::{ControlPlane, wait_for};

/// Its processes. Dropping it stops them; what they leave behind goes with the namespaces.
pub(crate) struct Node {
    _kube_proxy: Process,
    _kubelet: Process,
    _scheduler: Process,
    _containerd: Process,
    _guard: Guard,
}

/// An image with these files, and nothing else in it.
pub(crate) struct Image<'a> {
    pub(crate) name: &'a str,
    /// What a container of it runs.
    pub(crate) command: &'a [&'a str],
    /// Each as `tests/node/image.sh` takes it.
    pub(crate) files: Vec<String>,
}

/// Where things are.
struct Site<'a> {
    cluster: &'a ControlPlane,
    guard: &'a Guard,
    folder: PathBuf,
    binaries: PathBuf,
}

/// The name of the node.
pub(crate) const NAME: &str = "node";

const CONTAINERD: &str = "/run/containerd/containerd.sock";
const PAUSE: &str = "meshmode.io/pause:1";
const SCHEDULABLE: Duration = Duration::from_secs(60);

/// The address of the node; a test that does not run on one fails by this.
pub(crate) fn address() -> IpAddr {
    let address = env::var_os("MESHMODE_NODE_ADDRESS");
    let address = address.expect("not on a node of its own: `make e2e-node` makes one");
    address.to_str().unwrap().parse().unwrap()
}

/// The programs of containers that run as `program`: their process numbers, and their Pods' names.
pub(crate) fn processes(program: &str) -> Vec<(i32, String)> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_str()?.parse().ok()
    });
    let runs = |number: &i32| {
        fs::read_link(format!("/proc/{number}/exe")).is_ok_and(|path| path == Path::new(program))
    };
    let named = |number: i32| {
        let environment = fs::read(format!("/proc/{number}/environ")).ok()?;
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let name = environment
            .split('\0')
            .find_map(|variable| variable.strip_prefix("HOSTNAME="))?;
        Some((number, name.to_owned()))
    };
    numbers.filter(runs).filter_map(named).collect()
}

/// A program of this machine as a file of an image, with the libraries that it is linked with.
pub(crate) fn program(file: &Path, path: &str) -> Vec<String> {
    let output = Command::new("ldd").arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let libraries = text.split_whitespace().filter(|word| word.starts_with('/'));
    let mut files: Vec<String> = libraries.map(str::to_owned).collect();
    files.push(format!("{}={path}", file.display()));
    files
}

// === impl Node ===

impl Node {
    /// Starts it with these images; when this returns Pods can be scheduled to it.
    pub(crate) async fn start(cluster: &ControlPlane, images: &[Image<'_>]) -> Self {
        let folder = PathBuf::from(env::var_os("MESHMODE_NODE").unwrap());
        let binaries = env::var_os("MESHMODE_NODE_BIN");
        let binaries = binaries.expect("MESHMODE_NODE_BIN: the folder that `build.sh node` prints");
        // The folder is run.sh's to remove.
        let guard = Guard::start(&folder.join("nothing"));
        let site = Site {
            cluster,
            guard: &guard,
            folder,
            binaries: binaries.into(),
        };
        let containerd = site.start_containerd().await;
        let pause = Image {
            name: PAUSE,
            command: &["/busybox", "sleep", "infinity"],
            files: vec!["/bin/busybox=/busybox".to_owned()],
        };
        site.import(&pause);
        images.iter().for_each(|image| site.import(image));
        let node = Self {
            _scheduler: site.start_scheduler(),
            _kubelet: site.start_kubelet().await,
            _kube_proxy: site.start_kube_proxy().await,
            _containerd: containerd,
            _guard: guard,
        };
        wait_for("a node to schedule to", SCHEDULABLE, async || {
            let node = cluster.get(&format!("/api/v1/nodes/{NAME}")).await.body;
            let is_free = node["spec"]["taints"].is_null() && is_ready(&node);
            is_free.then_some(()).ok_or_else(|| node.to_string())
        })
        .await;
        node
    }
}

// === impl Site ===

impl Site<'_> {
    fn start(&self, name: &'static str, program: &Path, arguments: &[String]) -> Process {
        let mut command = Command::new(program);
        // containerd looks for runc and its shim there, kubelet and kube-proxy for mount and nft.
        let command = command
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .args(arguments);
        Process::start(name, command, &self.folder, self.guard)
    }

    /// A file of the folder.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn kubeconfig(&self) -> String {
        format!("--kubeconfig={}", self.cluster.kubeconfig().display())
    }

    async fn start_containerd(&self) -> Process {
        let folder = self.folder.display();
        fs::create_dir(self.folder.join("cni")).unwrap();
        self.write("cni/10-node.conflist", include_str!("node/cni.json"));
        let text = include_str!("node/containerd.toml").replace("FOLDER", &folder.to_string());
        let file = self.write("containerd.toml", &text);
        let arguments = ["--config".to_owned(), file];
        let mut containerd = self.start("containerd", Path::new("containerd"), &arguments);
        containerd
            .until_ready(async || {
                let connection = UnixStream::connect(CONTAINERD).await;
                connection.map(drop).map_err(|error| error.to_string())
            })
            .await;
        containerd
    }

    fn import(&self, image: &Image<'_>) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/image.sh");
        let archive = self.folder.join("image.tar");
        let mut command = Command::new(script);
        let command = command
            .arg(&archive)
            .arg(image.name)
            .arg(serde_json::to_string(image.command).unwrap())
            .args(&image.files);
        succeeds(command);
        let mut command = Command::new("ctr");
        succeeds(
            command
                .args([
                    "--address",
                    CONTAINERD,
                    "--namespace",
                    "k8s.io",
                    "images",
                    "import",
                ])
                .arg(&archive),
        );
        fs::remove_file(archive).unwrap();
    }

    fn start_scheduler(&self) -> Process {
        let arguments = [
            self.kubeconfig(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.start(
            "kube-scheduler",
            &self.binaries.join("kube-scheduler"),
            &arguments,
        )
    }

    async fn start_kubelet(&self) -> Process {
        let file = self.write("kubelet.yaml", include_str!("node/kubelet.yaml"));
        let arguments = [
            self.kubeconfig(),
            format!("--config={file}"),
            format!("--node-ip={}", address()),
            format!("--hostname-override={NAME}"),
        ];
        let mut kubelet = self.start("kubelet", &self.binaries.join("kubelet"), &arguments);
        kubelet
            .until_ready(async || http::ok(10248, "/healthz").await)
            .await;
        kubelet
    }

    async fn start_kube_proxy(&self) -> Process {
        let kubeconfig = self.cluster.kubeconfig().display().to_string();
        let text = include_str!("node/kube-proxy.yaml").replace("KUBECONFIG", &kubeconfig);
        let arguments = [format!("--config={}", self.write("kube-proxy.yaml", &text))];
        let mut proxy = self.start("kube-proxy", &self.binaries.join("kube-proxy"), &arguments);
        proxy
            .until_ready(async || http::ok(10256, "/livez").await)
            .await;
        proxy
    }
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
