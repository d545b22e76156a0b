//! A component of the control plane as a child process: started with its output in a log file,
//! watched while it becomes ready, and stopped when dropped, so also when a test panics.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::wait::poll;

const READY_DEADLINE: Duration = Duration::from_secs(30);

/// How long a component may take to end after SIGTERM. The API server can take a minute.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// A running component.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// Ends all components, and removes their folder, when the test process is gone without having
/// dropped them: killed, or exited with a control plane in a `static`.
///
/// It is a shell that waits for its standard input, held by the test process, to be closed, and
/// then kills its process group, which the components are in.
pub(super) struct Guard(Child);

impl Process {
    /// Starts `command` in `folder`, where `NAME.log` gets its output. Of the environment it gets what
    /// `command` sets, and nothing of the test's.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
        guard: &Guard,
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
            .collect();
        let child = command
            .current_dir(folder)
            .env_clear()
            .envs(environment)
            .process_group(guard.group())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}; {command:?}"));
        Self { name, child, log }
    }

    /// Waits until `probe` succeeds; panics with the end of the log at the deadline, and at once
    /// when the process ends.
    pub(super) async fn until_ready(&mut self, mut probe: impl AsyncFnMut() -> Result<(), String>) {
        let outcome = poll(READY_DEADLINE, async || match self.child.try_wait() {
            Ok(None) => probe().await.map(|()| None),
            Ok(Some(status)) => Ok(Some(status)),
            Err(error) => Err(error.to_string()),
        })
        .await;
        let why = match outcome {
            Ok(None) => return,
            Ok(Some(status)) => format!("ended ({status})"),
            Err(last) => format!("is not ready after {READY_DEADLINE:?}: {last}"),
        };
        panic!("{} {why}; its log ends:\n{}", self.name, self.log_tail());
    }

    /// Asks it to end, and gives how it did, or nothing when it has not after `deadline`.
    pub(super) fn ended(&mut self, deadline: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        self.ends_within(deadline)
            .then(|| self.child.wait().expect("a child that ended"))
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        // An error means that it has ended already.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of its log.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn ends_within(&mut self, deadline: Duration) -> bool {
        let end = Instant::now() + deadline;
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Process {
    /// SIGTERM, then SIGKILL; returns when the process is gone, so that its port is free again.
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        if !self.ends_within(STOP_DEADLINE) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

// === impl Guard ===

impl Guard {
    pub(super) fn start(folder: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", r#"read -r _; rm -rf "$1"; kill -KILL 0"#, "guard"])
            .arg(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cannot start sh");
        Self(child)
    }

    fn group(&self) -> i32 {
        Pid::from_child(&self.0).as_raw_nonzero().get()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
