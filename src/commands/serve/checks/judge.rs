//! What the server's looks at itself come to: what was seen in, a line of `/readyz?verbose` out.
//!
//! Must not: look at anything, or at a clock.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use tokio::time::error::Elapsed;

use crate::cluster::convert::registered::{CaBundle, Target, Webhook};
use crate::telemetry::logs::chain;
use crate::tls::{CertificatePair, InTime, ProbeError, Trust, trust};
use crate::webhook::readiness::{Checked, Reason};

/// The Service that webhooks call this server by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::commands::serve) struct Service {
    namespace: String,
    name: String,
}

/// What the registered `caBundle`s come to.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct CaBundles {
    /// The webhooks whose `caBundle` does not believe the certificate.
    pub(super) mismatches: usize,
    pub(super) checked: Checked,
}

/// What was read of the webhooks, within a while.
pub(super) type Read = Result<Result<Vec<Webhook>, kube::Error>, Elapsed>;

/// More would not be read.
const MAX_NAMED: usize = 3;

const MEND_BUNDLE: &str =
    "put the CA that has signed the certificate into caBundle (docs/certificates.md)";

/// The certificate in service, as it stands in time.
pub(super) fn certificate(in_time: InTime) -> Checked {
    match in_time {
        InTime::Valid => Checked::OK,
        InTime::Over { since } => Checked::new(
            Reason::Expired,
            format!(
                "the certificate in service ended at {since}, and the files hold no other that can be served: renew it \
                 (docs/certificates.md), or set the clock of the node right"
            ),
        ),
        InTime::NotYet { from } => Checked::new(
            Reason::NotYetValid,
            format!(
                "the certificate in service is valid from {from} only: set the clock of the node, or of its issuer, right"
            ),
        ),
    }
}

/// What the listener served, which should be the leaf of one of `in_service`: it may have changed meanwhile.
pub(super) fn listener(
    served: &Result<CertificateDer<'static>, ProbeError>,
    in_service: [&CertificatePair; 2],
) -> Checked {
    match served {
        Err(error) => Checked::new(Reason::Unreachable, chain(error)),
        Ok(leaf)
            if in_service
                .iter()
                .any(|pair| pair.chain().first() == Some(leaf)) =>
        {
            Checked::OK
        }
        Ok(_) => Checked::new(
            Reason::OtherCertificate,
            "the listener serves another certificate than the one in service: does another program listen on the same \
             port (--listen)?",
        ),
    }
}

/// Whether those that call this server believe its certificate.
pub(super) fn ca_bundles(
    read: &Read,
    service: &Service,
    port: u16,
    pair: &CertificatePair,
    now: Timestamp,
) -> CaBundles {
    let webhooks = match read {
        Ok(Ok(webhooks)) => webhooks,
        Ok(Err(error)) => return CaBundles::not_known(not_read(&error.to_string())),
        Err(_) => return CaBundles::not_known(not_read("no answer in time")),
    };
    let ours: Vec<_> = webhooks
        .iter()
        .filter_map(|webhook| Some((webhook, name_of(webhook, service, port, pair)?)))
        .collect();
    let doubts: Vec<_> = ours
        .iter()
        .filter_map(|(webhook, name)| doubt(webhook, name, pair, now))
        .collect();
    CaBundles::of(ours.len(), &doubts, service)
}

fn not_read(why: &str) -> String {
    format!(
        "the webhook configurations could not be read ({why}); meshmode needs list on both kinds \
         (manifests/base/rbac.yaml)"
    )
}

/// Why a webhook does not believe the certificate.
struct Doubt {
    is_certain: bool,
    text: String,
}

/// The name that the server is asked for by, if the webhook calls this one. A host is known to be this server where its
/// certificate has that name, and the port is its own.
fn name_of(
    webhook: &Webhook,
    service: &Service,
    port: u16,
    pair: &CertificatePair,
) -> Option<String> {
    match &webhook.target {
        Target::Service { namespace, name } => {
            let ours = *namespace == service.namespace && *name == service.name;
            ours.then(|| service.host())
        }
        Target::Url { host, port: called } => {
            let is_named = match host.parse::<IpAddr>() {
                Ok(address) => pair.ip_addresses().contains(&address),
                Err(_) => pair.dns_names().contains(host),
            };
            (*called == port && is_named).then(|| host.clone())
        }
    }
}

fn doubt(webhook: &Webhook, name: &str, pair: &CertificatePair, now: Timestamp) -> Option<Doubt> {
    let (is_certain, why) = match &webhook.ca_bundle {
        CaBundle::OfTheMachine => (
            false,
            "no caBundle: those of the API server's machine decide".to_owned(),
        ),
        CaBundle::Pem(pem) => match trust(pair.chain(), pem, name, now) {
            Trust::Trusted => return None,
            Trust::Distrusted(error) => (true, error.to_string()),
            Trust::Unsure(error) => (false, error.to_string()),
        },
    };
    let Webhook {
        configuration,
        name: entry,
        ..
    } = webhook;
    Some(Doubt {
        is_certain,
        text: format!("{configuration}/{entry} as {name}: {why}"),
    })
}

// === impl CaBundles ===

impl CaBundles {
    fn not_known(why: String) -> Self {
        Self {
            mismatches: 0,
            checked: Checked::new(Reason::NotKnown, why),
        }
    }

    fn of(ours: usize, doubts: &[Doubt], service: &Service) -> Self {
        if ours == 0 {
            return Self::not_known(format!(
                "no webhook configuration with the label app.kubernetes.io/name=meshmode calls Service {service}, or a \
                 URL of this server; --service says which Service is meant"
            ));
        }
        let certain = doubts.iter().filter(|doubt| doubt.is_certain).count();
        let checked = if doubts.is_empty() {
            Checked::OK
        } else if certain == ours {
            let text = format!(
                "no webhook that calls this server believes its certificate, so every call fails: {}; {MEND_BUNDLE}",
                named(doubts)
            );
            Checked::new(Reason::Untrusted, text)
        } else {
            let text = format!(
                "{} of {ours} webhooks that call this server do not believe its certificate, or may not: {}; \
                 {MEND_BUNDLE}",
                doubts.len(),
                named(doubts)
            );
            Checked::new(Reason::PartlyUntrusted, text)
        };
        Self {
            mismatches: doubts.len(),
            checked,
        }
    }
}

fn named(doubts: &[Doubt]) -> String {
    let mut named: Vec<_> = doubts
        .iter()
        .take(MAX_NAMED)
        .map(|doubt| doubt.text.as_str())
        .collect();
    if doubts.len() > MAX_NAMED {
        named.push("…");
    }
    named.join("; ")
}

// === impl Service ===

impl Service {
    /// The name that the API server asks for: without a cluster domain.
    fn host(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parts = parts.filter(|(namespace, name)| {
            !namespace.is_empty() && !name.is_empty() && !name.contains('/')
        });
        let (namespace, name) = parts.ok_or_else(|| {
            format!("`{text}` is no Service: give NAMESPACE/NAME, such as meshmode-system/meshmode")
        })?;
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests;
