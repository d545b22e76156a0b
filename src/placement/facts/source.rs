//! What the cluster says about a Pod, and where that comes from: caches, a file, or nowhere.

use std::fmt;
use std::sync::Arc;

use super::resource::Resource;
use crate::placement::labels::Labels;
use crate::placement::mode::Mode;
use crate::placement::outcome::Istio;
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};

/// Where facts about a Pod come from. It never waits, and each answer is of this moment.
///
/// A fact that is missing says why: it is never a no.
pub trait Source: fmt::Debug + Send + Sync {
    /// Whether there is a cluster at all. Without one the rules that read facts of it are off.
    fn connection(&self) -> Connection;

    /// The namespace of this name.
    ///
    /// # Errors
    /// It is not known.
    fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing>;

    /// The workload. Of kinds that are not watched nothing is known.
    ///
    /// # Errors
    /// It is not known.
    fn workload(&self, workload: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing>;

    /// What asks for a proxy that understands HTTP, or for a sidecar, for Pods with these labels: ordered
    /// by reason, namespace and name.
    ///
    /// # Errors
    /// It is not known.
    fn requires(
        &self,
        namespace: &str,
        labels: &dyn selector::Labels,
    ) -> Result<Vec<Requirement>, Missing>;

    /// The waypoint that Pods with these labels are bound to, if any.
    ///
    /// # Errors
    /// It is not known.
    fn waypoint(
        &self,
        namespace: &str,
        labels: &dyn selector::Labels,
    ) -> Result<Option<Waypoint>, Missing>;

    /// What the Pods of this revision have that are there, or were decided about a moment ago; nothing
    /// where there are none. Of a Pod whose record is not `believed` it counts as no placement.
    ///
    /// # Errors
    /// It is not known which Pods there are.
    fn siblings(
        &self,
        revision: &RevisionRef<'_>,
        believed: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing>;

    /// The injectors and istio-cni.
    ///
    /// # Errors
    /// They are not known.
    fn istio(&self) -> Result<Arc<Istio>, Missing>;

    /// What the Pods have that the workload has now, of its newest revision; nothing where it has none.
    fn running(&self, _workload: &WorkloadRef<'_>) -> Option<Siblings> {
        None
    }

    /// `spec.maxReplicas` of the HorizontalPodAutoscaler that scales the workload; nothing where there is
    /// none, or none is known.
    fn scaled_to(&self, workload: &WorkloadRef<'_>) -> Option<i64> {
        let known = self.workload(workload).ok()?;
        known
            .max_replicas
            .filter(|max| known.replicas != Some(*max))
    }

    /// A Pod of this revision was answered so: the next one gets the same, also before the first was seen.
    fn remember(&self, _revision: &RevisionRef<'_>, _decided: Decided) {}
}

/// Whether a record that says this mode was written by meshmode, on a Pod that has these labels.
pub type Believed<'b> = &'b dyn Fn(Mode, &Labels) -> bool;

/// Whether facts of a cluster are to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connection {
    /// There is no connection.
    None,
    /// There is one; single facts may be missing.
    Cluster,
}

/// Why a fact is missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Missing {
    /// meshmode has no connection to a cluster.
    NoCluster,
    /// These were not read yet since the start.
    NotReadYet(Resource),
    /// These meshmode may not read.
    Forbidden(Resource),
    /// Nothing watches these.
    NotWatched(Resource),
    /// This object was not seen yet: its event may be on the way, so that waiting a moment can help.
    NotSeen {
        /// Its kind.
        resource: Resource,
        /// Its namespace; empty for a namespace.
        namespace: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// Workloads of this kind are not watched.
    OtherKind(Box<str>),
}

/// A namespace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Namespace {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations, without what kubectl keeps for itself.
    pub annotations: Labels,
}

/// A workload.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Workload {
    /// `spec.replicas`; nothing where its kind has no such thing.
    pub replicas: Option<i64>,
    /// `spec.maxReplicas` of the HorizontalPodAutoscaler that scales it, else [`Self::replicas`].
    pub max_replicas: Option<i64>,
    /// Its own labels, not those of its Pods.
    pub labels: Labels,
    /// Its own annotations, without what kubectl keeps for itself.
    pub annotations: Labels,
}

