//! Looks at a listener as a client does: a whole handshake over a real connection, and the leaf that it is shown.
//!
//! Must not: judge what it sees, or be used to talk to anybody: it believes every server. Who is served what is judged
//! with [`mod@super::trust`].

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::TLS13;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::believing::Believing;

/// Looks at listeners. It shows a certificate of its own where one is asked for. `Debug` shows no key.
pub struct Probe {
    connector: TlsConnector,
    certificate: CertificateDer<'static>,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is no key for the probe to be had.
    #[error("cannot make a key to look at the listener with: report it as a bug")]
    Key(#[source] rcgen::Error),
    /// The TLS of the probe cannot be set up.
    #[error("cannot set up TLS to look at the listener with: report it as a bug")]
    Setup(#[source] rustls::Error),
    /// There was no connection.
    #[error("cannot connect to {address}: is it the address that meshmode listens on?")]
    Connect {
        /// To whom.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The handshake failed.
    #[error(
        "the TLS handshake with {address} failed: the log of meshmode says what it did not like"
    )]
    Handshake {
        /// With whom.
        address: SocketAddr,
        /// What either side said.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error(
        "{address} was not done with a TLS handshake after {patience:?}: does meshmode get enough CPU, or are there \
         more connections than it takes?"
    )]
    TimedOut {
        /// With whom.
        address: SocketAddr,
        /// How long it was waited for.
        patience: Duration,
    },
    /// There was a handshake, and no certificate in it.
    #[error("{address} showed no certificate: does another program listen there?")]
    NoCertificate {
        /// Who.
        address: SocketAddr,
    },
}

// === impl Probe ===

impl Probe {
    /// A probe with a key and a certificate of its own, which are nowhere but in it.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn new() -> Result<Self, ProbeError> {
        let key = KeyPair::generate().map_err(ProbeError::Key)?;
        let mut params = CertificateParams::default();
        let name = "meshmode looking at itself";
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.self_signed(&key).map_err(ProbeError::Key)?;
        let certificate = certificate.der().clone();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(ProbeError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Believing::new(provider)))
            .with_client_auth_cert(vec![certificate.clone()], key)
            .map_err(ProbeError::Setup)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            certificate,
        })
    }

    /// What it shows a server that asks for a certificate.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The leaf that who listens at `address` serves a client that asks for `name`.
    ///
    /// # Errors
    /// No connection, no handshake, or neither within `patience`.
    pub async fn look(
        &self,
        address: SocketAddr,
        name: ServerName<'static>,
        patience: Duration,
    ) -> Result<CertificateDer<'static>, ProbeError> {
        tokio::time::timeout(patience, self.shown(address, name))
            .await
            .unwrap_or(Err(ProbeError::TimedOut { address, patience }))
    }

    async fn shown(
        &self,
        address: SocketAddr,
        name: ServerName<'static>,
    ) -> Result<CertificateDer<'static>, ProbeError> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|source| ProbeError::Connect { address, source })?;
        let mut stream = self
            .connector
            .connect(name, stream)
            .await
            .map_err(|source| ProbeError::Handshake { address, source })?;
        let leaf = stream.get_ref().1.peer_certificates();
        let leaf = leaf.and_then(|chain| chain.first().cloned());
        // A proper end, so that the listener has nothing to complain of; what was to be seen has been.
        drop(stream.shutdown().await);
        leaf.ok_or(ProbeError::NoCertificate { address })
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
