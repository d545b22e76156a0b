//! The certificate in service, the server's checks of itself, and the clients that were not let in.

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, fixed};

/// What is told of certificates.
#[derive(Debug, Default)]
pub(super) struct Certificate {
    not_before: Gauge,
    not_after: Gauge,
    checks: Family<Labels<2>, Gauge>,
    mismatches: Gauge,
    refused: Family<Labels<1>, Counter>,
}

// === impl Certificate ===

impl Certificate {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "certificate_not_before_timestamp_seconds",
            "When the serving certificate begins, in Unix time",
            self.not_before.clone(),
        );
        registry.register(
            "certificate_not_after_timestamp_seconds",
            "When the serving certificate ends, in Unix time",
            self.not_after.clone(),
        );
        registry.register(
            "self_check",
            "1 for what came last of a check of the server by itself",
            self.checks.clone(),
        );
        registry.register(
            "ca_bundle_mismatches",
            "Registered webhooks of this server whose caBundle does not believe its certificate",
            self.mismatches.clone(),
        );
        registry.register(
            "client_certificates_refused",
            "Clients that were not let in for the certificate they showed",
            self.refused.clone(),
        );
    }

    pub(super) fn in_service(&self, not_before: Timestamp, not_after: Timestamp) {
        self.not_before.set(not_before.as_second());
        self.not_after.set(not_after.as_second());
    }

    pub(super) fn checked(
        &self,
        check: &'static str,
        reason: &'static str,
        reasons: impl IntoIterator<Item = &'static str>,
    ) {
        for known in reasons {
            let labels = Labels([fixed("check", check), fixed("reason", known)]);
            let gauge = self.checks.get_or_create(&labels);
            gauge.set(i64::from(known == reason));
        }
    }

    pub(super) fn mismatches(&self, webhooks: usize) {
        self.mismatches
            .set(i64::try_from(webhooks).unwrap_or(i64::MAX));
    }

    pub(super) fn begin_at_zero(&self, reasons: impl IntoIterator<Item = &'static str>) {
        for reason in reasons {
            drop(self.refused_for(reason));
        }
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused_for(reason).inc();
    }

    fn refused_for(&self, reason: &'static str) -> Counter {
        self.refused
            .get_or_create_owned(&Labels([fixed("reason", reason)]))
    }
}
