//! How deep a document is parsed while it is read for the first time.

use std::borrow::Cow;
use std::fmt;

use cel::common::types::CelString;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::read::{Raw, read_seed};
use super::{Node, Object};

/// How deep an object is parsed in the first pass; what is left [`Raw`](Depth::Raw) is parsed on demand.
#[derive(Debug, Clone, Copy)]
pub enum Depth {
    /// Not at all: only skipped.
    Raw,
    /// Not even checked: for what was, or what rules have no use for.
    Brackets,
    /// A string, and nothing else.
    Text,
    /// An object: its keys, and below them as is said for each.
    Open {
        /// For these keys, at most 32.
        named: &'static [(&'static str, Self)],
        /// For every other key.
        rest: &'static Self,
    },
}

// === impl Depth ===

impl Depth {
    /// The keys of an object, nothing below.
    pub const SHALLOW: Self = Self::open(&[]);
    /// The same of what was checked already, as all is that was skipped on the way to it (but `managedFields`).
    pub(super) const CHECKED: Self = Self::Open {
        named: &[],
        rest: &Self::Brackets,
    };
    /// An object whose values are all strings, as labels and annotations are.
    pub const TEXTS: Self = Self::Open {
        named: &[],
        rest: &Self::Text,
    };

    /// An object, below the named keys as they say.
    pub const fn open(named: &'static [(&'static str, Self)]) -> Self {
        Self::Open {
            named,
            rest: &Self::Raw,
        }
    }

    /// Parses `text` this deep.
    ///
    /// # Errors
    /// Not JSON, or not an object where [`Open`](Self::Open) asks for one (`null` is allowed).
    pub fn parse<'a>(&self, text: &'a str) -> Result<Node<'a>, serde_json::Error> {
        read_seed(text, *self)
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        match self {
            Self::Raw => <Raw<'de> as serde::Deserialize>::deserialize(deserializer).map(Node::raw),
            Self::Brackets => Raw::by_brackets(deserializer).map(Node::raw),
            Self::Text => <Key<'de> as serde::Deserialize>::deserialize(deserializer)
                .map(|Key(text)| Node::string(text)),
            Self::Open { named, rest } => deserializer.deserialize_any(OpenVisitor { named, rest }),
        }
    }
}

struct OpenVisitor {
    named: &'static [(&'static str, Depth)],
    rest: &'static Depth,
}

impl<'de> Visitor<'de> for OpenVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::null())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut entries: Vec<(CelString<'de>, Node<'de>)> = Vec::with_capacity(12);
        let mut seen = 0_u32;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let named = self.named.iter().position(|(name, _)| *name == key);
            let depth = match named {
                None => self.rest,
                Some(index) if seen & (1 << index) == 0 => {
                    seen |= 1 << index;
                    &self.named[index].1
                }
                Some(index) => return Err(de::Error::duplicate_field(self.named[index].0)),
            };
            let node = map.next_value_seed(*depth)?;
            // Where Kubernetes has an object, it reads null as absent.
            if named.is_none() || !node.is_null() {
                entries.push((CelString::from(key), node));
            }
        }
        Ok(Node::object(Object { entries }))
    }
}

/// A string that borrows from the document where it holds no escapes.
#[derive(serde::Deserialize)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// An element of an array that was checked already.
pub(super) struct Element<'a>(pub(super) Raw<'a>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Raw::by_brackets(deserializer).map(Self)
    }
}
