//! A real Prometheus that serves blocks made by `promtool`. Both programs come from the package `prometheus`: the
//! environment names them (`PROMETHEUS`, `PROMTOOL`), or they are on the PATH.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Guard, Process};
use super::{free_port, http};

/// Said in its log once it answers, also where it asks for a password or speaks TLS.
const READY: &str = "Server is ready to receive web requests";

/// Blocks, to be served.
pub(crate) struct Blocks(TempDir);

/// A Prometheus. Dropping it stops it.
pub(crate) struct Prometheus {
    _process: Process,
    _guard: Guard,
    folder: TempDir,
    host: String,
    pub(crate) port: u16,
}

// === impl Blocks ===

impl Blocks {
    /// Of a file of OpenMetrics.
    pub(crate) fn of(file: &Path) -> Self {
        let folder = folder();
        let mut command = Command::new(tool("PROMTOOL", "promtool"));
        command
            .args(["tsdb", "create-blocks-from", "--quiet"])
            // One block: for each, promtool reads the file again.
            .arg("--max-block-duration=2160h")
            .arg("openmetrics")
            .args([file, folder.path()]);
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {output:?}");
        Self(folder)
    }

    /// None.
    pub(crate) fn none() -> Self {
        Self(folder())
    }
}

// === impl Prometheus ===

impl Prometheus {
    /// Serves `blocks`; `web` is its web configuration, by which it asks for passwords and speaks TLS. A series ends
    /// `every` (such as `60s`) after its last sample: promtool writes no stale markers.
    pub(crate) async fn start(blocks: &Blocks, every: &str, flags: &[&str], web: &str) -> Self {
        Self::start_at("127.0.0.1", blocks, every, flags, web).await
    }

    /// The same at an address of this machine.
    pub(crate) async fn start_at(
        host: &str,
        blocks: &Blocks,
        every: &str,
        flags: &[&str],
        web: &str,
    ) -> Self {
        let (folder, port) = (folder(), free_port());
        let path = |name: &str| folder.path().join(name);
        copy(blocks.0.path(), &path("data"));
        fs::write(path("prometheus.yml"), "scrape_configs: []\n").unwrap();
        fs::write(path("web.yml"), web).unwrap();
        let guard = Guard::start(folder.path());
        let mut command = Command::new(tool("PROMETHEUS", "prometheus"));
        command
            .args(["--config.file=prometheus.yml", "--web.config.file=web.yml"])
            .args([
                "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=100y",
            ])
            .arg(format!("--web.listen-address={host}:{port}"))
            .arg(format!("--query.lookback-delta={every}"))
            .args(flags);
        let mut process = Process::start("prometheus", &mut command, folder.path(), &guard);
        let log = path("prometheus.log");
        process
            .until_ready(async || {
                let log = fs::read_to_string(&log).unwrap_or_default();
                let is_ready = log.contains(READY).then_some(());
                is_ready.ok_or_else(|| "not ready".to_owned())
            })
            .await;
        Self {
            _process: process,
            _guard: guard,
            folder,
            host: host.to_owned(),
            port,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// The one value of an instant query at a time; nothing where the result is empty.
    pub(crate) async fn ask(&self, query: &str, at: f64) -> Option<f64> {
        let path = format!("/api/v1/query?time={at}&query={}", percent(query));
        let (code, body) = http::get(self.port, &path).await.unwrap();
        assert_eq!(code, 200, "{query}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let value = &body["data"]["result"][0]["value"][1];
        value.as_str().map(|value| value.parse().unwrap())
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("prometheus.log")).unwrap_or_default()
    }
}

fn folder() -> TempDir {
    let prefix = "meshmode-prometheus-";
    tempfile::Builder::new().prefix(prefix).tempdir().unwrap()
}

/// The program that the environment names, or else the one on the PATH.
fn tool(variable: &str, name: &str) -> PathBuf {
    let named = env::var_os(variable).map(PathBuf::from);
    let on_path = || {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).map(|folder| folder.join(name));
        found.into_iter().find(|file| file.is_file())
    };
    named.or_else(on_path).unwrap_or_else(|| {
        panic!("{name} is not on the PATH: it comes with Prometheus (Debian package prometheus), or name it in {variable}")
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// In a query of a URL.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}
