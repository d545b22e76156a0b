//! What a policy does with the requests that its rules match.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::Text;

/// What a policy does with the requests its rules match.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Action<'a> {
    /// Lets them through, and refuses all others.
    #[default]
    Allow,
    /// Refuses them.
    Deny,
    /// Marks them for the audit log.
    Audit,
    /// Asks an external provider.
    Custom,
    /// None that we know.
    Unknown(Text<'a>),
}

// === impl Action ===

impl Action<'_> {
    /// The action as a policy writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Allow => "ALLOW",
            Self::Deny => "DENY",
            Self::Audit => "AUDIT",
            Self::Custom => "CUSTOM",
            Self::Unknown(name) => name,
        }
    }
}

/// By name, or by number as protobuf's JSON also allows (a cluster's API server does not).
impl<'de: 'a, 'a> Deserialize<'de> for Action<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActionVisitor)
    }
}

struct ActionVisitor;

impl<'de> de::Visitor<'de> for ActionVisitor {
    type Value = Action<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one of ALLOW, DENY, AUDIT, CUSTOM")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Action::Allow)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(match number {
            0 => Action::Allow,
            1 => Action::Deny,
            2 => Action::Audit,
            3 => Action::Custom,
            other => Action::Unknown(Text::from(other.to_string())),
        })
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(action_named(Text::from(name)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(action_named(Text::from(name.to_owned())))
    }
}

fn action_named(name: Text<'_>) -> Action<'_> {
    match &*name {
        "ALLOW" => Action::Allow,
        "DENY" => Action::Deny,
        "AUDIT" => Action::Audit,
        "CUSTOM" => Action::Custom,
        _ => Action::Unknown(name),
    }
}
