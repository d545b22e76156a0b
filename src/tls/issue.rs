//! A CA and certificates of it, as values: ECDSA P-256 throughout.
//!
//! For: the `certs` command. Keys come from the crypto provider's random numbers, time is given.
//!
//! Promises: what is returned has been verified as an API server would verify it: the leaf chains
//! to the CA, for every one of its subjects, at the time given.
//!
//! Must not: read or write files, or look at a clock.

use std::fmt;
use std::slice;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::CertificateDer;

use super::authority::{Authority, AuthorityError, Signer};
use super::subjects::Subjects;
use super::trust;

/// How long certificates are valid, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// That of the CA. Replacing a CA means new `caBundle`s, so make it long.
    pub authority: Duration,
    /// That of the leaf, at most that of the CA.
    pub leaf: Duration,
}

/// A CA and its first leaf.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What clients are to trust, and what signs later leaves.
    pub authority: Authority,
    /// What the server serves.
    pub leaf: Leaf,
}

/// A server's certificate. `Debug` shows no key.
#[derive(Clone)]
pub struct Leaf {
    /// The leaf alone, PEM: its issuer is what clients trust, sending that would be for nothing.
    pub cert_pem: String,
    /// Its private key, PEM, PKCS#8.
    pub key_pem: String,
    /// End of its validity.
    pub not_after: Timestamp,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Less than a second, or longer than anybody lives.
    #[error("a validity of {asked:?} makes no sense: ask for one between a second and 100 years")]
    Validity {
        /// What was asked for.
        asked: Duration,
    },
    /// A leaf that outlives its CA stops working before it says so.
    #[error(
        "the leaf would be valid until {until}, but its CA only from {authority_from} to \
         {authority_until}: ask for a shorter validity, or make a new CA"
    )]
    OutsideAuthority {
        /// The end of validity that was asked for.
        until: Timestamp,
        /// Start of the CA's validity.
        authority_from: Timestamp,
        /// End of the CA's validity.
        authority_until: Timestamp,
    },
    /// The CA cannot sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Making a key or a signature failed.
    #[error("the crypto library made no key or no signature: report it as a bug")]
    Crypto(#[source] rcgen::Error),
    /// Typical cause: a CA whose name constraints do not cover the subjects.
    #[error("clients would refuse the certificate for `{subject}`: check the CA's constraints")]
    Refused {
        /// The subject that it was verified for.
        subject: String,
        /// What webpki said.
        #[source]
        source: rustls::Error,
    },
}

/// Clocks of a cluster's nodes may be behind.
const BACKDATE: SignedDuration = SignedDuration::from_mins(5);

const DAY: Duration = Duration::from_hours(24);

const MAX_VALIDITY: Duration = Duration::from_hours(24 * 36_525);

/// Makes a CA, and a leaf of it for `subjects`. Both are valid from five minutes before `now`.
///
/// # Errors
/// A validity that makes no sense, or a leaf that would outlive the CA.
pub fn issue(
    subjects: &Subjects,
    validity: Validity,
    now: Timestamp,
) -> Result<Issued, IssueError> {
    let authority = new_authority(validity, now)?;
    let leaf = renew(&authority, subjects, validity.leaf, now)?;
    Ok(Issued { authority, leaf })
}

/// Makes a CA alone, which is valid from five minutes before `now`.
pub(super) fn new_authority(validity: Validity, now: Timestamp) -> Result<Authority, IssueError> {
    let key = KeyPair::generate().map_err(IssueError::Crypto)?;
    let mut params = params(format!("meshmode CA {now:.0}"), validity.authority, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key).map_err(IssueError::Crypto)?;
    Ok(Authority {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

/// Makes a leaf, with a new key, of a CA that exists: clients need no new `caBundle`.
///
/// # Errors
/// A CA that cannot sign it, or whose validity it would leave; a validity that makes no sense.
pub fn renew(
    authority: &Authority,
    subjects: &Subjects,
    validity: Duration,
    now: Timestamp,
) -> Result<Leaf, IssueError> {
    let signer = authority.signer()?;
    let not_after = end(validity, now)?;
    check_period(&signer, not_after, now)?;
    let key = KeyPair::generate().map_err(IssueError::Crypto)?;
    let certificate = signer.sign(&leaf_params(subjects, validity, now)?, &key)?;
    verify(certificate.der(), signer.certificate(), subjects, now)?;
    Ok(Leaf {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        not_after,
    })
}

// === impl Validity ===

impl Default for Validity {
    /// Ten years for the CA, one for the leaf.
    fn default() -> Self {
        Self {
            authority: DAY * 3650,
            leaf: DAY * 365,
        }
    }
}

// === impl Leaf ===

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("cert_pem", &self.cert_pem)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn leaf_params(
    subjects: &Subjects,
    validity: Duration,
    now: Timestamp,
) -> Result<CertificateParams, IssueError> {
    let mut params = params("meshmode".to_owned(), validity, now)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    for name in subjects.dns_names() {
        let name = name.as_str().try_into().map_err(IssueError::Crypto)?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    let addresses = subjects.ip_addresses().iter().copied();
    params
        .subject_alt_names
        .extend(addresses.map(SanType::IpAddress));
    Ok(params)
}

fn params(
    common_name: String,
    validity: Duration,
    now: Timestamp,
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(begin(now));
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(end(validity, now)?);
    Ok(params)
}

fn begin(now: Timestamp) -> Timestamp {
    now.checked_sub(BACKDATE).unwrap_or(now)
}

/// The end of a validity that begins now, in whole seconds as certificates have it.
fn end(validity: Duration, now: Timestamp) -> Result<Timestamp, IssueError> {
    let refused = IssueError::Validity { asked: validity };
    if validity < Duration::from_secs(1) || validity > MAX_VALIDITY {
        return Err(refused);
    }
    let end = now.checked_add(validity).map_err(|_| refused)?;
    Ok(Timestamp::from_second(end.as_second()).unwrap_or(end))
}

fn since_epoch(moment: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or(0))
}

fn check_period(signer: &Signer, until: Timestamp, now: Timestamp) -> Result<(), IssueError> {
    let (authority_from, authority_until) = (signer.not_before(), signer.not_after());
    if now < authority_from || until > authority_until {
        return Err(IssueError::OutsideAuthority {
            until,
            authority_from,
            authority_until,
        });
    }
    Ok(())
}

fn verify(
    leaf: &CertificateDer<'_>,
    ca: &CertificateDer<'static>,
    subjects: &Subjects,
    now: Timestamp,
) -> Result<(), IssueError> {
    let dns_names = subjects
        .dns_names()
        .iter()
        .map(|name| name.replacen('*', "any", 1));
    let ip_addresses = subjects.ip_addresses().iter().map(ToString::to_string);
    for subject in dns_names.chain(ip_addresses) {
        let roots = slice::from_ref(ca);
        if let Err(source) = trust::verify(slice::from_ref(leaf), roots, &subject, now) {
            return Err(IssueError::Refused { subject, source });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
