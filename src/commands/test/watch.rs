//! `--watch`: the tests again whenever the content of a file changes, or of a configuration.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::{Args, files};
use crate::commands::complain;
use crate::telemetry::logs;

/// By path; nothing where it cannot be read.
type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Between two looks: a person who saves a file does not notice.
const INTERVAL: Duration = Duration::from_millis(250);

/// Runs the tests at once and after every change. Ends by a signal, as from Ctrl-C, or when standard output is gone.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<std::convert::Infallible> {
    let mut seen = None;
    let mut configurations = Contents::new();
    loop {
        let now = contents(args, configurations.keys());
        if seen.as_ref() == Some(&now) {
            std::thread::sleep(INTERVAL);
            continue;
        }
        let is_again = seen.is_some();
        let mut looked_at = now;
        if is_again {
            writeln!(out)?;
        }
        let loaded = args.load();
        let ended = loaded.and_then(|mut loaded| {
            // As they were when the rules were read from them.
            configurations = std::mem::take(&mut loaded.configurations);
            args.judge(&loaded, out)
        });
        looked_at.retain(|path, _| args.config.as_ref() != Some(path));
        looked_at.extend(configurations.clone());
        seen = Some(looked_at);
        if let Err(error) = ended {
            if crate::commands::is_broken_pipe(&error) {
                return Err(error);
            }
            complain(&logs::chain(&*error));
        }
        out.flush()?;
        complain("waiting for a change; Ctrl-C ends it");
    }
}

fn contents<'p>(args: &Args, configurations: impl Iterator<Item = &'p PathBuf>) -> Contents {
    // A path that is not there now may come back.
    let found = files::find(&args.paths).unwrap_or_default();
    let found = found.iter().map(|found| found.path().to_owned());
    let paths = found.chain(configurations.cloned());
    paths
        .map(|path| (path.clone(), std::fs::read(path).ok()))
        .collect()
}
