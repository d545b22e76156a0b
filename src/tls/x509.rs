//! The little that this part asks of an X.509 parser.
//!
//! Must not: verify anything; that is webpki's work.

use jiff::Timestamp;
use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

use super::pair::InTime;

/// Parses one certificate that fills `der` entirely.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, X509Error> {
    match x509_parser::parse_x509_certificate(der)? {
        ([], certificate) => Ok(certificate),
        (_trailing, _) => Err(X509Error::InvalidCertificate),
    }
}

/// The names that a certificate shows: its common names, then the DNS names among its alternative names.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let common = certificate.subject().iter_common_name();
    let mut names: Vec<String> = common
        .filter_map(|name| name.as_str().ok())
        .map(str::to_owned)
        .collect();
    // An extension that is damaged names nobody.
    let alternative = certificate.subject_alternative_name().ok().flatten();
    for name in alternative.iter().flat_map(|n| &n.value.general_names) {
        if let GeneralName::DNSName(name) = name {
            names.push((*name).to_owned());
        }
    }
    names
}

/// The moment of a validity bound. `99991231235959Z`, by which RFC 5280 says "no end", lies a day
/// beyond what a [`Timestamp`] can hold: it becomes the last one.
pub(super) fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    let bound = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(bound)
}

/// How a certificate stands at `now`; nothing where it is none.
pub(super) fn in_time(der: &[u8], now: Timestamp) -> Option<InTime> {
    let certificate = parse(der).ok()?;
    let validity = certificate.validity();
    let (from, to) = (
        timestamp(validity.not_before),
        timestamp(validity.not_after),
    );
    Some(InTime::of(from, to, now))
}

/// SHA-256 in lower-case hexadecimal, as `openssl x509 -fingerprint -sha256` prints it but for
/// case and colons. The hash is borrowed from a cipher suite: no package is needed for it.
pub fn sha256(bytes: &[u8]) -> String {
    let hash = match TLS13_AES_128_GCM_SHA256 {
        SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
        SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
    };
    let digest = hash.hash(bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
