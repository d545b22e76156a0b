//! A certificate chain and its private key, checked to be servable to an API server.
//!
//! Promises: a [`CertificatePair`] that exists has a key that fits its leaf, a leaf that names a
//! host, and can sign handshakes. So what is wrong with a file is said when it is loaded, not by
//! handshakes that fail.
//!
//! Must not: read files or a clock (whether it has expired is asked with `not_after`), judge who
//! issued it, or show the key.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;

use super::pem::{self, PemError};
use super::x509;

/// A chain, leaf first, with the leaf's private key.
#[derive(Clone)]
pub struct CertificatePair {
    certified: Arc<CertifiedKey>,
    leaf: LeafFacts,
}

/// Why certificate and key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// Certificate or key could not be taken from their files.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A certificate section does not hold a certificate.
    #[error("certificate {position} of the file is not DER X.509: issue it again")]
    NotX509 {
        /// Its place in the file, from 1.
        position: usize,
        /// What the parser said.
        #[source]
        source: X509Error,
    },
    /// Typical cause: an RSA key under 2048 bits, or a curve such as secp256k1.
    #[error(
        "the private key is damaged or of a kind that is not supported: use ECDSA \
         (P-256, P-384, P-521), RSA of at least 2048 bits, or Ed25519"
    )]
    KeyUnusable(#[source] rustls::Error),
    /// Typical cause: the two files are of different issues, or a rotation is half done.
    #[error(
        "the private key does not belong to the certificate: give the two files of the same issue"
    )]
    KeyMismatch,
    /// The order of the file is wrong.
    #[error(
        "the private key belongs to certificate {position} of the file, not to the first: \
         put that one first, then its issuers"
    )]
    LeafNotFirst {
        /// The place of the leaf in the file, from 1.
        position: usize,
    },
    /// Clients look at subject alternative names only, never at the common name.
    #[error(
        "the certificate has no DNS name and no IP address as subject alternative name: issue it \
         with the name that the API server dials, `SERVICE.NAMESPACE.svc`"
    )]
    NoNames,
    /// Typical cause: a client certificate.
    #[error(
        "the certificate's extended key usage does not allow servers: issue it with `serverAuth`"
    )]
    NotForServers,
    /// An extension that has to be read cannot be.
    #[error("an extension of the certificate is damaged: issue it again")]
    DamagedExtension(#[source] X509Error),
}

/// How a certificate stands at a moment. Both ends of its validity belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTime {
    /// It is not valid yet.
    NotYet {
        /// Start of its validity.
        from: Timestamp,
    },
    /// It is valid.
    Valid,
    /// It is not valid any more.
    Over {
        /// End of its validity.
        since: Timestamp,
    },
}

/// What of the leaf is worth telling.
#[derive(Clone, Debug)]
struct LeafFacts {
    serial: String,
    fingerprint: String,
    not_before: Timestamp,
    not_after: Timestamp,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
}

// === impl CertificatePair ===

impl CertificatePair {
    /// Takes a chain (the leaf first, any number of issuers after it) and the leaf's key from PEM.
    /// Sections of other kinds are skipped.
    ///
    /// # Errors
    /// Anything by which handshakes would fail, validity in time and trust in the issuer excepted.
    pub fn from_pem(cert_pem: &[u8], key_pem: &[u8]) -> Result<Self, PairError> {
        let chain = pem::certificates(cert_pem)?;
        let key = pem::private_key(key_pem)?;
        let key = any_supported_type(&key).map_err(PairError::KeyUnusable)?;
        let leaf = check(&chain, key.as_ref())?;
        let certified = Arc::new(CertifiedKey::new(chain, key));
        Ok(Self { certified, leaf })
    }

