//! The program under test as a process, with certificates of its own making.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

use super::manifests::Endpoint;
use super::process::{Guard, Process};
use super::{free_port, http};

/// How long it may take to end: reviews in flight have 10 s.
const END: Duration = Duration::from_secs(11);

/// `meshmode serve`. Dropping it stops it.
pub(crate) struct Meshmode {
    process: Option<Process>,
    guard: Guard,
    folder: TempDir,
    flags: Vec<String>,
    pub(crate) port: u16,
    status_port: u16,
}

/// The program: the one that `MESHMODE_E2E_BINARY` names (`make e2e` builds a release), else the one
/// that cargo built for the tests.
pub(crate) fn binary() -> PathBuf {
    env::var_os("MESHMODE_E2E_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_meshmode").into(), PathBuf::from)
}

/// Runs a command of the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    let output = command.args(arguments).env_clear().output();
    output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

/// Runs `meshmode certs` into `folder`.
pub(crate) fn certs(folder: &Path, arguments: &[&str]) {
    let folder = folder.to_str().unwrap();
    let output = run(&[&["certs", "--out", folder], arguments].concat());
    assert!(output.status.success(), "{output:?}");
}

impl Meshmode {
    /// Starts it, on free ports, without a cluster to ask.
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--cluster=off".to_owned()]).await
    }

    /// Starts it with further flags.
    pub(crate) async fn start_with(flags: &[String]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("meshmode-program-")
            .tempdir()
            .unwrap();
        certs(&folder.path().join("certs"), &[]);
        let guard = Guard::start(folder.path());
        let mut started = Self {
            process: None,
            guard,
            folder,
            flags: flags.to_vec(),
            port: free_port(),
            status_port: free_port(),
        };
        started.start_again().await;
        started
    }

    /// Starts it where it was stopped: same ports, same certificates.
    pub(crate) async fn start_again(&mut self) {
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .arg(format!("--listen=127.0.0.1:{}", self.port))
            .arg(format!("--status-listen=127.0.0.1:{}", self.status_port))
            .args(["--tls-cert=certs/tls.crt", "--tls-key=certs/tls.key"])
            .arg("--reload-interval=50ms")
            .args(&self.flags)
            // As manifests/base/deployment.yaml has it.
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            // A flag says otherwise where that is tested.
            .env("MESHMODE_SHUTDOWN_DELAY", "0s");
        let folder = self.folder.path();
        let mut process = Process::start("meshmode", &mut command, folder, &self.guard);
        process
            .until_ready(async || http::ok(self.status_port, "/readyz").await)
            .await;
        self.process = Some(process);
    }

    /// Stops it as a kubelet does, and sees that it ends in order.
    pub(crate) async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let ended = tokio::task::spawn_blocking(move || {
            let status = process.ended(END);
            status.ok_or_else(|| process.log_tail())
        });
        match ended.await.unwrap() {
            Ok(status) => assert!(status.success(), "after SIGTERM: {status}"),
            Err(log) => panic!("still there {END:?} after SIGTERM; its log ends:\n{log}"),
        }
    }

    /// The folder of its certificates.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.path().join("certs")
    }

    /// The CA that it is believed by, and where it is.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            port: self.port,
            ca: fs::read_to_string(self.certificates().join("ca.crt")).unwrap(),
        }
    }

    /// How many bytes of memory it has now (`VmRSS`).
    pub(crate) fn resident(&self) -> u64 {
        let process = self.process.as_ref().expect("it runs");
        let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.unwrap().trim().parse::<u64>().unwrap() << 10
    }

    /// Code and text of `/readyz?verbose`.
    pub(crate) async fn readiness(&self) -> (u16, String) {
        http::get(self.status_port, "/readyz?verbose")
            .await
            .unwrap()
    }

    /// All its metrics.
    pub(crate) async fn metrics(&self) -> String {
        let (code, text) = http::get(self.status_port, "/metrics").await.unwrap();
        assert_eq!(code, 200, "{text}");
        text
    }
}

/// The value of a counter or gauge in `metrics`; one that has no sample yet is 0.
pub(crate) fn sample(metrics: &str, series: &str) -> f64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}
