//! Text that borrows from the JSON, also inside lists and as keys.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// A string of the policy; owned only where the JSON escapes something in it.
///
/// A plain `Cow` borrows as a field, but serde copies it as a list's element or a map's key.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The names of the fields of one object that we do not know. Their values are skipped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unknown<'a>(pub Vec<Text<'a>>);

// === impl Text ===

#[cfg(test)]
impl Text<'_> {
    pub(super) fn as_cow(&self) -> &Cow<'_, str> {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

// === impl Unknown ===

impl<'de: 'a, 'a> Deserialize<'de> for Unknown<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesOnly)
    }
}

struct NamesOnly;

impl<'de> Visitor<'de> for NamesOnly {
    type Value = Unknown<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.push(name);
        }
        Ok(Unknown(names))
    }
}
