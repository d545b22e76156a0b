//! How many tasks there are: a connection, a watch, a file that is followed. More and more of them is a leak.

use std::sync::OnceLock;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;

/// The tasks of all runtimes but that of the second port.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    tasks: Gauge,
    handles: OnceLock<Vec<Handle>>,
}

// === impl Runtime ===

impl Runtime {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tasks",
            "Tasks at work or waiting: one a connection, a watch, a file that is followed",
            self.tasks.clone(),
        );
    }

    pub(super) fn are(&self, handles: Vec<Handle>) {
        drop(self.handles.set(handles));
    }

    /// Before the metrics are read.
    pub(super) fn count(&self) {
        let Some(handles) = self.handles.get() else {
            return;
        };
        let tasks: usize = handles
            .iter()
            .map(|handle| handle.metrics().num_alive_tasks())
            .sum();
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::super::Metrics;

    #[tokio::test]
    async fn tasks_are_counted_when_somebody_asks() {
        let metrics = Metrics::default();
        assert!(
            metrics.to_text().contains("meshmode_tasks 0\n"),
            "of no runtime"
        );
        metrics.runtimes_are(vec![tokio::runtime::Handle::current()]);
        let mut waiting = JoinSet::new();
        for _ in 0..3 {
            waiting.spawn(std::future::pending::<()>());
        }
        assert!(metrics.to_text().contains("meshmode_tasks 3\n"));
        waiting.shutdown().await;
        assert!(metrics.to_text().contains("meshmode_tasks 0\n"));
    }
}
