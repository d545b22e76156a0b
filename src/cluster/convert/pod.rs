//! A Pod's metadata, as one of a revision of a workload.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};

use self::metadata::{Metadata, Text};
use super::object::{Asked, Spec, Watched};
use crate::authorization::facts::WorkloadName;
use crate::placement::facts::source::Decided;
use crate::placement::labels::Labels;
use crate::placement::workload::{RevisionRef, WorkloadRef};

mod metadata;
mod record;

pub use self::record::Unplaced;

/// Identifies an object for its lifetime. Two halves: a `u128` would have a revision padded to a multiple of 16.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Uid(u64, u64);

/// What is kept of a Pod while a list of them is read; nothing of one without uid or namespace, which no stored one
/// lacks.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Kept {
    /// The Pod.
    #[serde(skip)]
    pub pod: Option<Pod>,
}

/// A Pod, with what it shares with all others of its revision.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its own.
    pub uid: Uid,
    /// Its revision.
    pub key: RevisionKey,
    /// The revision as placements tell revisions apart; nothing for a Pod whose owner may make different ones.
    pub template: Option<TemplateKey>,
    /// What all Pods of the revision have.
    pub revision: Revision,
}

/// A revision of a workload. Pods of one owner that differ in labels, in what Istio did to them or in their
/// placement are of different revisions here: a policy may select one and not the other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RevisionKey {
    /// The controller (a ReplicaSet is one revision of a Deployment), or the Pod itself.
    owner: Uid,
    /// Of labels and of what Istio did; `pod-template-hash` and `controller-revision-hash` are labels.
    digest: u64,
}

/// A [`RevisionRef`], short: all Pods of it are to have one placement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TemplateKey {
    owner: Uid,
    /// Of the template's hash.
    digest: u64,
}

/// What Pods of one revision share.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Revision {
    /// Where they are.
    pub namespace: Arc<str>,
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
    /// What meshmode did.
    pub placement: Option<Arc<Decided>>,
    /// Where it did nothing: whether it should have.
    pub unplaced: Unplaced,
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

// === impl Kept ===

impl Spec for Kept {
    const ASKED: Asked = Asked::Metadata;

    /// Of the metadata, [`Watched`] has the version, which is all that its watch needs.
    fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Watched<Self>, D::Error> {
        #[derive(Deserialize)]
        struct Object<'m> {
            #[serde(borrow, default)]
            metadata: Metadata<'m>,
        }

        let Object { metadata } = Object::deserialize(deserializer)?;
        let version = metadata.resource_version.as_ref().map(Text::as_str);
        Ok(Watched {
            spec: Self {
                pod: Pod::of(&metadata),
            },
            metadata: ObjectMeta {
                resource_version: version.map(str::to_owned),
                ..ObjectMeta::default()
            },
        })
    }
}

// === impl Pod ===

impl Pod {
    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        let uid = Uid::parse(metadata.uid.as_ref()?.as_str());
        let revision = Revision::of(metadata)?;
        let controller = metadata.controller();
        let owner = controller.map_or(uid, |owner| Uid::parse(owner.uid));
        let digest = digest(&revision);
        let template = RevisionRef::of(controller, |key| metadata.label(key));
        Some(Self {
            uid,
            key: RevisionKey { owner, digest },
            template: template.as_ref().map(TemplateKey::of),
            revision,
        })
    }
}

// === impl Uid ===

impl Uid {
    /// Of the text of a UUID, or of a hash of any other text.
    pub fn parse(text: &str) -> Self {
        let mut digits = text.bytes().filter(|byte| *byte != b'-');
        let mut half = || {
            (0..16).try_fold(0_u64, |number, _| {
                let digit = char::from(digits.next()?).to_digit(16)?;
                Some(number << 4 | u64::from(digit))
            })
        };
        match (half(), half(), digits.next()) {
            (Some(first), Some(second), None) => Self(first, second),
            (_, _, _) => Self(0, digest(text)),
        }
    }
}

// === impl TemplateKey ===

impl TemplateKey {
    /// Of a revision as its Pods tell it.
    pub fn of(revision: &RevisionRef<'_>) -> Self {
        Self {
            owner: Uid::parse(&revision.owner),
            digest: digest(&*revision.hash),
        }
    }
}

fn digest<T: Hash + ?Sized>(of: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

// === impl Revision ===

impl Revision {
    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        let annotation = |key: &str| metadata.annotation(key);
        let of_its_own = if metadata.labels().any(|(key, _)| is_of_each_pod(key)) {
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
        let placement = record::placement(&annotation);
        let unplaced = match placement {
            Some(_) => Unplaced::Rightly,
            None => Unplaced::of(&|key: &str| metadata.label(key), &annotation),
        };
        Some(Self {
            namespace: metadata.namespace.as_ref()?.as_str().into(),
            workload: Workload::of(metadata),
            labels: Labels::of(metadata.labels(), |key| !is_of_each_pod(key)),
            of_its_own,
            injected,
            redirection,
            placement: placement.map(Arc::new),
            unplaced,
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
    /// The top owner.
    fn of(metadata: &Metadata<'_>) -> Self {
        let name = metadata.name.as_ref().map_or("", Text::as_str);
        let label = |key: &str| metadata.label(key);
        let workload = WorkloadRef::of(metadata.controller(), label, "", name);
        Self {
            kind: workload.kind.into(),
            name: workload.name.into(),
        }
    }
}

#[cfg(test)]
mod tests;
