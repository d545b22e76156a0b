//! Who is believed, by whom, under which name and when.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::*;
use crate::tls::testing::{NAME, TestCa, issued, key};

const LATER: &str = "2200-01-01T00:00:00Z";

fn said(cert_pem: &str, bundle: &str, name: &str, now: Timestamp) -> String {
    let chain = pem::certificates(cert_pem.as_bytes()).unwrap();
    match trust(&chain, bundle.as_bytes(), name, now) {
        Trust::Trusted => "trusted".to_owned(),
        Trust::Distrusted(_) => "distrusted".to_owned(),
        Trust::Unsure(error) => format!("unsure: {error}"),
    }
}

/// A certificate that nobody else has signed; `openssl req -x509` makes it a CA too.
fn alone(is_ca: IsCa) -> String {
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

#[test]
fn a_chain_is_believed_by_its_ca_for_its_names_and_in_its_time() {
    let (one, two) = (issued(), issued());
    let leaf = &one.leaf.cert_pem;
    let (own, other) = (&one.authority.cert_pem, &two.authority.cert_pem);
    let both = format!("{other}{own}");
    let now = Timestamp::now();
    let later = LATER.parse().unwrap();
    let rows: [(&str, &str, &str, Timestamp, &str); 8] = [
        ("its CA", own, NAME, now, "trusted"),
        ("its CA after another", &both, NAME, now, "trusted"),
        ("another CA", other, NAME, now, "distrusted"),
        ("no CA", "", NAME, now, "distrusted"),
        ("no PEM", "garbage", NAME, now, "distrusted"),
        ("another name", own, "meshmode.other.svc", now, "distrusted"),
        ("later", own, NAME, later, "distrusted"),
        ("earlier", own, NAME, Timestamp::UNIX_EPOCH, "distrusted"),
    ];
    for (name, bundle, host, now, expected) in rows {
        assert_eq!(said(leaf, bundle, host, now), expected, "{name}");
    }
}

#[test]
fn a_ca_that_is_over_is_not_believed_as_go_does_not() {
    let key = key(&PKCS_ECDSA_P256_SHA256);
    let ca = TestCa::bent(|params| params.not_after = rcgen::date_time_ymd(2100, 1, 1));
    let leaf = ca.leaf(&key);
    assert_eq!(said(&leaf, &ca.pem(), NAME, Timestamp::now()), "trusted");
    let later = LATER.parse().unwrap();
    assert_eq!(said(&leaf, &ca.pem(), NAME, later), "distrusted");
}

#[test]
fn a_certificate_among_the_cas_is_believed_as_go_does() {
    let now = Timestamp::now();
    for is_ca in [
        IsCa::NoCa,
        IsCa::Ca(BasicConstraints::Unconstrained),
        IsCa::ExplicitNoCa,
    ] {
        let certificate = alone(is_ca);
        assert_eq!(said(&certificate, &certificate, NAME, now), "trusted");
        let other = said(&certificate, &certificate, "other.svc", now);
        assert_eq!(other, "distrusted");
    }
}

#[test]
fn what_only_webpki_refuses_is_unsure() {
    let ca = TestCa::new();
    let key = key(&PKCS_ECDSA_P256_SHA256);
    // Go takes a leaf that is a CA, too.
    let leaf = ca.bent_leaf(&key, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let seen = said(&leaf, &ca.pem(), NAME, Timestamp::now());
    assert!(seen.starts_with("unsure: "), "{seen}");
}
