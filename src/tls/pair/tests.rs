//! Which certificates and keys can be served, and what is said about the others.

use rcgen::{
    CustomExtension, ExtendedKeyUsagePurpose, IsCa, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, SanType,
};
use rustls::version::{TLS12, TLS13};

use super::*;
use crate::tls::testing::{NAME, TestCa, client_config, handshake, key, older_format, pem_section};
use crate::tls::{ReloadingPair, server_config};

const P256_PARAMETERS: &str =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

fn load(cert_pem: &str, key_pem: &str) -> Result<CertificatePair, PairError> {
    CertificatePair::from_pem(cert_pem.as_bytes(), key_pem.as_bytes())
}

#[tokio::test]
async fn every_kind_of_key_signs_handshakes() {
    let ca = TestCa::new();
    let (p256, rsa) = (key(&PKCS_ECDSA_P256_SHA256), key(&PKCS_RSA_SHA256));
    let (p384, p521) = (key(&PKCS_ECDSA_P384_SHA384), key(&PKCS_ECDSA_P521_SHA512));
    let ed25519 = key(&PKCS_ED25519);
    let sec1 = older_format(&p256, "EC PRIVATE KEY");
    let kinds = [
        ("ECDSA P-256, PKCS#8", &p256, p256.serialize_pem()),
        ("ECDSA P-256, SEC1", &p256, sec1.clone()),
        (
            "ECDSA P-256, SEC1 after its parameters",
            &p256,
            format!("{P256_PARAMETERS}{sec1}"),
        ),
        ("ECDSA P-384, PKCS#8", &p384, p384.serialize_pem()),
        (
            "ECDSA P-384, SEC1",
            &p384,
            older_format(&p384, "EC PRIVATE KEY"),
        ),
        ("ECDSA P-521, PKCS#8", &p521, p521.serialize_pem()),
        ("Ed25519, PKCS#8", &ed25519, ed25519.serialize_pem()),
        ("RSA 2048, PKCS#8", &rsa, rsa.serialize_pem()),
        (
            "RSA 2048, PKCS#1",
            &rsa,
            older_format(&rsa, "RSA PRIVATE KEY"),
        ),
    ];
    for (name, key, key_pem) in kinds {
        let pair = load(&ca.leaf(key), &key_pem).unwrap_or_else(|error| panic!("{name}: {error}"));
        let config = server_config(Arc::new(ReloadingPair::new(pair)), None).unwrap();
        let config = Arc::new(config);
        for version in [&TLS12, &TLS13] {
            let client = client_config(&ca.pem(), version, &[]);
            let shaken = handshake(Arc::clone(&config), client).await;
            assert!(shaken.is_ok(), "{name}, {version:?}: {:?}", shaken.err());
        }
    }
}

#[test]
fn a_chain_is_kept_in_order_and_other_sections_are_skipped() {
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let leaf = ca.leaf(&key);
    let everything = format!("# a comment\r\n{leaf}{}{}", ca.pem(), key.serialize_pem());
    let everything = everything.replace('\n', "\r\n");
    let pair = load(&everything, &everything).unwrap();
    let expected_leaf = leaf.clone();
    let expected = [leaf, ca.pem()].map(|pem| pem::certificates(pem.as_bytes()).unwrap());
    assert_eq!(pair.chain(), expected.concat());
    assert!(pair.is_same_as(&pair.clone()));
    let without_issuer = load(&expected_leaf, &key.serialize_pem()).unwrap();
    assert!(
        !pair.is_same_as(&without_issuer),
        "a client would see the difference"
    );
}

#[test]
fn the_leaf_is_told_apart() {
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let leaf = ca.bent_leaf(&key, |params| {
        params.serial_number = Some(0x1_0203_u64.into());
        params.not_before = rcgen::date_time_ymd(2025, 11, 23);
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
        params.subject_alt_names.push(address("10.0.0.7"));
        params
            .subject_alt_names
            .push(SanType::DnsName("*.mesh.svc".try_into().unwrap()));
        params.subject_alt_names.push(address("fd00::7"));
    });
    let pair = load(&leaf, &key.serialize_pem()).unwrap();
    assert_eq!(pair.serial(), "01:02:03");
    assert_eq!(pair.not_before().to_string(), "2025-11-23T00:00:00Z");
    assert_eq!(pair.not_after().to_string(), "2050-01-01T00:00:00Z");
    assert_eq!(pair.dns_names(), [NAME, "*.mesh.svc"]);
    let addresses: Vec<IpAddr> = ["10.0.0.7", "fd00::7"].map(|a| a.parse().unwrap()).into();
    assert_eq!(pair.ip_addresses(), addresses);
    let fingerprint = pair.fingerprint();
    assert_eq!(fingerprint.len(), 64);
    assert!(
        fingerprint
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        "{fingerprint}"
    );
}

#[test]
fn the_fingerprint_is_sha256() {
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(x509::sha256(b"abc"), known);
}

#[test]
fn a_certificate_without_end_is_accepted() {
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let leaf = ca.bent_leaf(&key, |params| {
        let last_second = std::time::Duration::from_secs(24 * 3600 - 1);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31) + last_second;
    });
    let pair = load(&leaf, &key.serialize_pem()).unwrap();
    assert_eq!(pair.not_after(), Timestamp::MAX);
}

#[test]
fn a_ca_that_is_its_own_leaf_is_accepted() {
    let key = key(&PKCS_ECDSA_P256_SHA256);
    let mut params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap();
    assert!(
        load(&own.pem(), &key.serialize_pem()).is_ok(),
        "what `openssl req -x509` gives"
    );
}

