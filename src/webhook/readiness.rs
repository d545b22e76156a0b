//! Whether reviews should be sent here, and if not, why and what to do.
//!
//! A server is ready when it has started, was not asked to end, and no check fails. Most of what can be wrong is only
//! told: to take a server out of service that could still answer would be in the way of every Pod.
//!
//! Must not: look at anything by itself, log or count.

mod check;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::check::{Check, Checked, Reason, Severity};

/// What is known of the server. Clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Known>>);

/// The states of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Not yet listening.
    #[default]
    Starting,
    /// Answering.
    Ready,
    /// Asked to end.
    Stopping,
}

/// All that there is to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// How bad the worst is: a server of which something failed is not ready.
    pub worst: Severity,
    /// `ok`, or a line for each reason why not.
    pub brief: String,
    /// A line for each check, as the API server writes them.
    pub verbose: String,
}

#[derive(Debug, Default)]
struct Known {
    state: State,
    checks: [Checked; Check::ALL.len()],
}

/// A line of a report.
struct Line<'a> {
    name: &'static str,
    severity: Severity,
    text: &'a str,
}

// === impl Readiness ===

impl Readiness {
    /// Goes over to `state`.
    pub fn set(&self, state: State) {
        self.known(|known| known.state = state);
    }

    /// The present state.
    pub fn get(&self) -> State {
        self.known(|known| known.state)
    }

    /// This came of a check; gives what came of it before.
    pub fn checked(&self, check: Check, checked: Checked) -> Checked {
        self.known(|known| std::mem::replace(&mut known.checks[check as usize], checked))
    }

    /// All that there is to say now.
    pub fn report(&self) -> Report {
        self.known(|known| known.report())
    }

    fn known<T>(&self, at: impl FnOnce(&mut Known) -> T) -> T {
        at(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Known ===

impl Known {
    fn report(&self) -> Report {
        let mut brief: String = self.lines().map(|line| line.brief()).collect();
        let mut verbose: String = self.lines().map(|line| line.verbose()).collect();
        let worst = self.lines().map(|line| line.severity).max();
        let worst = worst.unwrap_or(Severity::Passed);
        let (at_last, ready) = match worst {
            Severity::Passed | Severity::Warned => ("readyz check passed\n", "ok\n"),
            Severity::Failed => ("readyz check failed\n", ""),
        };
        brief.push_str(ready);
        verbose.push_str(at_last);
        Report {
            worst,
            brief,
            verbose,
        }
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let checks = Check::ALL.into_iter().zip(&self.checks);
        let checks = checks.map(|(check, checked)| Line {
            name: check.as_str(),
            severity: checked.reason.severity(),
            text: &checked.text,
        });
        self.state.lines().into_iter().chain(checks)
    }
}

// === impl State ===

impl State {
    const fn lines(self) -> [Line<'static>; 2] {
        let (started, shutdown) = match self {
            Self::Starting => (Severity::Failed, Severity::Passed),
            Self::Ready => (Severity::Passed, Severity::Passed),
            Self::Stopping => (Severity::Passed, Severity::Failed),
        };
        [
            Line {
                name: "started",
                severity: started,
                text: match started {
                    Severity::Failed => "starting: the facts of the cluster are not all read yet",
                    Severity::Passed | Severity::Warned => "",
                },
            },
            Line {
                name: "shutdown",
                severity: shutdown,
                text: match shutdown {
                    Severity::Failed => "stopping: it was asked to end",
                    Severity::Passed | Severity::Warned => "",
                },
            },
        ]
    }
}

// === impl Line ===

impl Line<'_> {
    /// As the API server writes it.
    fn verbose(&self) -> String {
        let Self {
            name,
            severity,
            text,
        } = self;
        match severity {
            Severity::Passed if text.is_empty() => format!("[+]{name} ok\n"),
            Severity::Passed => format!("[+]{name} ok: {text}\n"),
            Severity::Warned => format!("[+]{name} ok, with a warning: {text}\n"),
            Severity::Failed => format!("[-]{name} failed: {text}\n"),
        }
    }

    /// What it has to say where only failures count.
    fn brief(&self) -> String {
        match self.severity {
            Severity::Passed | Severity::Warned => String::new(),
            Severity::Failed => format!("not ready: {}: {}\n", self.name, self.text),
        }
    }
}

#[cfg(test)]
mod tests;
