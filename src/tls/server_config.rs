//! The TLS settings of the listener.
//!
//! TLS 1.3 and 1.2, `h2` and `http/1.1`. An API server offers only `http/1.1` to a webhook, and
//! rustls refuses a client with which it shares no protocol, so `http/1.1` must always be there.
//! Sessions are not resumed: Go clients keep none unless told to, and a resumed one would outlive
//! the certificate that it began with.
//!
//! Must not: read files, or install a process-wide crypto provider.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use super::pem::{self, PemError};
use super::reload::ReloadingPair;

/// Why the TLS settings could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// The file of client CAs gives no certificate.
    #[error("the client CA file cannot be used: give the PEM certificates that sign your clients")]
    ClientCaPem(#[source] PemError),
    /// A certificate in it cannot be a CA.
    #[error("certificate {position} of the client CA file cannot be a CA: remove or replace it")]
    ClientCa {
        /// Its place in the file, from 1.
        position: usize,
        /// What webpki said.
        #[source]
        source: rustls::Error,
    },
    /// The verifier of client certificates could not be made.
    #[error("client certificates cannot be verified with this client CA file: replace it")]
    ClientVerifier(#[source] VerifierBuilderError),
    /// The crypto provider offers neither version.
    #[error("this build can speak neither TLS 1.2 nor TLS 1.3: report it as a bug")]
    Versions(#[source] rustls::Error),
}

/// In order of preference.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Settings that serve `pair`. With `client_ca` (PEM of one or more CAs) every client must show a
/// certificate of one of them; it is read once, a new client CA needs a restart.
///
/// # Errors
/// A client CA file that cannot be used.
pub fn server_config(
    pair: Arc<ReloadingPair>,
    client_ca: Option<&[u8]>,
) -> Result<ServerConfig, TlsConfigError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsConfigError::Versions)?;
    let builder = match client_ca {
        Some(pem) => builder.with_client_cert_verifier(client_verifier(pem)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(pair);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client_verifier(pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    let certificates = pem::certificates(pem).map_err(TlsConfigError::ClientCaPem)?;
    for (certificate, position) in certificates.into_iter().zip(1..) {
        roots
            .add(certificate)
            .map_err(|source| TlsConfigError::ClientCa { position, source })?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(TlsConfigError::ClientVerifier)
}

#[cfg(test)]
mod tests;
