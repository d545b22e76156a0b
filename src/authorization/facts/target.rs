//! What the targets of a policy are.

use std::collections::BTreeMap;
use std::fmt;

use super::Fact;
use super::population::{Population, Tally};

/// A namespace and a name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectName {
    /// Where it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
}

/// What a target of a policy is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// There is none of this kind and name in the namespace of the policy.
    Missing,
    /// It is of a kind, or in a namespace, that nobody looks for.
    NotSought,
    /// A Gateway.
    Gateway(Box<Gateway>),
    /// A GatewayClass.
    GatewayClass(GatewayClass),
    /// A Service or a ServiceEntry.
    Service(Box<Service>),
}

/// A class of Gateways.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayClass {
    /// Who makes its Gateways.
    pub controller: Controller,
}

/// A Gateway, which may be a waypoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gateway {
    /// Where it is and what it is called.
    pub name: ObjectName,
    /// Who makes it, by its class.
    pub controller: Controller,
    /// Whether it takes traffic.
    pub readiness: Readiness,
    /// What traffic it is for; of waypoints only.
    pub traffic: Traffic,
    /// The ServiceAccount of its Pods, as Istio names it: the annotation
    /// `gateway.istio.io/service-account`, or the name of a waypoint.
    pub service_account: String,
    /// Services that are bound to it, whether it takes their traffic or not; at most
    /// [`Gateway::SERVICES`].
    pub services: Fact<Vec<Service>>,
    /// Workloads that are bound to it themselves, or by their namespace, and whose traffic it takes.
    pub workloads: Fact<Tally>,
}

/// Who makes the proxies of a Gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Controller {
    /// Istio, as a waypoint.
    Waypoint,
    /// Istio, as a gateway into, out of or between meshes.
    Gateway,
    /// Somebody else, by this name of a controller or of a class: no policy of Istio reaches it.
    Other(String),
}

/// Whether a Gateway takes traffic. istiod counts one that has an address in its status
/// (`gatewayToWaypointTransform` in `pilot/pkg/serviceregistry/ambient/waypoints.go`): it has had a
/// ready Pod.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// It has an address.
    Ready,
    /// It has none.
    NotReady,
}

/// What traffic a waypoint is for: the label `istio.io/waypoint-for` on the Gateway, else on its
/// class, else `service`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Traffic {
    /// `service`: what is addressed to a Service.
    Service,
    /// `workload`: what is addressed to a Pod.
    Workload,
    /// `all`: both.
    All,
    /// `none`: nothing.
    None,
    /// A value that Istio does not know: nothing.
    Unknown(String),
}

/// A Service or a ServiceEntry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Where it is and what it is called.
    pub name: ObjectName,
    /// Whether its traffic goes through a waypoint.
    pub binding: Binding,
    /// Whether that of ingress gateways does, too.
    pub ingress: Ingress,
    /// The labels of its Pods; none for a ServiceEntry, or a Service without a selector.
    pub selector: BTreeMap<String, String>,
    /// Those Pods.
    pub workloads: Fact<Population>,
}

/// Which waypoint a Service asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Binding {
    /// None: neither it nor its namespace has the label `istio.io/use-waypoint`.
    None,
    /// None: its own label says `none`.
    OptedOut,
    /// None: it belongs to a waypoint itself.
    OfWaypoint,
    /// This one.
    Bound {
        /// Which one.
        waypoint: ObjectName,
        /// Whose label names it.
        by: Level,
        /// The ServiceAccount of its Pods, as of [`Gateway::service_account`].
        service_account: String,
        /// Whether its traffic goes there.
        state: WaypointState,
    },
}

/// Whose label it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// The object's own.
    Object,
    /// Its namespace's.
    Namespace,
}

/// Whether traffic goes to the waypoint that is asked for. Where it does not, it goes straight to the
/// workload: open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WaypointState {
    /// It does.
    Ready,
    /// There is no Gateway of this name.
    Missing,
    /// The Gateway has no address, as none of its Pods is ready.
    NotReady,
    /// The listener's `allowedRoutes` do not allow this namespace.
    NotAllowed,
    /// The waypoint is for this traffic only.
    OtherTraffic(Traffic),
}

/// Whether ingress gateways send through the waypoint: the label `istio.io/ingress-use-waypoint`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ingress {
    /// They do.
    ThroughWaypoint,
    /// They send straight to the Pods.
    PastWaypoint,
}

// === impl Gateway ===

impl Gateway {
    /// How many of the Services behind it are told.
    pub const SERVICES: usize = 16;
}

// === impl Controller ===

impl Controller {
    /// The one of this `controllerName` of a GatewayClass.
    ///
    /// After `GetClassInfos` in `pilot/pkg/config/kube/gatewaycommon/classinfo.go` of Istio.
    pub fn named(controller: &str) -> Self {
        match controller {
            "istio.io/mesh-controller" | "istio.io/agentgateway-waypoint-controller" => {
                Self::Waypoint
            }
            // East-west gateways are made like waypoints, but are entered from other networks.
            "istio.io/gateway-controller"
            | "istio.io/agentgateway-controller"
            | "istio.io/eastwest-controller"
            | "istio.io/unmanaged-gateway" => Self::Gateway,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The one of a class that is not there, by its name.
    pub fn of_class(class: &str) -> Self {
        match class {
            "istio-waypoint" | "istio-agentgateway-waypoint" => Self::Waypoint,
            "istio" | "istio-remote" | "istio-agentgateway" | "istio-east-west" => Self::Gateway,
            other => Self::Other(other.to_owned()),
        }
    }
}

// === impl Traffic ===

impl Traffic {
    /// By the value of the label.
    pub fn parse(value: &str) -> Self {
        match value {
            "service" => Self::Service,
            "workload" => Self::Workload,
            "all" => Self::All,
            "none" => Self::None,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// As the label says it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Service => "service",
            Self::Workload => "workload",
            Self::All => "all",
            Self::None => "none",
            Self::Unknown(value) => value,
        }
    }

    /// Whether what is addressed to Services goes through such a waypoint.
    pub const fn has_services(&self) -> bool {
        match self {
            Self::Service | Self::All => true,
            Self::Workload | Self::None | Self::Unknown(_) => false,
        }
    }

    /// Whether what is addressed to Pods does.
    pub const fn has_workloads(&self) -> bool {
        match self {
            Self::Workload | Self::All => true,
            Self::Service | Self::None | Self::Unknown(_) => false,
        }
    }
}

// === impl ObjectName ===

impl ObjectName {
    /// `namespace/name`
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}
