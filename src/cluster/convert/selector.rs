//! `metav1.LabelSelector` as it is written, and the selector it means.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Unreadable;
use crate::placement::selector::{BadRequirement, Requirement, Selector};

/// A selector as JSON or YAML has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LabelSelector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Debug, Deserialize)]
struct Expression {
    key: String,
    operator: String,
    values: Option<BTreeSet<String>>,
}

// === impl LabelSelector ===

impl LabelSelector {
    /// The selector that stands in `field`.
    pub(super) fn at(self, field: impl FnOnce() -> String) -> Result<Selector, Unreadable> {
        Selector::try_from(self).map_err(|source| Unreadable::Selector {
            field: field(),
            source,
        })
    }
}

// === impl Selector ===

impl TryFrom<LabelSelector> for Selector {
    type Error = BadRequirement;

    fn try_from(written: LabelSelector) -> Result<Self, BadRequirement> {
        let labels = written.match_labels.unwrap_or_default().into_iter();
        let labels = labels.map(|(key, value)| Ok(Requirement::equal(key, value)));
        let expressions = written.match_expressions.unwrap_or_default().into_iter();
        let expressions = expressions.map(
            |Expression {
                 key,
                 operator,
                 values,
             }| { Requirement::new(key, &operator, values.unwrap_or_default()) },
        );
        let requirements: Result<_, _> = labels.chain(expressions).collect();
        requirements.map(Self::new)
    }
}
