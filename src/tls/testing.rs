//! What the tests of this part share: a CA whose leaves can be bent, keys of every kind and
//! encoding, and a real handshake. All of it is made while testing: no key is kept in the
//! repository.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SignatureAlgorithm,
};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::io::DuplexStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use x509_parser::asn1_rs::{Any, FromDer as _, OctetString, Sequence};

use super::clients::Clients;
use super::issue::{Issued, Validity, issue};
use super::pair::CertificatePair;
use super::probe::Probe;
use super::subjects::Subjects;

/// The name that every certificate here is for, unless bent.
pub(super) const NAME: &str = "meshmode.mesh.svc";

/// A CA that signs whatever a test asks for.
pub(super) struct TestCa(CertifiedIssuer<'static, KeyPair>);

/// A server and a client that have shaken hands.
pub(super) type Streams = (
    server::TlsStream<DuplexStream>,
    client::TlsStream<DuplexStream>,
);

/// Why a handshake failed, as either end saw it.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) server: Option<io::Error>,
    pub(super) client: Option<io::Error>,
}

impl TestCa {
    pub(super) fn new() -> Self {
        Self::bent(|_| {})
    }

    pub(super) fn bent(bend: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "a CA for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        bend(&mut params);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for [`NAME`] and this key.
    pub(super) fn leaf(&self, key: &KeyPair) -> String {
        self.bent_leaf(key, |_| {})
    }

    pub(super) fn bent_leaf(
        &self,
        key: &KeyPair,
        bend: impl FnOnce(&mut CertificateParams),
    ) -> String {
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        bend(&mut params);
        params.signed_by(key, &self.0).unwrap().pem()
    }
}

impl Failed {
    /// What the server, or else the client, says.
    pub(super) fn text(&self) -> String {
        let either = self.server.as_ref().or(self.client.as_ref());
        either.unwrap().to_string()
    }
}

pub(super) fn issued() -> Issued {
    let subjects = Subjects::parse([NAME]).unwrap();
    issue(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap()
}

pub(super) fn pair(issued: &Issued) -> CertificatePair {
    let leaf = &issued.leaf;
    CertificatePair::from_pem(leaf.cert_pem.as_bytes(), leaf.key_pem.as_bytes()).unwrap()
}

/// Who lets in the clients of these CAs with these names, and tells nobody about the others.
pub(super) fn clients(ca_pem: &str, names: &[&str]) -> Clients {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let probe = Probe::new().unwrap();
    Clients::new(ca_pem.as_bytes(), names, probe.certificate(), |_| {}).unwrap()
}

/// A key as PKCS#8 PEM.
pub(super) fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

/// The key in the older format of its kind, which PKCS#8 holds inside: PKCS#1 or SEC1.
pub(super) fn older_format(key: &KeyPair, label: &str) -> String {
    let (_, outer) = Sequence::from_der(key.serialized_der()).unwrap();
    let (rest, _version) = Any::from_der(&outer.content).unwrap();
    let (rest, _algorithm) = Any::from_der(rest).unwrap();
    let (_, inner) = OctetString::from_der(rest).unwrap();
    pem_section(label, inner.as_ref())
}

pub(super) fn pem_section(label: &str, content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// A client that trusts one CA, as an API server does, and speaks one version.
pub(super) fn client_config(
    ca_pem: &str,
    version: &'static SupportedProtocolVersion,
    protocols: &[&str],
) -> ClientConfig {
    let builder = trusting(ca_pem, version);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    config
}

/// The same with a certificate of its own.
pub(super) fn client_config_with(
    ca_pem: &str,
    version: &'static SupportedProtocolVersion,
    cert_pem: &str,
    key_pem: &str,
) -> ClientConfig {
    let chain = super::pem::certificates(cert_pem.as_bytes()).unwrap();
    let key = super::pem::private_key(key_pem.as_bytes()).unwrap();
    trusting(ca_pem, version)
        .with_client_auth_cert(chain, key)
        .unwrap()
}

fn trusting(
    ca_pem: &str,
    version: &'static SupportedProtocolVersion,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    for ca in super::pem::certificates(ca_pem.as_bytes()).unwrap() {
        roots.add(ca).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
}

/// A real handshake for [`NAME`], in memory.
pub(super) async fn handshake(
    server: Arc<ServerConfig>,
    client: ClientConfig,
) -> Result<Streams, Failed> {
    handshake_as(NAME, server, Arc::new(client)).await
}

pub(super) async fn handshake_as(
    name: &str,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
) -> Result<Streams, Failed> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let ends = tokio::join!(
        TlsAcceptor::from(server).accept(near),
        TlsConnector::from(client).connect(name, far)
    );
    match ends {
        (Ok(server), Ok(client)) => Ok((server, client)),
        (server, client) => Err(Failed {
            server: server.err(),
            client: client.err(),
        }),
    }
}
