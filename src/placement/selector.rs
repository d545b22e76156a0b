//! Label selectors, with the meaning that Kubernetes gives them (`apimachinery`, `labels/selector.go`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The labels of an object.
pub trait Labels {
    /// The value at `key`.
    fn value(&self, key: &str) -> Option<&str>;
}

/// What labels must be like; without requirements it selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// One condition of a selector; all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    operator: Operator,
}

/// What is asked of the value at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// It is one of these.
    In(BTreeSet<String>),
    /// It is none of these, or there is none.
    NotIn(BTreeSet<String>),
    /// There is one.
    Exists,
    /// There is none.
    DoesNotExist,
}

/// A requirement that Kubernetes does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequirement {
    /// An operator that does not exist.
    #[error(
        "operator {operator:?} of key {key} is unknown; allowed: In, NotIn, Exists, DoesNotExist"
    )]
    UnknownOperator {
        /// The key.
        key: String,
        /// What was written.
        operator: String,
    },
    /// `In` or `NotIn` without values.
    #[error("operator {operator} of key {key} needs values")]
    NoValues {
        /// The key.
        key: String,
        /// The operator.
        operator: &'static str,
    },
    /// `Exists` or `DoesNotExist` with values.
    #[error("operator {operator} of key {key} takes no values")]
    Values {
        /// The key.
        key: String,
        /// The operator.
        operator: &'static str,
    },
}

// === impl Selector ===

impl Selector {
    /// The selector of these requirements.
    pub fn new(requirements: Vec<Requirement>) -> Self {
        Self { requirements }
    }

    /// Whether `labels` meet all requirements.
    pub fn matches(&self, labels: &impl Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.matches(labels))
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The requirements.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The keys that must be there: where the selector matches, their labels are why.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.requirements
            .iter()
            .filter(|requirement| match requirement.operator {
                Operator::In(_) | Operator::Exists => true,
                Operator::NotIn(_) | Operator::DoesNotExist => false,
            })
            .map(Requirement::key)
    }
}

// === impl Requirement ===

impl Requirement {
    /// The requirement of a `matchLabels` entry: this very value.
    pub fn equal(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            operator: Operator::In(BTreeSet::from([value.into()])),
        }
    }

    /// Any value but this, or none.
    pub fn differs(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            operator: Operator::NotIn(BTreeSet::from([value.into()])),
        }
    }

    /// The requirement of a `matchExpressions` entry.
    ///
    /// # Errors
    /// The operator is unknown, or `values` are missing or too many for it (`metav1.LabelSelectorAsSelector`).
    pub fn new(
        key: String,
        operator: &str,
        values: BTreeSet<String>,
    ) -> Result<Self, BadRequirement> {
        let operator = match (operator, values.is_empty()) {
            ("In", false) => Operator::In(values),
            ("NotIn", false) => Operator::NotIn(values),
            ("Exists", true) => Operator::Exists,
            ("DoesNotExist", true) => Operator::DoesNotExist,
            ("In", true) => {
                return Err(BadRequirement::NoValues {
                    key,
                    operator: "In",
                });
            }
            ("NotIn", true) => {
                let operator = "NotIn";
                return Err(BadRequirement::NoValues { key, operator });
            }
            ("Exists", false) => {
                let operator = "Exists";
                return Err(BadRequirement::Values { key, operator });
            }
            ("DoesNotExist", false) => {
                let operator = "DoesNotExist";
                return Err(BadRequirement::Values { key, operator });
            }
            (unknown, _) => {
                let operator = unknown.to_owned();
                return Err(BadRequirement::UnknownOperator { key, operator });
            }
        };
        Ok(Self { key, operator })
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is asked of its value.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Whether `labels` meet it.
    pub fn matches(&self, labels: &impl Labels) -> bool {
        let value = labels.value(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl fmt::Display for Requirement {
    /// As `kubectl --selector` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |values: &BTreeSet<String>| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            values.join(",")
        };
        let key = &self.key;
        match &self.operator {
            Operator::In(values) => write!(f, "{key} in ({})", listed(values)),
            Operator::NotIn(values) => write!(f, "{key} notin ({})", listed(values)),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
        }
    }
}

// === impl Labels ===

impl<K: Ord + std::borrow::Borrow<str>, V: AsRef<str>> Labels for BTreeMap<K, V> {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(key: &str, operator: &str, values: &[&str]) -> Result<Requirement, String> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Requirement::new(key.to_owned(), operator, values).map_err(|error| error.to_string())
    }

    #[test]
    fn each_operator_on_each_state_of_its_key() {
        let absent: BTreeMap<&str, &str> = BTreeMap::new();
        let a = BTreeMap::from([("key", "a")]);
        let empty = BTreeMap::from([("key", "")]);
        // Operator and values; whether it matches no label, `a`, and the empty value.
        for (operator, values, expected) in [
            ("In", &["a", "b"][..], [false, true, false]),
            ("In", &[""], [false, false, true]),
            ("NotIn", &["a"], [true, false, true]),
            ("NotIn", &[""], [true, true, false]),
            ("Exists", &[], [false, true, true]),
            ("DoesNotExist", &[], [true, false, false]),
        ] {
            let selector = Selector::new(vec![requirement("key", operator, values).unwrap()]);
            let seen = [&absent, &a, &empty].map(|labels| selector.matches(labels));
            assert_eq!(seen, expected, "{operator} {values:?}");
        }
    }

    #[test]
    fn all_requirements_must_hold_and_none_holds_always() {
        let labels = BTreeMap::from([("a", "1"), ("b", "2")]);
        let both = |value: &str| {
            let requirements = vec![Requirement::equal("a", "1"), Requirement::equal("b", value)];
            Selector::new(requirements)
        };
        assert!(both("2").matches(&labels));
        assert!(!both("1").matches(&labels));
        assert!(Selector::default().matches(&labels));
        assert!(Selector::default().is_empty());
    }

    #[test]
    fn what_kubernetes_does_not_take() {
        for (operator, values, expected) in [
            (
                "in",
                &["a"][..],
                "operator \"in\" of key k is unknown; allowed: In, NotIn, Exists, DoesNotExist",
            ),
            ("In", &[], "operator In of key k needs values"),
            ("NotIn", &[], "operator NotIn of key k needs values"),
            ("Exists", &["a"], "operator Exists of key k takes no values"),
            (
                "DoesNotExist",
                &["a"],
                "operator DoesNotExist of key k takes no values",
            ),
        ] {
            let error = requirement("k", operator, values).unwrap_err();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn is_shown_as_kubectl_takes_it() {
        for (operator, values, expected) in [
            ("In", &["b", "a"][..], "k in (a,b)"),
            ("NotIn", &["a"], "k notin (a)"),
            ("Exists", &[], "k"),
            ("DoesNotExist", &[], "!k"),
        ] {
            let shown = requirement("k", operator, values).unwrap().to_string();
            assert_eq!(shown, expected);
        }
    }
}
