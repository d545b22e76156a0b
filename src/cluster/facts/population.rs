//! Which workloads a policy selects, and what each of them is.

use super::View;
use crate::authorization::facts::{
    Binding, Class, Controller, Fact, Front, ObjectName, Population, Resource, Via, WhyUnknown,
};
use crate::authorization::mesh::Mesh;
use crate::authorization::policy::AuthorizationPolicy;
use crate::cluster::convert::pod::{Injected, Redirection, Revision};
use crate::cluster::convert::service::Service;
use crate::placement::labels::Labels;

/// What the dataplane of a Pod follows from.
const PODS: [Resource; 2] = [Resource::Pods, Resource::Namespaces];
/// What waypoints in front of it follow from, too.
const WAYPOINTS: [Resource; 3] = [
    Resource::Services,
    Resource::Gateways,
    Resource::GatewayClasses,
];

/// Whether waypoints in front of workloads are looked for.
#[derive(Clone, Copy)]
enum Look {
    ForWaypoints,
    Not,
}

const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
const MANAGED: &str = "gateway.istio.io/managed";

impl View<'_> {
    /// What the policy selects by labels; nothing where it has targets.
    pub(super) fn selected(
        &self,
        policy: &AuthorizationPolicy<'_>,
        mesh: &Fact<Mesh>,
    ) -> Fact<Population> {
        if !policy.spec.targets().is_empty() {
            return Fact::Known(Population::default());
        }
        let Some(namespace) = policy.namespace() else {
            return Fact::Unknown(WhyUnknown::NoNamespace);
        };
        // Where the mesh is not known, the root namespace is the one that Istio takes.
        let assumed = Mesh::default();
        let root = match mesh {
            Fact::Known(mesh) => &mesh.root_namespace,
            Fact::Unknown(_) => &assumed.root_namespace,
        };
        let labels = policy.spec.selector.as_ref();
        let labels = labels.and_then(|selector| selector.match_labels.as_ref());
        let is_selected = |revision: &Revision| {
            let reached = namespace == root || *revision.namespace == *namespace;
            let wanted = labels.into_iter().flatten();
            reached && revision.has_all(wanted.map(|(key, value)| (&**key, &**value)))
        };
        self.population(Look::ForWaypoints, is_selected)
    }

    /// All workloads, where the policy may be enforced by a waypoint that some of them go past.
    pub(super) fn clients(&self, policy: &AuthorizationPolicy<'_>) -> Fact<Population> {
        if policy.spec.targets().is_empty() {
            return Fact::Known(Population::default());
        }
        self.population(Look::Not, |_| true)
    }

    /// The workloads of a Service; of none where it selects by no labels.
    pub(super) fn of_service(&self, name: &ObjectName, service: &Service) -> Fact<Population> {
        if service.selector.is_empty() {
            return Fact::Known(Population::default());
        }
        self.population(Look::Not, |revision| selects(name, service, revision))
    }

    fn population(&self, look: Look, is_counted: impl Fn(&Revision) -> bool) -> Fact<Population> {
        if let Err(why) = self.readable(&PODS) {
            return Fact::Unknown(why);
        }
        let mut counted = Population::default();
        let bound = match look {
            Look::Not => Vec::new(),
            Look::ForWaypoints => match self.readable(&WAYPOINTS) {
                Ok(()) => self.bound_services(),
                Err(why) => {
                    counted.not_looked = Some(why);
                    Vec::new()
                }
            },
        };
        let fronts = |revision: &Revision| match (look, counted.not_looked) {
            (Look::ForWaypoints, None) => self.fronts(revision, &bound),
            (Look::Not, _) | (Look::ForWaypoints, Some(_)) => Vec::new(),
        };
        let revisions = self.caches.revisions.iter().filter(|r| is_counted(r));
        let mut revisions: Vec<_> = revisions.collect();
        // The order of a hash map is chance; the examples should not be.
        revisions.sort_by(|one, other| one.place().cmp(&other.place()));
        let classes: Vec<_> = revisions
            .iter()
            .map(|revision| self.class(revision, &fronts))
            .collect();
        for (revision, class) in revisions.into_iter().zip(classes) {
            counted.add(class, &revision.name());
        }
        Fact::Known(counted)
    }

    /// What a workload is. What Istio did to its Pods counts first, then what their labels make it do.
    ///
    /// That istio-cni leaves host-network Pods out cannot be seen in metadata: they are taken for captured.
    fn class(&self, revision: &Revision, fronts: &impl Fn(&Revision) -> Vec<Front>) -> Class {
        if let Some(class) = self.gateway_class(revision) {
            return class;
        }
        match (revision.injected, revision.redirection) {
            (Injected::Sidecar, _) => Class::Sidecar,
            (Injected::Gateway, _) => Class::Gateway,
            (Injected::Nothing, Redirection::Enabled) => Class::Ambient(fronts(revision)),
            (Injected::Nothing, Redirection::NotSaid) if self.is_captured(revision) => {
                Class::Ambient(fronts(revision))
            }
            (Injected::Nothing, Redirection::NotSaid) => Class::Outside,
        }
    }

    fn gateway_class(&self, revision: &Revision) -> Option<Class> {
        let label = |key| revision.labels.get(key);
        if let Some(name) = label(GATEWAY_NAME) {
            match label(MANAGED) {
                Some("istio.io-mesh-controller" | "istio.io-agentgateway-waypoint-controller") => {
                    return Some(Class::Waypoint);
                }
                Some("istio.io-gateway-controller" | "istio.io-eastwest-controller") => {
                    return Some(Class::Gateway);
                }
                Some(_) | None => {}
            }
            let name = ObjectName::new(&revision.namespace, name);
            let gateway = self.caches.gateways.get(&name)?;
            return match self.controller(gateway) {
                Controller::Waypoint => Some(Class::Waypoint),
                Controller::Gateway => Some(Class::Gateway),
                Controller::Other(_) => None,
            };
        }
        // Those that `istioctl install` makes are not injected.
        matches!(label("istio"), Some("ingressgateway" | "egressgateway")).then_some(Class::Gateway)
    }

    fn is_captured(&self, revision: &Revision) -> bool {
        let namespace = self.caches.namespaces.get(&*revision.namespace);
        let none = Labels::default();
        let of_namespace = namespace.map_or(&none, |namespace| &namespace.facts.labels);
        let (labels, name) = (&revision.labels, &*revision.namespace);
        self.caches.enablement.selects(labels, name, of_namespace)
    }

    /// The Services and ServiceEntries that ask for a waypoint.
    fn bound_services(&self) -> Vec<(&ObjectName, &Service, Front)> {
        let services = self.caches.services.iter();
        services
            .filter(|(_, service)| !service.selector.is_empty())
            .filter_map(|(name, service)| match self.binding(name, service) {
                Binding::Bound {
                    waypoint, state, ..
                } => {
                    let via = Via::Service(name.clone());
                    let front = Front {
                        waypoint,
                        via,
                        state,
                    };
                    Some((name, service, front))
                }
                Binding::None | Binding::OptedOut | Binding::OfWaypoint => None,
            })
            .collect()
    }

    fn fronts(&self, revision: &Revision, bound: &[(&ObjectName, &Service, Front)]) -> Vec<Front> {
        let by_service = bound
            .iter()
            .filter(|(name, service, _)| selects(name, service, revision))
            .map(|(_, _, front)| front.clone());
        let mut fronts: Vec<_> = by_service.collect();
        fronts.extend(self.front_of_workload(revision));
        fronts
    }
}

fn selects(name: &ObjectName, service: &Service, revision: &Revision) -> bool {
    *revision.namespace == *name.namespace
        && !service.selector.is_empty()
        && revision.has_all(service.selector.iter())
}
