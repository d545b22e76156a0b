//! Pods, kept as the revisions of workloads that they are of: what all Pods of a revision share is there once.

use std::collections::HashMap;

use super::convert::pod::{Pod, Revision, RevisionKey, Uid};
use super::table::{Change, Generation};

/// The revisions of workloads that have Pods.
#[derive(Debug, Default)]
pub struct Revisions {
    revisions: HashMap<RevisionKey, Counted>,
    pods: HashMap<Uid, Seen>,
    generation: Generation,
}

#[derive(Debug)]
struct Counted {
    revision: Revision,
    pods: usize,
}

/// A Pod: its revision, and the list that it was last in.
#[derive(Debug)]
struct Seen {
    key: RevisionKey,
    generation: Generation,
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
        self.revisions.values().map(|counted| &counted.revision)
    }

    /// How many Pods there are.
    pub fn pods(&self) -> usize {
        self.pods.len()
    }

    fn put(&mut self, pod: Pod) {
        let Pod { uid, key, revision } = pod;
        let seen = Seen {
            key,
            generation: self.generation,
        };
        let before = self.pods.insert(uid, seen).map(|seen| seen.key);
        if before == Some(key) {
            return;
        }
        let counted = self.revisions.entry(key);
        counted.or_insert(Counted { revision, pods: 0 }).pods += 1;
        if let Some(before) = before {
            self.uncount(before);
        }
    }

    fn remove(&mut self, uid: Uid) {
        if let Some(seen) = self.pods.remove(&uid) {
            self.uncount(seen.key);
        }
    }

    fn uncount(&mut self, key: RevisionKey) {
        if let Some(counted) = self.revisions.get_mut(&key) {
            counted.pods = counted.pods.saturating_sub(1);
            if counted.pods == 0 {
                self.revisions.remove(&key);
            }
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

#[cfg(test)]
mod tests;
