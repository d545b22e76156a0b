//! A Kubernetes object as CEL sees it: JSON that is parsed only where somebody looks.
//!
//! An [`Object`] knows its keys and where each value lies in the request body; a value is parsed the
//! first time it is asked for, one level at a time, and borrows its strings from the body. So an
//! expression pays for the path it reads and not for the whole Pod (no `managedFields`, no `env`).
//!
//! What expressions read is counted ([`Fuel`]): that bounds what a Pod's author can make a rule cost.

mod depth;
mod map;
mod read;
mod skip;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};

use self::depth::{Element, Key};
use self::map::ObjectRef;
use super::fuel::Fuel;

pub use self::depth::Depth;
pub use self::read::{Raw, read};

/// A JSON object: its keys in order, its values unparsed until asked for.
#[derive(Default)]
pub struct Object<'a> {
    entries: Vec<(CelString<'a>, Node<'a>)>,
}

/// One JSON value, parsed one level deep when first read.
pub struct Node<'a>(State<'a>);

enum State<'a> {
    /// Known already: a `OnceLock` that is filled when it is made costs as much as parsing.
    Known(Parsed<'a>),
    /// Parsed when it is read.
    Lazy(&'a str, OnceLock<Parsed<'a>>),
}

enum Parsed<'a> {
    Null,
    Bool(CelBool),
    Int(CelInt),
    Double(CelDouble),
    String(CelString<'a>),
    Array(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// How deep lists may stand in lists: Kubernetes has none, and a list is made at once with all in it.
const MAX_NESTED_LISTS: u8 = 16;

// === impl Object ===

impl<'a> Object<'a> {
    /// The value at `key`; the last one where a key is repeated, as Kubernetes reads it.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entries
            .iter()
            .rev()
            .find(|(k, _)| k.inner() == key)
            .map(|(_, node)| node)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys, in the order of the document.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.inner())
    }

    /// Adds a value known in other ways than by parsing the object.
    pub fn insert(&mut self, key: &'a str, node: Node<'a>) {
        self.entries.push((CelString::from(key), node));
    }

    /// This object as a CEL map that reads from `fuel`.
    pub fn to_val<'b>(&'b self, fuel: &'b Fuel) -> CowVal<'b, 'b> {
        CowVal::owned(ObjectRef { object: self, fuel })
    }
}

impl fmt::Debug for Object<'_> {
    /// Names the keys only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

// === impl Node ===

impl<'a> Node<'a> {
    /// A value that is parsed on demand.
    pub fn raw(raw: Raw<'a>) -> Self {
        Self(State::Lazy(raw.get(), OnceLock::new()))
    }

    /// A string known already.
    pub fn string(text: Cow<'a, str>) -> Self {
        Self::of(Parsed::String(match text {
            Cow::Borrowed(text) => CelString::from(text),
            Cow::Owned(text) => CelString::from(text),
        }))
    }

    /// A boolean known already.
    pub fn bool(value: bool) -> Self {
        Self::of(Parsed::Bool(CelBool::from(value)))
    }

    /// An object known already.
    pub fn object(object: Object<'a>) -> Self {
        Self::of(Parsed::Object(object))
    }

    /// `null`.
    pub fn null() -> Self {
        Self::of(Parsed::Null)
    }

