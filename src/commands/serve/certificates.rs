//! The certificate and the CAs of clients, read again when their files change.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::checks::Told;
use super::settings::Args;
use crate::telemetry::logs;
use crate::telemetry::metrics::{Metrics, Reload, Reloaded};
use crate::tls::{
    CertificatePair, Clients, ClientsError, ClientsOutcome, Probe, RefusedClient, ReloadError,
    ReloadOutcome, ReloadingPair, TlsConfigError, WhyRefused, server_config, watch_clients,
    watch_pair,
};
use crate::webhook::readiness::{Check, Checked, Reason};

/// What is served, and to whom.
pub(super) struct Certificates {
    pub(super) pair: Arc<ReloadingPair>,
    /// It is let in whoever else is.
    pub(super) probe: Arc<Probe>,
    files: [PathBuf; 2],
    gate: Option<Gate>,
}

/// Who is let in, and the file of their CAs.
struct Gate {
    clients: Arc<Clients>,
    file: PathBuf,
}

/// The longest name of a client in the log, in characters; a DNS name has no more.
const MAX_NAME: usize = 253;
/// As many names of a client as are logged.
const MAX_NAMES: usize = 5;

// === impl Certificates ===

impl Certificates {
    /// Those of the settings.
    pub(super) fn load(args: &Args, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let pair = ReloadingPair::load(args.tls_cert.clone(), args.tls_key.clone()).context(
            "there is no certificate to serve with; `meshmode certs` makes one for development",
        )?;
        in_service(metrics, &pair.current());
        let probe = Probe::new()?;
        Ok(Self {
            pair: Arc::new(pair),
            gate: Gate::by(args, &probe, metrics)?,
            probe: Arc::new(probe),
            files: [args.tls_cert.clone(), args.tls_key.clone()],
        })
    }

    /// The TLS of the listener.
    pub(super) fn server_config(&self) -> Result<ServerConfig, TlsConfigError> {
        let clients = self.gate.as_ref().map(|gate| Arc::clone(&gate.clients));
        server_config(Arc::clone(&self.pair), clients)
    }

    /// Reads all of them again as their files change; gives what is notified when another certificate is in service.
    pub(super) fn follow(
        self,
        interval: Duration,
        told: &Told,
        background: &mut JoinSet<Infallible>,
    ) -> Arc<Notify> {
        let changed = Arc::new(Notify::new());
        let notified = Arc::clone(&changed);
        background.spawn(reload_pair(
            self.pair,
            self.files,
            interval,
            told.clone(),
            notified,
        ));
        if let Some(gate) = self.gate {
            background.spawn(gate.reload(interval, told.clone()));
        }
        changed
    }
}

/// Reads the certificate again.
async fn reload_pair(
    pair: Arc<ReloadingPair>,
    files: [PathBuf; 2],
    interval: Duration,
    told: Told,
    changed: Arc<Notify>,
) -> Infallible {
    let metrics = Arc::clone(&told.metrics);
    watch_pair(
        pair,
        files,
        interval,
        Timestamp::now,
        |outcome| match outcome {
            ReloadOutcome::Swapped { current, .. } => {
                metrics.reloaded(Reloaded::Certificate, Reload::Done);
                in_service(&metrics, current);
                told.note(Check::CertificateFiles, Checked::OK);
                let (certificate, not_after) = (current.fingerprint(), current.not_after());
                tracing::info!(certificate, %not_after, "serving with a new certificate");
                changed.notify_one();
            }
            ReloadOutcome::Unchanged => drop(told.note(Check::CertificateFiles, Checked::OK)),
            ReloadOutcome::KeptLastGood(error) => {
                metrics.reloaded(Reloaded::Certificate, Reload::KeptLastGood);
                let error_text = logs::chain(error);
                let text = format!("{error_text}; the last good one stays in service");
                told.note(Check::CertificateFiles, Checked::new(reason(error), text));
                tracing::error!(
                    error = error_text,
                    "the certificate on disk cannot be served: the last good one stays in service"
                );
            }
        },
    )
    .await
}

fn in_service(metrics: &Metrics, pair: &CertificatePair) {
    metrics.certificate_in_service(pair.not_before(), pair.not_after());
}

const fn reason(error: &ReloadError) -> Reason {
    match error {
        ReloadError::Unusable(_) => Reason::Unusable,
        ReloadError::Unreadable(_) => Reason::Unreadable,
        ReloadError::Over { .. } | ReloadError::NotYet { .. } => Reason::OutOfTime,
    }
}

// === impl Gate ===

impl Gate {
    /// That of the settings, if they ask for one. It lets the server's own `probe` in.
    fn by(args: &Args, probe: &Probe, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Self>> {
        let Some(file) = args.tls_client_ca.clone() else {
            return Ok(None);
        };
        let authorities = std::fs::read(&file)
            .with_context(|| format!("cannot read the client CA {}", file.display()))?;
        metrics.clients_can_be_refused(WhyRefused::ALL.map(WhyRefused::as_str));
        let counted = Arc::clone(metrics);
        let clients = Clients::new(
            &authorities,
            args.tls_client_name.clone(),
            probe.certificate(),
            move |client| refused(&counted, client),
        )?;
        let clients = Arc::new(clients);
        Ok(Some(Self { clients, file }))
    }

    /// Reads the CAs again.
    async fn reload(self, interval: Duration, told: Told) -> Infallible {
        let Self { clients, file } = self;
        let metrics = Arc::clone(&told.metrics);
        let shown = file.display().to_string();
        watch_clients(clients, file, interval, |outcome| match outcome {
            ClientsOutcome::Swapped => {
                metrics.reloaded(Reloaded::ClientCa, Reload::Done);
                tracing::info!(file = shown, "clients are checked with new CAs");
                told.tell(Check::ClientAuthorities, Checked::OK);
            }
            ClientsOutcome::Unchanged => told.tell(Check::ClientAuthorities, Checked::OK),
            ClientsOutcome::KeptLastGood(error) => {
                metrics.reloaded(Reloaded::ClientCa, Reload::KeptLastGood);
                let reason = match error {
                    ClientsError::Unreadable(_) => Reason::Unreadable,
                    ClientsError::Pem(_)
                    | ClientsError::Authority { .. }
                    | ClientsError::Verifier(_) => Reason::Unusable,
                };
                let text = logs::chain(error);
                let text = format!("{text}; the CAs before go on deciding");
                told.tell(Check::ClientAuthorities, Checked::new(reason, text));
            }
        })
        .await
    }
}

fn refused(metrics: &Metrics, client: &RefusedClient) {
    let reason = client.why.as_str();
    metrics.client_refused(reason);
    let names = client.names.iter().take(MAX_NAMES);
    let names: Vec<String> = names
        .map(|name| name.chars().take(MAX_NAME).collect())
        .collect();
    let names = names.join(", ");
    tracing::warn!(
        reason,
        names,
        "a client was not let in for its certificate: --tls-client-ca and --tls-client-name say who is"
    );
}
