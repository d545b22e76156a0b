//! What is issued works for API servers, and what would not is not issued.

use std::sync::Arc;

use rcgen::{
    CertifiedIssuer, DnValue, GeneralSubtree, KeyIdMethod, NameConstraints, PKCS_ED25519,
    PKCS_RSA_SHA256,
};
use rustls::version::{TLS12, TLS13};

use x509_parser::extensions::ParsedExtension;

use super::*;
use crate::tls::testing::{client_config, handshake_as, issued, key, pair, pem_section};
use crate::tls::{CertificatePair, ReloadingPair, pem, server_config, x509};

const HOUR: Duration = Duration::from_hours(1);

const NOW: &str = "2025-11-23T18:04:05.678Z";

/// Who is to sign, as what, and whether the error is the right one.
type Refused = (&'static str, Authority, fn(&IssueError) -> bool);

fn subjects() -> Subjects {
    Subjects::parse(["meshmode.mesh.svc", "*.example.com", "10.0.0.7", "fd00::7"]).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn der(pem: &str) -> CertificateDer<'static> {
    pem::certificates(pem.as_bytes()).unwrap().remove(0)
}

/// A CA of another tool's making.
fn foreign_ca(key: KeyPair, bend: impl FnOnce(&mut CertificateParams)) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    bend(&mut params);
    let key_pem = key.serialize_pem();
    let ca = CertifiedIssuer::self_signed(params, key).unwrap();
    Authority {
        cert_pem: ca.pem(),
        key_pem,
    }
}

async fn assert_served(leaf: &Leaf, authority: &Authority, name: &str) {
    let pair =
        CertificatePair::from_pem(leaf.cert_pem.as_bytes(), leaf.key_pem.as_bytes()).unwrap();
    let server = Arc::new(server_config(Arc::new(ReloadingPair::new(pair)), None).unwrap());
    for version in [&TLS12, &TLS13] {
        let client = Arc::new(client_config(&authority.cert_pem, version, &[]));
        let shaken = handshake_as(name, Arc::clone(&server), client).await;
        assert!(shaken.is_ok(), "{name}: {:?}", shaken.err());
    }
}

#[tokio::test]
async fn clients_that_trust_the_ca_accept_every_subject() {
    let issued = issue(&subjects(), Validity::default(), Timestamp::now()).unwrap();
    for name in [
        "meshmode.mesh.svc",
        "any.example.com",
        "10.0.0.7",
        "fd00::7",
    ] {
        assert_served(&issued.leaf, &issued.authority, name).await;
    }
}

#[test]
fn the_ca_may_sign_and_nothing_else() {
    let issued = issue(&subjects(), Validity::default(), at(NOW)).unwrap();
    let der = der(&issued.authority.cert_pem);
    let ca = x509::parse(&der).unwrap();
    let constraints = ca.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    assert!(ca.key_usage().unwrap().unwrap().value.key_cert_sign());
    assert_eq!(
        ca.subject().to_string(),
        "CN=meshmode CA 2025-11-23T18:04:05Z"
    );
    assert_eq!(
        x509::timestamp(ca.validity().not_after),
        at("2035-11-21T18:04:05Z")
    );
}

#[test]
fn the_leaf_may_serve_and_nothing_else() {
    let issued = issue(&subjects(), Validity::default(), at(NOW)).unwrap();
    let der = der(&issued.leaf.cert_pem);
    let leaf = x509::parse(&der).unwrap();
    assert!(!leaf.is_ca());
    assert!(leaf.key_usage().unwrap().unwrap().value.digital_signature());
    let usage = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth && !usage.any);

    let pair = pair(&issued);
    assert_eq!(pair.chain().len(), 1, "the CA is not served");
    assert_eq!(pair.dns_names(), subjects().dns_names());
    assert_eq!(pair.ip_addresses(), subjects().ip_addresses());
    assert_eq!(pair.not_before(), at("2025-11-23T17:59:05Z"));
    assert_eq!(pair.not_after(), at("2026-11-23T18:04:05Z"));
    assert_eq!(pair.not_after(), issued.leaf.not_after);
}

#[test]
fn validity_must_make_sense() {
    let now = at("2025-11-23T18:00:00Z");
    let rows = [
        ("none", HOUR, Duration::ZERO, false),
        ("under a second", HOUR, Duration::from_millis(999), false),
        ("a second", HOUR, Duration::from_secs(1), true),
        ("as long as the CA", HOUR, HOUR, true),
        (
            "longer than the CA",
            HOUR,
            HOUR + Duration::from_secs(1),
            false,
        ),
        ("a century", MAX_VALIDITY, MAX_VALIDITY, true),
        ("more", MAX_VALIDITY + HOUR, HOUR, false),
        ("for ever", Duration::MAX, Duration::MAX, false),
    ];
    for (name, authority, leaf, accepted) in rows {
        let issued = issue(&subjects(), Validity { authority, leaf }, now);
        assert_eq!(issued.is_ok(), accepted, "{name}: {:?}", issued.err());
    }
    let end_of_time = issue(&subjects(), Validity::default(), Timestamp::MAX);
    assert!(matches!(end_of_time, Err(IssueError::Validity { .. })));
}

