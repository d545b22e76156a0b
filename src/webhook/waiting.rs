//! A moment's patience for an object that a placement needs, and whose event is on the way: a Pod is often
//! admitted before the watch has told of its Deployment.
//!
//! It asks what is known, again and again, and never the API server.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::placement::facts::Resource;
use crate::placement::facts::source::{Missing, Source};
use crate::placement::workload::WorkloadRef;

/// Objects that were not seen yet, and are worth waiting for.
#[derive(Debug)]
pub struct Awaited(Vec<Missing>);

/// How a wait ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waited {
    /// How long it took.
    pub duration: Duration,
    /// Whether it was worth it.
    pub end: End,
}

/// How a wait ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// All of them are there.
    Seen,
    /// One is not, and the time is over, or it is not to be expected any more.
    GivenUp,
}

/// What is known of an object.
enum Known {
    There,
    NotYet,
    /// Waiting does not help: it is not watched any more, say.
    Unknowable,
}

/// How often it is asked: this costs a lock.
const EVERY: Duration = Duration::from_millis(2);

// === impl Awaited ===

impl Awaited {
    /// Those of `missing` that waiting may bring, if any.
    pub fn among(missing: &[Missing]) -> Option<Self> {
        let awaited: Vec<Missing> = missing
            .iter()
            .filter(|missing| match missing {
                Missing::NotSeen { resource, .. } => kind(*resource).is_some(),
                Missing::NoCluster
                | Missing::NotReadYet(_)
                | Missing::Forbidden(_)
                | Missing::NotWatched(_)
                | Missing::OtherKind(_) => false,
            })
            .cloned()
            .collect();
        (!awaited.is_empty()).then_some(Self(awaited))
    }

    /// Waits until `source` knows all of them, for at most `patience`.
    pub async fn wait(&self, source: &dyn Source, patience: Duration) -> Waited {
        let start = Instant::now();
        let end = loop {
            match self.known(source) {
                Known::There => break End::Seen,
                Known::Unknowable => break End::GivenUp,
                Known::NotYet => {}
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                break End::GivenUp;
            }
            tokio::time::sleep(left.min(EVERY)).await;
        };
        Waited {
            duration: start.elapsed(),
            end,
        }
    }

    fn known(&self, source: &dyn Source) -> Known {
        let mut known = Known::There;
        for missing in &self.0 {
            match look(missing, source) {
                Known::There => {}
                Known::NotYet => known = Known::NotYet,
                Known::Unknowable => return Known::Unknowable,
            }
        }
        known
    }
}

/// What can be asked for by its name.
#[derive(Clone, Copy)]
enum Kind {
    Namespace,
    Workload(&'static str),
}

const fn kind(resource: Resource) -> Option<Kind> {
    match resource {
        Resource::Namespaces => Some(Kind::Namespace),
        Resource::Deployments => Some(Kind::Workload("Deployment")),
        Resource::StatefulSets => Some(Kind::Workload("StatefulSet")),
        Resource::Pods
        | Resource::Services
        | Resource::ServiceEntries
        | Resource::Gateways
        | Resource::GatewayClasses
        | Resource::MeshConfig
        | Resource::Injectors
        | Resource::Autoscalers
        | Resource::EnvoyFilters
        | Resource::Sidecars
        | Resource::WasmPlugins
        | Resource::RequestAuthentications
        | Resource::AuthorizationPolicies => None,
    }
}

fn look(missing: &Missing, source: &dyn Source) -> Known {
    let (resource, namespace, name) = match missing {
        Missing::NotSeen {
            resource,
            namespace,
            name,
        } => (*resource, &**namespace, &**name),
        Missing::NoCluster
        | Missing::NotReadYet(_)
        | Missing::Forbidden(_)
        | Missing::NotWatched(_)
        | Missing::OtherKind(_) => return Known::Unknowable,
    };
    let why_not = match kind(resource) {
        Some(Kind::Namespace) => source.namespace(name).err(),
        Some(Kind::Workload(kind)) => {
            let workload = WorkloadRef {
                kind: Cow::Borrowed(kind),
                namespace: Cow::Borrowed(namespace),
                name: Cow::Borrowed(name),
            };
            source.workload(&workload).err()
        }
        None => return Known::Unknowable,
    };
    match why_not {
        None => Known::There,
        Some(Missing::NotSeen { .. }) => Known::NotYet,
        Some(
            Missing::NoCluster
            | Missing::NotReadYet(_)
            | Missing::Forbidden(_)
            | Missing::NotWatched(_)
            | Missing::OtherKind(_),
        ) => Known::Unknowable,
    }
}

// === impl End ===

impl End {
    /// The word in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::GivenUp => "given-up",
        }
    }
}

#[cfg(test)]
mod tests;
