//! Which clients are let in, where certificates are asked of them: those of some CAs, by some names.
//!
//! The CAs come from a file that is followed as the certificate's is. The names are those that an operator gave; without
//! any, every client of these CAs is let in. meshmode's own look at its listener shows the certificate of its [`Probe`],
//! whose key is in the memory of this process alone.
//!
//! Must not: log or count. A client that is refused is handed to the one who does.
//!
//! [`Probe`]: super::probe::Probe

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::pem::{self, PemError};
use super::x509;
use crate::config::watch::{ContentWatch, ReadError};

/// Lets clients in, or not. `Debug` shows the names.
pub struct Clients {
    authorities: ArcSwap<Authorities>,
    names: Vec<String>,
    ourselves: CertificateDer<'static>,
    on_refused: Box<dyn Fn(&RefusedClient) + Send + Sync>,
    provider: Arc<CryptoProvider>,
}

/// A client that was not let in.
#[derive(Debug)]
pub struct RefusedClient {
    /// Why not.
    pub why: WhyRefused,
    /// The names in its certificate, as it shows them: common name, then DNS names. Others chose them.
    pub names: Vec<String>,
}

/// Why a client was not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhyRefused {
    /// Its certificate is of no CA of the file, not for clients, or damaged.
    Untrusted,
    /// Its certificate is not valid at this time.
    OutOfTime,
    /// It has none of the names.
    OtherName,
}

/// What a reading of the CAs' file did.
#[derive(Debug)]
pub enum ClientsOutcome {
    /// From now on these decide.
    Swapped,
    /// The file holds what decides already.
    Unchanged,
    /// The file cannot be used: those before go on deciding.
    KeptLastGood(ClientsError),
}

/// Why a file of client CAs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// It could not be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// It gives no certificate.
    #[error("the client CA file cannot be used: give the PEM certificates that sign your clients")]
    Pem(#[source] PemError),
    /// A certificate in it cannot be a CA.
    #[error("certificate {position} of the client CA file cannot be a CA: remove or replace it")]
    Authority {
        /// Its place in the file, from 1.
        position: usize,
        /// What webpki said.
        #[source]
        source: rustls::Error,
    },
    /// The verifier could not be made.
    #[error("client certificates cannot be verified with this client CA file: replace it")]
    Verifier(#[source] VerifierBuilderError),
}

#[derive(Debug)]
struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

// === impl Clients ===

impl Clients {
    /// Lets in the clients of `authorities` (PEM of one or more CAs) whose common name or a DNS name is one of `names`,
    /// any of them where there are no names, and the one that shows `ourselves`. Who is refused is told `on_refused`.
    ///
    /// # Errors
    /// The PEM cannot be used.
    pub fn new(
        authorities: &[u8],
        names: Vec<String>,
        ourselves: CertificateDer<'static>,
        on_refused: impl Fn(&RefusedClient) + Send + Sync + 'static,
    ) -> Result<Self, ClientsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Ok(Self {
            authorities: ArcSwap::from_pointee(Authorities::from_pem(authorities, &provider)?),
            names,
            ourselves,
            on_refused: Box::new(on_refused),
            provider,
        })
    }

    /// Lets these CAs decide from now on, if they can be used.
    pub fn reload(&self, authorities: &[u8]) -> ClientsOutcome {
        match Authorities::from_pem(authorities, &self.provider) {
            Err(error) => ClientsOutcome::KeptLastGood(error),
            Ok(new) if new.certificates == self.authorities.load().certificates => {
                ClientsOutcome::Unchanged
            }
            Ok(new) => {
                self.authorities.store(Arc::new(new));
                ClientsOutcome::Swapped
            }
        }
    }

    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, (WhyRefused, rustls::Error)> {
        let verifier = Arc::clone(&self.authorities.load().verifier);
        let verified = verifier
            .verify_client_cert(certificate, intermediates, now)
            .map_err(|error| (why(&error), error))?;
        let allowed = self.names.is_empty()
            || names(certificate)
                .iter()
                .any(|name| self.names.contains(name));
        if !allowed {
            let error = CertificateError::ApplicationVerificationFailure.into();
            return Err((WhyRefused::OtherName, error));
        }
        Ok(verified)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Clients {
    /// None: the CAs may change while a handshake is under way, and a client without hints shows what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        // That it has the key is in the handshake's signature, which is verified below for it too.
        if *certificate == self.ourselves {
            return Ok(ClientCertVerified::assertion());
        }
        self.check(certificate, intermediates, now)
            .map_err(|(why, error)| {
                let names = names(certificate);
                (self.on_refused)(&RefusedClient { why, names });
                error
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

// === impl Authorities ===

impl Authorities {
    fn from_pem(pem: &[u8], provider: &Arc<CryptoProvider>) -> Result<Self, ClientsError> {
        let certificates = pem::certificates(pem).map_err(ClientsError::Pem)?;
        let mut roots = RootCertStore::empty();
        for (certificate, position) in certificates.iter().zip(1..) {
            roots
                .add(certificate.clone())
                .map_err(|source| ClientsError::Authority { position, source })?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(ClientsError::Verifier)?;
        Ok(Self {
            certificates,
            verifier,
        })
    }
}

// === impl WhyRefused ===

impl WhyRefused {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Untrusted, Self::OutOfTime, Self::OtherName];

    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::OutOfTime => "out-of-time",
            Self::OtherName => "other-name",
        }
    }
}

fn why(error: &rustls::Error) -> WhyRefused {
    let out_of_time = matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    );
    if out_of_time {
        WhyRefused::OutOfTime
    } else {
        WhyRefused::Untrusted
    }
}

/// The names that a certificate shows; none where it cannot be read.
fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    x509::parse(certificate)
        .map(|certificate| x509::names(&certificate))
        .unwrap_or_default()
}

/// Reloads the CAs of `clients` at once and whenever the content of `file` changes, looking every `interval`. Each outcome
/// goes to `on_outcome`; an error that lasts is handed over once. Never ends by itself; dropping the future stops it.
pub async fn watch_clients(
    clients: Arc<Clients>,
    file: PathBuf,
    interval: Duration,
    mut on_outcome: impl FnMut(&ClientsOutcome),
) -> Infallible {
    ContentWatch::new([file])
        .run(interval, |reading| {
            let outcome = match reading {
                Ok([authorities]) => clients.reload(&authorities),
                Err(error) => ClientsOutcome::KeptLastGood(error.into()),
            };
            on_outcome(&outcome);
        })
        .await
}

#[cfg(test)]
mod tests;