/// A name, the certificate's file, the key's file, and whether the error is the right one.
type Refused = (&'static str, String, String, fn(&PairError) -> bool);

#[test]
fn what_cannot_be_in_a_key_file_is_named() {
    use PemError::{Damaged, EncryptedKey, NoKey, SeveralKeys};
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let (leaf, key_pem) = (ca.leaf(&key), key.serialize_pem());
    let old_encryption = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
        DEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let unusable = |label: &str| pem_section(label, b"not a key");
    let cut_off = key_pem.rsplit_once("-----END").unwrap().0.to_owned();
    let rows: [Refused; 10] = [
        ("an empty key", leaf.clone(), String::new(), |e| {
            matches!(e, PairError::Pem(NoKey))
        }),
        ("swapped", key_pem.clone(), leaf.clone(), |e| {
            matches!(e, PairError::Pem(PemError::NoCertificate))
        }),
        ("only a certificate", leaf.clone(), leaf.clone(), |e| {
            matches!(e, PairError::Pem(NoKey))
        }),
        (
            "encrypted",
            leaf.clone(),
            pem_section("ENCRYPTED PRIVATE KEY", b"?"),
            |e| matches!(e, PairError::Pem(EncryptedKey)),
        ),
        (
            "encrypted as of old",
            leaf.clone(),
            old_encryption.to_owned(),
            |e| matches!(e, PairError::Pem(EncryptedKey)),
        ),
        ("two keys", leaf.clone(), key_pem.repeat(2), |e| {
            matches!(e, PairError::Pem(SeveralKeys { count: 2 }))
        }),
        ("cut off", leaf.clone(), cut_off, |e| {
            matches!(e, PairError::Pem(Damaged(_)))
        }),
        (
            "a damaged key",
            leaf.clone(),
            unusable("PRIVATE KEY"),
            |e| matches!(e, PairError::KeyUnusable(_)),
        ),
        (
            "a damaged SEC1 key",
            leaf.clone(),
            unusable("EC PRIVATE KEY"),
            |e| matches!(e, PairError::KeyUnusable(_)),
        ),
        (
            "another key",
            leaf,
            crate::tls::testing::key(&PKCS_ED25519).serialize_pem(),
            |e| matches!(e, PairError::KeyMismatch),
        ),
    ];
    rows.iter().for_each(assert_refused);
}

#[test]
fn what_cannot_be_in_a_certificate_file_is_named() {
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let (leaf, key_pem) = (ca.leaf(&key), key.serialize_pem());
    let certificate = |der: &[u8]| pem_section("CERTIFICATE", der);
    let mut trailing = pem::certificates(leaf.as_bytes()).unwrap()[0].to_vec();
    trailing.push(0);
    let no_names = ca.bent_leaf(&key, |params| params.subject_alt_names.clear());
    let for_clients = ca.bent_leaf(&key, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let damaged_names = ca.bent_leaf(&key, |params| {
        params.subject_alt_names.clear();
        let junk = CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x04, 0x7f]);
        params.custom_extensions.push(junk);
    });
    let rows: [Refused; 8] = [
        ("empty", String::new(), key_pem.clone(), |e| {
            matches!(e, PairError::Pem(PemError::NoCertificate))
        }),
        (
            "no certificate",
            certificate(b"junk"),
            key_pem.clone(),
            |e| matches!(e, PairError::NotX509 { position: 1, .. }),
        ),
        (
            "a damaged issuer",
            format!("{leaf}{}", certificate(b"junk")),
            key_pem.clone(),
            |e| matches!(e, PairError::NotX509 { position: 2, .. }),
        ),
        (
            "trailing bytes",
            certificate(&trailing),
            key_pem.clone(),
            |e| matches!(e, PairError::NotX509 { position: 1, .. }),
        ),
        (
            "the CA first",
            format!("{}{leaf}", ca.pem()),
            key_pem.clone(),
            |e| matches!(e, PairError::LeafNotFirst { position: 2 }),
        ),
        ("only a common name", no_names, key_pem.clone(), |e| {
            matches!(e, PairError::NoNames)
        }),
        ("a client's", for_clients, key_pem.clone(), |e| {
            matches!(e, PairError::NotForServers)
        }),
        ("damaged names", damaged_names, key_pem, |e| {
            matches!(e, PairError::DamagedExtension(_))
        }),
    ];
    rows.iter().for_each(assert_refused);
}

fn assert_refused((name, cert_pem, key_pem, is_right): &Refused) {
    let error = load(cert_pem, key_pem)
        .err()
        .unwrap_or_else(|| panic!("{name} was accepted"));
    assert!(is_right(&error), "{name}: {error:?}");
    let text = format!("{error} {error:?}");
    let mut secrets = key_pem
        .lines()
        .filter(|line| line.len() > 16 && !line.starts_with('-'));
    assert!(
        !secrets.any(|line| text.contains(line)),
        "{name} shows the key: {text}"
    );
}

#[test]
fn debug_shows_the_leaf_and_no_key() {
    let (ca, key) = (TestCa::new(), key(&PKCS_ECDSA_P256_SHA256));
    let pair = load(&ca.leaf(&key), &key.serialize_pem()).unwrap();
    let debug = format!("{pair:?}");
    assert!(
        debug.contains(pair.fingerprint()) && debug.contains(NAME),
        "{debug}"
    );
    assert!(!debug.to_lowercase().contains("key"), "{debug}");
}
