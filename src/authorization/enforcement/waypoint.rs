//! What waypoints receive of a policy, target by target, and why not.
//!
//! After `ShouldAttachPolicy` in `pilot/pkg/model/policyattachment.go` of Istio (what the proxy
//! gets) and `WaypointPolicyStatusCollection` in `pilot/pkg/serviceregistry/ambient/policies.go`
//! (what the policy's status says). Where they differ, the first counts: see
//! [`WhyNot::ClassNotWaypoint`].

mod kind;
mod wording;

use crate::authorization::facts::{
    Binding, Controller, Fact, Facts, Gateway, GatewayClass, ObjectName, Readiness, Service, Tally,
    Target, Traffic, WaypointState, WhyUnknown,
};
use crate::authorization::needs::WAYPOINT_CLASS;
use crate::authorization::policy::{AuthorizationPolicy, TargetRef};

use kind::shown;

pub use kind::TargetKind;

/// What waypoints receive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WaypointStanding {
    /// Nothing: the policy has no targets, and waypoints ignore selectors, also those of the whole
    /// namespace or mesh.
    NoTargets,
    /// One for each target; the policy is in force where any attaches it.
    Targets(Vec<TargetStanding>),
}

/// One target and what becomes of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetStanding {
    /// Such as `Service payment`.
    pub target: String,
    /// What becomes of it.
    pub standing: Standing,
}

/// What becomes of a policy by one of its targets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// A waypoint receives it.
    Attached {
        /// Which one.
        at: At,
        /// For what traffic.
        carries: Carries,
    },
    /// A gateway of Istio that is no waypoint receives it.
    AtGateway(ObjectName),
    /// No waypoint receives it, or the traffic goes past the one that does: open.
    NotAttached(WhyNot),
    /// Nobody can tell.
    Unknown(WhyUnknown),
}

/// Where a policy is attached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum At {
    /// At this waypoint.
    Waypoint(ObjectName),
    /// At each waypoint of the mesh.
    AllWaypoints,
}

/// What traffic goes through a waypoint that receives a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Carries {
    /// Some.
    Traffic,
    /// None, so the policy refuses nobody.
    Nothing(WhyNothing),
    /// Nobody can tell what is bound to it.
    Unknown(WhyUnknown),
}

/// Why no traffic goes through a waypoint that is ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyNothing {
    /// Its label `istio.io/waypoint-for` says `none`, or a word that Istio does not know.
    ForNothing(Traffic),
    /// No Service, Pod or namespace asks for it with `istio.io/use-waypoint`.
    NothingBound,
}

/// Why a policy is not attached by a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyNot {
    /// A group and kind that Istio attaches no policy to.
    KindNotAllowed,
    /// The target is sought in the namespace of the policy, and this names another.
    OtherNamespace(String),
    /// GatewayClasses are for policies of the root namespace.
    ClassOutsideRoot {
        /// The root namespace.
        root: String,
    },
    /// The class must be `istio-waypoint` by name. The status accepts others of the same controller,
    /// but their waypoints do not receive the policy.
    ClassNotWaypoint,
    /// There is no such thing.
    TargetMissing,
    /// The Gateway's class is none of Istio's.
    NotIstios(String),
    /// The Gateway exists, and none of its Pods is ready.
    GatewayNotReady,
    /// Nothing binds the Service to a waypoint.
    NotBound,
    /// The Service says `istio.io/use-waypoint: none`.
    OptedOut,
    /// The Service belongs to a waypoint.
    OfWaypoint,
    /// The Service is bound to this one, and its traffic does not go there.
    PastWaypoint {
        /// Which waypoint.
        waypoint: ObjectName,
        /// Why; never [`WaypointState::Ready`].
        state: WaypointState,
    },
}

/// What must change before a target attaches the policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The policy: no other object can make it right.
    InPolicy,
    /// Another object, which may be on its way, as when both are applied together.
    InCluster,
}

