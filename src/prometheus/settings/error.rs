//! Why settings cannot be used.
//!
//! Must not: show a token, a password or a key.

use std::io;
use std::path::PathBuf;

use http::header::InvalidHeaderName;
use http::uri::InvalidUri;
use rustls_pki_types::pem;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is no URL. It is not shown: there may be a password in it.
    #[error(
        "--prometheus-url is no URL: give one such as http://localhost:9090 or https://mimir.example.com/prometheus"
    )]
    NoUrl(#[source] InvalidUri),
    /// Neither HTTP nor HTTPS, or no host.
    #[error("--prometheus-url must begin with http:// or https:// and a host")]
    NoScheme,
    /// A password in the URL ends in logs and shell histories.
    #[error(
        "--prometheus-url must hold no user and password: put user:password into a file for --basic-auth-file"
    )]
    UserInUrl,
    /// Parameters are given apart.
    #[error("--prometheus-url must have no part after `?`: give --query-param NAME=VALUE instead")]
    QueryInUrl,
    /// A file cannot be read.
    #[error("cannot read {} for {flag}: check that it exists and may be read", path.display())]
    Unreadable {
        /// Which flag names it.
        flag: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What is in it cannot be sent.
    #[error("{} for {flag} {what}", path.display())]
    File {
        /// Which flag names it.
        flag: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two ways to say who asks.
    #[error(
        "give one of --bearer-token-file and --basic-auth-file: a request has one Authorization"
    )]
    TwoCredentials,
    /// A certificate without a key, or the other way round.
    #[error("--client-cert and --client-key go together")]
    HalfCertificate,
    /// PEM that cannot be used.
    #[error("{} for {flag} is no PEM that can be used: it must hold {what}", path.display())]
    Pem {
        /// Which flag names it.
        flag: &'static str,
        /// Which file.
        path: PathBuf,
        /// What must be in it.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// rustls does not take them.
    #[error(
        "the certificates for TLS cannot be used: check that --client-key belongs to --client-cert, and --ca-file"
    )]
    Tls(#[source] rustls::Error),
    /// The system has none.
    #[error(
        "this system has no CA certificates: install its package (ca-certificates), or give --ca-file"
    )]
    NoSystemCa,
    /// It is no DNS name or address.
    #[error("--tls-server-name `{0}` is neither a DNS name nor an IP address")]
    ServerName(String),
    /// Not a name of a header.
    #[error("--header `{name}` is no name of an HTTP header")]
    HeaderName {
        /// As given.
        name: String,
        /// What is wrong.
        #[source]
        source: InvalidHeaderName,
    },
    /// The value is not shown: it may be a token.
    #[error("the value of --header {name} cannot be sent: leave only visible ASCII in it")]
    HeaderValue {
        /// Whose.
        name: String,
    },
    /// A matcher that is none.
    #[error(
        "--matcher `{0}` is none: give LABEL=\"VALUE\" (or !=, =~, !~), such as cluster=\"prod\""
    )]
    Matcher(String),
    /// Not a name of a label.
    #[error("--cluster-label `{0}` is no name of a label: give one such as cluster")]
    ClusterLabel(String),
    /// A window that cannot be cut.
    #[error("--window must be at least as long as --step, and --step at least 1s")]
    Window,
}
