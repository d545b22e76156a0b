//! The facts of one decision, each asked of its source at most once, and only where somebody looks.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::source::{
    Believed, Connection, Missing, Namespace, Requirement, Siblings, Source, Waypoint, Workload,
};
use super::{Facts, Owner, Pod, StringMap};
use crate::placement::outcome::Istio;
use crate::placement::workload::{RevisionRef, UNSCALED, WorkloadRef};

/// What a decision has looked at.
pub(in crate::placement) struct View<'f, 'a> {
    pod: &'f Pod<'a>,
    namespace_name: &'f str,
    owner: Owner<'f>,
    cluster: &'f dyn Source,
    namespace: Asked<Arc<Namespace>>,
    workload: Asked<Arc<Workload>>,
    requires: Asked<Vec<Requirement>>,
    waypoint: Asked<Option<Waypoint>>,
    /// What was asked for and is not there.
    missing: Mutex<Vec<Missing>>,
}

/// An answer, once it was asked for.
type Asked<T> = OnceLock<Result<T, Missing>>;

// === impl View ===

impl<'f, 'a> View<'f, 'a> {
    /// Of `facts`.
    pub(in crate::placement) fn of(facts: &Facts<'f, 'a, '_>) -> Self {
        Self {
            pod: facts.pod,
            namespace_name: facts.namespace,
            owner: facts.owner,
            cluster: facts.cluster,
            namespace: OnceLock::new(),
            workload: OnceLock::new(),
            requires: OnceLock::new(),
            waypoint: OnceLock::new(),
            missing: Mutex::new(Vec::new()),
        }
    }

    /// The name of the namespace.
    pub(in crate::placement) fn namespace_name(&self) -> &'f str {
        self.namespace_name
    }

    /// The Pod.
    pub(in crate::placement) fn pod(&self) -> &'f Pod<'a> {
        self.pod
    }

    /// Whether there is a cluster.
    pub(in crate::placement) fn connection(&self) -> Connection {
        self.cluster.connection()
    }

    /// Whose Pod it is.
    pub(in crate::placement) fn owner(&self) -> WorkloadRef<'f> {
        let (pod, namespace) = (self.pod, self.namespace_name);
        match self.owner {
            Owner::OfPod | Owner::Observed => {
                let labels = pod.labels();
                let label = |key: &str| labels.get(key);
                WorkloadRef::of(pod.controller(), label, namespace, pod.name())
            }
            Owner::Template(workload) => workload.clone(),
        }
    }

    /// The revision whose Pods are to have one mode.
    pub(in crate::placement) fn revision(&self) -> Option<RevisionRef<'f>> {
        match self.owner {
            Owner::OfPod | Owner::Observed => {
                let labels = self.pod.labels();
                RevisionRef::of(self.pod.controller(), |key: &str| labels.get(key))
            }
            Owner::Template(_) => None,
        }
    }

    /// What the Pods of its revision have that are there; nothing where there are none, or where it has no revision.
    pub(in crate::placement) fn siblings(
        &self,
        believed: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing> {
        let Some(revision) = self.revision() else {
            return Ok(None);
        };
        let found = self.cluster.siblings(&revision, believed);
        let found = found.inspect_err(|missing| self.note(missing))?;
        Ok(match (self.owner, found) {
            (Owner::Observed, Some(Siblings::Unplaced)) => None,
            (Owner::OfPod | Owner::Observed | Owner::Template(_), found) => found,
        })
    }

    /// The labels and annotations of the namespace.
    pub(in crate::placement) fn namespace(&self) -> Result<&Namespace, &Missing> {
        let ask = || self.cluster.namespace(self.namespace_name);
        self.ask(&self.namespace, ask).map(AsRef::as_ref)
    }

    /// What is known of the workload; nothing of a Pod that nothing owns, which is its own workload.
    pub(in crate::placement) fn workload(&self) -> Result<&Workload, &Missing> {
        let ask = || self.cluster.workload(&self.owner());
        self.ask(&self.workload, ask).map(AsRef::as_ref)
    }

    /// Whether the workload is of a kind that has replicas.
    pub(in crate::placement) fn scales(&self) -> Scaling {
        if UNSCALED.contains(&&*self.owner().kind) {
            Scaling::None
        } else {
            Scaling::Replicas
        }
    }

    /// Why the workload needs more than L4.
    pub(in crate::placement) fn requires(&self) -> Result<&[Requirement], &Missing> {
        let ask = || self.ask_requires();
        self.ask(&self.requires, ask).map(Vec::as_slice)
    }

    fn ask_requires(&self) -> Result<Vec<Requirement>, Missing> {
        let labels = self.pod.labels();
        self.cluster.requires(self.namespace_name, &labels)
    }

    /// Whether it is known that nothing needs more than L4. It is not noted as missing where that is not known.
    pub(in crate::placement) fn nothing_required(&self) -> bool {
        let asked = self.requires.get_or_init(|| self.ask_requires());
        asked.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The waypoint that the Pod is bound to.
    pub(in crate::placement) fn waypoint(&self) -> Result<Option<&Waypoint>, &Missing> {
        let labels = self.pod.labels();
        let ask = || self.cluster.waypoint(self.namespace_name, &labels);
        self.ask(&self.waypoint, ask).map(Option::as_ref)
    }

    /// The injectors and istio-cni, where they are known.
    pub(in crate::placement) fn istio(&self) -> Option<Arc<Istio>> {
        self.cluster.istio().ok()
    }

    /// The Pod's own labels and annotations.
    pub(in crate::placement) fn of_pod(&self, which: OfPod) -> StringMap<'f, 'a> {
        match which {
            OfPod::Labels => self.pod.labels(),
            OfPod::Annotations => self.pod.annotations(),
        }
    }

    /// What was asked for and is not there.
    pub(in crate::placement) fn into_missing(self) -> Vec<Missing> {
        let missing = self.missing.into_inner();
        missing.unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<'s, T>(
        &'s self,
        answer: &'s Asked<T>,
        ask: impl FnOnce() -> Result<T, Missing>,
    ) -> Result<&'s T, &'s Missing> {
        let asked = answer.get_or_init(ask).as_ref();
        asked.inspect_err(|missing| self.note(missing))
    }

    fn note(&self, missing: &Missing) {
        let noted = self.missing.lock();
        let mut noted = noted.unwrap_or_else(PoisonError::into_inner);
        if !noted.contains(missing) {
            noted.push(missing.clone());
        }
    }
}

/// Whether a workload has replicas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::placement) enum Scaling {
    /// Its kind has none.
    None,
    /// It may have.
    Replicas,
}

/// A map of strings of a Pod.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::placement) enum OfPod {
    /// `metadata.labels`
    Labels,
    /// `metadata.annotations`
    Annotations,
}