/// Why a workload needs more than L4: an object of Istio's, and how it comes to be about the workload.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Requirement {
    /// What it asks for.
    pub reason: Reason,
    /// The object's namespace.
    pub namespace: Box<str>,
    /// The object's name.
    pub name: Box<str>,
    /// How it selects the workload.
    pub scope: Scope,
}

/// What asks for a proxy.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// An EnvoyFilter that changes sidecars: only a sidecar can do it.
    EnvoyFilter,
    /// A Sidecar: only a sidecar can do it.
    Sidecar,
    /// A WasmPlugin: a waypoint can do it where it is attached there.
    WasmPlugin,
    /// An AuthorizationPolicy with attributes of HTTP, or with action AUDIT.
    L7AuthorizationPolicy,
    /// A RequestAuthentication.
    RequestAuthentication,
    /// An AuthorizationPolicy with action CUSTOM.
    CustomAuthorization,
}

/// How an object selects a workload.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Its selector names labels of the workload's Pods.
    Workload,
    /// Its `targetRefs` name a Service of the workload: the Service's waypoint does it, whatever the mode.
    Service,
    /// It has no selector: all workloads of its namespace.
    Namespace,
    /// It has no selector and is in the root namespace: all workloads of the mesh.
    Mesh,
}

/// A waypoint, as labels bind it; whether it is ready changes by the minute, and a mode must not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waypoint {
    /// The namespace of its Gateway.
    pub namespace: Box<str>,
    /// The name of its Gateway.
    pub name: Box<str>,
    /// `service`, `workload`, `all` or `none`; nothing where there is no such Gateway yet.
    pub traffic: Option<Box<str>>,
}

/// What the Pods of a revision have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Siblings {
    /// A placement; of most of them where they differ.
    Placed(Arc<Decided>),
    /// None of them has a placement: they were created while nobody was asked, or left alone.
    Unplaced,
}

/// A placement that Pods have.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Decided {
    /// The mode.
    pub mode: Mode,
    /// The rule that decided.
    pub rule: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// No cluster at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCluster;

// === impl NoCluster ===

impl Source for NoCluster {
    fn connection(&self) -> Connection {
        Connection::None
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        Err(Missing::NoCluster)
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        Err(Missing::NoCluster)
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        Err(Missing::NoCluster)
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Err(Missing::NoCluster)
    }

    fn siblings(&self, _: &RevisionRef<'_>, _: Believed<'_>) -> Result<Option<Siblings>, Missing> {
        Err(Missing::NoCluster)
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        Err(Missing::NoCluster)
    }
}

// === impl Missing ===

/// After "fact not available: ".
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCluster => f.write_str("meshmode has no connection to a cluster"),
            Self::NotReadYet(resource) => write!(f, "meshmode has not read {resource} yet"),
            Self::Forbidden(resource) => write!(f, "meshmode may not read {resource}"),
            Self::NotWatched(resource) => write!(f, "meshmode does not watch {resource}"),
            Self::NotSeen {
                resource,
                namespace,
                name,
            } if namespace.is_empty() => write!(f, "{name} was not seen among {resource} yet"),
            Self::NotSeen {
                resource,
                namespace,
                name,
            } => write!(f, "{namespace}/{name} was not seen among {resource} yet"),
            Self::OtherKind(kind) => write!(f, "workloads of kind {kind} are not watched"),
        }
    }
}

// === impl Reason ===

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::EnvoyFilter,
        Self::Sidecar,
        Self::WasmPlugin,
        Self::L7AuthorizationPolicy,
        Self::RequestAuthentication,
        Self::CustomAuthorization,
    ];

    /// The word in expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvoyFilter => "EnvoyFilter",
            Self::Sidecar => "Sidecar",
            Self::WasmPlugin => "WasmPlugin",
            Self::L7AuthorizationPolicy => "L7AuthorizationPolicy",
            Self::RequestAuthentication => "RequestAuthentication",
            Self::CustomAuthorization => "CustomAuthorization",
        }
    }
}

// === impl Scope ===

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Workload, Self::Service, Self::Namespace, Self::Mesh];

    /// The word in expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Service => "service",
            Self::Namespace => "namespace",
            Self::Mesh => "mesh",
        }
    }
}
