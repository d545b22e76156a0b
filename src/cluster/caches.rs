//! All that is known of the cluster, as the facts want it: no object of Kubernetes is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::convert::asks::Ask;
use super::convert::gateway::{Gateway, GatewayClass};
use super::convert::service::{Namespace, Service};
use super::convert::workload::Autoscaler;
use super::namespaced::Namespaced;
use super::revisions::Revisions;
use super::table::Table;
use crate::authorization::facts::{ObjectName, Resource};
use crate::authorization::mesh::Mesh;
use crate::placement::facts::Fields;
use crate::placement::facts::source::Workload;
use crate::placement::outcome::{Capture, Configuration, Enablement, Injectors, Istio};

/// What is known.
#[derive(Debug, Default)]
pub struct Caches {
    /// Namespaces by name.
    pub namespaces: Table<Box<str>, Namespace>,
    /// Pods by revision.
    pub revisions: Revisions,
    /// Services.
    pub services: Table<ObjectName, Service>,
    /// ServiceEntries, which are Services here.
    pub service_entries: Table<ObjectName, Service>,
    /// Gateways.
    pub gateways: Table<ObjectName, Gateway>,
    /// GatewayClasses by name.
    pub gateway_classes: Table<Box<str>, GatewayClass>,
    /// The mesh, where ConfigMap `istio` is there; nothing in it where it cannot be read.
    pub mesh: Table<(), Option<Mesh>>,
    /// Which Pods istio-cni captures; not read yet, so as its chart sets it.
    pub enablement: Enablement,
    /// MutatingWebhookConfigurations of injectors, by name.
    pub injectors: Table<Box<str>, Configuration>,
    /// What they come to.
    pub istio: Arc<Istio>,
    /// Deployments.
    pub deployments: Namespaced<Arc<Workload>>,
    /// StatefulSets.
    pub stateful_sets: Namespaced<Arc<Workload>>,
    /// HorizontalPodAutoscalers of these.
    pub autoscalers: Namespaced<Autoscaler>,
    /// EnvoyFilters that ask for a sidecar.
    pub envoy_filters: Namespaced<Ask>,
    /// Sidecars.
    pub sidecars: Namespaced<Ask>,
    /// WasmPlugins of workloads.
    pub wasm_plugins: Namespaced<Ask>,
    /// RequestAuthentications of workloads.
    pub request_authentications: Namespaced<Ask>,
    /// AuthorizationPolicies that ask for more than ztunnel.
    pub authorization_policies: Namespaced<Ask>,
    /// What is kept of an object beside what verdicts need.
    pub keep: Fields,
    /// Kinds of which less was kept when they were last listed.
    pub lacking: BTreeSet<Resource>,
}

/// How far a kind of objects is followed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// Nobody asked for them.
    NotWatched,
    /// They were not all read yet.
    Filling,
    /// Neither, and the last attempt failed.
    Failing,
    /// They are followed.
    Following,
    /// They were read, and are not followed at the moment.
    Behind,
    /// meshmode may not read them.
    Forbidden,
    /// The API server does not know the kind, so there are none.
    NotInstalled,
}

/// The state of each kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct States([State; Resource::ALL.len()]);

// === impl Caches ===

impl Caches {
    /// How many objects there are of a kind.
    pub fn count(&self, resource: Resource) -> usize {
        match resource {
            Resource::Namespaces => self.namespaces.count(),
            Resource::Pods => self.revisions.pods(),
            Resource::Services => self.services.count(),
            Resource::ServiceEntries => self.service_entries.count(),
            Resource::Gateways => self.gateways.count(),
            Resource::GatewayClasses => self.gateway_classes.count(),
            Resource::MeshConfig => self.mesh.count(),
            Resource::Injectors => self.injectors.count(),
            Resource::Deployments => self.deployments.count(),
            Resource::StatefulSets => self.stateful_sets.count(),
            Resource::Autoscalers => self.autoscalers.count(),
            Resource::EnvoyFilters => self.envoy_filters.count(),
            Resource::Sidecars => self.sidecars.count(),
            Resource::WasmPlugins => self.wasm_plugins.count(),
            Resource::RequestAuthentications => self.request_authentications.count(),
            Resource::AuthorizationPolicies => self.authorization_policies.count(),
        }
    }

    /// Forgets all objects of a kind.
    pub fn clear(&mut self, resource: Resource) {
        self.lacking.remove(&resource);
        match resource {
            Resource::Namespaces => self.namespaces = Table::default(),
            Resource::Pods => self.revisions = Revisions::default(),
            Resource::Services => self.services = Table::default(),
            Resource::ServiceEntries => self.service_entries = Table::default(),
            Resource::Gateways => self.gateways = Table::default(),
            Resource::GatewayClasses => self.gateway_classes = Table::default(),
            Resource::MeshConfig => self.mesh = Table::default(),
            Resource::Injectors => {
                self.injectors = Table::default();
                self.injectors_changed();
            }
            Resource::Deployments => self.deployments = Namespaced::default(),
            Resource::StatefulSets => self.stateful_sets = Namespaced::default(),
            Resource::Autoscalers => self.autoscalers = Namespaced::default(),
            Resource::EnvoyFilters => self.envoy_filters = Namespaced::default(),
            Resource::Sidecars => self.sidecars = Namespaced::default(),
            Resource::WasmPlugins => self.wasm_plugins = Namespaced::default(),
            Resource::RequestAuthentications => {
                self.request_authentications = Namespaced::default();
            }
            Resource::AuthorizationPolicies => self.authorization_policies = Namespaced::default(),
        }
    }

    /// After a change of [`Self::injectors`].
    pub fn injectors_changed(&mut self) {
        let configurations = self.injectors.iter().map(|(_, known)| known.clone());
        self.istio = Arc::new(Istio {
            injectors: Injectors::new(configurations.collect(), BTreeMap::new()),
            capture: Capture::Enabled(self.enablement.clone()),
        });
    }
}

// === impl State ===

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotWatched,
        Self::Filling,
        Self::Failing,
        Self::Following,
        Self::Behind,
        Self::Forbidden,
        Self::NotInstalled,
    ];

    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotWatched => "not-watched",
            Self::Filling => "filling",
            Self::Failing => "failing",
            Self::Following => "following",
            Self::Behind => "behind",
            Self::Forbidden => "forbidden",
            Self::NotInstalled => "not-installed",
        }
    }
}

// === impl States ===

impl Default for States {
    fn default() -> Self {
        Self([State::NotWatched; Resource::ALL.len()])
    }
}

impl States {
    /// That of one kind.
    pub const fn of(&self, resource: Resource) -> State {
        self.0[resource as usize]
    }

    /// Changes that of one kind; gives the one before.
    pub const fn set(&mut self, resource: Resource, state: State) -> State {
        std::mem::replace(&mut self.0[resource as usize], state)
    }

    /// The kinds in this state.
    pub fn those(&self, state: State) -> impl Iterator<Item = Resource> + use<> {
        let states = *self;
        Resource::ALL
            .into_iter()
            .filter(move |resource| states.of(*resource) == state)
    }
}
