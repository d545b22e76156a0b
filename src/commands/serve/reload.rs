//! Certificate and configuration, read again when their files change.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::settings::Args;
use crate::config::watch::{ContentWatch, ReadError};
use crate::config::{Configuration, read_bytes};
use crate::telemetry::logs;
use crate::telemetry::metrics::{Metrics, Reload, Reloaded};
use crate::tls::{ReloadOutcome, ReloadingPair, watch_pair};

/// Logs the rules that cannot be asked.
pub(super) fn say_what_is_off(configuration: &Configuration) {
    for rule in configuration.placement.needing_a_cluster() {
        tracing::warn!(
            rule,
            "a rule is off: it reads what only a connection to a cluster tells"
        );
    }
}

/// Reads the certificate again.
pub(super) async fn reload_pair(
    pair: Arc<ReloadingPair>,
    args: Args,
    metrics: Arc<Metrics>,
) -> Infallible {
    watch_pair(
        pair,
        args.tls_cert,
        args.tls_key,
        args.reload_interval,
        |outcome| match outcome {
            ReloadOutcome::Swapped { current, .. } => {
                metrics.reloaded(Reloaded::Certificate, Reload::Done);
                metrics.certificate_ends(current.not_after());
                let (certificate, not_after) = (current.fingerprint(), current.not_after());
                tracing::info!(certificate, %not_after, "serving with a new certificate");
            }
            ReloadOutcome::Unchanged => {}
            ReloadOutcome::KeptLastGood(error) => {
                metrics.reloaded(Reloaded::Certificate, Reload::KeptLastGood);
                let error = logs::chain(error);
                tracing::error!(
                    error,
                    "the certificate on disk cannot be served: the last good one stays in service"
                );
            }
        },
    )
    .await
}

/// Reads the configuration again; `watch` has read the one in service.
pub(super) async fn reload_configuration(
    current: Arc<ArcSwap<Configuration>>,
    file: PathBuf,
    watch: ContentWatch<1>,
    interval: Duration,
    metrics: Arc<Metrics>,
) -> Infallible {
    watch.run(interval, |content| match reread(content) {
        Ok(configuration) => {
            metrics.reloaded(Reloaded::Configuration, Reload::Done);
            tracing::info!(file = %file.display(), "a new configuration is in service");
            say_what_is_off(&configuration);
            current.store(Arc::new(configuration));
        }
        Err(problems) => {
            metrics.reloaded(Reloaded::Configuration, Reload::KeptLastGood);
            let problems = logs::chain(&*problems);
            tracing::error!(file = %file.display(), problems, "the configuration on disk has mistakes: the last good one stays in service");
        }
    })
    .await
}

fn reread(content: Result<[Vec<u8>; 1], ReadError>) -> anyhow::Result<Configuration> {
    let [content] = content?;
    Ok(off_the_workers(|| read_bytes(&content))?)
}

/// Does `work`, which takes its time, while the other tasks of this thread go on elsewhere.
fn off_the_workers<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn reviews_are_answered_while_a_configuration_is_read() {
        let (answer, answered) = mpsc::channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            off_the_workers(|| {
                begin.send(()).unwrap();
                answered.recv_timeout(Duration::from_secs(10)).is_ok()
            })
        });
        tasks.spawn(async move {
            begun.await.unwrap();
            answer.send(()).is_ok()
        });
        while let Some(ended) = tasks.join_next().await {
            assert!(ended.unwrap(), "the reading held up the rest");
        }
    }
}
