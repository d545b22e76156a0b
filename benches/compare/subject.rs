//! What is compared, as processes on a core of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use rustls::ClientConfig;

use crate::constant;
use crate::served::{self, Stream};

/// What answers reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The released program.
    Meshmode,
    /// The same server with a constant answer.
    Constant,
    /// The webhook of the kubebuilder book, `benches/peers`.
    Go,
}

/// A running one. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    subject: Subject,
    address: SocketAddr,
    /// From before its start until the first review was answered, its handshake included.
    pub(crate) first_answer: Duration,
}

/// Where all of it is.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) tls: Arc<ClientConfig>,
    /// The Go webhook.
    pub(crate) peers: PathBuf,
}

/// The cores: one for the server, one for who asks it.
const SERVER_CORE: usize = 1;
const CLIENT_CORE: usize = 0;

/// How long a start may take on a machine that does other things too.
const READY: Duration = Duration::from_secs(30);

/// Binds this process, and what it starts from now on, to the core of who asks.
pub(crate) fn on_the_client_core() {
    bind_to(CLIENT_CORE);
}

fn bind_to(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).expect("two cores: one for the server, one for the load");
}

// === impl Subject ===

impl Subject {
    pub(crate) const ALL: [Self; 3] = [Self::Meshmode, Self::Constant, Self::Go];

    /// Where it takes reviews, with the query that the API server sends.
    pub(crate) fn path(self) -> String {
        let path = match self {
            Self::Meshmode => "/mutate/pods",
            Self::Constant => constant::PATH,
            Self::Go => "/mutate--v1-pod",
        };
        format!("{path}?timeout=10s")
    }

    /// The program that would be shipped.
    pub(crate) fn binary(self, site: &Site) -> PathBuf {
        match self {
            Self::Meshmode => served::binary(),
            Self::Constant => std::env::current_exe().expect("this program"),
            Self::Go => site.peers.clone(),
        }
    }

    /// Starts it on its core, and waits for the answer to a first review.
    pub(crate) fn start(self, site: &Site, review: &[u8]) -> Running {
        let address = served::free();
        let mut command = self.command(site, address);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        let begin = Instant::now();
        // A child stays where its parent was when it began.
        bind_to(SERVER_CORE);
        let child = command.spawn();
        on_the_client_core();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut running = Running {
            child,
            subject: self,
            address,
            first_answer: Duration::ZERO,
        };
        while let Err(error) = running.ask(&site.tls, review) {
            assert!(begin.elapsed() < READY, "{self:?} does not answer: {error}");
            std::thread::yield_now();
        }
        running.first_answer = begin.elapsed();
        running
    }

    fn command(self, site: &Site, address: SocketAddr) -> Command {
        let certs = site.folder.as_path();
        let mut command = Command::new(self.binary(site));
        match self {
            Self::Meshmode => as_shipped(&mut command, certs, address),
            Self::Constant => command
                .args([constant::FLAG, &address.to_string()])
                .arg(certs),
            Self::Go => command
                .arg("--webhook-host=127.0.0.1")
                .arg(format!("--webhook-port={}", address.port()))
                .arg(format!("--webhook-cert-path={}", certs.display()))
                .arg(format!("--metrics-bind-address={}", served::free()))
                .arg(format!("--health-probe-bind-address={}", served::free()))
                .env("KUBECONFIG", nowhere(certs)),
        };
        command
    }
}

/// Settings and environment of `manifests/base/deployment.yaml`; its log is JSON.
fn as_shipped<'c>(command: &'c mut Command, certs: &Path, address: SocketAddr) -> &'c mut Command {
    command
        .args(["serve", "--listen", &address.to_string()])
        .args(["--status-listen", &served::free().to_string()])
        .arg("--tls-cert")
        .arg(certs.join("tls.crt"))
        .arg("--tls-key")
        .arg(certs.join("tls.key"))
        .args(["--log-format", "json", "--cluster", "off"])
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
}

/// A kubeconfig: a manager wants one, and asks nobody as long as nothing is watched.
fn nowhere(folder: &Path) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n\
                contexts: [{name: nowhere, context: {cluster: nowhere}}]\n\
                clusters: [{name: nowhere, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    fs::write(&path, text).expect("a kubeconfig");
    path
}

// === impl Running ===

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("https://{}{}", self.address, self.subject.path())
    }

    /// Where it takes reviews.
    pub(crate) fn path(&self) -> String {
        self.subject.path()
    }

    pub(crate) fn connect(&self, tls: &Arc<ClientConfig>) -> std::io::Result<Stream> {
        served::connect(self.address, tls)
    }

    /// The answer to a review on a connection of its own.
    pub(crate) fn ask(&self, tls: &Arc<ClientConfig>, review: &[u8]) -> std::io::Result<String> {
        served::ask(&mut self.connect(tls)?, &self.subject.path(), review)
    }

    /// The time that the kernel gave to its threads, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Duration {
        served::cpu(self.child.id())
    }

    /// Its resident memory (`VmRSS`) in MiB.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    pub(crate) fn resident(&self) -> f64 {
        served::status_of(self.child.id(), "VmRSS") as f64 / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
