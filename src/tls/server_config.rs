//! The TLS settings of the listener.
//!
//! TLS 1.3 and 1.2, `h2` and `http/1.1`. An API server offers only `http/1.1` to a webhook, and
//! rustls refuses a client with which it shares no protocol, so `http/1.1` must always be there.
//! Sessions are not resumed: Go clients keep none unless told to, and a resumed one would outlive
//! the certificate that it began with.
//!
//! Must not: read files, or install a process-wide crypto provider.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};

use super::clients::Clients;
use super::reload::ReloadingPair;

/// Why the TLS settings could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// The crypto provider offers neither version.
    #[error("this build can speak neither TLS 1.2 nor TLS 1.3: report it as a bug")]
    Versions(#[source] rustls::Error),
}

/// In order of preference.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Settings that serve `pair`. With `clients` every client must show a certificate that these let in.
///
/// # Errors
/// The crypto provider lacks the versions.
pub fn server_config(
    pair: Arc<ReloadingPair>,
    clients: Option<Arc<Clients>>,
) -> Result<ServerConfig, TlsConfigError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsConfigError::Versions)?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(pair);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

#[cfg(test)]
mod tests;