    /// The JSON text; empty where the value was parsed in the first pass.
    pub fn text(&self) -> &'a str {
        match self.0 {
            State::Known(_) => "",
            State::Lazy(raw, _) => raw,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self.parsed() {
            Parsed::String(text) => Some(text.inner()),
            Parsed::Null
            | Parsed::Bool(_)
            | Parsed::Int(_)
            | Parsed::Double(_)
            | Parsed::Array(_)
            | Parsed::Object(_) => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self.parsed() {
            Parsed::Object(object) => Some(object),
            Parsed::Null
            | Parsed::Bool(_)
            | Parsed::Int(_)
            | Parsed::Double(_)
            | Parsed::Array(_)
            | Parsed::String(_) => None,
        }
    }

    /// The object, if it is one.
    pub fn into_object(self) -> Option<Object<'a>> {
        match self.into_parsed() {
            Parsed::Object(object) => Some(object),
            Parsed::Null
            | Parsed::Bool(_)
            | Parsed::Int(_)
            | Parsed::Double(_)
            | Parsed::Array(_)
            | Parsed::String(_) => None,
        }
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self.parsed() {
            Parsed::Array(elements) => Some(elements),
            Parsed::Null
            | Parsed::Bool(_)
            | Parsed::Int(_)
            | Parsed::Double(_)
            | Parsed::String(_)
            | Parsed::Object(_) => None,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self.parsed(), Parsed::Bool(value) if *value.inner())
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            State::Known(known) => matches!(known, Parsed::Null),
            // By its first letter: a list is not read to see that it is one.
            State::Lazy(raw, _) => raw.starts_with('n'),
        }
    }

    /// The value as CEL sees it; scalars are borrowed.
    pub fn to_val<'b>(&'b self, fuel: &'b Fuel) -> CowVal<'b, 'b> {
        self.to_val_within(fuel, MAX_NESTED_LISTS)
    }

    fn to_val_within<'b>(&'b self, fuel: &'b Fuel, depth: u8) -> CowVal<'b, 'b> {
        match self.parsed() {
            Parsed::Null => CowVal::Borrowed(&CelNull),
            Parsed::Bool(value) => CowVal::Borrowed(value),
            Parsed::Int(value) => CowVal::Borrowed(value),
            Parsed::Double(value) => CowVal::Borrowed(value),
            Parsed::String(value) => CowVal::Borrowed(value),
            Parsed::Object(object) => object.to_val(fuel),
            Parsed::Array(elements) => {
                let Some(depth) = depth.checked_sub(1) else {
                    fuel.spend();
                    return CowVal::Borrowed(&CelNull);
                };
                let boxed: Vec<Box<dyn Val + 'b>> = elements
                    .iter()
                    .map(|element| element.to_val_within(fuel, depth).into_owned())
                    .collect();
                CowVal::owned(CelList::from(boxed))
            }
        }
    }

    /// What reading this one costs: the values that it hands out, and more for long texts.
    fn weight(&self) -> usize {
        match self.parsed() {
            Parsed::String(text) => 1 + Fuel::of_text(text.inner().len()),
            Parsed::Array(elements) => elements
                .iter()
                .map(Self::weight_unread)
                .sum::<usize>()
                .max(1),
            Parsed::Null
            | Parsed::Bool(_)
            | Parsed::Int(_)
            | Parsed::Double(_)
            | Parsed::Object(_) => 1,
        }
    }

    /// The same of an element of a list, which is not parsed for it.
    fn weight_unread(&self) -> usize {
        match self.text() {
            text if text.starts_with('"') => 1 + Fuel::of_text(text.len()),
            _ => 1,
        }
    }

    fn of(parsed: Parsed<'a>) -> Self {
        Self(State::Known(parsed))
    }

    fn parsed(&self) -> &Parsed<'a> {
        match &self.0 {
            State::Known(parsed) => parsed,
            State::Lazy(raw, parsed) => parsed.get_or_init(|| parse(raw)),
        }
    }

    fn into_parsed(self) -> Parsed<'a> {
        match self.0 {
            State::Known(parsed) => parsed,
            State::Lazy(raw, parsed) => parsed.into_inner().unwrap_or_else(|| parse(raw)),
        }
    }
}

/// Parses one level of `raw`, which is one valid JSON value; `null` where it is none, as only `managedFields` may be
/// ([`Depth::Brackets`]).
fn parse(raw: &str) -> Parsed<'_> {
    match raw.as_bytes().first() {
        Some(b'{') => Depth::CHECKED
            .parse(raw)
            .map_or(Parsed::Null, Node::into_parsed),
        Some(b'[') => read::<Vec<Element<'_>>>(raw).map_or(Parsed::Null, |items| {
            Parsed::Array(
                items
                    .into_iter()
                    .map(|Element(raw)| Node::raw(raw))
                    .collect(),
            )
        }),
        Some(b'"') => Parsed::String(parse_string(raw)),
        Some(b't') => Parsed::Bool(CelBool::from(true)),
        Some(b'f') => Parsed::Bool(CelBool::from(false)),
        Some(b'-' | b'0'..=b'9') => parse_number(raw),
        Some(_) | None => Parsed::Null,
    }
}

/// A string that JSON allows and Unicode does not (a lone surrogate) is kept as it is written.
fn parse_string(raw: &str) -> CelString<'_> {
    match read::<Key<'_>>(raw) {
        Ok(Key(Cow::Borrowed(text))) => CelString::from(text),
        Ok(Key(Cow::Owned(text))) => CelString::from(text),
        Err(_) => CelString::from(raw.trim_matches('"')),
    }
}

fn parse_number(raw: &str) -> Parsed<'_> {
    raw.parse::<i64>().map_or_else(
        |_| Parsed::Double(CelDouble::from(raw.parse::<f64>().unwrap_or(f64::NAN))),
        |int| Parsed::Int(CelInt::from(int)),
    )
}

#[cfg(test)]
mod tests;
