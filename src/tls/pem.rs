//! Certificates and one private key out of PEM.
//!
//! Sections of other kinds are skipped, so a file that holds chain and key together can be given
//! for both, and the `EC PARAMETERS` that openssl writes before a key do no harm.
//!
//! Must not: read files, or put anything of a key into an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// What is wrong with a PEM file.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// Typical cause: the key's file, or DER, was given as the certificate.
    #[error("no certificate found: the file must hold PEM sections `BEGIN CERTIFICATE`")]
    NoCertificate,
    /// Typical cause: certificate and key are swapped.
    #[error(
        "no private key found: the file must hold one PEM section `BEGIN PRIVATE KEY`, \
         `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`; \
         check that certificate and key are not swapped"
    )]
    NoKey,
    /// The key has a passphrase.
    #[error(
        "the private key is encrypted, and nobody is there to type a passphrase: \
         decrypt it with `openssl pkey -in ENCRYPTED -out PLAIN`"
    )]
    EncryptedKey,
    /// It is not for us to choose one.
    #[error("{count} private keys found: leave only the one that belongs to the certificate")]
    SeveralKeys {
        /// How many there are.
        count: usize,
    },
    /// Typical cause: a file that was cut off, or base64 of base64.
    #[error("the PEM is damaged: write the file again from where it came")]
    Damaged(#[source] pem::Error),
}

/// What openssl writes for a key with a passphrase, as PKCS#8 and in its own old format.
const ENCRYPTED_MARKS: [&[u8]; 2] = [
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----",
    b"Proc-Type: 4,ENCRYPTED",
];

/// All certificates, at least one, in the order of the file.
///
/// # Errors
/// [`PemError::NoCertificate`] or [`PemError::Damaged`].
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(PemError::Damaged)?;
    if found.is_empty() {
        return Err(PemError::NoCertificate);
    }
    Ok(found)
}

/// A certificate as PEM, lines of 64 as everybody writes them.
pub(super) fn certificate(der: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// The one private key: PKCS#8, PKCS#1 (RSA) or SEC1 (ECDSA).
///
/// # Errors
/// Every [`PemError`] but [`PemError::NoCertificate`].
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    if ENCRYPTED_MARKS
        .iter()
        .any(|mark| memmem::find(pem, mark).is_some())
    {
        return Err(PemError::EncryptedKey);
    }
    let mut found = PrivateKeyDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(PemError::Damaged)?;
    match (found.pop(), found.len()) {
        (None, _) => Err(PemError::NoKey),
        (Some(key), 0) => Ok(key),
        (Some(_), others) => Err(PemError::SeveralKeys { count: others + 1 }),
    }
}
