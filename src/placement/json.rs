//! A Kubernetes object as CEL sees it: JSON that is parsed only where somebody looks.
//!
//! An [`Object`] knows its keys and where each value lies in the request body; a value is parsed the
//! first time it is asked for, one level at a time, and borrows its strings from the body. So an
//! expression pays for the path it reads and not for the whole Pod (no `managedFields`, no `env`).
//!
//! What expressions read is counted in [`Fuel`]: that bounds what a Pod's author can make a rule cost.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::equality;
use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelNull, CelString, Kind, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object: its keys in order, its values unparsed until asked for.
#[derive(Default)]
pub struct Object<'a> {
    entries: Vec<(CelString<'a>, Node<'a>)>,
}

/// One JSON value, parsed one level deep when first read.
pub struct Node<'a> {
    raw: &'a str,
    parsed: OnceLock<Parsed<'a>>,
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

/// How deep an object is parsed in the first pass; what is left [`Raw`](Depth::Raw) is parsed on demand.
#[derive(Debug, Clone, Copy)]
pub enum Depth {
    /// Not at all: only skipped.
    Raw,
    /// An object whose values are all strings, as labels and annotations are.
    Texts,
    /// Its keys, and below the named ones as they say.
    Open(&'static [(&'static str, Self)]),
}

/// How many values the expressions of one decision may still read.
#[derive(Debug)]
pub struct Fuel(AtomicU32);

/// An [`Object`] as a CEL map.
#[derive(Clone, Copy)]
struct ObjectRef<'b, 'a> {
    object: &'b Object<'a>,
    fuel: &'b Fuel,
}

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
    pub fn raw(raw: &'a RawValue) -> Self {
        Self {
            raw: raw.get(),
            parsed: OnceLock::new(),
        }
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
        self.raw
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
        let parsed = self.parsed.into_inner().unwrap_or_else(|| parse(self.raw));
        match parsed {
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
        matches!(self.parsed(), Parsed::Null)
    }

    /// The value as CEL sees it; scalars are borrowed.
    pub fn to_val<'b>(&'b self, fuel: &'b Fuel) -> CowVal<'b, 'b> {
        match self.parsed() {
            Parsed::Null => CowVal::Borrowed(&CelNull),
            Parsed::Bool(value) => CowVal::Borrowed(value),
            Parsed::Int(value) => CowVal::Borrowed(value),
            Parsed::Double(value) => CowVal::Borrowed(value),
            Parsed::String(value) => CowVal::Borrowed(value),
            Parsed::Object(object) => object.to_val(fuel),
            Parsed::Array(elements) => {
                let boxed: Vec<Box<dyn Val + 'b>> = elements
                    .iter()
                    .map(|element| element.to_val(fuel).into_owned())
                    .collect();
                CowVal::owned(CelList::from(boxed))
            }
        }
    }

    /// How many values reading this one hands out.
    fn weight(&self) -> usize {
        self.as_array().map_or(1, |elements| elements.len().max(1))
    }

    fn of(parsed: Parsed<'a>) -> Self {
        Self {
            raw: "",
            parsed: OnceLock::from(parsed),
        }
    }

    fn parsed(&self) -> &Parsed<'a> {
        self.parsed.get_or_init(|| parse(self.raw))
    }
}

/// Parses one level of `raw`, which is one valid JSON value.
fn parse(raw: &str) -> Parsed<'_> {
    match raw.as_bytes().first() {
        Some(b'{') => Depth::SHALLOW.parse(raw).map_or(Parsed::Null, |node| {
            node.parsed.into_inner().unwrap_or(Parsed::Null)
        }),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(raw).map_or(Parsed::Null, |items| {
            Parsed::Array(items.into_iter().map(Node::raw).collect())
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
    match serde_json::from_str::<Key<'_>>(raw) {
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

// === impl Depth ===

impl Depth {
    /// The keys of an object, nothing below.
    pub const SHALLOW: Self = Self::Open(&[]);

    /// Parses `text` this deep.
    ///
    /// # Errors
    /// Not JSON, or not an object where [`Open`](Self::Open) asks for one (`null` is allowed).
    pub fn parse<'a>(&self, text: &'a str) -> Result<Node<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let node = (*self).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        match self {
            Self::Raw => {
                <&RawValue as serde::Deserialize>::deserialize(deserializer).map(Node::raw)
            }
            Self::Texts => deserializer.deserialize_any(TextsVisitor),
            Self::Open(below) => deserializer.deserialize_any(OpenVisitor(below)),
        }
    }
}

struct OpenVisitor(&'static [(&'static str, Depth)]);

