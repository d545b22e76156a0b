//! Whether a client that goes by a CA bundle believes a chain, as a webhook's client in the API server decides it.
//!
//! Promises: *distrusted* is said only where that client refuses for certain. webpki is stricter than Go in a few ways (old
//! versions of certificates, small keys, one certificate that is its own CA): what only webpki refuses is *unsure*.
//!
//! Must not: look at a clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::aws_lc_rs;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::pair::InTime;
use super::{pem, x509};

/// Whether a chain is believed.
#[derive(Debug)]
pub enum Trust {
    /// It is.
    Trusted,
    /// It is not, for this reason.
    Distrusted(rustls::Error),
    /// Another implementation may see it otherwise.
    Unsure(rustls::Error),
}

/// Whether a client that trusts the CAs in `bundle` (PEM) believes at `now` that `chain`, leaf first, is that of `name`.
#[must_use]
pub fn trust(chain: &[CertificateDer<'_>], bundle: &[u8], name: &str, now: Timestamp) -> Trust {
    let all = pem::certificates(bundle).unwrap_or_default();
    let roots: Vec<_> = all
        .into_iter()
        .filter(|root| is_in_time(root, now))
        .collect();
    if let Some(leaf) = chain.first()
        && roots.iter().any(|root| root == leaf)
    {
        return trust_itself(leaf, name);
    }
    match verify(chain, &roots, name, now) {
        Ok(()) => Trust::Trusted,
        Err(error) => judge(error),
    }
}

/// Go believes a certificate that is among its roots, whatever else it is.
fn trust_itself(leaf: &CertificateDer<'_>, name: &str) -> Trust {
    let named = ParsedCertificate::try_from(leaf)
        .and_then(|parsed| verify_server_name(&parsed, &server_name(name)?));
    match named {
        Ok(()) => Trust::Trusted,
        Err(error) => judge(error),
    }
}

fn judge(error: rustls::Error) -> Trust {
    let certain = matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
                | CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    );
    if certain {
        Trust::Distrusted(error)
    } else {
        Trust::Unsure(error)
    }
}

/// As webpki has it: the leaf of `chain` is one of `name`, signed by one of `roots`, and valid at `now`.
pub(super) fn verify(
    chain: &[CertificateDer<'_>],
    roots: &[CertificateDer<'static>],
    name: &str,
    now: Timestamp,
) -> Result<(), rustls::Error> {
    let unknown = || rustls::Error::from(CertificateError::UnknownIssuer);
    let (leaf, intermediates) = chain.split_first().ok_or_else(unknown)?;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    if store.is_empty() {
        return Err(unknown());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))?
        .verify_server_cert(leaf, intermediates, &server_name(name)?, &[], now)
        .map(|_verified| ())
}

fn server_name(name: &str) -> Result<ServerName<'_>, rustls::Error> {
    ServerName::try_from(name).map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))
}

/// webpki does not look at the validity of roots, Go does.
fn is_in_time(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    x509::in_time(certificate, now) == Some(InTime::Valid)
}

#[cfg(test)]
mod tests;
