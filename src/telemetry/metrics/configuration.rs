//! Which configuration is in service, and since when.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, Value, fixed};

/// Of the configuration in service alone: those before it are not there any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    info: Info,
    read: Gauge,
}

#[derive(Clone, Debug, Default)]
struct Info(Arc<Mutex<Option<Labels<2>>>>);

// === impl Configuration ===

impl Configuration {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "configuration",
            "The configuration in service: SHA-256 of what it was read from",
            self.info.clone(),
        );
        registry.register(
            "configuration_last_reload_success_timestamp_seconds",
            "When the configuration in service was read, in Unix time",
            self.read.clone(),
        );
    }

    pub(super) fn in_service(&self, hash: &str, source: &'static str, read: Timestamp) {
        let hash = ("hash", Value::Hash(hash.to_owned()));
        let labels = Labels([hash, fixed("source", source)]);
        *self.info.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(labels);
        self.read.set(read.as_second());
    }
}

// === impl Info ===

impl EncodeMetric for Info {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        labels
            .as_ref()
            .map_or(Ok(()), |labels| encoder.encode_info(labels))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Info
    }
}
