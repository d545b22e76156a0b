//! The server looks at itself: at its certificate, at its own listener as a client has it, and at the `caBundle`s that are
//! registered for it. What it finds is in `/readyz?verbose` and in metrics; the log says each change, once.

mod judge;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use rustls_pki_types::ServerName;
use tokio::sync::Notify;

pub(super) use self::judge::Service;
use self::judge::{CaBundles, ca_bundles, certificate, listener};
use crate::cluster::registered::registered;
use crate::config::watch::ticks;
use crate::telemetry::metrics::Metrics;
use crate::tls::{CertificatePair, Probe, ReloadingPair};
use crate::webhook::readiness::{Check, Checked, Readiness, Reason, Severity, State};

/// What came of a check is told here, to whoever asks and to the log.
#[derive(Clone)]
pub(super) struct Told {
    readiness: Readiness,
    pub(super) metrics: Arc<Metrics>,
}

/// What is looked at.
pub(super) struct Checks {
    pub(super) told: Told,
    pub(super) pair: Arc<ReloadingPair>,
    pub(super) probe: Arc<Probe>,
    /// Where this server listens.
    pub(super) address: SocketAddr,
    /// The Service in front of it.
    pub(super) service: Service,
    /// The cluster that its webhooks are registered in.
    pub(super) cluster: Option<Client>,
    /// How often it looks.
    pub(super) interval: Duration,
    /// Somebody knows of a change.
    pub(super) changed: Arc<Notify>,
    pub(super) bundles: Bundles,
}

/// What was seen of the `caBundle`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bundles {
    /// They were not looked at yet.
    NotSeen,
    /// They did not need to be said again.
    Seen,
    /// They did not fit once: whoever changes both CA and certificate may be half done.
    Suspected,
}

/// For a handshake with oneself, which takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

// === impl Told ===

impl Told {
    pub(super) fn new(readiness: Readiness, metrics: Arc<Metrics>) -> Self {
        for check in Check::ALL {
            record(&metrics, check, Reason::Ok);
        }
        Self { readiness, metrics }
    }

    /// This came of a check, and the log is told where that is news.
    pub(super) fn tell(&self, check: Check, checked: Checked) {
        if self.note(check, checked.clone()) == checked {
            return;
        }
        let Checked { reason, text } = checked;
        let (check, severity, reason) = (check.as_str(), reason.severity(), reason.as_str());
        match severity {
            Severity::Passed => tracing::info!(check, reason, text, "a check of itself passes"),
            Severity::Warned => tracing::warn!(
                check,
                reason,
                text,
                "a check of itself found something: it goes on serving"
            ),
            Severity::Failed => tracing::error!(
                check,
                reason,
                text,
                "a check of itself fails: it is not ready until this is mended"
            ),
        }
    }

    /// This came of a check, and the log knows; gives what came of it before.
    pub(super) fn note(&self, check: Check, checked: Checked) -> Checked {
        record(&self.metrics, check, checked.reason);
        self.readiness.checked(check, checked)
    }
}

fn record(metrics: &Metrics, check: Check, reason: Reason) {
    let reasons = check.reasons().iter().map(|reason| reason.as_str());
    metrics.checked(check.as_str(), reason.as_str(), reasons);
}

// === impl Checks ===

impl Checks {
    /// Looks every now and then, and when it is told that something changed.
    pub(super) async fn run(mut self) -> Infallible {
        let mut ticks = ticks(self.interval);
        // The first is at once, and somebody has looked just now.
        ticks.tick().await;
        let changed = Arc::clone(&self.changed);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.look().await,
                () = changed.notified() => self.look_at_certificate().await,
            }
        }
    }

    /// Looks at everything.
    pub(super) async fn look(&mut self) {
        self.look_at_certificate().await;
        self.look_at_bundles().await;
    }

    async fn look_at_certificate(&self) {
        match self.told.readiness.get() {
            State::Starting | State::Ready => {}
            // The listener goes away, as it should.
            State::Stopping => return,
        }
        let before = self.pair.current();
        let checked = certificate(before.in_time(Timestamp::now()));
        self.told.tell(Check::Certificate, checked);
        let served = self.probe.look(self.local(), name(&before), PATIENCE).await;
        let now = self.pair.current();
        let checked = listener(&served, [&before, &now]);
        self.told.tell(Check::Listener, checked);
    }

    async fn look_at_bundles(&mut self) {
        let Some(client) = &self.cluster else { return };
        let found = tokio::time::timeout(PATIENCE, registered(client)).await;
        let pair = self.pair.current();
        let port = self.address.port();
        let CaBundles {
            mismatches,
            checked,
        } = ca_bundles(&found, &self.service, port, &pair, Timestamp::now());
        self.told.metrics.ca_bundle_mismatches(mismatches);
        let (bundles, is_news) = self.bundles.after(checked.reason);
        self.bundles = bundles;
        if is_news {
            self.told.tell(Check::CaBundle, checked);
        }
    }

    /// Where it reaches itself.
    fn local(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

// === impl Bundles ===

impl Bundles {
    /// What is known after another look, and whether to tell it: a server that was ready is taken out of service at the
    /// second look that finds the same.
    const fn after(self, reason: Reason) -> (Self, bool) {
        match (reason, self) {
            (Reason::Untrusted, Self::Seen) => (Self::Suspected, false),
            (Reason::Untrusted, Self::NotSeen | Self::Suspected) => (Self::Suspected, true),
            (
                Reason::Ok
                | Reason::NotKnown
                | Reason::PartlyUntrusted
                | Reason::Expired
                | Reason::NotYetValid
                | Reason::Unreadable
                | Reason::Unusable
                | Reason::OutOfTime
                | Reason::Unreachable
                | Reason::OtherCertificate,
                _,
            ) => (Self::Seen, true),
        }
    }
}

/// The name that the certificate is asked for by: its first, as an API server would.
fn name(pair: &CertificatePair) -> ServerName<'static> {
    let dns = pair.dns_names().first();
    let dns = dns.map(|name| name.replacen('*', "any", 1));
    let dns = dns.and_then(|name| ServerName::try_from(name).ok());
    dns.unwrap_or_else(|| {
        let address = pair.ip_addresses().first().copied();
        ServerName::from(address.unwrap_or(Ipv4Addr::LOCALHOST.into()))
    })
}

#[cfg(test)]
mod tests;
