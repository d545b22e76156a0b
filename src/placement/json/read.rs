//! Reads JSON into types of serde that borrow from it, as `serde_json` does, with a faster way past what
//! is only skipped ([`skip`]).
//!
//! It knows objects, arrays, strings, booleans and null, and has no words for mistakes: a document that it
//! cannot read is given to `serde_json`, which reads it after all or says what is wrong and where.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::skip;

/// The JSON text of a value that was only skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// Reads the one value in `text` as `seed` says.
///
/// # Errors
/// Not JSON, or not what `seed` asks for, with line and column.
pub(super) fn read_seed<'a, S>(text: &'a str, seed: S) -> Result<S::Value, serde_json::Error>
where
    S: DeserializeSeed<'a> + Copy,
{
    if let Some(value) = Reader::read(text, seed) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads the one value in `text`.
///
/// # Errors
/// Not JSON, or not a `T`, with line and column.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    read_seed(text, Plain(std::marker::PhantomData))
}

/// A type as the seed of itself.
struct Plain<T>(std::marker::PhantomData<T>);

/// What stands at `at`.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// The document is one for `serde_json`.
#[derive(Debug)]
struct NotRead;

/// The name by which [`Raw`] makes itself known.
const RAW: &str = "$meshmode::Raw";
/// The same of one that is skipped by its brackets alone.
const BRACKETS: &str = "$meshmode::Brackets";

// === impl Raw ===

impl<'a> Raw<'a> {
    /// The text, which is one JSON value.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// One that is not checked: what stands between its brackets may be no JSON.
    pub(super) fn by_brackets<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(BRACKETS, RawVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw(text))
    }

    /// From a deserializer of `serde_json`.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Raw<'de>, D::Error> {
        <&RawValue>::deserialize(from).map(|raw| Raw(raw.get()))
    }
}

// === impl Plain ===

impl<T> Clone for Plain<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plain<T> {}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Plain<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

// === impl Reader ===

impl<'de> Reader<'de> {
    /// All of `text`, without the help of `serde_json`.
    fn read<S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Option<S::Value> {
        // The API server's ends in a line feed. Not `trim_ascii_end`: JSON has no form feed.
        let text = text.trim_end_matches([' ', '\n', '\r', '\t']);
        if skip::has_control(text.as_bytes()) {
            return None;
        }
        let mut reader = Self { text, at: 0 };
        let value = reader.value(seed).ok()?;
        (skip::space(text.as_bytes(), reader.at) == text.len()).then_some(value)
    }

    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NotRead> {
        self.at = skip::space(self.text.as_bytes(), self.at);
        seed.deserialize(self)
    }

    fn peek(&self) -> Result<u8, NotRead> {
        self.text.as_bytes().get(self.at).copied().ok_or(NotRead)
    }

    /// Moves past the value here.
    fn skip(&mut self) -> Result<&'de str, NotRead> {
        self.up_to(skip::value(self.text.as_bytes(), self.at))
    }

    /// Moves past the value here, unchecked where it has brackets.
    fn skip_by_brackets(&mut self) -> Result<&'de str, NotRead> {
        match self.peek()? {
            b'{' | b'[' => self.up_to(skip::brackets(self.text.as_bytes(), self.at)),
            _ => self.skip(),
        }
    }

    fn up_to(&mut self, end: Option<usize>) -> Result<&'de str, NotRead> {
        let end = end.ok_or(NotRead)?;
        let text = self.text.get(self.at..end).ok_or(NotRead)?;
        self.at = end;
        Ok(text)
    }

    fn null(&mut self) -> Result<(), NotRead> {
        self.skip().map(drop)
    }

    /// The string here; owned where it has escapes.
    fn string(&mut self) -> Result<Cow<'de, str>, NotRead> {
        let start = self.at + 1;
        let end = skip::special(self.text.as_bytes(), start);
        let plain = self.text.get(start..end).ok_or(NotRead)?;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(plain));
        }
        let text = serde_json::from_str(self.skip()?).map_err(|_| NotRead)?;
        Ok(Cow::Owned(text))
    }

    /// Moves past what opens a list, past a comma in it, or past its end.
    fn next(&mut self, first: &mut bool, end: u8) -> Result<Option<()>, NotRead> {
        let bytes = self.text.as_bytes();
        self.at = skip::space(bytes, self.at);
        match (std::mem::take(first), self.peek()?) {
            (_, byte) if byte == end => {
                self.at += 1;
                Ok(None)
            }
            (true, _) => Ok(Some(())),
            (false, b',') => {
                self.at = skip::space(bytes, self.at + 1);
                // A comma before the end is none of JSON's.
                if self.peek()? == end {
                    Err(NotRead)
                } else {
                    Ok(Some(()))
                }
            }
            (false, _) => Err(NotRead),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = NotRead;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        match self.peek()? {
            b'"' => Text(self.string()?).deserialize_any(visitor),
            b'{' => {
                self.at += 1;
                visitor.visit_map(Entries {
                    reader: self,
                    first: true,
                })
            }
            b'[' => {
                self.at += 1;
                visitor.visit_seq(Entries {
                    reader: self,
                    first: true,
                })
            }
            b'n' => self.null().and_then(|()| visitor.visit_unit()),
            b't' | b'f' => visitor.visit_bool(self.skip()? == "true"),
            // Numbers are for those who read them on demand.
            _ => Err(NotRead),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        match self.peek()? {
            b'n' => self.null().and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        match name {
            RAW => visitor.visit_borrowed_str(self.skip()?),
            BRACKETS => visitor.visit_borrowed_str(self.skip_by_brackets()?),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        self.skip().and_then(|_| visitor.visit_unit())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// A string, such as a key.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = NotRead;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRead> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotRead> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier option ignored_any
    }
}

/// What stands in an object or an array.
struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = NotRead;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, NotRead> {
        if self.reader.next(&mut self.first, b'}')?.is_none() {
            return Ok(None);
        }
        if self.reader.peek()? != b'"' {
            return Err(NotRead);
        }
        seed.deserialize(Text(self.reader.string()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NotRead> {
        let reader = &mut *self.reader;
        reader.at = skip::space(reader.text.as_bytes(), reader.at);
        if reader.peek()? != b':' {
            return Err(NotRead);
        }
        reader.at += 1;
        reader.value(seed)
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, 'de> {
    type Error = NotRead;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, NotRead> {
        match self.reader.next(&mut self.first, b']')? {
            None => Ok(None),
            Some(()) => self.reader.value(seed).map(Some),
        }
    }
}

// === impl NotRead ===

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read")
    }
}

impl std::error::Error for NotRead {}

impl de::Error for NotRead {
    /// Without the message: that is `serde_json`'s to make.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
