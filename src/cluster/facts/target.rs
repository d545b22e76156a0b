//! What the targets of a policy are.

use super::View;
use crate::authorization::enforcement::waypoint::TargetKind;
use crate::authorization::facts::{
    Binding, Fact, Gateway, GatewayClass, ObjectName, Resource, Service, Tally, Target,
    WaypointState, WhyUnknown,
};
use crate::authorization::policy::{AuthorizationPolicy, TargetRef};
use crate::cluster::convert::service;
use crate::cluster::table::Table;

impl View<'_> {
    pub(super) fn targets(&self, policy: &AuthorizationPolicy<'_>) -> Vec<Fact<Target>> {
        let targets = policy.spec.targets().iter();
        targets
            .map(|target| match policy.namespace() {
                Some(namespace) => self.target(target, namespace),
                None => Fact::Unknown(WhyUnknown::NoNamespace),
            })
            .collect()
    }

    fn target(&self, target: &TargetRef<'_>, namespace: &str) -> Fact<Target> {
        let elsewhere = |named: &str| !named.is_empty() && named != namespace;
        let (Some(kind), Some(name)) = (TargetKind::of(target), target.name.as_deref()) else {
            return Fact::Known(Target::NotSought);
        };
        if target.namespace.as_deref().is_some_and(elsewhere) {
            return Fact::Known(Target::NotSought);
        }
        let at = ObjectName::new(namespace, name);
        let found = match kind {
            TargetKind::Gateway => self.gateway(&at),
            TargetKind::GatewayClass => self.gateway_class_of(name),
            TargetKind::Service => self.service((Resource::Services, &self.caches.services), &at),
            TargetKind::ServiceEntry => self.service(
                (Resource::ServiceEntries, &self.caches.service_entries),
                &at,
            ),
        };
        found.map_or_else(Fact::Unknown, |found| {
            Fact::Known(found.unwrap_or(Target::Missing))
        })
    }

    fn gateway_class_of(&self, name: &str) -> Result<Option<Target>, WhyUnknown> {
        self.readable(&[Resource::GatewayClasses])?;
        let class = self.caches.gateway_classes.get(name);
        Ok(class.map(|class| {
            let controller = class.controller.clone();
            Target::GatewayClass(GatewayClass { controller })
        }))
    }

    fn gateway(&self, name: &ObjectName) -> Result<Option<Target>, WhyUnknown> {
        self.readable(&[Resource::Gateways, Resource::GatewayClasses])?;
        let Some(gateway) = self.caches.gateways.get(name) else {
            return Ok(None);
        };
        Ok(Some(Target::Gateway(Box::new(Gateway {
            name: name.clone(),
            controller: self.controller(gateway),
            readiness: gateway.readiness,
            traffic: self.traffic(gateway),
            service_account: self.service_account(name),
            services: self.services_behind(name),
            workloads: self.workloads_behind(name),
        }))))
    }

    fn service(
        &self,
        (of, table): (Resource, &Table<ObjectName, service::Service>),
        name: &ObjectName,
    ) -> Result<Option<Target>, WhyUnknown> {
        self.readable(&[
            of,
            Resource::Namespaces,
            Resource::Gateways,
            Resource::GatewayClasses,
        ])?;
        let service = table.get(name);
        Ok(service.map(|service| Target::Service(Box::new(self.described(name, service)))))
    }

    fn described(&self, name: &ObjectName, service: &service::Service) -> Service {
        Service {
            name: name.clone(),
            binding: self.binding(name, service),
            ingress: self.ingress(name, service),
            selector: service.selector.to_map(),
            workloads: self.of_service(name, service),
        }
    }

    /// The Services that ask for this waypoint, those first whose traffic goes there.
    fn services_behind(&self, waypoint: &ObjectName) -> Fact<Vec<Service>> {
        let sources = [
            Resource::Services,
            Resource::ServiceEntries,
            Resource::Namespaces,
        ];
        if let Err(why) = self.readable(&sources) {
            return Fact::Unknown(why);
        }
        let services = self.caches.services.iter();
        let all = services.chain(self.caches.service_entries.iter());
        let bound = all.filter_map(|(name, service)| match self.binding(name, service) {
            Binding::Bound {
                waypoint: asked,
                state,
                ..
            } if asked == *waypoint => Some((name, service, state)),
            Binding::Bound { .. } | Binding::None | Binding::OptedOut | Binding::OfWaypoint => None,
        });
        let (mut ready, others): (Vec<_>, Vec<_>) =
            bound.partition(|(_, _, state)| *state == WaypointState::Ready);
        ready.extend(others);
        ready.truncate(Gateway::SERVICES);
        let described = ready
            .iter()
            .map(|(name, service, _)| self.described(name, service));
        Fact::Known(described.collect())
    }

    /// The workloads whose own traffic goes through this waypoint.
    fn workloads_behind(&self, waypoint: &ObjectName) -> Fact<Tally> {
        if let Err(why) = self.readable(&[Resource::Pods, Resource::Namespaces]) {
            return Fact::Unknown(why);
        }
        let revisions = self.caches.revisions.iter();
        let behind = revisions.filter(|revision| {
            self.front_of_workload(revision).is_some_and(|front| {
                front.waypoint == *waypoint && front.state == WaypointState::Ready
            })
        });
        let mut behind: Vec<_> = behind.collect();
        behind.sort_by(|one, other| one.place().cmp(&other.place()));
        Fact::Known(Tally {
            revisions: behind.len(),
            example: behind.first().map(|revision| revision.name()),
        })
    }
}
