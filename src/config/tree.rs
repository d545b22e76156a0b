//! YAML as a tree that remembers where each value stands, so that every mistake can be shown at its place
//! and not only the first.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned, UserMessageFormatter};

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: u64,
    /// In characters, from 1.
    pub(crate) column: u64,
}

/// What YAML can say.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Text(String),
    /// A scalar that is no text, as it would be written: `true`, `10`.
    Other(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A file that is not YAML.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// Reads `text`.
///
/// # Errors
/// The place and cause of what is not YAML.
pub(crate) fn read(text: &str) -> Result<Node, NotYaml> {
    // `off` is a value of ours: only `true` and `false` are booleans, as in YAML 1.2.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error
            .location()
            .map_or(Place { line: 1, column: 1 }, Place::from);
        NotYaml {
            place,
            message: in_words(&error),
        }
    })
}

/// What is wrong with YAML, for who wrote it and not for who calls the parser.
pub(crate) fn in_words(error: &serde_saphyr::Error) -> String {
    let formatter = UserMessageFormatter;
    error.without_snippet().render_with_formatter(&formatter)
}

// === impl Node ===

impl Node {
    /// The value at `key` of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .find(|(name, _)| *name == key)
            .map(|(_, node)| node)
    }

    /// The entries of a map whose keys are text.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries: &[(Self, Self)] = match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Text(_) | Value::Other(_) | Value::List(_) => &[],
        };
        entries
            .iter()
            .filter_map(|(key, node)| key.text().map(|key| (key, node)))
    }

    /// The value at this path of map keys, as far as it is there.
    pub(crate) fn nearest<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> &Self {
        let mut nearest = self;
        for key in path {
            match nearest.get(key) {
                Some(node) => nearest = node,
                None => break,
            }
        }
        nearest
    }

    /// The same without places. Of a key that is there twice the last counts, as for Kubernetes.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Text(text) => serde_json::Value::String(text.clone()),
            Value::Other(scalar) => {
                let text = || serde_json::Value::String(scalar.clone());
                serde_json::from_str(scalar).unwrap_or_else(|_| text())
            }
            Value::List(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, node)| (key.key(), node.to_json()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }

    /// As the key of a JSON object.
    fn key(&self) -> String {
        match &self.value {
            Value::Text(text) | Value::Other(text) => text.clone(),
            Value::Null | Value::List(_) | Value::Map(_) => self.value.to_string(),
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.value {
            Value::List(elements) => elements,
            Value::Null | Value::Text(_) | Value::Other(_) | Value::Map(_) => &[],
        }
    }

    /// The value of a boolean.
    pub(crate) fn bool(&self) -> Option<bool> {
        match &self.value {
            Value::Other(scalar) => scalar.parse().ok(),
            Value::Null | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of a whole number.
    pub(crate) fn number(&self) -> Option<i64> {
        match &self.value {
            Value::Other(scalar) => scalar.parse().ok(),
            Value::Null | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The text of a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Other(_) | Value::List(_) | Value::Map(_) => None,
        }
    }
}

impl fmt::Display for Value {
    /// As a person would name it in a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Other(scalar) => f.write_str(scalar),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a map"),
        }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line().max(1),
            column: location.column().max(1),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            place: spanned.referenced.into(),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}
