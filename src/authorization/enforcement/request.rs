//! One request, as far as it matters: what is not named may be anything.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::attribute::{Attribute, Value};

/// A request that shows a difference: `POST /admin as cluster.local/ns/prod/sa/web from 10.0.0.1 to 8080`.
///
/// As an object it has a member for each attribute that matters, null for one that is absent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Each attribute once, in order.
    parts: Vec<(Attribute, Value)>,
}

// === impl Request ===

impl Request {
    pub(super) fn new(mut parts: Vec<(Attribute, Value)>) -> Self {
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { parts }
    }

    /// The attributes that matter, each with its value.
    pub fn parts(&self) -> impl Iterator<Item = (&Attribute, &Value)> {
        self.parts
            .iter()
            .map(|(attribute, value)| (attribute, value))
    }

    /// The value of an attribute; none where it does not matter.
    pub fn value(&self, attribute: &Attribute) -> Option<&Value> {
        let mut parts = self.parts();
        parts.find_map(|(own, value)| (own == attribute).then_some(value))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |attribute| self.value(&attribute).map(ToString::to_string);
        match (text(Attribute::Method), text(Attribute::Path)) {
            (Some(method), Some(path)) => write!(formatter, "{method} {path}")?,
            (Some(one), None) | (None, Some(one)) => formatter.write_str(&one)?,
            (None, None) => formatter.write_str("any request")?,
        }
        let has_port = self.value(&Attribute::DestinationPort).is_some();
        let has_address = self.value(&Attribute::DestinationIp).is_some();
        let mut parts = self.parts();
        parts.try_for_each(|(attribute, value)| match (attribute, value) {
            (Attribute::Method | Attribute::Path, _) => Ok(()),
            (Attribute::Identity, Value::Absent) => formatter.write_str(" without an identity"),
            (Attribute::Identity, value) => write!(formatter, " as {value}"),
            (Attribute::Host, value) => write!(formatter, " at host {value}"),
            (Attribute::SourceIp, value) => write!(formatter, " from {value}"),
            (Attribute::WaypointIp, value) => write!(formatter, " through a waypoint at {value}"),
            (Attribute::RemoteIp, value) => write!(formatter, " for a client at {value}"),
            (Attribute::DestinationIp, Value::Ip(address)) if has_port && address.is_ipv6() => {
                write!(formatter, " to [{address}]")
            }
            (Attribute::DestinationIp, value) => write!(formatter, " to {value}"),
            (Attribute::DestinationPort, value) if has_address => write!(formatter, ":{value}"),
            (Attribute::DestinationPort, value) => write!(formatter, " to {value}"),
            (Attribute::Token, _) => write_named(formatter, "a token of", "a token", value),
            (Attribute::Claim(name), _) => write_named(
                formatter,
                &format!("claim {name}"),
                &format!("claim {name}"),
                value,
            ),
            (Attribute::Header(name), _) => write_named(
                formatter,
                &format!("header {name}:"),
                &format!("header {name}"),
                value,
            ),
            (Attribute::Sni, _) => write_named(formatter, "SNI", "SNI", value),
            (Attribute::Metadata(name), _) => write_named(formatter, name, name, value),
        })
    }
}

fn write_named(
    formatter: &mut fmt::Formatter<'_>,
    with: &str,
    without: &str,
    value: &Value,
) -> fmt::Result {
    match value {
        Value::Absent => write!(formatter, " without {without}"),
        Value::Identity(_)
        | Value::Ip(_)
        | Value::Port(_)
        | Value::Token { .. }
        | Value::Text(_) => {
            write!(formatter, " with {with} {value}")
        }
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.parts.len()))?;
        for (attribute, value) in self.parts() {
            map.serialize_entry(&attribute.name(), value)?;
        }
        map.end()
    }
}
