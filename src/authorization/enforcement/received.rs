//! What istiod sends to ztunnel for one policy, in the form of `policies` at istiod's `/debug/ambientz`:
//! the JSON of `istio.security.Authorization` (istio `pkg/workloadapi/security/authorization.proto`),
//! in which a field with its default value is left out.

// Addresses only: `core::net` has no sockets.
use core::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// One policy as ztunnel gets it. A request matches it when one of the groups does.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The policy's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The policy's namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Whom it holds for.
    #[serde(skip_serializing_if = "is_default")]
    pub scope: Scope,
    /// What it does.
    #[serde(skip_serializing_if = "is_default")]
    pub action: Action,
    /// One for each rule that is left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Only logged, never enforced.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
}

/// Whom a policy holds for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// All workloads of the mesh.
    #[default]
    Global,
    /// All of its namespace.
    Namespace,
    /// Those that refer to it.
    WorkloadSelector,
}

/// What a policy does with the connections that it matches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Lets them through, and refuses all others.
    #[default]
    Allow,
    /// Refuses them.
    Deny,
}

/// One rule: all of its clauses have to match; without any it matches everything.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Group {
    /// `to`, `from`, and one for each `when`, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Clause>,
}

/// One clause: one of its alternatives has to match, and an empty one never does.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Clause {
    /// The alternatives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
}

/// One alternative: each list that is not empty has to have a value that matches, or none for `not_…`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the proto, by their names")]
pub struct Match {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<StringMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_namespaces: Vec<StringMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<ServiceAccountMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_service_accounts: Vec<ServiceAccountMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<StringMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_principals: Vec<StringMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_source_ips: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_ips: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_destination_ips: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_ports: Vec<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_destination_ports: Vec<u16>,
}

/// How a text is compared.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StringMatch {
    /// With all of it.
    Exact(String),
    /// With its beginning.
    Prefix(String),
    /// With its end.
    Suffix(String),
    /// It is there.
    Presence {},
}

/// A service account, whatever its trust domain.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountMatch {
    /// Where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account: String,
}

/// A range of addresses. The proto calls it `Address`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network {
    /// An address in the range, as it was written.
    pub address: IpAddr,
    /// How many bits of it count.
    pub length: u8,
}

// === impl Match ===

impl Match {
    /// Whether it tests nothing. ztunnel skips such an alternative (`src/rbac.rs`, `matches`).
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

// === impl StringMatch ===

impl StringMatch {
    /// As istiod reads a value (`pilot/pkg/serviceregistry/ambient/authorization.go`, `stringToMatch`):
    /// only a `*` at the beginning or, failing that, at the end is a wildcard.
    pub fn of(value: &str) -> Self {
        match (value, value.strip_prefix('*'), value.strip_suffix('*')) {
            ("*", _, _) => Self::Presence {},
            (_, Some(suffix), _) => Self::Suffix(suffix.to_owned()),
            (_, None, Some(prefix)) => Self::Prefix(prefix.to_owned()),
            (_, None, None) => Self::Exact(value.to_owned()),
        }
    }
}

// === impl ServiceAccountMatch ===

impl ServiceAccountMatch {
    /// `NAMESPACE/NAME`, or a name in the namespace of the policy.
    pub fn of(value: &str, namespace: &str) -> Self {
        let (namespace, service_account) = value.split_once('/').unwrap_or((namespace, value));
        Self {
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
        }
    }
}

// === impl Network ===

impl Network {
    /// An address or a range, as Go's `net/netip` reads it; none where it does not.
    pub fn of(value: &str) -> Option<Self> {
        let Some((address, length)) = value.split_once('/') else {
            let address: IpAddr = without_zone(value).parse().ok()?;
            let length = Self::bits(address);
            return Some(Self { address, length });
        };
        let address: IpAddr = address.parse().ok()?;
        let is_plain = length.bytes().all(|digit| digit.is_ascii_digit())
            && (length == "0" || !length.starts_with('0'));
        let length: u8 = length.parse().ok().filter(|_| is_plain)?;
        (length <= Self::bits(address)).then_some(Self { address, length })
    }

    /// How many bits its addresses have.
    pub fn bits(address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }
}

/// Without the zone of an IPv6 address, which neither enforcer compares.
fn without_zone(address: &str) -> &str {
    match address.split_once('%') {
        Some((before, zone)) if before.contains(':') && !zone.is_empty() => before,
        Some(_) | None => address,
    }
}

/// `bytes` are base64 in the JSON of protobuf.
impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = match self.address {
            IpAddr::V4(address) => STANDARD.encode(address.octets()),
            IpAddr::V6(address) => STANDARD.encode(address.octets()),
        };
        let fields = 1 + usize::from(self.length > 0);
        let mut object = serializer.serialize_struct("Address", fields)?;
        object.serialize_field("address", &bytes)?;
        if self.length > 0 {
            object.serialize_field("length", &self.length)?;
        }
        object.end()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
