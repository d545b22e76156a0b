//! What an UPDATE changes, as far as a verdict depends on it.

use serde_json::Value;

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
    match (same_spec(old.spec_json, new.spec_json), same_annotation) {
        (true, true) => Change::Irrelevant,
        (true, false) => Change::Annotation,
        (false, true) => Change::Spec,
        (false, false) => Change::SpecAndAnnotation,
    }
}

/// A spec that cannot be compared (nested deeper than serde_json goes) counts as changed.
fn same_spec(old: &str, new: &str) -> bool {
    old == new || meaning(old).is_some_and(|old| meaning(new) == Some(old))
}

/// Whole values are compared, not our own types, so that a change of an unknown field counts.
fn meaning(spec: &str) -> Option<Value> {
    let mut value = serde_json::from_str(spec).ok()?;
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
