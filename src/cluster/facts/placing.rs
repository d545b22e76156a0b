//! The facts for a Pod.

use std::sync::Arc;

use super::View;
use super::waypoint::{Asked, Wish};
use crate::authorization::facts::{ObjectName, Resource, Traffic};
use crate::authorization::mesh::Mesh;
use crate::cluster::caches::State;
use crate::cluster::convert::asks::{Ask, Asked as Of};
use crate::cluster::convert::service::{Asks, Belongs, Service};
use crate::cluster::convert::workload::ScaledKind;
use crate::cluster::namespaced::Namespaced;
use crate::placement::facts::source::{
    Missing, Namespace, Reason, Requirement, Scope, Waypoint, Workload,
};
use crate::placement::facts::{Field, Fields, Resources};
use crate::placement::labels::Labels as Kept;
use crate::placement::outcome::Istio;
use crate::placement::selector::Labels;
use crate::placement::workload::{UNSCALED, WorkloadRef};

impl View<'_> {
    /// The namespace.
    pub(in crate::cluster) fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing> {
        self.known(Resources::of(&[Resource::Namespaces]))?;
        let namespace = self.caches.namespaces.get(name);
        let namespace = namespace.ok_or_else(|| not_seen(Resource::Namespaces, "", name))?;
        Ok(Arc::clone(&namespace.facts))
    }

    /// The workload.
    pub(in crate::cluster) fn workload(
        &self,
        workload: &WorkloadRef<'_>,
    ) -> Result<Arc<Workload>, Missing> {
        let Some(kind) = ScaledKind::named(&workload.kind) else {
            return if UNSCALED.contains(&&*workload.kind) {
                Ok(Arc::default())
            } else {
                Err(Missing::OtherKind((*workload.kind).into()))
            };
        };
        let (resource, table) = match kind {
            ScaledKind::Deployment => (Resource::Deployments, &self.caches.deployments),
            ScaledKind::StatefulSet => (Resource::StatefulSets, &self.caches.stateful_sets),
        };
        self.known(Resources::of(&[resource]))?;
        let (namespace, name) = (&*workload.namespace, &*workload.name);
        let found = table.get(namespace, name);
        let found = found.ok_or_else(|| not_seen(resource, namespace, name))?;
        Ok(match self.scaled_to(kind, namespace, name)? {
            Some(most) if found.max_replicas != Some(most) => Arc::new(Workload {
                max_replicas: Some(most),
                ..Workload::clone(found)
            }),
            Some(_) | None => Arc::clone(found),
        })
    }

    /// The most Pods that an autoscaler makes of a workload, of which nothing else has to be known.
    pub(in crate::cluster) fn autoscaled_to(&self, workload: &WorkloadRef<'_>) -> Option<i64> {
        let kind = ScaledKind::named(&workload.kind)?;
        let scaled = self.scaled_to(kind, &workload.namespace, &workload.name);
        scaled.ok().flatten()
    }

    /// The most Pods that an autoscaler makes of it. Where autoscalers are not watched no rule asks.
    fn scaled_to(
        &self,
        kind: ScaledKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<i64>, Missing> {
        if self.states.of(Resource::Autoscalers) == State::NotWatched {
            return Ok(None);
        }
        self.known(Resources::of(&[Resource::Autoscalers]))?;
        let autoscalers = self.caches.autoscalers.of_namespace(namespace);
        let of_it = autoscalers.filter(|(_, scaler)| scaler.kind == kind && *scaler.name == *name);
        Ok(of_it.map(|(_, scaler)| scaler.max_replicas).max())
    }

    /// What asks for a proxy for Pods with these labels.
    pub(in crate::cluster) fn requires(
        &self,
        namespace: &str,
        labels: &dyn Labels,
    ) -> Result<Vec<Requirement>, Missing> {
        self.known(Field::Requires.resources())?;
        let caches = self.caches;
        // Where there is no ConfigMap, the root namespace is the one that Istio takes.
        let assumed = Mesh::default();
        let root = match caches.mesh.get(&()) {
            Some(Some(mesh)) => &mesh.root_namespace,
            Some(None) | None => &assumed.root_namespace,
        };
        let mut found = Vec::new();
        for table in [
            &caches.envoy_filters,
            &caches.sidecars,
            &caches.wasm_plugins,
            &caches.request_authentications,
            &caches.authorization_policies,
        ] {
            self.ask(table, (namespace, root), labels, &mut found);
        }
        found.sort_unstable();
        Ok(found)
    }

    fn ask(
        &self,
        table: &Namespaced<Ask>,
        (namespace, root): (&str, &str),
        labels: &dyn Labels,
        found: &mut Vec<Requirement>,
    ) {
        let elsewhere = (root != namespace).then_some(root);
        for at in [Some(namespace), elsewhere].into_iter().flatten() {
            for (name, ask) in table.of_namespace(at) {
                if let Some(scope) = self.scope(ask, (at, root), namespace, labels) {
                    found.push(Requirement {
                        reason: ask.reason,
                        namespace: at.into(),
                        name: name.into(),
                        scope,
                    });
                }
            }
        }
    }

    /// How an object in the namespace `at` selects a Pod of `namespace`, if it does.
    fn scope(
        &self,
        ask: &Ask,
        (at, root): (&str, &str),
        namespace: &str,
        labels: &dyn Labels,
    ) -> Option<Scope> {
        match &ask.of {
            Of::All if at == root => Some(Scope::Mesh),
            Of::All => Some(Scope::Namespace),
            // One with a selector counts in its own namespace only (`pilot/pkg/model/push_context.go`,
            // `getSidecarScope`).
            Of::Labelled(_) if ask.reason == Reason::Sidecar && at != namespace => None,
            Of::Labelled(wanted) => has_all(labels, wanted).then_some(Scope::Workload),
            Of::Services(_) if at != namespace => None,
            Of::Services(names) => {
                let service = |name: &str| {
                    let service = self.caches.services.get(&ObjectName::new(namespace, name));
                    service.is_some_and(|service| selects(service, labels))
                };
                let one = names.iter().any(|name| service(name));
                one.then_some(Scope::Service)
            }
        }
    }

    /// The waypoint for what is addressed to a Service of the Pod, of the first by name that asks for one; else
    /// for what is addressed to the Pod.
    pub(in crate::cluster) fn waypoint(
        &self,
        namespace: &str,
        labels: &dyn Labels,
    ) -> Result<Option<Waypoint>, Missing> {
        self.known(Field::Waypoint.resources())?;
        let inherited = self.caches.namespaces.get(namespace);
        let Some(inherited) = inherited else {
            return Err(not_seen(Resource::Namespaces, "", namespace));
        };
        let asks = |service: &Service| match (&service.belongs, &service.asks) {
            (Belongs::ToWaypoint, _) | (_, Asks::ForNone) => false,
            (Belongs::ToOther, Asks::NotSaid) => matches!(inherited.asks, Asks::For { .. }),
            (Belongs::ToOther, Asks::For { .. }) => true,
        };
        let mut services = self.caches.services.of_namespace(namespace);
        let by_service = services.find_map(|(_, service)| {
            if !asks(service) || !selects(service, labels) {
                return None;
            }
            self.bound(&service.asks, namespace, Traffic::has_services)
        });
        let by_workload = || {
            let own = Asks::of(&|key| labels.value(key));
            self.bound(&own, namespace, Traffic::has_workloads)
        };
        Ok(by_service.or_else(by_workload))
    }

    /// The waypoint that an object asks for, where that `takes` its traffic or is not there yet.
    fn bound(
        &self,
        own: &Asks,
        namespace: &str,
        takes: impl Fn(&Traffic) -> bool,
    ) -> Option<Waypoint> {
        let Wish::For(Asked { waypoint, .. }) = self.wish(own, namespace) else {
            return None;
        };
        let gateway = self.caches.gateways.get(&waypoint);
        let traffic = gateway.map(|gateway| self.traffic(gateway));
        if !traffic.as_ref().is_none_or(takes) {
            return None;
        }
        Some(Waypoint {
            namespace: waypoint.namespace.into(),
            name: waypoint.name.into(),
            traffic: traffic.map(|traffic| traffic.as_str().into()),
        })
    }

    /// Istio, as far as it is read.
    pub(in crate::cluster) fn istio(&self) -> Result<Arc<Istio>, Missing> {
        self.known(Resources::of(&[Resource::Injectors]))?;
        Ok(Arc::clone(&self.caches.istio))
    }

    /// Nothing, where what these are made of was read, and kept; else what is missing.
    pub(in crate::cluster) fn knows(&self, fields: Fields) -> Result<(), Missing> {
        if !self.caches.keep.cover(fields) {
            return Err(Missing::NotReadYet(Resource::Namespaces));
        }
        self.known(fields.resources())
    }

    /// Nothing, where all these were read; else why there is no such fact.
    pub(in crate::cluster) fn known(&self, resources: Resources) -> Result<(), Missing> {
        resources
            .iter()
            .try_for_each(|resource| match self.states.of(resource) {
                State::Following | State::Behind if self.caches.lacking.contains(&resource) => {
                    Err(Missing::NotReadYet(resource))
                }
                State::Following | State::Behind | State::NotInstalled => Ok(()),
                State::Filling | State::Failing => Err(Missing::NotReadYet(resource)),
                State::NotWatched => Err(Missing::NotWatched(resource)),
                State::Forbidden => Err(Missing::Forbidden(resource)),
            })
    }
}

fn not_seen(resource: Resource, namespace: &str, name: &str) -> Missing {
    Missing::NotSeen {
        resource,
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn selects(service: &Service, labels: &dyn Labels) -> bool {
    !service.selector.is_empty() && has_all(labels, &service.selector)
}

fn has_all(labels: &dyn Labels, wanted: &Kept) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.value(key) == Some(value))
}

#[cfg(test)]
mod tests;
