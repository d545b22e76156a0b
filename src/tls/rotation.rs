//! What a Secret keeps of certificates, and its steps: a new leaf, a new CA, and the end of the old one.
//!
//! A CA is replaced in three steps, so that at every moment every client believes every server: the new CA is made known
//! beside the old one and the leaf stays; then a leaf of the new CA is served; then the old CA goes.
//!
//! Must not: read or write files, or look at a clock.

use std::fmt;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::authority::Authority;
use super::issue::{IssueError, Leaf, Validity, issue, new_authority, renew};
use super::pair::InTime;
use super::pem::{self, PemError};
use super::subjects::Subjects;
use super::{trust, x509};

/// A CA, the certificates that clients trust, and what is served. `Debug` shows no key.
#[derive(Clone)]
pub struct Kept {
    /// Signs the next leaf.
    pub authority: Authority,
    /// What clients trust, PEM: the CA first, then those before it that are still needed.
    pub bundle_pem: String,
    /// What is served: the leaf, PEM.
    pub cert_pem: String,
    /// Its key, PEM.
    pub key_pem: String,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Nothing was issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// What is kept is damaged.
    #[error("the certificates that are kept cannot be read: start anew, without --renew-from")]
    Pem(#[from] PemError),
    /// The second step was left out.
    #[error(
        "the certificate that is served is still of an older CA: issue one of the new CA first (--renew-from alone), and \
         wait until every server shows it"
    )]
    StillNeeded(#[source] rustls::Error),
}

// === impl Kept ===

impl Kept {
    /// A first CA and leaf.
    ///
    /// # Errors
    /// A validity that makes no sense.
    pub fn first(
        subjects: &Subjects,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let issued = issue(subjects, validity, now)?;
        Ok(Self {
            bundle_pem: issued.authority.cert_pem.clone(),
            authority: issued.authority,
            cert_pem: issued.leaf.cert_pem,
            key_pem: issued.leaf.key_pem,
        })
    }

