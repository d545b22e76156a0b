//! What clients of every sort get from the listener.

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::tls::Issued;
use crate::tls::testing::{
    NAME, TestCa, client_config, client_config_with, handshake, handshake_as, issued, key, pair,
    pem_section,
};

/// Who asks, for which protocols, and which one it gets.
type Offer<'a> = (&'a str, &'a [&'a str], Option<&'a [u8]>);

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn config(issue: &Issued, client_ca: Option<&str>) -> Arc<ServerConfig> {
    let pair = Arc::new(ReloadingPair::new(pair(issue)));
    Arc::new(server_config(pair, client_ca.map(str::as_bytes)).unwrap())
}

#[tokio::test]
async fn both_versions_speak_every_protocol_a_client_may_ask_for() {
    let issue = issued();
    let server = config(&issue, None);
    let rows: [Offer<'_>; 4] = [
        ("an API server", &["http/1.1"], Some(b"http/1.1")),
        ("a client of HTTP/2", &["h2"], Some(b"h2")),
        (
            "a client of both, whatever its preference",
            &["http/1.1", "h2"],
            Some(b"h2"),
        ),
        ("a client without ALPN", &[], None),
    ];
    for version in VERSIONS {
        for (name, offered, expected) in rows {
            let client = client_config(&issue.authority.cert_pem, version, offered);
            let (stream, _) = handshake(Arc::clone(&server), client).await.unwrap();
            let connection = stream.get_ref().1;
            assert_eq!(connection.alpn_protocol(), expected, "{name}, {version:?}");
            assert_eq!(
                connection.protocol_version(),
                Some(version.version),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_of_another_protocol_is_refused() {
    let issue = issued();
    for version in VERSIONS {
        let client = client_config(&issue.authority.cert_pem, version, &["spdy/3"]);
        let failed = handshake(config(&issue, None), client).await.unwrap_err();
        assert!(
            failed.text().contains("any known protocol"),
            "{}",
            failed.text()
        );
    }
}

#[tokio::test]
async fn no_session_is_resumed() {
    let issue = issued();
    let server = config(&issue, None);
    for version in VERSIONS {
        let client = Arc::new(client_config(&issue.authority.cert_pem, version, &[]));
        for attempt in ["first", "second"] {
            let shaken = handshake_as(NAME, Arc::clone(&server), Arc::clone(&client)).await;
            let (mut near, mut far) = shaken.unwrap();
            near.write_all(b"!").await.unwrap();
            assert_eq!(far.read_u8().await.unwrap(), b'!', "tickets come before it");
            let kind = near.get_ref().1.handshake_kind();
            assert_eq!(kind, Some(HandshakeKind::Full), "{attempt}, {version:?}");
        }
    }
}

#[tokio::test]
async fn with_a_client_ca_only_its_clients_are_served() {
    let (issue, clients, others) = (issued(), TestCa::new(), TestCa::new());
    let server = config(
        &issue,
        Some(&format!("{}{}", TestCa::new().pem(), clients.pem())),
    );
    let key = key(&rcgen::PKCS_ECDSA_P256_SHA256);
    let ca_pem = &issue.authority.cert_pem;
    for version in VERSIONS {
        let nobody = client_config(ca_pem, version, &[]);
        let failed = handshake(Arc::clone(&server), nobody).await.unwrap_err();
        assert!(
            failed.text().contains("no certificates"),
            "{}",
            failed.text()
        );

        let of =
            |ca: &TestCa| client_config_with(ca_pem, version, &ca.leaf(&key), &key.serialize_pem());
        let failed = handshake(Arc::clone(&server), of(&others))
            .await
            .unwrap_err();
        assert!(
            failed.text().contains("invalid peer certificate"),
            "{}",
            failed.text()
        );

        let shaken = handshake(Arc::clone(&server), of(&clients)).await;
        assert!(shaken.is_ok(), "{version:?}: {:?}", shaken.err());
    }
}

#[tokio::test]
async fn without_a_client_ca_no_certificate_is_asked_for() {
    let issue = issued();
    for version in VERSIONS {
        let client = client_config(&issue.authority.cert_pem, version, &[]);
        assert!(handshake(config(&issue, None), client).await.is_ok());
    }
}

#[test]
fn a_client_ca_file_that_cannot_be_used_is_named() {
    let pair = || Arc::new(ReloadingPair::new(pair(&issued())));
    let error = |pem: &str| server_config(pair(), Some(pem.as_bytes())).unwrap_err();
    assert!(matches!(
        error(""),
        TlsConfigError::ClientCaPem(PemError::NoCertificate)
    ));
    assert!(matches!(
        error(&format!(
            "{}{}",
            TestCa::new().pem(),
            pem_section("CERTIFICATE", b"junk")
        )),
        TlsConfigError::ClientCa { position: 2, .. }
    ));
}
