//! Which waypoint an object asks for, and whether its traffic goes there.
//!
//! After `fetchWaypointForTarget` and its callers in
//! `pilot/pkg/serviceregistry/ambient/waypoints.go` of Istio.

use super::View;
use crate::authorization::facts::{
    Binding, Controller, Front, Ingress, Level, ObjectName, Readiness, Traffic, Via, WaypointState,
};
use crate::cluster::convert::gateway::{Allowed, Gateway};
use crate::cluster::convert::pod::Revision;
use crate::cluster::convert::service::{Asks, Belongs, Service};

/// A waypoint that is asked for.
pub(super) struct Asked {
    pub(super) waypoint: ObjectName,
    pub(super) by: Level,
}

/// What an object asks for, with its namespace.
pub(super) enum Wish {
    Nothing,
    OptedOut,
    For(Asked),
}

impl View<'_> {
    /// What an object of `namespace` asks for that says this itself.
    pub(super) fn wish(&self, own: &Asks, namespace: &str) -> Wish {
        let inherited = || {
            let namespace = self.caches.namespaces.get(namespace);
            namespace.map(|namespace| &namespace.asks)
        };
        let (asks, by) = match own {
            Asks::NotSaid => (inherited(), Level::Namespace),
            Asks::ForNone | Asks::For { .. } => (Some(own), Level::Object),
        };
        match (asks, by) {
            (Some(Asks::ForNone), Level::Object) => Wish::OptedOut,
            (None | Some(Asks::NotSaid | Asks::ForNone), _) => Wish::Nothing,
            (
                Some(Asks::For {
                    namespace: at,
                    name,
                }),
                by,
            ) => {
                let at = at.as_deref().unwrap_or(namespace);
                let waypoint = ObjectName::new(at, name);
                Wish::For(Asked { waypoint, by })
            }
        }
    }

    /// Whether traffic from what is in `namespace` goes through a waypoint that `takes` this kind of it.
    fn state(
        &self,
        waypoint: &ObjectName,
        namespace: &str,
        takes: impl Fn(&Traffic) -> bool,
    ) -> WaypointState {
        let Some(gateway) = self.caches.gateways.get(waypoint) else {
            return WaypointState::Missing;
        };
        if gateway.readiness == Readiness::NotReady {
            return WaypointState::NotReady;
        }
        if !self.allows(gateway, waypoint, namespace) {
            return WaypointState::NotAllowed;
        }
        let traffic = self.traffic(gateway);
        if takes(&traffic) {
            WaypointState::Ready
        } else {
            WaypointState::OtherTraffic(traffic)
        }
    }

    fn allows(&self, gateway: &Gateway, name: &ObjectName, namespace: &str) -> bool {
        match &gateway.allowed {
            Allowed::Same => name.namespace == namespace,
            Allowed::All => true,
            Allowed::None => false,
            Allowed::Selector(selector) => {
                let namespace = self.caches.namespaces.get(namespace);
                namespace.is_some_and(|namespace| selector.matches(&namespace.facts.labels))
            }
        }
    }

    /// What a Gateway is for: its own label, else that of its class, else Services.
    pub(super) fn traffic(&self, gateway: &Gateway) -> Traffic {
        let class = self.caches.gateway_classes.get(&gateway.class);
        let of_class = || class.and_then(|class| class.traffic.clone());
        let own = gateway.traffic.clone();
        own.or_else(of_class).unwrap_or(Traffic::Service)
    }

    /// Who makes a Gateway.
    pub(super) fn controller(&self, gateway: &Gateway) -> Controller {
        let class = self.caches.gateway_classes.get(&gateway.class);
        class.map_or_else(
            || Controller::of_class(&gateway.class),
            |class| class.controller.clone(),
        )
    }

    /// The ServiceAccount of a Gateway's Pods: of its annotation, else the one that Istio makes
    /// (`pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go`), which for a waypoint has its name.
    pub(super) fn service_account(&self, name: &ObjectName) -> String {
        let gateway = self.caches.gateways.get(name);
        let named = gateway.and_then(|gateway| gateway.service_account.as_deref());
        named.unwrap_or(&name.name).to_owned()
    }

    /// Whether the traffic of a Service goes through a waypoint.
    pub(super) fn binding(&self, name: &ObjectName, service: &Service) -> Binding {
        match service.belongs {
            Belongs::ToWaypoint => return Binding::OfWaypoint,
            Belongs::ToOther => {}
        }
        match self.wish(&service.asks, &name.namespace) {
            Wish::Nothing => Binding::None,
            Wish::OptedOut => Binding::OptedOut,
            Wish::For(Asked { waypoint, by }) => Binding::Bound {
                state: self.state(&waypoint, &name.namespace, Traffic::has_services),
                service_account: self.service_account(&waypoint),
                waypoint,
                by,
            },
        }
    }

    /// Whether ingress gateways send what is for a Service through its waypoint.
    pub(super) fn ingress(&self, name: &ObjectName, service: &Service) -> Ingress {
        let namespace = self.caches.namespaces.get(name.namespace.as_str());
        let inherited = namespace.and_then(|namespace| namespace.ingress);
        service
            .ingress
            .or(inherited)
            .unwrap_or(Ingress::PastWaypoint)
    }

    /// The waypoint for what is addressed to the Pods of a revision. One that the namespace asks for and
    /// that is for Services only is none.
    pub(super) fn front_of_workload(&self, revision: &Revision) -> Option<Front> {
        let own = Asks::of(&|key| revision.labels.get(key));
        match self.wish(&own, &revision.namespace) {
            Wish::Nothing | Wish::OptedOut => None,
            Wish::For(Asked { waypoint, by }) => {
                let state = self.state(&waypoint, &revision.namespace, Traffic::has_workloads);
                match (by, &state) {
                    (Level::Namespace, WaypointState::OtherTraffic(_)) => None,
                    (Level::Namespace | Level::Object, _) => Some(Front {
                        waypoint,
                        via: Via::Workload,
                        state,
                    }),
                }
            }
        }
    }
}