    /// What rustls signs handshakes with.
    #[must_use]
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// Start of the leaf's validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.leaf.not_before
    }

    /// End of the leaf's validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.leaf.not_after
    }

    /// How the leaf stands at `now`.
    #[must_use]
    pub fn in_time(&self, now: Timestamp) -> InTime {
        InTime::of(self.leaf.not_before, self.leaf.not_after, now)
    }

    /// The leaf's serial number, hexadecimal with colons.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.leaf.serial
    }

    /// SHA-256 of the leaf, lower-case hexadecimal: tells certificates apart in logs.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.leaf.fingerprint
    }

    /// The leaf's DNS names, in its order, as written in it.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.leaf.dns_names
    }

    /// The leaf's IP addresses, in its order.
    #[must_use]
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.leaf.ip_addresses
    }

    /// Whether a client would see no difference. The same leaf means the same key, as both fit.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.chain() == other.chain()
    }
}

impl fmt::Debug for CertificatePair {
    /// Shows the leaf, never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificatePair")
            .field("leaf", &self.leaf)
            .field("chain_length", &self.chain().len())
            .finish_non_exhaustive()
    }
}

// === impl InTime ===

impl InTime {
    /// How what is valid from `not_before` to `not_after` stands at `now`.
    #[must_use]
    pub fn of(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Self {
        if now < not_before {
            return Self::NotYet { from: not_before };
        }
        if now > not_after {
            return Self::Over { since: not_after };
        }
        Self::Valid
    }
}

// === impl LeafFacts ===

impl LeafFacts {
    fn of(leaf: &X509Certificate<'_>, der: &[u8]) -> Result<Self, PairError> {
        let (dns_names, ip_addresses) = names(leaf)?;
        Ok(Self {
            serial: leaf.raw_serial_as_string(),
            fingerprint: x509::sha256(der),
            not_before: x509::timestamp(leaf.validity().not_before),
            not_after: x509::timestamp(leaf.validity().not_after),
            dns_names,
            ip_addresses,
        })
    }
}

fn check(chain: &[CertificateDer<'static>], key: &dyn SigningKey) -> Result<LeafFacts, PairError> {
    let parsed = chain
        .iter()
        .zip(1..)
        .map(|(der, position)| {
            x509::parse(der).map_err(|source| PairError::NotX509 { position, source })
        })
        .collect::<Result<Vec<_>, _>>()?;
    match parsed
        .iter()
        .position(|certificate| belongs(key, certificate))
    {
        Some(0) => {}
        Some(index) => {
            return Err(PairError::LeafNotFirst {
                position: index + 1,
            });
        }
        None => return Err(PairError::KeyMismatch),
    }
    let (Some(leaf), Some(der)) = (parsed.first(), chain.first()) else {
        return Err(PemError::NoCertificate.into());
    };
    check_usage(leaf)?;
    LeafFacts::of(leaf, der)
}

fn belongs(key: &dyn SigningKey, certificate: &X509Certificate<'_>) -> bool {
    key.public_key()
        .is_some_and(|public_key| public_key.as_ref() == certificate.public_key().raw)
}

fn check_usage(leaf: &X509Certificate<'_>) -> Result<(), PairError> {
    let usage = leaf
        .extended_key_usage()
        .map_err(PairError::DamagedExtension)?;
    match usage {
        Some(usage) if !usage.value.server_auth && !usage.value.any => {
            Err(PairError::NotForServers)
        }
        Some(_) | None => Ok(()),
    }
}

fn names(leaf: &X509Certificate<'_>) -> Result<(Vec<String>, Vec<IpAddr>), PairError> {
    let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
    let extension = leaf
        .subject_alternative_name()
        .map_err(PairError::DamagedExtension)?;
    for name in extension
        .iter()
        .flat_map(|names| &names.value.general_names)
    {
        if let GeneralName::DNSName(name) = name {
            dns_names.push((*name).to_owned());
        } else if let GeneralName::IPAddress(octets) = name {
            ip_addresses.extend(ip_address(octets));
        }
    }
    if dns_names.is_empty() && ip_addresses.is_empty() {
        return Err(PairError::NoNames);
    }
    Ok((dns_names, ip_addresses))
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

#[cfg(test)]
mod tests;
