//! The handshake in memory is a whole one, and fails where real ones would.

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;

use super::*;
use crate::tls::testing::{TestCa, client_config, clients, handshake, issued, pair};
use crate::tls::{ReloadingPair, server_config};

#[tokio::test]
async fn a_warmed_config_is_as_good_as_before() {
    let issue = issued();
    let pair = Arc::new(ReloadingPair::new(pair(&issue)));
    let config = Arc::new(server_config(pair, None).unwrap());
    assert!(warm(&config).unwrap() > Duration::ZERO);
    warm(&config).unwrap();
    let client = client_config(&issue.authority.cert_pem, &TLS13, &["http/1.1"]);
    assert!(handshake(config, client).await.is_ok());
}

#[test]
fn client_certificates_that_are_required_do_not_make_it_fail() {
    let pair = Arc::new(ReloadingPair::new(pair(&issued())));
    let clients = clients(&TestCa::new().pem(), &[]);
    let config = server_config(pair, Some(Arc::new(clients))).unwrap();
    warm(&Arc::new(config)).unwrap();
}

#[test]
fn a_server_that_cannot_serve_is_an_error() {
    #[derive(Debug)]
    struct NoPair;
    impl ResolvesServerCert for NoPair {
        fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            None
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoPair));
    let error = warm(&Arc::new(config)).unwrap_err();
    assert!(matches!(error, WarmError::Handshake(_)), "{error:?}");
}
