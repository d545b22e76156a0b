//! A CA that exists, made here or by another tool, ready to sign.
//!
//! Promises: what `Signer::sign` gives names the CA byte for byte as the CA names itself, by which
//! clients find it.
//!
//! Must not: read files or a clock, or show the key.

use std::fmt;

use jiff::Timestamp;
use rcgen::{
    Certificate, CertificateParams, DistinguishedName, DnType, DnValue, Issuer, KeyIdMethod,
    KeyPair, PublicKeyData,
};
use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::AttributeTypeAndValue;

use super::pem::{self, PemError};
use super::x509;

/// A CA. `Debug` shows no key.
#[derive(Clone)]
pub struct Authority {
    /// The CA certificate, PEM: the `caBundle` of the webhook configurations. Of several
    /// certificates the first is the CA.
    pub cert_pem: String,
    /// Its private key, PEM. Not needed to serve: keep it elsewhere.
    pub key_pem: String,
}

/// Why a CA cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Certificate or key cannot be taken from their PEM.
    #[error("the CA's files cannot be used: give `ca.crt` and `ca.key` as they were issued")]
    Pem(#[from] PemError),
    /// What is given as certificate is none, or has a damaged extension.
    #[error("the CA certificate is damaged: give `ca.crt` as it was issued")]
    NotX509(#[source] X509Error),
    /// Typical cause: a server's certificate was given.
    #[error(
        "the certificate given as CA may not sign others: give one with `CA:TRUE` and `keyCertSign`"
    )]
    NotAnAuthority,
    /// The two are of different issues.
    #[error(
        "the CA's key does not belong to its certificate: give the two files of the same issue"
    )]
    KeyMismatch,
    /// The key is damaged or of a kind that cannot sign here.
    #[error("the CA's key cannot sign: use a CA with an ECDSA, RSA or Ed25519 key")]
    Key(#[source] rcgen::Error),
    /// The issuing library cannot repeat the name: a part with several values, one kind of part
    /// twice, or an encoding of old.
    #[error(
        "the CA's subject name is of a form that cannot be repeated here: \
         sign with the tool that made the CA"
    )]
    Name,
}

/// A CA that has been checked and can sign.
pub(super) struct Signer {
    certificate: CertificateDer<'static>,
    subject: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    issuer: Issuer<'static, KeyPair>,
}

// === impl Authority ===

impl Authority {
    pub(super) fn signer(&self) -> Result<Signer, AuthorityError> {
        let key = pem::private_key(self.key_pem.as_bytes())?;
        let key = KeyPair::try_from(&key).map_err(AuthorityError::Key)?;
        let certificates = pem::certificates(self.cert_pem.as_bytes())?;
        let certificate = certificates
            .into_iter()
            .next()
            .ok_or(PemError::NoCertificate)?;
        let ca = x509::parse(&certificate).map_err(AuthorityError::NotX509)?;
        check_usage(&ca)?;
        if key.subject_public_key_info() != ca.public_key().raw {
            return Err(AuthorityError::KeyMismatch);
        }
        Ok(Signer {
            subject: ca.subject().as_raw().to_vec(),
            not_before: x509::timestamp(ca.validity().not_before),
            not_after: x509::timestamp(ca.validity().not_after),
            issuer: Issuer::new(issuer_params(&ca)?, key),
            certificate: certificate.clone(),
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("cert_pem", &self.cert_pem)
            .finish_non_exhaustive()
    }
}

// === impl Signer ===

impl Signer {
    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        key: &KeyPair,
    ) -> Result<Certificate, AuthorityError> {
        let signed = params
            .signed_by(key, &self.issuer)
            .map_err(AuthorityError::Key)?;
        let parsed = x509::parse(signed.der()).map_err(AuthorityError::NotX509)?;
        if parsed.issuer().as_raw() != self.subject {
            return Err(AuthorityError::Name);
        }
        Ok(signed)
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(super) fn not_before(&self) -> Timestamp {
        self.not_before
    }

    pub(super) fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

fn check_usage(ca: &X509Certificate<'_>) -> Result<(), AuthorityError> {
    let usage = ca.key_usage().map_err(AuthorityError::NotX509)?;
    if !ca.is_ca() || usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(AuthorityError::NotAnAuthority);
    }
    Ok(())
}

/// As much of the CA as a signature needs: its name and its key's identifier.
fn issuer_params(ca: &X509Certificate<'_>) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for attribute in ca.subject().iter_attributes() {
        let (kind, value) = name_part(attribute).ok_or(AuthorityError::Name)?;
        params.distinguished_name.push(kind, value);
    }
    if let Some(identifier) = key_identifier(ca) {
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
    }
    Ok(params)
}

fn key_identifier(ca: &X509Certificate<'_>) -> Option<Vec<u8>> {
    ca.iter_extensions().find_map(|extension| {
        if let ParsedExtension::SubjectKeyIdentifier(identifier) = extension.parsed_extension() {
            return Some(identifier.0.to_vec());
        }
        None
    })
}

fn name_part(attribute: &AttributeTypeAndValue<'_>) -> Option<(DnType, DnValue)> {
    let kind: Vec<u64> = attribute.attr_type().iter()?.collect();
    let value = attribute.attr_value();
    let text = str::from_utf8(value.data).ok()?;
    let value = match value.tag() {
        Tag::Utf8String => DnValue::Utf8String(text.to_owned()),
        Tag::PrintableString => DnValue::PrintableString(text.try_into().ok()?),
        Tag::Ia5String => DnValue::Ia5String(text.try_into().ok()?),
        _ => return None,
    };
    Some((DnType::from_oid(&kind), value))
}
