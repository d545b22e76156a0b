//! What is said about targets, and by which code.

use std::fmt;

use super::{At, Carries, Standing, WhyNot, WhyNothing};
use crate::authorization::code::Code;
use crate::authorization::facts::{Traffic, WaypointState};

// === impl Standing ===

impl Standing {
    /// The code of what is wrong, if anything is.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Attached { carries, .. } => match carries {
                Carries::Nothing(_) => Some(Code::WAYPOINT_UNUSED),
                Carries::Traffic | Carries::Unknown(_) => None,
            },
            Self::NotAttached(why) => Some(why.code()),
            Self::AtGateway(_) | Self::Unknown(_) => None,
        }
    }
}

/// As what follows `Service payment: `.
impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached { at, carries } => match carries {
                Carries::Traffic => write!(formatter, "{at} enforces it"),
                Carries::Nothing(why) => write!(formatter, "{at} receives it, but {why}"),
                Carries::Unknown(why) => write!(
                    formatter,
                    "{at} receives it; what goes through it is not known: {why}"
                ),
            },
            Self::AtGateway(gateway) => {
                write!(
                    formatter,
                    "{gateway} is a gateway, no waypoint, and enforces it"
                )
            }
            Self::NotAttached(why) => why.fmt(formatter),
            Self::Unknown(why) => write!(formatter, "not looked at: {why}"),
        }
    }
}

// === impl WhyNot ===

impl WhyNot {
    /// Its code.
    pub const fn code(&self) -> Code {
        match self {
            Self::KindNotAllowed => Code::TARGET_KIND,
            Self::OtherNamespace(_) => Code::TARGET_NAMESPACE,
            Self::ClassOutsideRoot { .. } => Code::CLASS_OUTSIDE_ROOT,
            Self::ClassNotWaypoint => Code::CLASS_NOT_WAYPOINT,
            Self::TargetMissing => Code::TARGET_MISSING,
            Self::NotIstios(_) => Code::GATEWAY_NOT_ISTIOS,
            Self::GatewayNotReady => Code::WAYPOINT_NOT_READY,
            Self::NotBound => Code::SERVICE_NOT_BOUND,
            Self::OptedOut => Code::SERVICE_OPTED_OUT,
            Self::OfWaypoint => Code::SERVICE_OF_WAYPOINT,
            Self::PastWaypoint { state, .. } => match state {
                WaypointState::Missing => Code::WAYPOINT_MISSING,
                // `Ready` is not past it.
                WaypointState::NotReady | WaypointState::Ready => Code::WAYPOINT_NOT_READY,
                WaypointState::NotAllowed => Code::WAYPOINT_NOT_ALLOWED,
                WaypointState::OtherTraffic(_) => Code::WAYPOINT_OTHER_TRAFFIC,
            },
        }
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KindNotAllowed => formatter.write_str(
                "Istio attaches policies to Gateway and GatewayClass (gateway.networking.k8s.io), \
                 Service (core group) and ServiceEntry (networking.istio.io) only",
            ),
            Self::OtherNamespace(namespace) => write!(
                formatter,
                "a target is sought in the policy's own namespace, not in {namespace}"
            ),
            Self::ClassOutsideRoot { root } => write!(
                formatter,
                "a GatewayClass can be the target of policies of the root namespace {root} only"
            ),
            Self::ClassNotWaypoint => formatter
                .write_str("the only GatewayClass that a policy can be attached to is istio-waypoint"),
            Self::TargetMissing => {
                formatter.write_str("it does not exist in the policy's namespace (yet)")
            }
            Self::NotIstios(name) => {
                write!(formatter, "it is not Istio's but made by {name}, which reads no policies")
            }
            Self::GatewayNotReady => formatter.write_str(
                "the waypoint is not ready (yet): until then traffic goes straight to the workloads",
            ),
            Self::NotBound => formatter.write_str(
                "it is not bound to a waypoint: neither it nor its namespace has the label \
                 istio.io/use-waypoint",
            ),
            Self::OptedOut => formatter
                .write_str("its label istio.io/use-waypoint says none: no waypoint is in front of it"),
            Self::OfWaypoint => formatter
                .write_str("it belongs to a waypoint, in front of which there is none"),
            Self::PastWaypoint { waypoint, state } => write!(
                formatter,
                "it asks for waypoint {waypoint}, which {}: traffic goes straight to the workloads",
                Absent(state)
            ),
        }
    }
}

/// What keeps traffic from a waypoint, after `which`.
struct Absent<'a>(&'a WaypointState);

impl fmt::Display for Absent<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WaypointState::Missing => formatter.write_str("does not exist (yet)"),
            WaypointState::NotReady | WaypointState::Ready => {
                formatter.write_str("is not ready (yet)")
            }
            WaypointState::NotAllowed => {
                formatter.write_str("does not allow this namespace (allowedRoutes of its listener)")
            }
            WaypointState::OtherTraffic(traffic) => write!(
                formatter,
                "is not for this traffic (istio.io/waypoint-for: {})",
                printable(traffic)
            ),
        }
    }
}

/// A label's value is at most 63 harmless characters.
fn printable(traffic: &Traffic) -> &str {
    traffic.as_str()
}

// === impl At ===

impl fmt::Display for At {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waypoint(name) => write!(formatter, "waypoint {name}"),
            Self::AllWaypoints => formatter.write_str("each waypoint of the mesh"),
        }
    }
}

// === impl WhyNothing ===

impl fmt::Display for WhyNothing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForNothing(traffic) => write!(
                formatter,
                "its label istio.io/waypoint-for is {:?}: no traffic goes through it",
                printable(traffic)
            ),
            Self::NothingBound => formatter.write_str(
                "no Service, Pod or namespace asks for it with istio.io/use-waypoint: no traffic goes \
                 through it",
            ),
        }
    }
}