#[tokio::test]
async fn a_renewed_leaf_needs_no_new_trust() {
    let first = issued();
    let others = Subjects::parse(["other.mesh.svc"]).unwrap();
    let renewed = renew(&first.authority, &others, HOUR, Timestamp::now()).unwrap();
    assert_served(&renewed, &first.authority, "other.mesh.svc").await;
    assert_ne!(renewed.key_pem, first.leaf.key_pem);
    let serial = |leaf: &Leaf| {
        let pair = CertificatePair::from_pem(leaf.cert_pem.as_bytes(), leaf.key_pem.as_bytes());
        pair.unwrap().serial().to_owned()
    };
    assert_ne!(serial(&renewed), serial(&first.leaf));
}

#[tokio::test]
async fn the_ca_of_another_tool_signs_too() {
    let named = |params: &mut CertificateParams| {
        let country = DnValue::PrintableString("DE".try_into().unwrap());
        let mail = DnValue::Ia5String("ca@example.com".try_into().unwrap());
        params.distinguished_name.push(DnType::CountryName, country);
        params
            .distinguished_name
            .push(DnType::from_oid(&[1, 2, 840, 113_549, 1, 9, 1]), mail);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Bäckerei");
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![1, 2, 3]);
    };
    for algorithm in [&PKCS_RSA_SHA256, &PKCS_ED25519] {
        let ca = foreign_ca(key(algorithm), named);
        let leaf = renew(&ca, &subjects(), HOUR, Timestamp::now()).unwrap();
        assert_eq!(authority_key_identifier(&leaf), [1, 2, 3]);
        assert_served(&leaf, &ca, "meshmode.mesh.svc").await;
    }
}

fn authority_key_identifier(leaf: &Leaf) -> Vec<u8> {
    let der = der(&leaf.cert_pem);
    let leaf = x509::parse(&der).unwrap();
    let identifier = leaf.iter_extensions().find_map(|extension| {
        let ParsedExtension::AuthorityKeyIdentifier(identifier) = extension.parsed_extension()
        else {
            return None;
        };
        identifier.key_identifier.as_ref().map(|id| id.0.to_vec())
    });
    identifier.unwrap()
}

#[test]
fn files_that_make_no_ca_are_refused_with_the_reason() {
    let with = |cert_pem: &str, key_pem: &str| Authority {
        cert_pem: cert_pem.to_owned(),
        key_pem: key_pem.to_owned(),
    };
    let good = issued();
    let (cert, key) = (&good.authority.cert_pem, &good.authority.key_pem);
    let (leaf_cert, leaf_key) = (&good.leaf.cert_pem, &good.leaf.key_pem);
    let junk = |label: &str| pem_section(label, b"junk");
    let rows: [Refused; 6] = [
        ("no certificate", with("", key), |e| {
            matches!(e, IssueError::Authority(AuthorityError::Pem(_)))
        }),
        ("no key", with(cert, ""), |e| {
            matches!(e, IssueError::Authority(AuthorityError::Pem(_)))
        }),
        ("a junk certificate", with(&junk("CERTIFICATE"), key), |e| {
            matches!(e, IssueError::Authority(AuthorityError::NotX509(_)))
        }),
        ("a junk key", with(cert, &junk("PRIVATE KEY")), |e| {
            matches!(e, IssueError::Authority(AuthorityError::Key(_)))
        }),
        ("a leaf", with(leaf_cert, leaf_key), |e| {
            matches!(e, IssueError::Authority(AuthorityError::NotAnAuthority))
        }),
        ("another key", with(cert, leaf_key), |e| {
            matches!(e, IssueError::Authority(AuthorityError::KeyMismatch))
        }),
    ];
    rows.iter().for_each(assert_refused);
}

#[test]
fn a_ca_whose_leaf_clients_would_refuse_does_not_sign() {
    let bent = |bend: fn(&mut CertificateParams)| foreign_ca(KeyPair::generate().unwrap(), bend);
    let for_lists = bent(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let past = bent(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let ucs2 = bent(|params| {
        let name = DnValue::BmpString("CA".try_into().unwrap());
        params.distinguished_name.push(DnType::CommonName, name);
    });
    let twice = bent(|params| {
        let unit = DnType::OrganizationalUnitName;
        params.distinguished_name.push(unit, "mesh");
        params
            .distinguished_name
            .push(DnType::CustomDnType(vec![2, 5, 4, 11]), "cluster");
    });
    let others = bent(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.org".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let rows: [Refused; 5] = [
        ("one for revocation lists", for_lists, |e| {
            matches!(e, IssueError::Authority(AuthorityError::NotAnAuthority))
        }),
        ("one of the past", past, |e| {
            matches!(e, IssueError::OutsideAuthority { .. })
        }),
        ("one named in UCS-2", ucs2, |e| {
            matches!(e, IssueError::Authority(AuthorityError::Name))
        }),
        ("one of two units", twice, |e| {
            matches!(e, IssueError::Authority(AuthorityError::Name))
        }),
        ("one for other names", others, |e| {
            matches!(e, IssueError::Refused { .. })
        }),
    ];
    rows.iter().for_each(assert_refused);
}

fn assert_refused((name, authority, is_right): &Refused) {
    let error = renew(authority, &subjects(), HOUR, Timestamp::now()).err();
    let error = error.unwrap_or_else(|| panic!("{name} has signed"));
    assert!(is_right(&error), "{name}: {error:?}");
}

#[test]
fn a_ca_of_the_future_does_not_sign_now() {
    let ca = issued().authority;
    let past = at("2020-01-01T00:00:00Z");
    let error = renew(&ca, &subjects(), HOUR, past).unwrap_err();
    assert!(
        matches!(error, IssueError::OutsideAuthority { .. }),
        "{error:?}"
    );
}
