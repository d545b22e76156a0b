//! Keeps the caches up to date: a watch for each kind of objects, each by itself, so that one that
//! fails leaves the others alone.

mod follow;

use std::convert::Infallible;
use std::error::Error;
use std::fmt::{self, Debug};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::runtime::watcher;
use kube::{Api, Client, Resource as KubeResource};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use self::follow::{Follow, follow};
use super::Cluster;
use super::caches::{Caches, State};
use super::convert::{gateway, mesh, pod, service};
use super::table::Change;
use crate::authorization::facts::Resource;

/// Who is told about watches.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A kind of objects went over to another state, for this reason if it is a bad one.
    fn went_over(&self, resource: Resource, state: State, why: Option<&(dyn Error + 'static)>);

    /// There are so many objects of a kind.
    fn counted(&self, resource: Resource, objects: usize);
}

/// Objects that a list gives at a time: all of them in memory at once would cost more than the caches.
const PAGE: u32 = 250;

/// The name of Istio's ConfigMap. One of another revision has the revision's name behind it.
const MESH_CONFIG: &str = "istio";

/// Starts the watches; what they do is in [`Cluster`].
pub fn start(
    cluster: &Cluster,
    client: &Client,
    istio_namespace: &str,
    observer: &Arc<dyn Observer>,
) -> JoinSet<Infallible> {
    let mut watches = Watches {
        cluster,
        observer,
        tasks: JoinSet::new(),
    };
    let all = || client.clone();
    // Of Namespaces, Pods and ServiceEntries the metadata alone is asked for.
    watches.add(Resource::Namespaces, Api::all(all()), "", namespaces);
    watches.add(Resource::Pods, Api::all(all()), "", pods);
    watches.add(Resource::Services, Api::all(all()), "", services);
    watches.add(
        Resource::ServiceEntries,
        Api::all_with(all(), &kind("networking.istio.io", "ServiceEntry")),
        "",
        service_entries,
    );
    watches.add(
        Resource::Gateways,
        Api::all_with(all(), &kind("gateway.networking.k8s.io", "Gateway")),
        "",
        gateways,
    );
    watches.add(
        Resource::GatewayClasses,
        Api::all_with(all(), &kind("gateway.networking.k8s.io", "GatewayClass")),
        "",
        gateway_classes,
    );
    watches.add(
        Resource::MeshConfig,
        Api::namespaced(all(), istio_namespace),
        &format!("metadata.name={MESH_CONFIG}"),
        mesh_config,
    );
    watches.tasks
}

struct Watches<'a> {
    cluster: &'a Cluster,
    observer: &'a Arc<dyn Observer>,
    tasks: JoinSet<Infallible>,
}

impl Watches<'_> {
    fn add<K>(
        &mut self,
        resource: Resource,
        api: Api<K>,
        fields: &str,
        apply: fn(&mut Caches, Change<'_, K>),
    ) where
        K: KubeResource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
        Api<K>: Clone,
    {
        let mut config = watcher::Config::default().page_size(PAGE);
        if !fields.is_empty() {
            config = config.fields(fields);
        }
        let task = Follow {
            resource,
            cluster: self.cluster.clone(),
            observer: Arc::clone(self.observer),
        };
        task.goes_over(State::Filling, None);
        let open = move || watcher(api.clone(), config.clone());
        self.tasks.spawn(follow(task, open, apply));
    }
}

fn kind(group: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind))
}

fn namespaces(caches: &mut Caches, change: Change<'_, PartialObjectMeta<Namespace>>) {
    let of = |object: &PartialObjectMeta<Namespace>| service::Namespace::of(&object.metadata);
    caches.namespaces.apply(change, of);
}

fn pods(caches: &mut Caches, change: Change<'_, PartialObjectMeta<Pod>>) {
    let of = |object: &PartialObjectMeta<Pod>| pod::Pod::of(&object.metadata);
    caches.revisions.apply(change, of);
}

fn services(caches: &mut Caches, change: Change<'_, Service>) {
    caches.services.apply(change, service::Service::of);
}

fn service_entries(caches: &mut Caches, change: Change<'_, PartialObjectMeta<DynamicObject>>) {
    let of =
        |object: &PartialObjectMeta<DynamicObject>| service::Service::of_metadata(&object.metadata);
    caches.service_entries.apply(change, of);
}

fn gateways(caches: &mut Caches, change: Change<'_, DynamicObject>) {
    caches.gateways.apply(change, gateway::Gateway::of);
}

fn gateway_classes(caches: &mut Caches, change: Change<'_, DynamicObject>) {
    caches
        .gateway_classes
        .apply(change, gateway::GatewayClass::of);
}

fn mesh_config(caches: &mut Caches, change: Change<'_, ConfigMap>) {
    caches.mesh.apply(change, |map| Some(((), mesh::mesh(map))));
}
