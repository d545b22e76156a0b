//! What no enforcer can repair: a waypoint enforces a policy for what passes through it, and not
//! everything does. And the guard: a second policy, for ztunnel and sidecars at the workloads
//! themselves, that lets in what comes from the waypoint only.

mod guard;

use std::fmt;

use super::waypoint::{Standing, WaypointStanding, at_waypoint};
use crate::authorization::code::Code;
use crate::authorization::facts::{
    Binding, Fact, Facts, Gateway, Ingress, Service, Tally, Target, WaypointState,
};
use crate::authorization::policy::AuthorizationPolicy;

pub use guard::Guard;

/// How a policy that waypoints enforce can be gone around.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bypasses {
    /// The ways; none where no waypoint enforces the policy.
    pub ways: Vec<Bypass>,
    /// What closes all of them, a policy for each Service behind the waypoint; at most
    /// [`Gateway::SERVICES`] a target.
    pub guards: Vec<Guard>,
}

/// One way past the waypoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bypass {
    /// Which.
    pub way: Way,
    /// Who goes it; unknown: there may be such. For [`Way::Direct`] it is everybody in the mesh.
    pub who: Fact<Tally>,
}

/// A way past a waypoint.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Way {
    /// Sidecars do not know waypoints: they send straight to the Pods.
    Sidecars,
    /// So do ingress gateways, unless the Service or its namespace is labelled
    /// `istio.io/ingress-use-waypoint: "true"`.
    Ingress,
    /// A waypoint for Services does not see what is addressed to a Pod.
    Direct,
    /// Clients out of the mesh send straight to the Pods; PeerAuthentication `STRICT` refuses them.
    Outside,
}

/// How `policy` can be gone around.
pub fn bypasses(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Bypasses {
    let WaypointStanding::Targets(standings) = at_waypoint(policy, facts) else {
        return Bypasses::default();
    };
    let mut behind = Behind::default();
    for (index, target) in standings.iter().enumerate() {
        match target.standing {
            Standing::Attached { .. } => behind.add(facts.target(index)),
            Standing::AtGateway(_) | Standing::NotAttached(_) | Standing::Unknown(_) => {}
        }
    }
    if !behind.attached {
        return Bypasses::default();
    }
    let mesh = facts.mesh();
    let guards = behind.services.iter();
    Bypasses {
        ways: behind.ways(facts),
        guards: guards
            .filter_map(|service| Guard::of(service, &mesh))
            .collect(),
    }
}

/// What is behind the waypoints that a policy is attached to.
#[derive(Default)]
struct Behind<'a> {
    attached: bool,
    /// Those whose traffic goes through the waypoint.
    services: Vec<&'a Service>,
    direct: bool,
    /// All waypoints: nobody knows which Services.
    any_service: bool,
}

impl<'a> Behind<'a> {
    fn add(&mut self, target: Fact<&'a Target>) {
        self.attached = true;
        match target {
            Fact::Known(Target::Service(service)) => {
                self.services.push(service);
                self.direct = true;
            }
            Fact::Known(Target::Gateway(gateway)) => self.add_gateway(gateway),
            Fact::Known(Target::GatewayClass(_)) => {
                self.any_service = true;
                self.direct = true;
            }
            Fact::Known(Target::Missing | Target::NotSought) | Fact::Unknown(_) => {}
        }
    }

    fn add_gateway(&mut self, gateway: &'a Gateway) {
        let binds_workloads = match &gateway.workloads {
            Fact::Known(tally) => !tally.is_empty(),
            Fact::Unknown(_) => gateway.traffic.has_workloads(),
        };
        self.direct |= !binds_workloads;
        match &gateway.services {
            Fact::Known(services) => {
                self.services
                    .extend(services.iter().filter(|service| goes_through(service)));
            }
            Fact::Unknown(_) => self.any_service = true,
        }
    }

    fn ways(&self, facts: &Facts) -> Vec<Bypass> {
        let clients = facts.clients.as_ref();
        let past = |service: &&Service| service.ingress == Ingress::PastWaypoint;
        let ingress = self.any_service || self.services.iter().any(past);
        let ways = [
            (Way::Sidecars, true, clients.map(|all| all.sidecar.clone())),
            (
                Way::Ingress,
                ingress,
                facts.clients.as_ref().map(|all| all.gateway.clone()),
            ),
            (
                Way::Direct,
                self.direct,
                facts.clients.as_ref().map(|all| all.ambient.clone()),
            ),
            (
                Way::Outside,
                true,
                facts.clients.as_ref().map(|all| all.outside.clone()),
            ),
        ];
        let open = ways.into_iter().filter(|(_, open, _)| *open);
        open.map(|(way, _, who)| Bypass { way, who })
            .filter(Bypass::is_gone)
            .collect()
    }
}

fn goes_through(service: &Service) -> bool {
    match &service.binding {
        Binding::Bound { state, .. } => *state == WaypointState::Ready,
        Binding::None | Binding::OptedOut | Binding::OfWaypoint => false,
    }
}

// === impl Bypass ===

impl Bypass {
    /// Whether there is anybody to go it, as far as is known.
    fn is_gone(&self) -> bool {
        match (&self.way, &self.who) {
            (Way::Direct, _) | (_, Fact::Unknown(_)) => true,
            (Way::Sidecars | Way::Ingress | Way::Outside, Fact::Known(who)) => !who.is_empty(),
        }
    }

    /// Its code.
    pub const fn code(&self) -> Code {
        match self.way {
            Way::Sidecars => Code::SIDECARS_GO_PAST,
            Way::Ingress => Code::INGRESS_GOES_PAST,
            Way::Direct => Code::DIRECT_GOES_PAST,
            Way::Outside => Code::OUTSIDE_GOES_PAST,
        }
    }
}

/// One line.
impl fmt::Display for Bypass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.way {
            Way::Sidecars => "Clients with a sidecar go past the waypoint",
            Way::Ingress => {
                "Ingress gateways go past the waypoint, unless the Service is labelled \
                 istio.io/ingress-use-waypoint: \"true\""
            }
            Way::Direct => "What is addressed to a Pod, not to its Service, goes past the waypoint",
            Way::Outside => "Clients out of the mesh go past the waypoint",
        })?;
        match (self.way, &self.who) {
            (Way::Direct, _) => Ok(()),
            (_, Fact::Known(who)) => write!(formatter, " ({who})"),
            (_, Fact::Unknown(why)) => {
                write!(formatter, " (whether there are any is not known: {why})")
            }
        }
    }
}

#[cfg(test)]
mod tests;
