//! Which workloads could be ambient: by the placement rules, or all but those that somebody names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::measured::WorkloadName;

/// Which workloads could be ambient.
#[derive(Clone, Debug)]
pub enum Candidates {
    /// What the placement rules say of each. One that is not in here keeps its sidecars.
    ByRules(BTreeMap<WorkloadName, Fate>),
    /// All but these.
    AllBut(Vec<Keep>),
}

/// What the placement rules say of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It would be ambient.
    Ambient {
        /// The rule that decided.
        rule: String,
        /// Its reason.
        reason: String,
    },
    /// It keeps its sidecars.
    Keeps {
        /// The mode that the rule gives, such as `sidecar`.
        mode: String,
        /// The rule that decided.
        rule: String,
        /// Its reason.
        reason: String,
    },
    /// The rules could not be asked, and why. It keeps its sidecars.
    Unknown(String),
}

/// Workloads that keep their sidecars because somebody says so: `NAMESPACE` or `NAMESPACE/WORKLOAD`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keep {
    namespace: String,
    /// All of the namespace where there is none.
    workload: Option<String>,
}

/// What becomes of the sidecars of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// They go.
    Ambient,
    /// They stay, and why.
    Keeps(String),
    /// They stay because nobody knows better, and why.
    Unknown(String),
}

/// A text that names no workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeep {
    /// More than one slash.
    #[error("{value:?} has more than one slash; allowed: NAMESPACE or NAMESPACE/WORKLOAD")]
    TooManyParts {
        /// What was written.
        value: String,
    },
    /// A part that is no name.
    #[error(
        "{value:?}: {part:?} is not the name of a {what}; allowed: lower-case letters, digits, '-' and '.', such as shop or shop/web"
    )]
    NotAName {
        /// What was written.
        value: String,
        /// The part of it.
        part: String,
        /// What the part names.
        what: &'static str,
    },
}

// === impl Candidates ===

impl Candidates {
    /// What becomes of the sidecars of `workload`.
    pub(super) fn becomes(&self, workload: &WorkloadName) -> Becomes {
        match self {
            Self::ByRules(fates) => fates.get(workload).map_or_else(
                || Becomes::Unknown("the placement rules were not asked about it".to_owned()),
                Fate::becomes,
            ),
            Self::AllBut(keeps) => keeps
                .iter()
                .find(|keep| keep.matches(workload))
                .map_or(Becomes::Ambient, |keep| {
                    Becomes::Keeps(format!("named as one that keeps its sidecar ({keep})"))
                }),
        }
    }

    /// The keeps that match none of `workloads`.
    pub(super) fn unmatched(&self, workloads: &[&WorkloadName]) -> Vec<&Keep> {
        match self {
            Self::ByRules(_) => Vec::new(),
            Self::AllBut(keeps) => keeps
                .iter()
                .filter(|keep| !workloads.iter().any(|workload| keep.matches(workload)))
                .collect(),
        }
    }
}

// === impl Fate ===

impl Fate {
    fn becomes(&self) -> Becomes {
        match self {
            Self::Ambient { .. } => Becomes::Ambient,
            Self::Keeps { mode, rule, reason } => {
                Becomes::Keeps(format!("rule {rule} gives {mode}: {reason}"))
            }
            Self::Unknown(reason) => Becomes::Unknown(reason.clone()),
        }
    }
}

// === impl Keep ===

impl Keep {
    /// Whether `workload` is one of them.
    #[must_use]
    pub fn matches(&self, workload: &WorkloadName) -> bool {
        let named = self.workload.as_ref();
        self.namespace == workload.namespace && named.is_none_or(|name| *name == workload.name)
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.workload {
            Some(workload) => write!(f, "{}/{workload}", self.namespace),
            None => f.write_str(&self.namespace),
        }
    }
}

impl FromStr for Keep {
    type Err = BadKeep;

    fn from_str(value: &str) -> Result<Self, BadKeep> {
        let (namespace, workload) = match value.split_once('/') {
            Some((namespace, workload)) => (namespace, Some(workload)),
            None => (value, None),
        };
        if workload.is_some_and(|workload| workload.contains('/')) {
            return Err(BadKeep::TooManyParts {
                value: value.to_owned(),
            });
        }
        for (part, what) in [(Some(namespace), "namespace"), (workload, "workload")] {
            if let Some(part) = part.filter(|part| !is_name(part)) {
                return Err(BadKeep::NotAName {
                    value: value.to_owned(),
                    part: part.to_owned(),
                    what,
                });
            }
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            workload: workload.map(str::to_owned),
        })
    }
}

/// Whether Kubernetes could have an object of this name (a DNS subdomain, RFC 1123).
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=253).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(outer)
        && text.ends_with(outer)
}
