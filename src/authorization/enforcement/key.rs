//! What Envoy compares: the fields of a policy and the keys of its `when` clauses, by the attribute they mean
//! (istio `pilot/pkg/security/authz/model/model.go`, `New`).

use super::attribute::Attribute;
use crate::authorization::policy::{OperationField, SourceField};

/// What Envoy compares.
pub(super) enum Key {
    Method,
    Path,
    Host,
    SourceIp,
    RemoteIp,
    DestinationIp,
    DestinationPort,
    Principal,
    Namespace,
    ServiceAccount,
    TrustDomain,
    RequestPrincipal,
    Issuer,
    Subject,
    Claim(String),
    Header(String),
    Sni,
    Metadata(String),
    /// It begins as a key does, and names nothing in brackets.
    Malformed,
}

// === impl Key ===

impl Key {
    /// Of a `when` clause; none where Envoy does not know it.
    pub(super) fn of(key: &str) -> Option<Self> {
        Some(match key {
            "destination.ip" => Self::DestinationIp,
            "destination.port" => Self::DestinationPort,
            "connection.sni" => Self::Sni,
            "source.ip" => Self::SourceIp,
            "remote.ip" => Self::RemoteIp,
            "source.namespace" => Self::Namespace,
            "source.trustDomain" => Self::TrustDomain,
            "source.serviceAccount" => Self::ServiceAccount,
            "source.principal" => Self::Principal,
            "request.auth.principal" => Self::RequestPrincipal,
            "request.auth.audiences" => Self::Claim("aud".to_owned()),
            "request.auth.presenter" => Self::Claim("azp".to_owned()),
            _ => {
                let header = key.strip_prefix("request.headers").map(Self::header);
                let claim = || key.strip_prefix("request.auth.claims").map(Self::claim);
                let filter = || key.strip_prefix("experimental.").map(Self::metadata);
                header.or_else(claim).or_else(filter).flatten()?
            }
        })
    }

    fn header(brackets: &str) -> Option<Self> {
        let Some(name) = in_brackets(brackets) else {
            return Some(Self::Malformed);
        };
        let name = name.to_ascii_lowercase();
        Some(match name.as_str() {
            ":method" => Self::Method,
            // Envoy gives this header the other name.
            "host" => Self::Header(":authority".to_owned()),
            _ => Self::Header(name),
        })
    }

    fn claim(brackets: &str) -> Option<Self> {
        Some(match in_brackets(brackets) {
            Some("iss") => Self::Issuer,
            Some("sub") => Self::Subject,
            Some(name) => Self::Claim(name.to_owned()),
            None => Self::Malformed,
        })
    }

    /// `envoy.filters.a.b[c]`
    fn metadata(name: &str) -> Option<Self> {
        name.strip_prefix("envoy.filters.")?;
        Some(match name.split_once('[') {
            Some(_) => Self::Metadata(name.to_owned()),
            None => Self::Malformed,
        })
    }

    pub(super) fn attribute(&self) -> Attribute {
        match self {
            Self::Method => Attribute::Method,
            Self::Path => Attribute::Path,
            Self::Host => Attribute::Host,
            Self::SourceIp => Attribute::SourceIp,
            Self::RemoteIp => Attribute::RemoteIp,
            Self::DestinationIp => Attribute::DestinationIp,
            Self::DestinationPort => Attribute::DestinationPort,
            Self::Principal | Self::Namespace | Self::ServiceAccount | Self::TrustDomain => {
                Attribute::Identity
            }
            Self::RequestPrincipal | Self::Issuer | Self::Subject => Attribute::Token,
            Self::Claim(name) => Attribute::Claim(name.clone()),
            Self::Header(name) => match name.as_str() {
                // The same but for the query.
                ":path" => Attribute::Path,
                ":authority" => Attribute::Host,
                _ => Attribute::Header(name.clone()),
            },
            Self::Sni => Attribute::Sni,
            Self::Metadata(name) => Attribute::Metadata(name.clone()),
            // Without a predicate there is no test.
            Self::Malformed => Attribute::Method,
        }
    }

    /// Of a field, and whether it is negated.
    pub(super) fn of_source(field: SourceField) -> (Self, bool) {
        match field {
            SourceField::Principals => (Self::Principal, false),
            SourceField::NotPrincipals => (Self::Principal, true),
            SourceField::RequestPrincipals => (Self::RequestPrincipal, false),
            SourceField::NotRequestPrincipals => (Self::RequestPrincipal, true),
            SourceField::Namespaces => (Self::Namespace, false),
            SourceField::NotNamespaces => (Self::Namespace, true),
            SourceField::ServiceAccounts => (Self::ServiceAccount, false),
            SourceField::NotServiceAccounts => (Self::ServiceAccount, true),
            SourceField::IpBlocks => (Self::SourceIp, false),
            SourceField::NotIpBlocks => (Self::SourceIp, true),
            SourceField::RemoteIpBlocks => (Self::RemoteIp, false),
            SourceField::NotRemoteIpBlocks => (Self::RemoteIp, true),
            SourceField::TrustDomains => (Self::TrustDomain, false),
            SourceField::NotTrustDomains => (Self::TrustDomain, true),
        }
    }

    /// Of a field, and whether it is negated.
    pub(super) fn of_operation(field: OperationField) -> (Self, bool) {
        match field {
            OperationField::Hosts => (Self::Host, false),
            OperationField::NotHosts => (Self::Host, true),
            OperationField::Ports => (Self::DestinationPort, false),
            OperationField::NotPorts => (Self::DestinationPort, true),
            OperationField::Methods => (Self::Method, false),
            OperationField::NotMethods => (Self::Method, true),
            OperationField::Paths => (Self::Path, false),
            OperationField::NotPaths => (Self::Path, true),
        }
    }
}

/// `[NAME]`; nested brackets stay in the name.
pub(super) fn in_brackets(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}
