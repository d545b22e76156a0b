//! Pods, kept as the revisions of workloads that they are of: what all Pods of a revision share is there once.

mod siblings;
mod slots;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::siblings::Tally;
use self::slots::{Slot, Slots};
use super::convert::pod::{Pod, Revision, RevisionKey, TemplateKey, Uid, Unplaced};
use super::table::{Change, Generation};
use crate::placement::facts::source::{Believed, Decided, Siblings};
use crate::placement::workload::WorkloadRef;

/// The revisions of workloads that have Pods.
#[derive(Debug, Default)]
pub struct Revisions {
    revisions: Slots<Counted>,
    keys: HashMap<RevisionKey, Slot>,
    templates: HashMap<TemplateKey, Vec<Slot>>,
    pods: HashMap<Uid, Seen>,
    namespaces: HashMap<Arc<str>, Pods>,
    placements: HashSet<Arc<Decided>>,
    generation: Generation,
}

#[derive(Debug)]
struct Counted {
    key: RevisionKey,
    template: Option<TemplateKey>,
    revision: Revision,
    pods: usize,
}

/// A Pod: its revision, and the list that it was last in.
#[derive(Debug)]
struct Seen {
    slot: Slot,
    generation: Generation,
}

/// The Pods of a namespace.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pods {
    /// All.
    pub all: usize,
    /// Those that are [`Unplaced::Injected`].
    pub injected: usize,
    /// Those that are [`Unplaced::Wrongly`] so.
    pub unplaced: usize,
}

// === impl Revisions ===

impl Revisions {
    /// Takes a change in.
    pub fn apply<O>(&mut self, change: Change<'_, O>, convert: impl Fn(&O) -> Option<Pod>) {
        match change {
            Change::Begin => self.generation = self.generation.wrapping_add(1),
            Change::Put(object) => {
                if let Some(pod) = convert(object) {
                    self.put(pod);
                }
            }
            Change::Remove(object) => {
                if let Some(pod) = convert(object) {
                    self.remove(pod.uid);
                }
            }
            Change::End => self.end(),
        }
    }

    /// All revisions.
    pub fn iter(&self) -> impl Iterator<Item = &Revision> {
        self.revisions.iter().map(|counted| &counted.revision)
    }

    /// How many Pods there are.
    pub fn pods(&self) -> usize {
        self.pods.len()
    }

    /// Each namespace that has Pods.
    pub fn namespaces(&self) -> impl Iterator<Item = (&str, Pods)> {
        let namespaces = self.namespaces.iter();
        namespaces.map(|(name, pods)| (&**name, *pods))
    }

    /// What the Pods of this revision have, as far as that is `believed`; nothing where there are none.
    pub fn siblings(&self, template: TemplateKey, believed: Believed<'_>) -> Option<Siblings> {
        let slots = self.templates.get(&template)?;
        let revisions = slots.iter().filter_map(|slot| self.revisions.get(*slot));
        Tally::of(revisions.map(|counted| {
            let Revision {
                placement, labels, ..
            } = &counted.revision;
            let placement = placement.as_ref();
            (
                placement.filter(|said| believed(said.mode, labels)),
                counted.pods,
            )
        }))
    }

    /// What the Pods of all revisions of this workload have; nothing where there are none.
    pub fn running(&self, workload: &WorkloadRef<'_>) -> Option<Siblings> {
        let revisions = self.revisions.iter().filter(|counted| {
            let Counted { revision, .. } = counted;
            *revision.namespace == *workload.namespace
                && *revision.workload.name == *workload.name
                && *revision.workload.kind == *workload.kind
        });
        Tally::of(revisions.map(|counted| (counted.revision.placement.as_ref(), counted.pods)))
    }

    fn put(&mut self, pod: Pod) {
        let generation = self.generation;
        let slot = match self.keys.get(&pod.key) {
            Some(slot) => *slot,
            None => self.add(pod.key, pod.template, pod.revision),
        };
        let seen = Seen { slot, generation };
        let before = self.pods.insert(pod.uid, seen).map(|seen| seen.slot);
        if before == Some(slot) {
            return;
        }
        self.count(slot);
        if let Some(before) = before {
            self.uncount(before);
        }
    }

    fn add(
        &mut self,
        key: RevisionKey,
        template: Option<TemplateKey>,
        mut revision: Revision,
    ) -> Slot {
        if let Some((known, _)) = self.namespaces.get_key_value(&revision.namespace) {
            revision.namespace = Arc::clone(known);
        }
        if let Some(placement) = &mut revision.placement {
            match self.placements.get(placement) {
                Some(known) => *placement = Arc::clone(known),
                None => drop(self.placements.insert(Arc::clone(placement))),
            }
        }
        let slot = self.revisions.add(Counted {
            key,
            template,
            revision,
            pods: 0,
        });
        self.keys.insert(key, slot);
        if let Some(template) = template {
            self.templates.entry(template).or_default().push(slot);
        }
        slot
    }

    fn count(&mut self, slot: Slot) {
        let Some(counted) = self.revisions.get_mut(slot) else {
            return;
        };
        counted.pods += 1;
        let name = &counted.revision.namespace;
        let pods = self.namespaces.entry(Arc::clone(name)).or_default();
        pods.all += 1;
        if let Some(more) = pods.unplaced(counted.revision.unplaced) {
            *more += 1;
        }
    }

    fn remove(&mut self, uid: Uid) {
        if let Some(seen) = self.pods.remove(&uid) {
            self.uncount(seen.slot);
        }
    }

    fn uncount(&mut self, slot: Slot) {
        let Some(counted) = self.revisions.get_mut(slot) else {
            return;
        };
        counted.pods = counted.pods.saturating_sub(1);
        let name = &counted.revision.namespace;
        if let Some(pods) = self.namespaces.get_mut(name) {
            pods.all = pods.all.saturating_sub(1);
            if let Some(fewer) = pods.unplaced(counted.revision.unplaced) {
                *fewer = fewer.saturating_sub(1);
            }
            if pods.all == 0 {
                self.namespaces.remove(name);
            }
        }
        if counted.pods == 0 {
            self.forget(slot);
        }
    }

    fn forget(&mut self, slot: Slot) {
        let Some(gone) = self.revisions.remove(slot) else {
            return;
        };
        self.keys.remove(&gone.key);
        if let Some(template) = gone.template
            && let Some(slots) = self.templates.get_mut(&template)
        {
            slots.retain(|known| *known != slot);
            if slots.is_empty() {
                self.templates.remove(&template);
            }
        }
        // Ours and that of the set: nobody else has it.
        if let Some(placement) = gone.revision.placement
            && Arc::strong_count(&placement) <= 2
        {
            self.placements.remove(&placement);
        }
    }

    fn end(&mut self) {
        let now = self.generation;
        let gone: Vec<_> = self
            .pods
            .iter()
            .filter(|(_, seen)| seen.generation != now)
            .map(|(uid, _)| *uid)
            .collect();
        for uid in gone {
            self.remove(uid);
        }
    }
}

// === impl Pods ===

impl Pods {
    /// The number of those that are without a placement like this.
    const fn unplaced(&mut self, how: Unplaced) -> Option<&mut usize> {
        match how {
            Unplaced::Rightly => None,
            Unplaced::Injected => Some(&mut self.injected),
            Unplaced::Wrongly => Some(&mut self.unplaced),
        }
    }
}

#[cfg(test)]
mod tests;
