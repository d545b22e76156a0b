//! The first, expensive handshake, made in memory before anybody waits for it.
//!
//! A cold aws-lc seeds its random numbers when they are first asked for: the first handshake of a
//! process takes 30 to 45 ms longer than the next ones (measured; a handshake takes 0.2 ms), on
//! whatever thread, and other threads then pay next to nothing. A webhook that has just become
//! ready would charge that to the first Pod.
//!
//! Must not: open a socket, or be used to judge a certificate: its client trusts whatever it is
//! shown.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, ServerConfig, ServerConnection, SideData,
    SupportedProtocolVersion,
};
use rustls_pki_types::ServerName;

use super::believing::Believing;

/// Why the handshake in memory failed: handshakes with API servers would too.
#[derive(Debug, thiserror::Error)]
pub enum WarmError {
    /// Server and client do not come to terms.
    #[error("a TLS handshake in memory failed: check the certificate and its key")]
    Handshake(#[source] rustls::Error),
    /// Neither side is done and neither has anything to say.
    #[error("a TLS handshake in memory came to no end: report it as a bug")]
    Stalled,
    /// A buffer in memory failed.
    #[error("a TLS handshake in memory could not be moved on: report it as a bug")]
    Buffer(#[source] io::Error),
}

/// A full handshake takes 2 round trips; a HelloRetryRequest adds one.
const MAX_ROUND_TRIPS: usize = 5;

/// Makes one complete handshake of TLS 1.3 and one of TLS 1.2 with `config`, and says how long both
/// took. Where client certificates are required the handshake is made up to where the server asks
/// for one, which is after its own expensive part.
///
/// # Errors
/// A handshake that fails for another reason than a missing client certificate.
pub fn warm(config: &Arc<ServerConfig>) -> Result<Duration, WarmError> {
    let started = Instant::now();
    for version in [&TLS13, &TLS12] {
        handshake(config, version)?;
    }
    Ok(started.elapsed())
}

fn handshake(
    config: &Arc<ServerConfig>,
    version: &'static SupportedProtocolVersion,
) -> Result<(), WarmError> {
    let mut server = ServerConnection::new(Arc::clone(config)).map_err(WarmError::Handshake)?;
    let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
    let mut client =
        ClientConnection::new(client_config(version)?, name).map_err(WarmError::Handshake)?;
    for _ in 0..MAX_ROUND_TRIPS {
        match deliver(&mut client, &mut server) {
            Err(WarmError::Handshake(rustls::Error::NoCertificatesPresented)) => return Ok(()),
            delivered => delivered?,
        }
        deliver(&mut server, &mut client)?;
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    Err(WarmError::Stalled)
}

fn client_config(
    version: &'static SupportedProtocolVersion,
) -> Result<Arc<ClientConfig>, WarmError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .map_err(WarmError::Handshake)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believing::new(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Gives everything that `from` has to say to `to`.
fn deliver<A: SideData, B: SideData>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
) -> Result<(), WarmError> {
    let mut flight = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut flight).map_err(WarmError::Buffer)?;
    }
    let mut unread = flight.as_slice();
    while !unread.is_empty() {
        to.read_tls(&mut unread).map_err(WarmError::Buffer)?;
        to.process_new_packets().map_err(WarmError::Handshake)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