/// What waypoints receive of `policy`.
pub fn at_waypoint(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> WaypointStanding {
    let targets = policy.spec.targets();
    if targets.is_empty() {
        return WaypointStanding::NoTargets;
    }
    let standings = targets.iter().enumerate().map(|(index, target)| {
        let standing = standing(policy, target, facts.target(index), facts);
        TargetStanding {
            target: shown(target),
            standing,
        }
    });
    WaypointStanding::Targets(standings.collect())
}

fn standing(
    policy: &AuthorizationPolicy<'_>,
    target: &TargetRef<'_>,
    fact: Fact<&Target>,
    facts: &Facts,
) -> Standing {
    if let Some(wrong) = wrong_as_written(policy, target, facts) {
        return Standing::NotAttached(wrong);
    }
    match fact {
        Fact::Unknown(why) => Standing::Unknown(why),
        Fact::Known(Target::Missing) => Standing::NotAttached(WhyNot::TargetMissing),
        Fact::Known(Target::NotSought) => Standing::NotAttached(WhyNot::KindNotAllowed),
        Fact::Known(Target::Gateway(gateway)) => by_gateway(gateway),
        Fact::Known(Target::GatewayClass(class)) => by_class(class),
        Fact::Known(Target::Service(service)) => by_service(service),
    }
}

/// What no other object can repair.
fn wrong_as_written(
    policy: &AuthorizationPolicy<'_>,
    target: &TargetRef<'_>,
    facts: &Facts,
) -> Option<WhyNot> {
    let Some(kind) = TargetKind::of(target) else {
        return Some(WhyNot::KindNotAllowed);
    };
    match target.namespace.as_deref().filter(|n| !n.is_empty()) {
        Some(other) if policy.namespace().is_some_and(|own| own != other) => {
            return Some(WhyNot::OtherNamespace(other.to_owned()));
        }
        Some(_) | None => {}
    }
    match kind {
        TargetKind::GatewayClass => wrong_class(policy, target, facts),
        TargetKind::Gateway | TargetKind::Service | TargetKind::ServiceEntry => None,
    }
}

fn wrong_class(
    policy: &AuthorizationPolicy<'_>,
    target: &TargetRef<'_>,
    facts: &Facts,
) -> Option<WhyNot> {
    if target.name.as_deref() != Some(WAYPOINT_CLASS) {
        return Some(WhyNot::ClassNotWaypoint);
    }
    // Which namespace is the root is only assumed where the mesh is not known: then it is not held
    // against the policy.
    match (&facts.mesh, policy.namespace()) {
        (Fact::Known(mesh), Some(namespace)) if namespace != mesh.root_namespace => {
            Some(WhyNot::ClassOutsideRoot {
                root: mesh.root_namespace.clone(),
            })
        }
        (Fact::Known(_) | Fact::Unknown(_), _) => None,
    }
}

fn by_class(class: &GatewayClass) -> Standing {
    match &class.controller {
        Controller::Waypoint => Standing::Attached {
            at: At::AllWaypoints,
            carries: Carries::Traffic,
        },
        Controller::Gateway => Standing::NotAttached(WhyNot::ClassNotWaypoint),
        Controller::Other(name) => Standing::NotAttached(WhyNot::NotIstios(name.clone())),
    }
}

fn by_gateway(gateway: &Gateway) -> Standing {
    match (&gateway.controller, gateway.readiness) {
        (Controller::Other(name), _) => Standing::NotAttached(WhyNot::NotIstios(name.clone())),
        (Controller::Gateway, _) => Standing::AtGateway(gateway.name.clone()),
        (Controller::Waypoint, Readiness::NotReady) => {
            Standing::NotAttached(WhyNot::GatewayNotReady)
        }
        (Controller::Waypoint, Readiness::Ready) => Standing::Attached {
            at: At::Waypoint(gateway.name.clone()),
            carries: carried_by(gateway),
        },
    }
}

fn carried_by(gateway: &Gateway) -> Carries {
    if !gateway.traffic.has_services() && !gateway.traffic.has_workloads() {
        return Carries::Nothing(WhyNothing::ForNothing(gateway.traffic.clone()));
    }
    let sends = |service: &Service| match &service.binding {
        Binding::Bound { state, .. } => *state == WaypointState::Ready,
        Binding::None | Binding::OptedOut | Binding::OfWaypoint => false,
    };
    let services = gateway.services.as_ref().map(|all| all.iter().any(sends));
    let workloads = gateway
        .workloads
        .as_ref()
        .map(|tally| !Tally::is_empty(tally));
    match (services, workloads) {
        (Fact::Known(true), _) | (_, Fact::Known(true)) => Carries::Traffic,
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Carries::Unknown(why),
        (Fact::Known(false), Fact::Known(false)) => Carries::Nothing(WhyNothing::NothingBound),
    }
}

fn by_service(service: &Service) -> Standing {
    match &service.binding {
        Binding::None => Standing::NotAttached(WhyNot::NotBound),
        Binding::OptedOut => Standing::NotAttached(WhyNot::OptedOut),
        Binding::OfWaypoint => Standing::NotAttached(WhyNot::OfWaypoint),
        Binding::Bound {
            waypoint,
            state: WaypointState::Ready,
            ..
        } => Standing::Attached {
            at: At::Waypoint(waypoint.clone()),
            carries: Carries::Traffic,
        },
        Binding::Bound {
            waypoint, state, ..
        } => Standing::NotAttached(WhyNot::PastWaypoint {
            waypoint: waypoint.clone(),
            state: state.clone(),
        }),
    }
}

// === impl WhyNot ===

impl WhyNot {
    /// What must change.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::KindNotAllowed
            | Self::OtherNamespace(_)
            | Self::ClassOutsideRoot { .. }
            | Self::ClassNotWaypoint
            | Self::NotIstios(_)
            | Self::OfWaypoint => Fault::InPolicy,
            Self::TargetMissing
            | Self::GatewayNotReady
            | Self::NotBound
            | Self::OptedOut
            | Self::PastWaypoint { .. } => Fault::InCluster,
        }
    }
}

#[cfg(test)]
mod tests;
