//! A Pod's metadata, as one of a revision of a workload.

use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::authorization::facts::WorkloadName;
use crate::placement::labels::Labels;

/// Identifies an object for its lifetime.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Uid(u128);

/// A Pod, with what it shares with all others of its revision.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its own.
    pub uid: Uid,
    /// Its revision.
    pub key: RevisionKey,
    /// What all Pods of the revision have.
    pub revision: Revision,
}

/// A revision of a workload. Pods of one owner that differ in labels or in what Istio did to them are of
/// different revisions here: a policy may select one and not the other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RevisionKey {
    /// The controller (a ReplicaSet is one revision of a Deployment), or the Pod itself.
    owner: Uid,
    /// Of labels and of what Istio did; `pod-template-hash` and `controller-revision-hash` are labels.
    digest: u64,
}

/// What Pods of one revision share.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Revision {
    /// Where they are.
    pub namespace: Box<str>,
    /// The workload, as far as a Pod tells.
    pub workload: Workload,
    /// Without those that each Pod has for itself.
    pub labels: Labels,
    /// Whether they have such as well.
    pub of_its_own: OfItsOwn,
    /// What the injector did.
    pub injected: Injected,
    /// What istio-cni did.
    pub redirection: Redirection,
}

/// The name of a workload.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Workload {
    /// Such as `Deployment`.
    pub kind: Box<str>,
    /// What it is called.
    pub name: Box<str>,
}

/// Labels by which the Pods of one workload differ.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OfItsOwn {
    /// They have none.
    None,
    /// They have some: a selector that names such a label may select one of them.
    Some,
}

/// What the injector did to a Pod.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Injected {
    /// Nothing.
    Nothing,
    /// It added a sidecar: annotation `sidecar.istio.io/status`.
    Sidecar,
    /// It made the Pod a gateway: annotation `inject.istio.io/templates: gateway`.
    Gateway,
}

/// What istio-cni did: annotation `ambient.istio.io/redirection`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Redirection {
    /// Nothing yet.
    NotSaid,
    /// ztunnel captures the Pod.
    Enabled,
}

/// Set by StatefulSets, indexed Jobs and MultiKueue, with another value on each Pod.
const OF_EACH_POD: [&str; 3] = [
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
];

/// Whether each Pod of a workload has another value of this label.
pub fn is_of_each_pod(label: &str) -> bool {
    OF_EACH_POD.contains(&label)
}

// === impl Pod ===

impl Pod {
    /// The Pod of this metadata; nothing where it has no uid or namespace, which no stored one lacks.
    pub fn of(metadata: &ObjectMeta) -> Option<Self> {
        let uid = Uid::parse(metadata.uid.as_deref()?);
        let revision = Revision::of(metadata)?;
        let owner = controller(metadata).map_or(uid, |owner| Uid::parse(&owner.uid));
        let mut hasher = DefaultHasher::new();
        revision.hash(&mut hasher);
        let key = RevisionKey {
            owner,
            digest: hasher.finish(),
        };
        Some(Self { uid, key, revision })
    }
}

// === impl Uid ===

impl Uid {
    /// Of the text of a UUID, or of a hash of any other text.
    pub fn parse(text: &str) -> Self {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        Self(u128::from_str_radix(&digits, 16).unwrap_or_else(|_| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            u128::from(hasher.finish())
        }))
    }
}

// === impl Revision ===

impl Revision {
    fn of(metadata: &ObjectMeta) -> Option<Self> {
        let labels = metadata.labels.clone().unwrap_or_default();
        let annotation = |key| {
            let annotations = metadata.annotations.as_ref()?;
            annotations.get(key).map(String::as_str)
        };
        let of_its_own = if labels.keys().any(|key| is_of_each_pod(key)) {
            OfItsOwn::Some
        } else {
            OfItsOwn::None
        };
        let templates = annotation("inject.istio.io/templates").unwrap_or_default();
        let injected = match annotation("sidecar.istio.io/status") {
            Some(_) if templates.split(',').any(|name| name.trim() == "gateway") => {
                Injected::Gateway
            }
            Some(_) => Injected::Sidecar,
            None => Injected::Nothing,
        };
        let redirection = match annotation("ambient.istio.io/redirection") {
            Some("enabled") => Redirection::Enabled,
            Some(_) | None => Redirection::NotSaid,
        };
        Some(Self {
            namespace: metadata.namespace.as_deref()?.into(),
            workload: Workload::of(metadata),
            labels: Labels::of(&labels, |key| !is_of_each_pod(key)),
            of_its_own,
            injected,
            redirection,
        })
    }

    /// The workload's name, for people.
    pub fn name(&self) -> WorkloadName {
        WorkloadName {
            kind: self.workload.kind.to_string(),
            namespace: self.namespace.to_string(),
            name: self.workload.name.to_string(),
        }
    }

    /// For an order: namespace and name of the workload.
    pub fn place(&self) -> (&str, &str) {
        (&self.namespace, &self.workload.name)
    }

    /// Whether it has all these labels, or may have: one that each Pod has for itself is not known.
    pub fn has_all<'s>(&self, selector: impl IntoIterator<Item = (&'s str, &'s str)>) -> bool {
        selector
            .into_iter()
            .all(|(key, value)| match self.of_its_own {
                OfItsOwn::Some if is_of_each_pod(key) => true,
                OfItsOwn::Some | OfItsOwn::None => self.labels.get(key) == Some(value),
            })
    }
}

// === impl Workload ===

impl Workload {
    /// The owner; of a ReplicaSet the Deployment or Rollout, by how they name theirs.
    fn of(metadata: &ObjectMeta) -> Self {
        let Some(owner) = controller(metadata) else {
            let name = metadata.name.as_deref().unwrap_or_default();
            return Self::new("Pod", name);
        };
        let labels = metadata.labels.as_ref();
        for (label, kind) in [
            ("rollouts-pod-template-hash", "Rollout"),
            ("pod-template-hash", "Deployment"),
        ] {
            let hash = labels.and_then(|labels| labels.get(label));
            let name = hash.and_then(|hash| {
                let name = owner.name.strip_suffix(hash.as_str())?;
                name.strip_suffix('-')
            });
            if let Some(name) = name.filter(|_| owner.kind == "ReplicaSet") {
                return Self::new(kind, name);
            }
        }
        Self::new(&owner.kind, &owner.name)
    }

    fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = metadata.owner_references.as_deref()?;
    owners.iter().find(|owner| owner.controller == Some(true))
}

#[cfg(test)]
mod tests;