impl<'de> Visitor<'de> for OpenVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::null())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut object = Object {
            entries: Vec::with_capacity(12),
        };
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let depth = self
                .0
                .iter()
                .find(|(name, _)| *name == key)
                .map_or(Depth::Raw, |(_, depth)| *depth);
            let node = map.next_value_seed(depth)?;
            if matches!(depth, Depth::Texts) && node.is_null() {
                // As Kubernetes reads it: absent.
                object.entries.retain(|(earlier, _)| earlier.inner() != key);
                continue;
            }
            object.entries.push((CelString::from(key), node));
        }
        Ok(Node::of(Parsed::Object(object)))
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::null())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut object = Object {
            entries: Vec::with_capacity(8),
        };
        while let Some((Key(key), Key(text))) = map.next_entry::<Key<'de>, Key<'de>>()? {
            object
                .entries
                .push((CelString::from(key), Node::string(text)));
        }
        Ok(Node::object(object))
    }
}

/// A string that borrows from the document where it holds no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

// === impl Fuel ===

impl Fuel {
    /// How many values the expressions of one decision may read: about a tenth of a second.
    pub const PER_DECISION: u32 = 500_000;

    /// A full tank.
    pub const fn full() -> Self {
        Self(AtomicU32::new(Self::PER_DECISION))
    }

    /// Whether it was too little: no result can then be trusted.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes `amount`.
    ///
    /// # Errors
    /// There is not that much left.
    pub fn take(&self, amount: usize) -> Result<(), ExecutionError> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        let left = self.0.load(Ordering::Relaxed);
        // One decision is made by one thread: no update is lost between load and store.
        self.0.store(left.saturating_sub(amount), Ordering::Relaxed);
        if amount <= left {
            return Ok(());
        }
        Err(ExecutionError::InternalError(format!(
            "the rules read more than {} values of this object",
            Self::PER_DECISION
        )))
    }
}

// === impl ObjectRef ===

impl fmt::Debug for ObjectRef<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl Val for ObjectRef<'_, '_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'x, 'v>(&'x self) -> Option<&'x (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'x, 'v>(&'x self) -> Option<&'x (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    /// Equal to any map with the same keys and equal values.
    fn equals(&self, other: &dyn Val) -> bool {
        other.get_type().kind() == Kind::Map && equality::equal(self, other).unwrap_or(false)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Container for ObjectRef<'_, '_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        self.fuel.take(1)?;
        Ok(key
            .downcast_ref::<CelString<'_>>()
            .is_some_and(|key| self.object.get(key.inner()).is_some()))
    }
}

impl Indexer for ObjectRef<'_, '_> {
    fn get<'x, 'v>(&'x self, key: &dyn Val) -> Result<CowVal<'x, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name =
            key.downcast_ref::<CelString<'_>>()
                .ok_or_else(|| ExecutionError::UnexpectedType {
                    got: key.get_type().name().to_owned(),
                    want: "string".to_owned(),
                })?;
        let node = self
            .object
            .get(name.inner())
            .ok_or_else(|| ExecutionError::no_such_key(name.inner()))?;
        self.fuel.take(node.weight())?;
        Ok(node.to_val(self.fuel))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for ObjectRef<'_, '_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.object.entries.len()).unwrap_or(i64::MAX))
    }
}

impl Zeroer for ObjectRef<'_, '_> {
    fn is_zero_value(&self) -> bool {
        self.object.is_empty()
    }
}

impl Iterable for ObjectRef<'_, '_> {
    fn iter<'x, 'v>(&'x self) -> Box<dyn traits::Iterator<'x, 'v> + 'x>
    where
        Self: 'v,
    {
        // An iterator cannot fail: without fuel it yields nothing, and whoever evaluates asks `is_spent`.
        let spent = self.fuel.take(self.object.entries.len()).is_err();
        let entries: &[_] = if spent { &[] } else { &self.object.entries };
        Box::new(Keys(entries.iter()))
    }
}

struct Keys<'x, 'a>(std::slice::Iter<'x, (CelString<'a>, Node<'a>)>);

impl<'x, 'v, 'a: 'v> traits::Iterator<'x, 'v> for Keys<'x, 'a> {
    fn next(&mut self) -> Option<&'x (dyn Val + 'v)> {
        self.0.next().map(|(key, _)| key as &(dyn Val + 'v))
    }
}

#[cfg(test)]
mod tests;
