//! The report of an end-to-end test: a line for each step, with what it has shown and what it has not.

use std::env;
use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// What a step has shown.
#[derive(Debug)]
pub(crate) enum Shown {
    /// This much.
    Cases(usize),
    /// This much, and not the rest, for a reason.
    Partly(usize, &'static str),
    /// Nothing, for a reason.
    Skipped(&'static str),
}

/// The table at the end.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<(&'static str, Shown, Duration)>,
}

// === impl Report ===

impl Report {
    /// Runs one step; a failure names it. With `MESHMODE_E2E_ONLY` only those are run whose name has it.
    pub(crate) async fn step(&mut self, name: &'static str, step: impl Future<Output = Shown>) {
        let only = env::var_os("MESHMODE_E2E_ONLY").unwrap_or_default();
        if !name.contains(&*only.to_string_lossy()) {
            let skipped = Shown::Skipped("MESHMODE_E2E_ONLY asks for others");
            return self.lines.push((name, skipped, Duration::ZERO));
        }
        let naming = Naming(name);
        let start = Instant::now();
        let shown = step.await;
        std::mem::forget(naming);
        self.lines.push((name, shown, start.elapsed()));
    }

    /// Prints what was shown.
    pub(crate) fn print(&self) {
        let mut table = String::new();
        for (name, shown, took) in &self.lines {
            let seconds = took.as_secs_f64();
            let said = match shown {
                Shown::Cases(cases) => format!("{cases} cases"),
                Shown::Partly(cases, why) => format!("{cases} cases; NOT the rest: {why}"),
                Shown::Skipped(why) => format!("NOT SHOWN: {why}"),
            };
            let _ = writeln!(table, "  {name:<44} {seconds:>5.1} s  {said}");
        }
        say(&format!("\nshown end to end:\n{table}"));
    }
}

/// Past the test harness, which would show it of failed tests only.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Names the step that panicked.
struct Naming(&'static str);

impl Drop for Naming {
    fn drop(&mut self) {
        say(&format!(
            "end to end: the step that failed is {:?}\n",
            self.0
        ));
    }
}
