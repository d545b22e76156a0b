//! What a verdict on one policy may look at beside the policy: the mesh, what the selector selects,
//! what the targets are, and who may call.
//!
//! All of it is small, owned, and of one moment. A fact that is missing says why: it is never a no.

mod population;
mod target;

use std::borrow::Cow;
use std::fmt;

use super::mesh::Mesh;
use super::policy::AuthorizationPolicy;

pub use crate::placement::facts::Resource;
pub use population::{Class, Front, Population, Tally, Via, WorkloadName};
pub use target::{
    Binding, Controller, Gateway, GatewayClass, Ingress, Level, ObjectName, Readiness, Service,
    Target, Traffic, WaypointState,
};

/// A fact, or why there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact<T> {
    /// This is so.
    Known(T),
    /// Nobody can tell.
    Unknown(WhyUnknown),
}

/// Why a fact is missing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum WhyUnknown {
    /// meshmode has no connection to a cluster.
    NoCluster,
    /// These were not read yet since the start.
    NotReadYet(Resource),
    /// These meshmode may not read.
    Forbidden(Resource),
    /// There is none, or it cannot be read as what it is: ConfigMap `istio`.
    NotThere(Resource),
    /// The policy does not say its namespace, as in a file.
    NoNamespace,
    /// The policy does not have this target.
    NoSuchTarget,
}

/// The facts for one policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// The mesh; unknown: [`Facts::mesh`] assumes the defaults of Istio.
    pub mesh: Fact<Mesh>,
    /// The workloads that the selector selects, or all of the namespace (of the mesh, in the root
    /// namespace) where there is none. Nothing where the policy has targets: then Istio looks at
    /// no labels (`ShouldAttachPolicy` of `pilot/pkg/model/policyattachment.go`).
    pub selected: Fact<Population>,
    /// The targets, as many and in the order as [`Spec::targets`](super::policy::Spec::targets).
    pub targets: Fact<Vec<Fact<Target>>>,
    /// All workloads of the mesh, as those who may call.
    pub clients: Fact<Population>,
    /// What was read, but is not followed at the moment: its facts are the last known ones.
    pub behind: Vec<Resource>,
}

/// Whom a policy is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Its own namespace.
    Namespace,
    /// All of the mesh, as its namespace is the root namespace.
    Mesh,
}

/// Where facts come from: caches, or nowhere. It never waits.
pub trait FactsSource: fmt::Debug + Send + Sync {
    /// The facts for this policy, as of now.
    fn facts_for(&self, policy: &AuthorizationPolicy<'_>) -> Facts;
}

/// Without any source: each fact is missing for this reason.
impl FactsSource for WhyUnknown {
    fn facts_for(&self, _: &AuthorizationPolicy<'_>) -> Facts {
        Facts::unknown(*self)
    }
}

// === impl Facts ===

impl Facts {
    /// No facts at all.
    pub const fn unknown(why: WhyUnknown) -> Self {
        Self {
            mesh: Fact::Unknown(why),
            selected: Fact::Unknown(why),
            targets: Fact::Unknown(why),
            clients: Fact::Unknown(why),
            behind: Vec::new(),
        }
    }

    /// The mesh, or one with the defaults of Istio.
    pub fn mesh(&self) -> Cow<'_, Mesh> {
        match &self.mesh {
            Fact::Known(mesh) => Cow::Borrowed(mesh),
            Fact::Unknown(_) => Cow::Owned(Mesh::default()),
        }
    }

    /// Whom `policy` is for, in this mesh or one with the defaults of Istio.
    pub fn reach(&self, policy: &AuthorizationPolicy<'_>) -> Reach {
        if policy.namespace() == Some(self.mesh().root_namespace.as_str()) {
            Reach::Mesh
        } else {
            Reach::Namespace
        }
    }

    /// The target of this index.
    pub fn target(&self, index: usize) -> Fact<&Target> {
        match &self.targets {
            Fact::Unknown(why) => Fact::Unknown(*why),
            Fact::Known(targets) => match targets.get(index) {
                Some(target) => target.as_ref(),
                None => Fact::Unknown(WhyUnknown::NoSuchTarget),
            },
        }
    }
}

// === impl Fact ===

impl<T> Fact<T> {
    /// The same, borrowed.
    pub const fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(fact) => Fact::Known(fact),
            Self::Unknown(why) => Fact::Unknown(*why),
        }
    }

    /// What is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }

    /// The fact that `then` makes of this one.
    pub fn map<U>(self, then: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(fact) => Fact::Known(then(fact)),
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }
}

// === impl WhyUnknown ===

/// As the end of a sentence: "it is not known what it selects: …".
impl fmt::Display for WhyUnknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCluster => formatter.write_str("meshmode has no connection to a cluster"),
            Self::NotReadYet(resource) => write!(formatter, "meshmode has not read {resource} yet"),
            Self::Forbidden(resource) => write!(formatter, "meshmode may not read {resource}"),
            Self::NotThere(resource) => {
                write!(formatter, "there is no {resource} that can be read")
            }
            Self::NoNamespace => formatter.write_str("the policy does not say its namespace"),
            Self::NoSuchTarget => formatter.write_str("the policy has no such target"),
        }
    }
}

#[cfg(test)]
mod tests;
