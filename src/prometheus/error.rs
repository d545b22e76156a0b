//! Why there is no measurement. Each failure has its own words and says what to do; none has a figure in it.
//!
//! Must not: show a token, a password, a header's value or a query parameter.

mod empty;

use std::fmt;
use std::time::Duration;

pub use self::empty::{Empty, Missing, Presence};
use super::discover::DiscoverError;
use super::record::RecordError;
use super::settings::SettingsError;

/// What a library said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// None was found in the cluster.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The recording cannot be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Typical cause: a port-forward that has ended, or a name that exists inside of the cluster only.
    #[error(
        "no Prometheus answers at {address}: check --prometheus-url, and that its name and port can be reached from \
         here (inside of a cluster http://NAME.NAMESPACE.svc:PORT; outside kubectl port-forward)"
    )]
    Unreachable {
        /// Where, without credentials.
        address: String,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// The handshake failed.
    #[error("no TLS connection to {address}: {advice}")]
    Tls {
        /// Where.
        address: String,
        /// What was wrong, as far as it can be told.
        advice: TlsAdvice,
        /// What rustls said.
        #[source]
        source: Cause,
    },
    /// Typical cause: a proxy, or a server that was ended by its limit of memory.
    #[error(
        "{address} broke the connection, tried {tries} times: look whether it restarts, and what stands between; if it is \
         the query's size, ask for less (--window, a larger --step, --matcher)"
    )]
    Cut {
        /// Where.
        address: String,
        /// How often.
        tries: u32,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// Typical cause: a query over too much, or a server that is overloaded.
    #[error(
        "{address} did not answer within {} s, tried {tries} times: give it longer (--timeout), or ask for less \
         (--window, a larger --step, --matcher); the query was: {query}", limit.as_secs()
    )]
    Timeout {
        /// Where.
        address: String,
        /// How long it had.
        limit: Duration,
        /// How often.
        tries: u32,
        /// Which.
        query: String,
    },
    /// HTTP 401.
    #[error(
        "{address} does not know who asks (HTTP 401): give --bearer-token-file or --basic-auth-file, and look whether \
         what is in it is still valid{challenge}"
    )]
    Unauthorized {
        /// Where.
        address: String,
        /// The scheme that the server asks for, as an addition to the sentence.
        challenge: String,
    },
    /// HTTP 403.
    #[error(
        "{address} refuses the query (HTTP 403){detail}: the token, password or client certificate lacks the right to read; \
         with Thanos or Mimir also look at the tenant (--header X-Scope-OrgID=TENANT)"
    )]
    Forbidden {
        /// Where.
        address: String,
        /// What it said, as an addition to the sentence.
        detail: String,
    },
    /// The API server does not let us through.
    #[error(
        "the API server does not let this user reach {address} ({detail}): it needs the right to create \
         services/proxy there; or give --prometheus-url, with kubectl port-forward"
    )]
    ProxyForbidden {
        /// Which service.
        address: String,
        /// What it said.
        detail: String,
    },
    /// The service has nobody behind it.
    #[error(
        "the API server does not reach {address}: {detail}; look at its Pods, or give --prometheus-url"
    )]
    ProxyFailed {
        /// Which service.
        address: String,
        /// What it said.
        detail: String,
    },
    /// Something else is there.
    #[error(
        "what answers at {address} is not the API of a Prometheus: {what}; check --prometheus-url, which ends before \
         /api/v1 (of Mimir …/prometheus)"
    )]
    NotPrometheus {
        /// Where.
        address: String,
        /// What came instead.
        what: String,
    },
    /// HTTP 400.
    #[error(
        "{address} does not understand the query ({detail}): check --matcher; if it is right, report it as a bug of \
         meshmode; the query was: {query}"
    )]
    BadQuery {
        /// Where.
        address: String,
        /// What it said.
        detail: String,
        /// Which.
        query: String,
    },
    /// Over a limit of the server.
    #[error(
        "the query is too large for {address} ({detail}): ask for less with a larger --step, --matcher (one cluster, one \
         namespace) or a shorter --window; the query was: {query}"
    )]
    TooLarge {
        /// Where.
        address: String,
        /// What it said.
        detail: String,
        /// Which.
        query: String,
    },
    /// HTTP 422 for another reason.
    #[error(
        "{address} could not evaluate the query ({detail}): look for series that are there twice, and narrow it with \
         --matcher; the query was: {query}"
    )]
    NotEvaluated {
        /// Where.
        address: String,
        /// What it said.
        detail: String,
        /// Which.
        query: String,
    },
    /// Overloaded, or not ready, after all tries.
    #[error(
        "{address} cannot answer now (HTTP {status}: {detail}), tried {tries} times: look at its health and load, then try again; the \
         query was: {query}"
    )]
    Busy {
        /// Where.
        address: String,
        /// Such as 503.
        status: u16,
        /// What it said.
        detail: String,
        /// How often.
        tries: u32,
        /// Which.
        query: String,
    },
    /// Any other status.
    #[error("{address} failed (HTTP {status}: {detail}): look at its log; the query was: {query}")]
    Failed {
        /// Where.
        address: String,
        /// The status.
        status: u16,
        /// What it said.
        detail: String,
        /// Which.
        query: String,
    },
    /// An answer that says of itself that something is missing.
    #[error(
        "the answer is not complete, and half of the data gives a wrong figure: {}; mend what it names, or take what is \
         there with --allow-partial; the query was: {query}", warnings.join("; ")
    )]
    Partial {
        /// What the server said.
        warnings: Vec<String>,
        /// Which.
        query: String,
    },
    /// There is a Prometheus, and no mesh in it.
    #[error("{0}")]
    Empty(Box<Empty>),
    /// An answer in a form that is not the API's.
    #[error(
        "cannot read the answer of {address}: it is another form than Prometheus' API; the query was: {query}"
    )]
    Form {
        /// Where.
        address: String,
        /// What is wrong.
        #[source]
        source: Cause,
        /// Which.
        query: String,
    },
    /// A value that is no number.
    #[error(
        "the series {series} has the value {value}, and every sum with it would be none: find who exports it, and \
         leave it out with --matcher; the query was: {query}"
    )]
    NotFinite {
        /// Its labels.
        series: String,
        /// As it came.
        value: String,
        /// Which.
        query: String,
    },
    /// More than one mesh.
    #[error(
        "the data is of {} clusters, and one account of them would mean nothing: pick one with --matcher {label}=\"…\"; there \
         are: {}", values.len(), values.join(", ")
    )]
    SeveralClusters {
        /// The label that tells them apart.
        label: String,
        /// Its values.
        values: Vec<String>,
    },
}

/// What to do about a handshake that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsAdvice {
    /// Signed by a CA that is not known.
    UnknownAuthority,
    /// The certificate is for other names.
    OtherName(String),
    /// It is not valid at this time.
    OutOfTime,
    /// The server wants a certificate of ours, or does not like it.
    ClientCertificate,
    /// It is no TLS that answers.
    NotTls,
    /// Anything else.
    Other,
}

// === impl TlsAdvice ===

impl fmt::Display for TlsAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => {
                "its certificate is of a CA that is not known here: give the CA with --ca-file"
            }
            Self::OtherName(names) => {
                return write!(
                    f,
                    "its certificate is for another name{names}: give one that is in it with --tls-server-name"
                );
            }
            Self::OutOfTime => {
                "its certificate is not valid now: renew it, or look at the clock here"
            }
            Self::ClientCertificate => {
                "it wants a client certificate that it knows: give --client-cert and --client-key of the CA that it trusts"
            }
            Self::NotTls => {
                "it does not speak TLS there: try http:// in --prometheus-url, or another port"
            }
            Self::Other => {
                "the handshake failed: check --ca-file, --tls-server-name and --client-cert"
            }
        })
    }
}
