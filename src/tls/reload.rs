//! The pair in service: swapped whole when its files change, the last good one kept otherwise.
//!
//! Promises: a handshake never waits for a reload or a disk; what cannot be served never replaces
//! what can; certificate and key that were read at different ages (a rotation half done) are a
//! mismatch now and a swap at the next tick.
//!
//! Must not: log or count. Each outcome is handed to the caller, who does.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{CertificatePair, PairError};
use crate::config::watch::{ContentWatch, ReadError};

/// Resolves every handshake to the pair that is in service.
#[derive(Debug)]
pub struct ReloadingPair {
    current: ArcSwap<CertificatePair>,
}

/// What a reload did.
#[derive(Debug)]
pub enum ReloadOutcome {
    /// New handshakes get the new pair; connections keep the one that they began with.
    Swapped {
        /// In service until now.
        previous: Arc<CertificatePair>,
        /// In service from now on.
        current: Arc<CertificatePair>,
    },
    /// The files hold what is in service. Also said at the first reading, and when files that were
    /// bad hold the pair in service again: it clears what [`Self::KeptLastGood`] raised.
    Unchanged,
    /// The files cannot be served, the pair in service stays.
    KeptLastGood(ReloadError),
}

/// Why a reload kept the last good pair.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The files were read and cannot be served.
    #[error(transparent)]
    Unusable(#[from] PairError),
    /// The files could not be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

/// Why there is no pair to start with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The files were read and cannot be served.
    #[error("the certificate {} with the key {} cannot be served", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong, and what to do.
        #[source]
        source: PairError,
    },
}

// === impl ReloadingPair ===

impl ReloadingPair {
    /// Puts a first pair into service.
    #[must_use]
    pub fn new(pair: CertificatePair) -> Self {
        Self {
            current: ArcSwap::from_pointee(pair),
        }
    }

    /// Reads the first pair from its files.
    ///
    /// # Errors
    /// A file that cannot be read, or a pair that cannot be served: there is no last good one yet.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, LoadError> {
        let mut watch = ContentWatch::new([certificate.clone(), key.clone()]);
        let [cert_pem, key_pem] = watch.read()?;
        match CertificatePair::from_pem(&cert_pem, &key_pem) {
            Ok(pair) => Ok(Self::new(pair)),
            Err(source) => Err(LoadError::Unusable {
                certificate,
                key,
                source,
            }),
        }
    }

    /// The pair in service.
    #[must_use]
    pub fn current(&self) -> Arc<CertificatePair> {
        self.current.load_full()
    }

    /// Puts this pair into service if it can be served and is another one.
    pub fn reload(&self, cert_pem: &[u8], key_pem: &[u8]) -> ReloadOutcome {
        let current = match CertificatePair::from_pem(cert_pem, key_pem) {
            Ok(pair) => Arc::new(pair),
            Err(error) => return ReloadOutcome::KeptLastGood(error.into()),
        };
        if current.is_same_as(&self.current.load()) {
            return ReloadOutcome::Unchanged;
        }
        let previous = self.current.swap(Arc::clone(&current));
        ReloadOutcome::Swapped { previous, current }
    }

    fn reload_read(&self, reading: Result<[Vec<u8>; 2], ReadError>) -> ReloadOutcome {
        match reading {
            Ok([cert_pem, key_pem]) => self.reload(&cert_pem, &key_pem),
            Err(error) => ReloadOutcome::KeptLastGood(error.into()),
        }
    }
}

impl ResolvesServerCert for ReloadingPair {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load().certified_key())
    }
}

/// Reloads `pair` at once and whenever the content of its files changes, looking every `interval`.
/// Each outcome goes to `on_outcome`; an error that lasts is handed over once. Never ends by
/// itself; dropping the future stops it.
pub async fn watch_pair(
    pair: Arc<ReloadingPair>,
    certificate: PathBuf,
    key: PathBuf,
    interval: Duration,
    mut on_outcome: impl FnMut(&ReloadOutcome),
) -> Infallible {
    ContentWatch::new([certificate, key])
        .run(interval, |reading| on_outcome(&pair.reload_read(reading)))
        .await
}

#[cfg(test)]
mod tests;