    /// A new leaf of the CA. Of the older CAs those that are over go.
    ///
    /// # Errors
    /// The CA cannot sign it, or the bundle cannot be read.
    pub fn with_new_leaf(
        self,
        subjects: &Subjects,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Self, RotationError> {
        let Leaf {
            cert_pem, key_pem, ..
        } = renew(&self.authority, subjects, validity.leaf, now)?;
        Ok(Self {
            bundle_pem: bundle(&self.authority.cert_pem, &self.bundle_pem, now)?,
            authority: self.authority,
            cert_pem,
            key_pem,
        })
    }

    /// A new CA, which clients trust beside the old one from now on. What is served stays.
    ///
    /// # Errors
    /// A validity that makes no sense, or a bundle that cannot be read.
    pub fn with_new_authority(
        self,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Self, RotationError> {
        let authority = new_authority(validity, now)?;
        Ok(Self {
            bundle_pem: bundle(&authority.cert_pem, &self.bundle_pem, now)?,
            authority,
            ..self
        })
    }

    /// The CA alone is trusted from now on.
    ///
    /// # Errors
    /// What is served is not of it.
    pub fn without_old_authorities(
        self,
        subjects: &Subjects,
        now: Timestamp,
    ) -> Result<Self, RotationError> {
        let chain = pem::certificates(self.cert_pem.as_bytes())?;
        let roots = pem::certificates(self.authority.cert_pem.as_bytes())?;
        let addresses = subjects.ip_addresses().iter().map(ToString::to_string);
        let names = subjects.dns_names().iter().cloned().chain(addresses);
        for name in names.map(|name| name.replacen('*', "any", 1)) {
            trust::verify(&chain, &roots, &name, now).map_err(RotationError::StillNeeded)?;
        }
        Ok(Self {
            bundle_pem: self.authority.cert_pem.clone(),
            ..self
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("bundle_pem", &self.bundle_pem)
            .field("cert_pem", &self.cert_pem)
            .finish_non_exhaustive()
    }
}

/// The CA, and after it those of `known` that are another and not over.
fn bundle(authority_pem: &str, known: &str, now: Timestamp) -> Result<String, PemError> {
    let mut bundle = pem::certificates(authority_pem.as_bytes())?;
    bundle.truncate(1);
    for certificate in pem::certificates(known.as_bytes())? {
        if !bundle.contains(&certificate) && !is_over(&certificate, now) {
            bundle.push(certificate);
        }
    }
    Ok(bundle.iter().map(|one| pem::certificate(one)).collect())
}

fn is_over(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    match x509::in_time(certificate, now) {
        Some(InTime::Over { .. }) => true,
        Some(InTime::Valid | InTime::NotYet { .. }) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tls::testing::NAME;
    use crate::tls::{Trust, trust};

    fn subjects() -> Subjects {
        Subjects::parse([NAME, "*.example.com", "10.0.0.7"]).unwrap()
    }

    fn first(now: Timestamp) -> Kept {
        Kept::first(&subjects(), Validity::default(), now).unwrap()
    }

    fn believes(bundle: &Kept, served: &Kept) -> bool {
        let chain = pem::certificates(served.cert_pem.as_bytes()).unwrap();
        let bundle = bundle.bundle_pem.as_bytes();
        matches!(
            trust(&chain, bundle, NAME, Timestamp::now()),
            Trust::Trusted
        )
    }

    fn authorities(kept: &Kept) -> usize {
        pem::certificates(kept.bundle_pem.as_bytes()).unwrap().len()
    }

    #[test]
    fn every_step_is_believed_by_those_who_are_a_step_behind_or_ahead() {
        let now = Timestamp::now();
        let validity = Validity::default();
        let mut steps = vec![first(now)];
        for _ in 0..3 {
            let last = |steps: &[Kept]| steps.last().cloned().unwrap();
            steps.push(last(&steps).with_new_authority(validity, now).unwrap());
            assert_eq!(authorities(&last(&steps)), 2);
            let renewed = last(&steps).with_new_leaf(&subjects(), validity, now);
            steps.push(renewed.unwrap());
            assert_eq!(authorities(&last(&steps)), 2);
            let alone = last(&steps).without_old_authorities(&subjects(), now);
            steps.push(alone.unwrap());
            assert_eq!(authorities(&last(&steps)), 1);
        }
        for pair in steps.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            for (bundle, served) in [(before, before), (before, after), (after, before)] {
                assert!(believes(bundle, served), "{bundle:?} {served:?}");
            }
        }
        let (begin, end) = (&steps[0], &steps[9]);
        assert!(!believes(begin, end) && !believes(end, begin));
    }

    #[test]
    fn the_old_ca_stays_while_it_is_needed() {
        let now = Timestamp::now();
        let kept = first(now).with_new_authority(Validity::default(), now);
        let error = kept.unwrap().without_old_authorities(&subjects(), now);
        let error = error.unwrap_err();
        assert!(
            matches!(error, RotationError::StillNeeded(_)) && error.to_string().contains("first"),
            "{error:?}"
        );
    }

    #[test]
    fn a_ca_that_is_over_goes_by_itself() {
        let long_ago = "2020-01-01T00:00:00Z".parse().unwrap();
        let day = Duration::from_hours(24);
        let short = Validity {
            authority: day,
            leaf: day,
        };
        let old = Kept::first(&subjects(), short, long_ago).unwrap();
        let now = Timestamp::now();
        let error = old.clone().with_new_leaf(&subjects(), short, now);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("make a new CA"), "{error}");
        let new = old.with_new_authority(Validity::default(), now).unwrap();
        assert_eq!(authorities(&new), 1);
    }

    #[test]
    fn no_debug_output_shows_a_key() {
        let kept = first(Timestamp::now());
        let debug = format!("{kept:?}");
        assert!(!debug.contains("PRIVATE"), "{debug}");
        let mut secrets = kept.key_pem.lines().chain(kept.authority.key_pem.lines());
        assert!(!secrets.any(|line| debug.contains(line)), "{debug}");
    }
}
