//! What two configurations say about the same workloads, with the same facts. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::subjects::Subject;
use crate::placement::facts::Source;
use crate::placement::workload::WorkloadRef;
use crate::placement::{Mode, Placement, Rules, decide};

/// A workload that changes.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Its namespace; empty where nothing says it.
    pub namespace: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name; of a Pod perhaps what that begins with.
    pub name: String,
    /// By the running configuration.
    pub now: Decided,
    /// By the new one.
    pub new: Decided,
}

/// What a configuration decides.
#[derive(Debug, Serialize)]
pub struct Decided {
    /// The mode.
    pub mode: &'static str,
    /// The rule that decides.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// What the author would be told.
    pub warnings: Vec<String>,
}

/// What two configurations say.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How many workloads were looked at.
    pub workloads: usize,
    /// How many would change their mode.
    pub changed: usize,
    /// How many would keep their mode, by another rule.
    pub same_mode_other_rule: usize,
    /// How many change from which mode to which.
    pub transitions: Vec<Transition>,
    /// Each that changes, by namespace, kind and name.
    pub changes: Vec<Change>,
}

/// How many change from one mode to another.
#[derive(Debug, Serialize)]
pub struct Transition {
    /// The mode now.
    pub now: &'static str,
    /// The mode by the new configuration.
    pub new: &'static str,
    /// How many.
    pub workloads: usize,
}

/// Decides for each of `subjects` by both configurations, with the facts of `cluster`.
///
/// # Errors
/// A Pod is none, which [`super::subjects::subjects`] lets nobody through with.
pub fn compare(
    subjects: &[Subject],
    running: &Rules,
    new: &Rules,
    cluster: &dyn Source,
) -> serde_json::Result<Comparison> {
    let mut comparison = Comparison::default();
    let mut transitions: BTreeMap<(Mode, Mode), usize> = BTreeMap::new();
    for subject in subjects {
        comparison.workloads += 1;
        let decided = subject.look(&[running, new], cluster, |facts| {
            (decide(running, facts), decide(new, facts))
        });
        let Some((now, then)) = decided? else {
            continue;
        };
        if now.mode == then.mode {
            comparison.same_mode_other_rule += usize::from(now.rule != then.rule);
            continue;
        }
        comparison.changed += 1;
        *transitions.entry((now.mode, then.mode)).or_default() += 1;
        comparison
            .changes
            .push(Change::of(&subject.template.workload, now, then));
    }
    let transitions = transitions.into_iter();
    comparison.transitions = transitions.map(Transition::of).collect();
    Ok(comparison)
}

// === impl Change ===

impl Change {
    fn of(workload: &WorkloadRef<'_>, now: Placement<'_>, new: Placement<'_>) -> Self {
        Self {
            namespace: workload.namespace.to_string(),
            kind: workload.kind.to_string(),
            name: workload.name.to_string(),
            now: Decided::of(now),
            new: Decided::of(new),
        }
    }
}

// === impl Decided ===

impl Decided {
    fn of(placement: Placement<'_>) -> Self {
        Self {
            mode: placement.mode.as_str(),
            rule: placement.rule.to_owned(),
            reason: placement.reason.into_owned(),
            warnings: placement.warnings,
        }
    }
}

// === impl Comparison ===

impl Comparison {
    /// The namespaces in which something changes.
    pub fn namespaces(&self) -> usize {
        let namespaces = self.changes.iter().map(|change| &change.namespace);
        namespaces.collect::<BTreeSet<_>>().len()
    }
}

// === impl Transition ===

impl Transition {
    fn of(((now, new), workloads): ((Mode, Mode), usize)) -> Self {
        Self {
            now: now.as_str(),
            new: new.as_str(),
            workloads,
        }
    }
}
