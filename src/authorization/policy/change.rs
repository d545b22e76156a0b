//! What an UPDATE changes, as far as a verdict depends on it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::AuthorizationPolicy;
use crate::authorization::attachment::WAYPOINT_FOR;

/// What of a policy differs between two versions of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Nothing that a verdict depends on: labels, other annotations, finalizers, status.
    Irrelevant,
    /// The annotation `istio.io/waypoint-for`.
    Annotation,
    /// The spec.
    Spec,
    /// Both.
    SpecAndAnnotation,
}

/// Compares by meaning: the order of keys, white space, and null instead of nothing are no change.
pub fn changes(old: &AuthorizationPolicy<'_>, new: &AuthorizationPolicy<'_>) -> Change {
    let same_annotation = old.annotation(WAYPOINT_FOR) == new.annotation(WAYPOINT_FOR);
    Change::of(same(old.spec_json, new.spec_json), same_annotation)
}

/// The same of two JSON documents, also where one of them is no policy that we can read. What is no
/// object with metadata and spec counts as changed, unless it is the same text.
pub fn changes_of_raw(old: &str, new: &str) -> Change {
    match (Raw::read(old), Raw::read(new)) {
        (Some(old), Some(new)) => Change::of(
            same(old.spec(), new.spec()),
            same(old.annotation(), new.annotation()),
        ),
        (None, _) | (_, None) => Change::of(old == new, old == new),
    }
}

/// A policy as far as it takes to compare two of them.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    metadata: Option<RawMetadata<'a>>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    annotations: Option<RawAnnotations<'a>>,
}

#[derive(Deserialize)]
struct RawAnnotations<'a> {
    // `WAYPOINT_FOR`; a test holds that.
    #[serde(borrow, rename = "istio.io/waypoint-for")]
    waypoint_for: Option<&'a RawValue>,
}

/// What cannot be compared (nested deeper than serde_json goes) counts as changed.
fn same(old: &str, new: &str) -> bool {
    old == new || meaning(old).is_some_and(|old| meaning(new) == Some(old))
}

/// Whole values are compared, not our own types, so that a change of an unknown field counts.
fn meaning(json: &str) -> Option<Value> {
    let mut value = serde_json::from_str(json).ok()?;
    drop_nulls(&mut value);
    Some(value)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

// === impl Change ===

impl Change {
    fn of(same_spec: bool, same_annotation: bool) -> Self {
        match (same_spec, same_annotation) {
            (true, true) => Self::Irrelevant,
            (true, false) => Self::Annotation,
            (false, true) => Self::Spec,
            (false, false) => Self::SpecAndAnnotation,
        }
    }
}

// === impl Raw ===

impl<'a> Raw<'a> {
    fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// No spec and an empty one are the same.
    fn spec(&self) -> &'a str {
        self.spec.map_or("{}", RawValue::get)
    }

    fn annotation(&self) -> &'a str {
        let annotations = self.metadata.as_ref().and_then(|m| m.annotations.as_ref());
        annotations
            .and_then(|annotations| annotations.waypoint_for)
            .map_or("null", RawValue::get)
    }
}
