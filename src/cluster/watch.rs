//! Keeps the caches up to date: a watch for each kind of objects, each by itself, so that one that
//! fails leaves the others alone. What nobody reads is not watched.

pub mod changes;
mod follow;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{self, Debug};
use std::sync::Arc;

use kube::core::ApiResource;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as KubeResource};
use serde::de::DeserializeOwned;
use tokio::sync::watch::{self, Receiver};
use tokio::task::{AbortHandle, JoinSet};

use self::follow::{Filled, Follow, Manner, follow};
use super::Cluster;
use super::caches::{Caches, State};
use super::convert::object::kind;
use super::table::Change;
use crate::authorization::facts::Resource;
use crate::placement::facts::{Field, Fields, Resources};

/// Who is told about watches.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A kind of objects went over to another state, for this reason if it is a bad one.
    fn went_over(&self, resource: Resource, state: State, why: Option<&(dyn Error + 'static)>);

    /// There are so many objects of a kind.
    fn counted(&self, resource: Resource, objects: usize);
}

/// What verdicts need.
pub const FOR_VERDICTS: Resources = Resources::of(&[
    Resource::Namespaces,
    Resource::Pods,
    Resource::Services,
    Resource::ServiceEntries,
    Resource::Gateways,
    Resource::GatewayClasses,
    Resource::MeshConfig,
]);

/// What placements need, whatever the rules read: the siblings of a Pod, its namespace, and its injectors.
pub const FOR_PLACEMENTS: Resources =
    Resources::of(&[Resource::Namespaces, Resource::Pods, Resource::Injectors]);

/// Objects that a list gives at a time: all of them in memory at once would cost more than the caches. A page takes
/// the API server some 50 ms, however small.
const PAGE: u32 = 1000;
/// Kinds of which there may be so many that the time of lists counts.
const MANY: [Resource; 3] = [
    Resource::Pods,
    Resource::Deployments,
    Resource::StatefulSets,
];

/// The name of Istio's ConfigMap. One of another revision has the revision's name behind it.
pub const MESH_CONFIG: &str = "istio";

/// Fields that not everything is kept for, and the kinds of which more is kept where a rule reads them.
const KEPT: [(Field, &[Resource]); 3] = [
    (Field::NamespaceAnnotations, &[Resource::Namespaces]),
    (Field::WorkloadLabels, &SCALED),
    (Field::WorkloadAnnotations, &SCALED),
];
const SCALED: [Resource; 2] = [Resource::Deployments, Resource::StatefulSets];

/// Starts the watches for verdicts; what they do is in [`Cluster`].
pub fn start(
    cluster: &Cluster,
    client: &Client,
    istio_namespace: &str,
    observer: &Arc<dyn Observer>,
) -> JoinSet<Infallible> {
    let watches = Watches::new(cluster, client, istio_namespace, observer, FOR_VERDICTS);
    // Nobody changes them.
    watches.start(watch::channel(Fields::NONE).1)
}

/// Starts the watches for verdicts and for rules that read `fields`, and changes them as these change.
pub fn start_for(
    cluster: &Cluster,
    client: &Client,
    istio_namespace: &str,
    observer: &Arc<dyn Observer>,
    fields: Receiver<Fields>,
) -> JoinSet<Infallible> {
    let always = FOR_VERDICTS.and(FOR_PLACEMENTS);
    let watches = Watches::new(cluster, client, istio_namespace, observer, always);
    watches.start(fields)
}

/// The watches that run.
struct Watches {
    cluster: Cluster,
    client: Client,
    istio_namespace: String,
    observer: Arc<dyn Observer>,
    /// What is watched whatever the rules read.
    always: Resources,
    tasks: JoinSet<Infallible>,
    running: BTreeMap<Resource, AbortHandle>,
}

// === impl Watches ===

impl Watches {
    fn new(
        cluster: &Cluster,
        client: &Client,
        istio_namespace: &str,
        observer: &Arc<dyn Observer>,
        always: Resources,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            client: client.clone(),
            istio_namespace: istio_namespace.to_owned(),
            observer: Arc::clone(observer),
            always,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
        }
    }

    /// When this returns it is settled what is waited for.
    fn start(mut self, mut fields: Receiver<Fields>) -> JoinSet<Infallible> {
        let first = *fields.borrow_and_update();
        self.cluster.caches(|caches| caches.keep = first);
        for resource in self.always.and(first.resources()).iter() {
            self.open(resource, Filled::Never);
        }
        let mut all = JoinSet::new();
        all.spawn(self.follow(fields));
        all
    }

    async fn follow(mut self, mut fields: Receiver<Fields>) -> Infallible {
        loop {
            tokio::select! {
                changed = fields.changed() => match changed {
                    Ok(()) => {
                        let now = *fields.borrow_and_update();
                        self.change(now).await;
                    }
                    // They stay as they are.
                    Err(_) => loop {
                        self.ended().await;
                    },
                },
                () = self.ended() => {}
            }
        }
    }

    /// From now on rules read these fields.
    async fn change(&mut self, fields: Fields) {
        let before = self.cluster.caches(|caches| caches.keep);
        let wanted = self.always.and(fields.resources());
        for resource in Resource::ALL {
            let runs = self.running.contains_key(&resource);
            match (runs, wanted.contains(resource)) {
                (true, false) => {
                    self.close(resource).await;
                    self.forget(resource);
                }
                (true, true) if keeps_more(resource, before, fields) => {
                    self.close(resource).await;
                }
                (true, true) | (false, _) => {}
            }
        }
        self.cluster.caches(|caches| {
            caches.keep = fields;
            let anew = wanted
                .iter()
                .filter(|resource| keeps_more(*resource, before, fields));
            caches.lacking.extend(anew);
        });
        for resource in wanted.iter() {
            if !self.running.contains_key(&resource) {
                let filled = match self.cluster.states().of(resource) {
                    State::Following | State::Behind => Filled::Once,
                    State::NotWatched
                    | State::Filling
                    | State::Failing
                    | State::Forbidden
                    | State::NotInstalled => Filled::Never,
                };
                self.open(resource, filled);
            }
        }
    }

    fn open(&mut self, resource: Resource, filled: Filled) {
        match resource {
            Resource::Namespaces => self.watch(resource, changes::namespaces, filled),
            Resource::Pods => self.watch(resource, changes::pods, filled),
            Resource::Services => self.watch(resource, changes::services, filled),
            Resource::ServiceEntries => self.watch(resource, changes::service_entries, filled),
            Resource::Gateways => self.watch(resource, changes::gateways, filled),
            Resource::GatewayClasses => self.watch(resource, changes::gateway_classes, filled),
            Resource::MeshConfig => {
                let maps = Api::namespaced(self.client.clone(), &self.istio_namespace);
                let named = format!("metadata.name={MESH_CONFIG}");
                self.spawn(resource, maps, &named, changes::mesh_config, filled);
            }
            Resource::Injectors => self.watch(resource, changes::injectors, filled),
            Resource::Deployments => self.watch(resource, changes::deployments, filled),
            Resource::StatefulSets => self.watch(resource, changes::stateful_sets, filled),
            Resource::Autoscalers => self.watch(resource, changes::autoscalers, filled),
            Resource::EnvoyFilters => self.watch(resource, changes::envoy_filters, filled),
            Resource::Sidecars => self.watch(resource, changes::sidecars, filled),
            Resource::WasmPlugins => self.watch(resource, changes::wasm_plugins, filled),
            Resource::RequestAuthentications => {
                self.watch(resource, changes::request_authentications, filled);
            }
            Resource::AuthorizationPolicies => {
                self.watch(resource, changes::authorization_policies, filled);
            }
        }
    }

    fn watch<K>(
        &mut self,
        resource: Resource,
        apply: fn(&mut Caches, Change<'_, K>),
        filled: Filled,
    ) where
        K: KubeResource<DynamicType = ApiResource>,
        K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let api = Api::all_with(self.client.clone(), &kind(resource));
        self.spawn(resource, api, "", apply, filled);
    }

    fn spawn<K>(
        &mut self,
        resource: Resource,
        api: Api<K>,
        named: &str,
        apply: fn(&mut Caches, Change<'_, K>),
        filled: Filled,
    ) where
        K: KubeResource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let manner = if MANY.contains(&resource) {
            Manner::Streamed
        } else {
            Manner::Paged
        };
        let mut config = watcher::Config::default().page_size(PAGE);
        if !named.is_empty() {
            config = config.fields(named);
        }
        let task = Follow {
            resource,
            cluster: self.cluster.clone(),
            observer: Arc::clone(&self.observer),
        };
        if filled == Filled::Never {
            task.goes_over(State::Filling, None);
        }
        let open = move |manner| {
            let config = config.clone();
            let config = match manner {
                Manner::Streamed => config.streaming_lists(),
                Manner::Paged => config,
            };
            watcher(api.clone(), config)
        };
        let handle = self
            .tasks
            .spawn(follow(task, (manner, open), apply, filled));
        self.running.insert(resource, handle);
    }

    /// Ends a watch; what it has read stays.
    async fn close(&mut self, resource: Resource) {
        if let Some(handle) = self.running.remove(&resource) {
            handle.abort();
            while !handle.is_finished() {
                self.ended().await;
            }
        }
    }

    fn forget(&self, resource: Resource) {
        self.cluster
            .change(resource, |caches| caches.clear(resource));
        self.observer.counted(resource, 0);
        let follow = Follow {
            resource,
            cluster: self.cluster.clone(),
            observer: Arc::clone(&self.observer),
        };
        follow.goes_over(State::NotWatched, None);
    }

    /// Ends when a watch was ended by us. By itself it ends only by a panic, and with that the whole does.
    async fn ended(&mut self) {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok(never)) => match never {},
            Some(Err(error)) if error.is_cancelled() => {}
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Whether more of an object of this kind is kept for `now` than was for `before`.
fn keeps_more(resource: Resource, before: Fields, now: Fields) -> bool {
    KEPT.into_iter().any(|(field, resources)| {
        resources.contains(&resource) && now.contains(field) && !before.contains(field)
    })
}

#[cfg(test)]
mod tests;
