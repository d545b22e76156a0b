//! The configuration, read again when its file changes.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::active;
use super::known::Known;
use crate::config::Problems;
use crate::config::watch::{ContentWatch, ReadError};
use crate::telemetry::logs;
use crate::telemetry::metrics::{Metrics, Reload, Reloaded};
use crate::webhook::active::{Active, Origin};

/// Reads the configuration again; `watch` has read the one in service. A new one is put in service when what
/// its rules read of the cluster is known.
pub(super) async fn reload_configuration(
    current: Arc<ArcSwap<Active>>,
    (file, mut watch): (PathBuf, ContentWatch<1>),
    interval: Duration,
    metrics: Arc<Metrics>,
    known: Known,
) -> Infallible {
    let file = file.display().to_string();
    loop {
        let content = watch.changed(interval).await;
        let before = current.load_full();
        match reread(content).await {
            Ok(new) => {
                let read = new.configuration.placement.fields();
                known
                    .prepare(before.configuration.placement.fields(), read)
                    .await;
                put_in_service(new, &current, &file, &metrics);
                known.follow(read);
                known.say_what_is_off(&current.load().configuration);
                known.say_what_is_refused(&current.load().configuration);
            }
            Err(problems) => kept(&problems, &before, &file, &metrics),
        }
    }
}

fn put_in_service(new: Active, current: &ArcSwap<Active>, file: &str, metrics: &Metrics) {
    metrics.reloaded(Reloaded::Configuration, Reload::Done);
    metrics.configuration_in_service(&new.hash, new.origin.as_str(), Timestamp::now());
    let configuration = new.hash.clone();
    let before = current.swap(Arc::new(new));
    let before = &before.hash;
    tracing::info!(
        file,
        configuration,
        before,
        "a new configuration is in service"
    );
}

fn kept(problems: &anyhow::Error, before: &Active, file: &str, metrics: &Metrics) {
    metrics.reloaded(Reloaded::Configuration, Reload::KeptLastGood);
    let (at, configuration) = (place(problems), &before.hash);
    let problems = logs::chain(&**problems);
    tracing::error!(
        file,
        at,
        problems,
        configuration,
        "the configuration on disk has mistakes: the last good one stays in service"
    );
}

/// On a thread of its own, as it takes its time: connections are accepted meanwhile, and watches followed.
async fn reread(content: Result<[Vec<u8>; 1], ReadError>) -> anyhow::Result<Active> {
    let [content] = content?;
    Ok(spawn_blocking(move || active(&content, Origin::File)).await??)
}

/// Line and column of the first mistake, where it is one of what is in the file.
fn place(error: &anyhow::Error) -> Option<String> {
    let problems = error.downcast_ref::<Problems>()?;
    let first = problems.iter().next()?;
    Some(format!("{}:{}", first.line, first.column))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::config::DEFAULT;

    #[tokio::test]
    async fn the_thread_goes_on_while_a_configuration_is_read() {
        let mut reading = Box::pin(reread(Ok([DEFAULT.as_bytes().to_vec()])));
        assert!(reading.as_mut().now_or_never().is_none(), "it was held up");
        assert_eq!(reading.await.unwrap().origin, Origin::File);
    }
}
