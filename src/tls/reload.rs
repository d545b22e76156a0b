//! The pair in service: swapped whole when its files change, the last good one kept otherwise.
//!
//! Promises: a handshake never waits for a reload or a disk; what cannot be served never replaces
//! what can, and what is not valid now never replaces what is; certificate and key that were read at
//! different ages (a rotation half done) are a mismatch now and a swap at the next tick.
//!
//! Must not: log or count. Each outcome is handed to the caller, who does. The clock is an argument.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{CertificatePair, InTime, PairError};
use crate::config::watch::{ContentWatch, ReadError, ticks};

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
    /// Typical cause: an old backup was restored.
    #[error(
        "the certificate {fingerprint} ended at {since}, and the one in service is still valid: issue a new one"
    )]
    Over {
        /// Which one.
        fingerprint: String,
        /// End of its validity.
        since: Timestamp,
    },
    /// Typical cause: it was issued ahead, or by a machine whose clock is ahead. It is taken when its time comes.
    #[error(
        "the certificate {fingerprint} is valid from {from} only: it is put in service then, or when the one in \
         service ends; if it should be valid now, compare the clocks of this node and of its issuer"
    )]
    NotYet {
        /// Which one.
        fingerprint: String,
        /// Start of its validity.
        from: Timestamp,
    },
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

    /// Puts this pair into service if it can be served and is another one. One that is not valid at `now` does not
    /// replace one that is.
    pub fn reload(&self, cert_pem: &[u8], key_pem: &[u8], now: Timestamp) -> ReloadOutcome {
        let offered = match CertificatePair::from_pem(cert_pem, key_pem) {
            Ok(pair) => Arc::new(pair),
            Err(error) => return ReloadOutcome::KeptLastGood(error.into()),
        };
        let previous = self.current();
        if offered.is_same_as(&previous) {
            return ReloadOutcome::Unchanged;
        }
        if let (InTime::Valid, Some(error)) = (previous.in_time(now), out_of_time(&offered, now)) {
            return ReloadOutcome::KeptLastGood(error);
        }
        self.current.store(Arc::clone(&offered));
        ReloadOutcome::Swapped {
            previous,
            current: offered,
        }
    }
}

fn out_of_time(pair: &CertificatePair, now: Timestamp) -> Option<ReloadError> {
    let fingerprint = pair.fingerprint().to_owned();
    match pair.in_time(now) {
        InTime::Valid => None,
        InTime::NotYet { from } => Some(ReloadError::NotYet { fingerprint, from }),
        InTime::Over { since } => Some(ReloadError::Over { fingerprint, since }),
    }
}

impl ResolvesServerCert for ReloadingPair {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load().certified_key())
    }
}

/// Follows the files of a pair.
struct Follow {
    pair: Arc<ReloadingPair>,
    files: ContentWatch<2>,
    /// What can be served, but whose time has not come, or is over.
    held: Option<[Vec<u8>; 2]>,
}

impl Follow {
    /// Looks at the files and, where they are as they were, at the pair that is held back.
    fn look(&mut self, now: Timestamp) -> Option<ReloadOutcome> {
        match self.files.poll() {
            Some(Ok(content)) => Some(self.take(content, now)),
            Some(Err(error)) => {
                self.held = None;
                Some(ReloadOutcome::KeptLastGood(error.into()))
            }
            None => {
                let held = self.held.take()?;
                let outcome = self.take(held, now);
                // That it is held back still is no news.
                self.held.is_none().then_some(outcome)
            }
        }
    }

    fn take(&mut self, content: [Vec<u8>; 2], now: Timestamp) -> ReloadOutcome {
        let [cert_pem, key_pem] = &content;
        let outcome = self.pair.reload(cert_pem, key_pem, now);
        self.held = match &outcome {
            ReloadOutcome::KeptLastGood(ReloadError::NotYet { .. } | ReloadError::Over { .. }) => {
                Some(content)
            }
            ReloadOutcome::KeptLastGood(ReloadError::Unusable(_) | ReloadError::Unreadable(_))
            | ReloadOutcome::Swapped { .. }
            | ReloadOutcome::Unchanged => None,
        };
        outcome
    }
}

/// Reloads `pair` at once and whenever the content of its files changes, looking every `interval`; what `clock` says is
/// then the time. Each outcome goes to `on_outcome`; an error that lasts is handed over once. A pair whose time has not
/// come is looked at again. Never ends by itself; dropping the future stops it.
pub async fn watch_pair(
    pair: Arc<ReloadingPair>,
    [certificate, key]: [PathBuf; 2],
    interval: Duration,
    clock: impl Fn() -> Timestamp,
    mut on_outcome: impl FnMut(&ReloadOutcome),
) -> Infallible {
    let mut follow = Follow {
        pair,
        files: ContentWatch::new([certificate, key]),
        held: None,
    };
    let mut ticks = ticks(interval);
    loop {
        ticks.tick().await;
        if let Some(outcome) = follow.look(clock()) {
            on_outcome(&outcome);
        }
    }
}

#[cfg(test)]
mod tests;
