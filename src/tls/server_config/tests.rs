//! What clients of every sort get from the listener.

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::tls::Issued;
use crate::tls::testing::{
    NAME, TestCa, client_config, clients, handshake, handshake_as, issued, pair,
};

/// Who asks, for which protocols, and which one it gets.
type Offer<'a> = (&'a str, &'a [&'a str], Option<&'a [u8]>);

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn config(issue: &Issued) -> Arc<ServerConfig> {
    let pair = Arc::new(ReloadingPair::new(pair(issue)));
    Arc::new(server_config(pair, None).unwrap())
}

#[tokio::test]
async fn both_versions_speak_every_protocol_a_client_may_ask_for() {
    let issue = issued();
    let server = config(&issue);
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
        let failed = handshake(config(&issue), client).await.unwrap_err();
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
    let server = config(&issue);
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
async fn without_a_client_ca_no_certificate_is_asked_for() {
    let issue = issued();
    for version in VERSIONS {
        let client = client_config(&issue.authority.cert_pem, version, &[]);
        assert!(handshake(config(&issue), client).await.is_ok());
    }
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    let issue = issued();
    let clients = Arc::new(clients(&TestCa::new().pem(), &[]));
    let with_clients = || {
        let pair = Arc::new(ReloadingPair::new(pair(&issue)));
        Arc::new(server_config(pair, Some(Arc::clone(&clients))).unwrap())
    };
    for (name, config) in [
        ("without client certificates", config(&issue)),
        ("with them", with_clients()),
    ] {
        for (version, is_spoken) in [(0x01, false), (0x02, false), (0x03, true)] {
            let mut server = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            server
                .read_tls(&mut client_hello(version).as_slice())
                .unwrap();
            let taken = server.process_new_packets();
            assert_eq!(taken.is_ok(), is_spoken, "{name}, 3.{version}: {taken:?}");
        }
    }
}

/// The first words of a client that speaks up to TLS 1.(version - 1), with what TLS 1.2 takes beside.
fn client_hello(version: u8) -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 23, // groups: P-256
        0, 11, 0, 2, 1, 0, // points: uncompressed
        0, 13, 0, 4, 0, 2, 4, 3, // signatures: ECDSA P-256 with SHA-256
    ];
    let mut body = vec![3, version];
    body.extend([7; 32]); // the random
    body.push(0); // no session
    body.extend([0, 2, 0xc0, 0x2b]); // ECDHE-ECDSA with AES-128-GCM
    body.extend([1, 0]); // no compression
    body.extend([0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], body.as_slice()].concat()
}
