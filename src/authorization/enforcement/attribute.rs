//! The attributes of a request that policies test, and the values they have.

// Addresses only: `core::net` has no sockets.
use core::net::IpAddr;
use std::fmt;

use serde::{Serialize, Serializer};

/// One attribute of a request.
///
/// What depends on each other is one attribute: trust domain, namespace and service account are parts of
/// one identity; issuer and subject are parts of one token.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Attribute {
    /// The HTTP method.
    Method,
    /// The path without its query.
    Path,
    /// The host that is asked for.
    Host,
    /// Who asks, as its certificate says.
    Identity,
    /// The address the connection comes from.
    SourceIp,
    /// The address of the waypoint, which is what ztunnel sees behind it.
    WaypointIp,
    /// The address the client had before proxies.
    RemoteIp,
    /// The address that is asked.
    DestinationIp,
    /// The port that is asked.
    DestinationPort,
    /// Issuer and subject of a JSON web token.
    Token,
    /// Another claim of it, by its name.
    Claim(String),
    /// A header, by its name.
    Header(String),
    /// The server name of the TLS handshake.
    Sni,
    /// Metadata of an Envoy filter, by its name.
    Metadata(String),
}

/// What an attribute is in one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// It is not there.
    Absent,
    /// An identity.
    Identity(Identity),
    /// An address.
    Ip(IpAddr),
    /// A port.
    Port(u16),
    /// Issuer and subject.
    Token {
        /// `iss`
        issuer: String,
        /// `sub`
        subject: String,
    },
    /// All else.
    Text(String),
}

/// An identity as Istio gives them: `TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    text: String,
    trust_domain: usize,
    namespace: usize,
}

// === impl Identity ===

impl Identity {
    const NAMESPACE: &'static str = "/ns/";
    const ACCOUNT: &'static str = "/sa/";

    /// From its parts.
    pub fn new(trust_domain: &str, namespace: &str, account: &str) -> Self {
        let (ns, sa) = (Self::NAMESPACE, Self::ACCOUNT);
        Self {
            text: format!("{trust_domain}{ns}{namespace}{sa}{account}"),
            trust_domain: trust_domain.len(),
            namespace: namespace.len(),
        }
    }

    /// From its text without `spiffe://`; none where it has not this form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let whole = [(); 5].map(|()| parts.next());
        let [
            Some(trust_domain),
            Some("ns"),
            Some(namespace),
            Some("sa"),
            Some(account),
        ] = whole
        else {
            return None;
        };
        let is_whole = parts.next().is_none();
        let has_all = !trust_domain.is_empty() && !namespace.is_empty() && !account.is_empty();
        (is_whole && has_all).then(|| Self::new(trust_domain, namespace, account))
    }

    /// Without `spiffe://`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its first part.
    pub fn trust_domain(&self) -> &str {
        self.text.get(..self.trust_domain).unwrap_or_default()
    }

    /// Where the workload is.
    pub fn namespace(&self) -> &str {
        let start = self.trust_domain + Self::NAMESPACE.len();
        let end = start + self.namespace;
        self.text.get(start..end).unwrap_or_default()
    }

    /// What the workload runs as.
    pub fn service_account(&self) -> &str {
        let names = Self::NAMESPACE.len() + Self::ACCOUNT.len();
        let start = self.trust_domain + self.namespace + names;
        self.text.get(start..).unwrap_or_default()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

// === impl Attribute ===

impl Attribute {
    /// As a request's object names it: `sourceIp`, `header x-token`.
    pub fn name(&self) -> String {
        let plain = match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Host => "host",
            Self::Identity => "principal",
            Self::SourceIp => "sourceIp",
            Self::WaypointIp => "waypointIp",
            Self::RemoteIp => "remoteIp",
            Self::DestinationIp => "destinationIp",
            Self::DestinationPort => "destinationPort",
            Self::Token => "requestPrincipal",
            Self::Sni => "sni",
            Self::Claim(name) => return format!("claim {name}"),
            Self::Header(name) => return format!("header {name}"),
            Self::Metadata(name) => return format!("metadata {name}"),
        };
        plain.to_owned()
    }
}

// === impl Value ===

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Identity(identity) => fmt::Display::fmt(identity, formatter),
            Self::Ip(address) => fmt::Display::fmt(address, formatter),
            Self::Port(port) => fmt::Display::fmt(port, formatter),
            Self::Token { issuer, subject } => write!(formatter, "{issuer}/{subject}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// A port as a number, null where it is absent, all else as its text.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Port(port) => serializer.serialize_u16(*port),
            Self::Identity(_) | Self::Ip(_) | Self::Token { .. } | Self::Text(_) => {
                serializer.collect_str(self)
            }
        }
    }
}
