//! The rules of a policy: what a request must have for the policy to act on it.

use serde::{Deserialize, Deserializer};

use super::{Fields, Layer, OperationField, SourceField, Text, Unknown};

/// What a policy tests. A request matches when one of the rules does.
#[derive(Clone, Debug, Default)]
pub enum Rules<'a> {
    /// The field is not there.
    #[default]
    Absent,
    /// The field is there and says null; Istio takes it for absent.
    Null,
    /// The rules, possibly none.
    Listed(Vec<Rule<'a>>),
}

/// One rule: every clause of it (`from`, `to`, each `when`) has to match.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an object with from, to and when"
)]
pub struct Rule<'a> {
    /// Where a request may come from; absent or empty: from anywhere.
    #[serde(borrow)]
    pub from: Option<Vec<RuleFrom<'a>>>,
    /// What it may ask for; absent or empty: anything.
    #[serde(borrow)]
    pub to: Option<Vec<RuleTo<'a>>>,
    /// Further conditions.
    #[serde(borrow)]
    pub when: Option<Vec<Condition<'a>>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// One alternative of a `from` clause.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with a source")]
pub struct RuleFrom<'a> {
    /// All fields of it have to match.
    #[serde(borrow)]
    pub source: Option<Fields<'a, SourceField>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// One alternative of a `to` clause.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with an operation")]
pub struct RuleTo<'a> {
    /// All fields of it have to match.
    #[serde(borrow)]
    pub operation: Option<Fields<'a, OperationField>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// One `when` clause: a test of an attribute by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an object with key and values or notValues"
)]
pub struct Condition<'a> {
    /// Such as `source.ip` or `request.headers[x-token]`.
    #[serde(borrow, default)]
    pub key: Text<'a>,
    /// The attribute has one of these.
    #[serde(borrow)]
    pub values: Option<Vec<Text<'a>>>,
    /// The attribute has none of these.
    #[serde(borrow)]
    pub not_values: Option<Vec<Text<'a>>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

// === impl Rules ===

impl<'a> Rules<'a> {
    /// The rules there are.
    pub fn as_slice(&self) -> &[Rule<'a>] {
        match self {
            Self::Absent | Self::Null => &[],
            Self::Listed(rules) => rules,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Rules<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Listed))
    }
}

// === impl Rule ===

impl<'a> Rule<'a> {
    /// The alternatives of `from` that say something.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &Fields<'a, SourceField>)> {
        let from = self.from.as_deref().unwrap_or_default();
        from.iter()
            .enumerate()
            .filter_map(|(index, from)| Some((index, from.source.as_ref()?)))
    }

    /// The alternatives of `to` that say something.
    pub fn operations(&self) -> impl Iterator<Item = (usize, &Fields<'a, OperationField>)> {
        let to = self.to.as_deref().unwrap_or_default();
        to.iter()
            .enumerate()
            .filter_map(|(index, to)| Some((index, to.operation.as_ref()?)))
    }

    /// The `when` clauses.
    pub fn conditions(&self) -> &[Condition<'a>] {
        self.when.as_deref().unwrap_or_default()
    }
}

// === impl Condition ===

impl Condition<'_> {
    /// Who can test the attribute. Of `when` keys ztunnel knows these five only.
    pub fn layer(&self) -> Layer {
        match &*self.key {
            "source.ip" | "source.namespace" | "source.principal" | "destination.ip"
            | "destination.port" => Layer::L4,
            _ => Layer::Http,
        }
    }
}
