//! The TLS of a direct connection: which CAs are believed, and what is shown of ourselves.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use hyper_rustls::{
    ConfigBuilderExt as _, FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder,
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::error::{Cause, TlsAdvice};
use super::settings::{Settings, SettingsError, Verify, read};

/// Believes every server.
#[derive(Debug)]
struct Believing(Arc<CryptoProvider>);

/// Makes connections, with TLS where the URL says https.
///
/// # Errors
/// A file cannot be read or used.
pub(super) fn connector(
    settings: &Settings,
    mut http: HttpConnector,
) -> Result<HttpsConnector<HttpConnector>, SettingsError> {
    http.enforce_http(false);
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config(settings)?)
        .https_or_http();
    let builder = match &settings.tls_server_name {
        None => builder,
        Some(name) => {
            let wrong = |_| SettingsError::ServerName(name.clone());
            let name = ServerName::try_from(name.clone()).map_err(wrong)?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(name))
        }
    };
    Ok(builder.enable_http1().wrap_connector(http))
}

/// What to do about a handshake that failed; `None` where it was no handshake.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums of rustls are open, and for what they add there is the general advice"
)]
pub(super) fn advice(error: &(dyn std::error::Error + 'static)) -> Option<TlsAdvice> {
    let error = rustls_error(error)?;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Some(match error {
            rustls::Error::InvalidMessage(_) => TlsAdvice::NotTls,
            rustls::Error::AlertReceived(_) => TlsAdvice::ClientCertificate,
            _ => TlsAdvice::Other,
        });
    };
    Some(match certificate {
        // A bad signature: of a CA that has the same name and was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            TlsAdvice::UnknownAuthority
        }
        CertificateError::NotValidForName => TlsAdvice::OtherName(String::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| shown(name)).collect();
            TlsAdvice::OtherName(format!(" ({})", names.join(", ")))
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsAdvice::OutOfTime,
        _ => TlsAdvice::Other,
    })
}

/// A name out of rustls' `DnsName("host")` or `IpAddress(127.0.0.1)`.
fn shown(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_matches(['(', ')', '"'])
}

/// What rustls said, somewhere below: an [`std::io::Error`] does not name what it wraps as its source.
fn rustls_error<'e>(mut error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    loop {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        error = match wrapped {
            Some(inner) => inner,
            None => error.source()?,
        };
    }
}

fn config(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(SettingsError::Tls)?;
    let encrypted = is_https(settings);
    let builder = match (settings.verify, &settings.ca_file) {
        (Verify::No, _) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Believing(provider))),
        (Verify::Yes, Some(path)) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|_| not_a_ca(path))?;
            builder.with_webpki_verifier(verifier)
        }
        // Without TLS nobody needs them, and there may be none.
        (Verify::Yes, None) if !encrypted => builder.with_root_certificates(RootCertStore::empty()),
        (Verify::Yes, None) => builder
            .with_native_roots()
            .map_err(|_| SettingsError::NoSystemCa)?,
    };
    match ourselves(settings)? {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(SettingsError::Tls),
    }
}

fn is_https(settings: &Settings) -> bool {
    let uri = Uri::try_from(settings.url.trim());
    uri.is_ok_and(|uri| uri.scheme_str() == Some("https"))
}

fn authorities(path: &Path) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("--ca-file", path)? {
        roots.add(certificate).map_err(|_| not_a_ca(path))?;
    }
    Ok(roots)
}

fn not_a_ca(path: &Path) -> SettingsError {
    SettingsError::File {
        flag: "--ca-file",
        path: path.to_owned(),
        what: "holds a certificate that cannot be a CA",
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn ourselves(settings: &Settings) -> Result<Option<Identity>, SettingsError> {
    match (&settings.client_cert_file, &settings.client_key_file) {
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(SettingsError::HalfCertificate),
        (Some(chain), Some(path)) => {
            let chain = certificates("--client-cert", chain)?;
            let flag = "--client-key";
            let key = PrivateKeyDer::from_pem_slice(&read(flag, path)?);
            let key =
                key.map_err(|source| not_pem(flag, path, "one unencrypted private key", source))?;
            Ok(Some((chain, key)))
        }
    }
}

fn certificates(
    flag: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let what = "certificates (BEGIN CERTIFICATE)";
    let bytes = read(flag, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|source| not_pem(flag, path, what, source))?;
    if found.is_empty() {
        return Err(not_pem(flag, path, what, pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn not_pem(
    flag: &'static str,
    path: &Path,
    what: &'static str,
    source: pem::Error,
) -> SettingsError {
    SettingsError::Pem {
        flag,
        path: path.to_owned(),
        what,
        source,
    }
}

/// What a broken connection is, to the one who asked.
pub(super) enum Broken {
    /// There is nobody.
    Unreachable(Cause),
    /// The handshake failed.
    Tls(TlsAdvice, Cause),
    /// There was somebody, who is gone: worth another try.
    Cut(Cause),
    /// It took too long.
    TimedOut,
    /// The answer has no end in sight.
    TooLong,
}

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
