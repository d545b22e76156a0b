//! Which Pods had a proxy in the window, each once, by namespace, name and uid.

use std::collections::{BTreeMap, HashMap};

use super::answer::Labels;
use crate::savings::attribution::{Company, Place};

/// The place of a Pod in [`Pods`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PodId(u32);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Pods {
    all: Vec<Pod>,
    by_identity: HashMap<Box<str>, PodId>,
    by_uid: HashMap<Box<str>, PodId>,
    by_name: HashMap<Box<str>, Vec<PodId>>,
    owners: Interned,
    cluster: Option<String>,
}

/// One.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) uid: Box<str>,
    pub(super) place: Place,
    pub(super) company: Company,
    /// Kind and name.
    owner: Option<u32>,
    pub(super) labels: Option<BTreeMap<String, String>>,
}

/// Owners, each once: many Pods have the same.
#[derive(Debug, Default)]
struct Interned {
    all: Vec<(String, String)>,
    places: HashMap<(String, String), u32>,
}

// === impl PodId ===

impl PodId {
    /// The place in [`Pods::iter`].
    pub(super) fn position(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

// === impl Pods ===

impl Pods {
    /// `cluster` is the label that tells clusters apart, where several are counted together.
    pub(super) fn new(cluster: Option<&str>) -> Self {
        Self {
            cluster: cluster.map(str::to_owned),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Pod> {
        self.all.iter()
    }

    /// What tells the Pod of a series apart, and how long that is without the uid.
    fn identity(&self, labels: &Labels<'_>, uid: &str) -> (String, usize) {
        let cluster = self.cluster.as_ref();
        let cluster = cluster.map_or("", |label| labels.value(label));
        let (namespace, name) = (labels.value("namespace"), labels.value("pod"));
        let parts = [cluster, "\0", namespace, "\0", name, "\0"];
        let named = parts.iter().map(|part| part.len()).sum();
        let mut identity = String::with_capacity(named + uid.len());
        identity.extend(parts);
        identity.push_str(uid);
        (identity, named)
    }

    /// The Pod of a series, which is there from now on. None where the series is of no Pod.
    pub(super) fn of(&mut self, labels: &Labels<'_>) -> Option<PodId> {
        self.with_uid(labels, labels.value("uid"))
    }

    fn with_uid(&mut self, labels: &Labels<'_>, uid: &str) -> Option<PodId> {
        let (namespace, name) = (labels.value("namespace"), labels.value("pod"));
        if name.is_empty() {
            return None;
        }
        let (identity, named) = self.identity(labels, uid);
        if let Some(id) = self.by_identity.get(identity.as_str()) {
            return Some(*id);
        }
        let id = PodId(u32::try_from(self.all.len()).ok()?);
        self.all.push(Pod {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
            place: Place::Container,
            company: Company::Unknown,
            owner: None,
            labels: None,
        });
        let name = identity.get(..named).unwrap_or_default();
        self.by_name.entry(name.into()).or_default().push(id);
        self.by_identity.insert(identity.into(), id);
        if !uid.is_empty() {
            self.by_uid.insert(uid.into(), id);
        }
        Some(id)
    }

    /// The Pod of a series if it is known already.
    pub(super) fn known(&self, labels: &Labels<'_>) -> Option<PodId> {
        let (identity, _) = self.identity(labels, labels.value("uid"));
        self.by_identity.get(identity.as_str()).copied()
    }

    /// The Pods that a series of cAdvisor may be of: the one whose uid is in its `id`, else all of its name, else a new one.
    pub(super) fn of_container(&mut self, labels: &Labels<'_>) -> Vec<PodId> {
        let uid = uid_of(labels);
        if let Some(id) = uid.as_ref().and_then(|uid| self.by_uid.get(uid.as_str())) {
            return vec![*id];
        }
        let (name, _) = self.identity(labels, "");
        match self.by_name.get(name.as_str()) {
            Some(those) => those.clone(),
            None => self
                .with_uid(labels, &uid.unwrap_or_default())
                .into_iter()
                .collect(),
        }
    }

    pub(super) fn get(&mut self, id: PodId) -> Option<&mut Pod> {
        let at = id.position();
        self.all.get_mut(at)
    }

    /// Remembers who owns a Pod.
    pub(super) fn owned(&mut self, id: PodId, kind: &str, name: &str) {
        let owner = self.owners.place(kind, name);
        if let Some(pod) = self.get(id) {
            pod.owner = owner;
        }
    }

    /// Kind and name of a Pod's owner.
    pub(super) fn owner(&self, pod: &Pod) -> Option<(&str, &str)> {
        let at = usize::try_from(pod.owner?).ok()?;
        let (kind, name) = self.owners.all.get(at)?;
        Some((kind, name))
    }
}

// === impl Interned ===

impl Interned {
    fn place(&mut self, kind: &str, name: &str) -> Option<u32> {
        let owner = (kind.to_owned(), name.to_owned());
        if let Some(place) = self.places.get(&owner) {
            return Some(*place);
        }
        let place = u32::try_from(self.all.len()).ok()?;
        self.all.push(owner.clone());
        self.places.insert(owner, place);
        Some(place)
    }
}

/// The uid of a Pod in the cgroup of its container: `/kubepods/burstable/pod2f…/…`, or with systemd
/// `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2f_….slice/…`, where `_` stands for `-`.
fn uid_of(labels: &Labels<'_>) -> Option<String> {
    let given = labels.value("uid");
    if !given.is_empty() {
        return Some(given.to_owned());
    }
    let mut parts = labels.value("id").split('/');
    parts.find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let uid = part
            .strip_prefix("pod")
            .or_else(|| part.split_once("-pod").map(|(_, uid)| uid))?;
        Some(uid.replace('_', "-"))
    })
}

#[cfg(test)]
mod tests;
