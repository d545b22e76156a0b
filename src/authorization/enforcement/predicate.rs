//! One comparison of an attribute with one value of a policy, as Envoy or ztunnel makes it.

// Addresses only: `core::net` has no sockets.
use core::net::IpAddr;
use std::borrow::Cow;

use super::attribute::{Identity, Value};
use super::received::Network;
use super::template::Template;

/// One comparison. An attribute that is absent meets none.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Predicate<'a> {
    /// A text.
    Text(Pattern<'a>),
    /// A path with `{*}` or `{**}`.
    Path(Template<'a>),
    /// The whole identity, without `spiffe://`.
    Principal(Pattern<'a>),
    /// The namespace of an identity.
    Namespace(Pattern<'a>),
    /// `/ns/` and this glob somewhere in an identity: Envoy's reading of `namespaces`.
    NamespaceGlob(Cow<'a, str>),
    /// The trust domain of an identity: as Envoy reads `trustDomains`.
    TrustDomain(Cow<'a, str>),
    /// Namespace and name of the service account.
    ServiceAccount(Cow<'a, str>, Cow<'a, str>),
    /// A range of addresses.
    Network(Network),
    /// A port.
    Port(u16),
    /// Issuer and subject of a token.
    Token(Pattern<'a>, Pattern<'a>),
    /// The issuer alone.
    Issuer(Pattern<'a>),
    /// The subject alone.
    Subject(Pattern<'a>),
}

/// How a text is compared.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Pattern<'a> {
    pub(super) how: How,
    /// Empty for [`How::Present`].
    pub(super) text: Cow<'a, str>,
    pub(super) ignore_case: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum How {
    Present,
    Prefix,
    Suffix,
    Exact,
}

// === impl Predicate ===

impl Predicate<'_> {
    /// Whether `value` meets it. One of another kind does not.
    pub(super) fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(pattern), Value::Text(text)) => pattern.matches(text),
            (Self::Path(template), Value::Text(text)) => template.matches(text),
            (Self::Network(network), Value::Ip(address)) => contains(*network, *address),
            (Self::Port(own), Value::Port(port)) => own == port,
            (_, Value::Identity(identity)) => self.matches_identity(identity),
            (_, Value::Token { issuer, subject }) => self.matches_token(issuer, subject),
            (_, Value::Absent | Value::Ip(_) | Value::Port(_) | Value::Text(_)) => false,
        }
    }

    fn matches_identity(&self, identity: &Identity) -> bool {
        match self {
            Self::Principal(pattern) => pattern.matches(identity.as_str()),
            Self::Namespace(pattern) => pattern.matches(identity.namespace()),
            Self::NamespaceGlob(glob) => has_namespace(identity.as_str(), glob),
            Self::TrustDomain(value) => has_trust_domain(identity.as_str(), value),
            Self::ServiceAccount(namespace, account) => {
                identity.namespace() == namespace && identity.service_account() == account
            }
            Self::Text(_) | Self::Path(_) | Self::Network(_) | Self::Port(_) => false,
            Self::Token(..) | Self::Issuer(_) | Self::Subject(_) => false,
        }
    }

    fn matches_token(&self, issuer: &str, subject: &str) -> bool {
        match self {
            Self::Token(of_issuer, of_subject) => {
                of_issuer.matches(issuer) && of_subject.matches(subject)
            }
            Self::Issuer(pattern) => pattern.matches(issuer),
            Self::Subject(pattern) => pattern.matches(subject),
            Self::Text(_) | Self::Path(_) | Self::Network(_) | Self::Port(_) => false,
            Self::Principal(_) | Self::Namespace(_) | Self::NamespaceGlob(_) => false,
            Self::TrustDomain(_) | Self::ServiceAccount(..) => false,
        }
    }
}

/// Envoy matches the regular expression `.*/ns/GLOB/.*` with the whole identity (istio
/// `pilot/pkg/security/authz/model/generator.go`, `srcNamespaceGenerator`). So a `*` may also stand for
/// what comes after the namespace.
fn has_namespace(identity: &str, glob: &str) -> bool {
    let starts = identity.match_indices("/ns/");
    starts
        .filter_map(|(at, ns)| identity.get(at + ns.len()..))
        .any(|rest| glob_before_slash(glob, rest))
}

/// Whether `text` begins with what `glob` stands for, and a slash comes next.
fn glob_before_slash(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => text
            .strip_prefix(glob)
            .is_some_and(|rest| rest.starts_with('/')),
        Some((literal, rest_of_glob)) => text.strip_prefix(literal).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| {
                let rest = rest.get(at..).unwrap_or_default();
                glob_before_slash(rest_of_glob, rest)
            })
        }),
    }
}

/// `spiffe://VALUE/` at the beginning, where the first `*` stands for no slash (the same file,
/// `srcTrustDomainGenerator`).
fn has_trust_domain(identity: &str, value: &str) -> bool {
    let begins = |text: &str, with: &str| {
        let rest = text.strip_prefix(with);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let Some((before, after)) = value.split_once('*') else {
        return begins(identity, value);
    };
    let Some(rest) = identity.strip_prefix(before) else {
        return false;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    value == "*" || (0..=end).any(|at| rest.get(at..).is_some_and(|rest| begins(rest, after)))
}

fn contains(network: Network, address: IpAddr) -> bool {
    let (first, last) = range(network);
    let is_same_family = network.address.is_ipv4() == address.is_ipv4();
    is_same_family && (first..=last).contains(&number(address))
}

/// The first and the last address of a network, as numbers.
pub(super) fn range(network: Network) -> (u128, u128) {
    let free = u32::from(Network::bits(network.address) - network.length);
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    let address = number(network.address);
    (address & !mask, address | mask)
}

pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

// === impl Pattern ===

impl<'a> Pattern<'a> {
    /// As both enforcers read most texts: a `*` at the beginning or, failing that, at the end is a
    /// wildcard, alone it stands for anything that is not empty (istio
    /// `pilot/pkg/security/authz/matcher/string.go`).
    pub(super) fn of(value: impl Into<Cow<'a, str>>) -> Self {
        let value = value.into();
        if value == "*" {
            return Self::new(How::Present, "");
        }
        if value.starts_with('*') {
            return Self::new(How::Suffix, cut(value, 1, 0));
        }
        if value.ends_with('*') {
            return Self::new(How::Prefix, cut(value, 0, 1));
        }
        Self::new(How::Exact, value)
    }

    pub(super) fn new(how: How, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            how,
            text: text.into(),
            ignore_case: false,
        }
    }

    pub(super) fn exact(text: &'a str) -> Self {
        Self::new(How::Exact, text)
    }

    /// The same, for what has no upper and lower case.
    pub(super) fn ignoring_case(self) -> Self {
        Self {
            ignore_case: true,
            ..self
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let own = &*self.text;
        let equal = |part: Option<&str>| match part {
            Some(part) if self.ignore_case => part.eq_ignore_ascii_case(own),
            Some(part) => part == own,
            None => false,
        };
        match self.how {
            How::Present => !text.is_empty(),
            How::Prefix => equal(text.get(..own.len())),
            How::Suffix => {
                let start = text.len().checked_sub(own.len());
                equal(start.and_then(|start| text.get(start..)))
            }
            How::Exact => equal(Some(text)),
        }
    }
}

/// Without so many bytes at the beginning and at the end.
fn cut(text: Cow<'_, str>, start: usize, end: usize) -> Cow<'_, str> {
    let kept = start..text.len() - end;
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(kept).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(kept).unwrap_or_default().to_owned()),
    }
}
