//! What Istio looks at: the Pod as it leaves our webhook, and its namespace.

use std::collections::BTreeMap;
use std::fmt;

use crate::placement::decide::{Action, Placement, RECORD};
use crate::placement::facts::Pod;
use crate::placement::json::Node;

/// A Pod as the injector and istio-cni see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<'p> {
    pub(super) labels: BTreeMap<&'p str, &'p str>,
    pub(super) annotations: BTreeMap<&'p str, &'p str>,
    pub(super) network: Network,
}

/// Whose network a Pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own.
    Own,
    /// That of its node: `hostNetwork: true`.
    OfTheNode,
}

/// The namespace of the Pod, with the labels that it has now.
#[derive(Debug, Clone, Copy)]
pub struct Namespace<'n> {
    /// Its name.
    pub name: &'n str,
    /// Its labels.
    pub labels: &'n BTreeMap<String, String>,
}

/// A label that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'f> {
    /// Whose it is.
    pub on: Bearer,
    /// The key.
    pub key: &'f str,
    /// The value.
    pub value: &'f str,
}

/// Whose a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// The Pod's.
    Pod,
    /// The namespace's.
    Namespace,
}

// === impl Seen ===

impl<'p> Seen<'p> {
    /// `pod` as it is.
    pub fn of(pod: &'p Pod<'_>) -> Self {
        let network = if pod.spec("hostNetwork").is_some_and(Node::is_true) {
            Network::OfTheNode
        } else {
            Network::Own
        };
        Self {
            labels: pod.labels().entries().collect(),
            annotations: pod.annotations().entries().collect(),
            network,
        }
    }

    /// `pod` with what `placement` does to it (as [`patch`](crate::placement::patch()) writes it).
    pub fn placed(pod: &'p Pod<'_>, placement: &'p Placement<'_>) -> Self {
        let mut seen = Self::of(pod);
        match placement.action {
            Action::LeaveAlone => {}
            Action::Apply(labels) => {
                for (key, value) in labels {
                    seen.labels.entry(key).or_insert(value);
                }
                seen.annotations
                    .extend(RECORD.into_iter().zip(placement.record()));
            }
        }
        seen
    }

    /// The Pod without a label.
    pub(super) fn without(&self, key: &str) -> Self {
        let mut without = self.clone();
        without.labels.remove(key);
        without
    }

    pub(super) fn label(&self, key: &'p str) -> Option<Label<'p>> {
        let value = self.labels.get(key)?;
        Some(Label {
            on: Bearer::Pod,
            key,
            value,
        })
    }
}

// === impl Namespace ===

impl<'n> Namespace<'n> {
    pub(super) fn label(self, key: &'n str) -> Option<Label<'n>> {
        let value = self.labels.get(key)?;
        Some(Label {
            on: Bearer::Namespace,
            key,
            value,
        })
    }
}

// === impl Label ===

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, key, value } = self;
        let on = match on {
            Bearer::Pod => "Pod",
            Bearer::Namespace => "namespace",
        };
        write!(f, "label {key}={value} on the {on}")
    }
}

/// Labels as one says them in a sentence.
pub(super) fn listed(labels: &[Label<'_>]) -> String {
    let shown: Vec<String> = labels.iter().map(Label::to_string).collect();
    shown.join(", ")
}
