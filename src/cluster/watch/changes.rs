//! What an object that changes does to the caches, by its kind.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::DynamicObject;

use crate::cluster::caches::Caches;
use crate::cluster::convert::asks::{self, Attached, Filter, Policy, Sidecar};
use crate::cluster::convert::object::{Nothing, Watched};
use crate::cluster::convert::workload::{Autoscaler, Scaled, Scaler, workload};
use crate::cluster::convert::{gateway, injectors as webhooks, mesh, pod, service};
use crate::cluster::table::Change;

/// A namespace.
pub fn namespaces(caches: &mut Caches, change: Change<'_, Watched<Nothing>>) {
    let keep = caches.keep;
    let of = |object: &Watched<Nothing>| service::Namespace::of(&object.metadata, keep);
    caches.namespaces.apply(change, of);
}

/// A Pod.
pub fn pods(caches: &mut Caches, change: Change<'_, Watched<pod::Kept>>) {
    caches
        .revisions
        .apply(change, |object| object.spec.pod.clone());
}

/// A Service.
pub fn services(caches: &mut Caches, change: Change<'_, Watched<service::Selecting>>) {
    caches.services.apply(change, service::Service::of);
}

/// A ServiceEntry.
pub fn service_entries(caches: &mut Caches, change: Change<'_, Watched<Nothing>>) {
    let of = |object: &Watched<Nothing>| service::Service::of_metadata(&object.metadata);
    caches.service_entries.apply(change, of);
}

/// A Gateway.
pub fn gateways(caches: &mut Caches, change: Change<'_, DynamicObject>) {
    caches.gateways.apply(change, gateway::Gateway::of);
}

/// A GatewayClass.
pub fn gateway_classes(caches: &mut Caches, change: Change<'_, DynamicObject>) {
    caches
        .gateway_classes
        .apply(change, gateway::GatewayClass::of);
}

/// ConfigMap `istio`.
pub fn mesh_config(caches: &mut Caches, change: Change<'_, ConfigMap>) {
    caches.mesh.apply(change, |map| Some(((), mesh::mesh(map))));
}

/// A MutatingWebhookConfiguration.
pub fn injectors(caches: &mut Caches, change: Change<'_, DynamicObject>) {
    caches.injectors.apply_some(change, webhooks::watched);
    caches.injectors_changed();
}

/// A Deployment.
pub fn deployments(caches: &mut Caches, change: Change<'_, Watched<Scaled>>) {
    let keep = caches.keep;
    let of = |object: &Watched<Scaled>| Some(Arc::new(workload(object, keep)));
    caches.deployments.apply(change, of);
}

/// A StatefulSet.
pub fn stateful_sets(caches: &mut Caches, change: Change<'_, Watched<Scaled>>) {
    let keep = caches.keep;
    let of = |object: &Watched<Scaled>| Some(Arc::new(workload(object, keep)));
    caches.stateful_sets.apply(change, of);
}

/// A HorizontalPodAutoscaler.
pub fn autoscalers(caches: &mut Caches, change: Change<'_, Watched<Scaler>>) {
    caches.autoscalers.apply(change, Autoscaler::of);
}

/// An EnvoyFilter.
pub fn envoy_filters(caches: &mut Caches, change: Change<'_, Watched<Filter>>) {
    caches.envoy_filters.apply(change, asks::envoy_filter);
}

/// A Sidecar.
pub fn sidecars(caches: &mut Caches, change: Change<'_, Watched<Sidecar>>) {
    caches.sidecars.apply(change, asks::sidecar);
}

/// A WasmPlugin.
pub fn wasm_plugins(caches: &mut Caches, change: Change<'_, Watched<Attached>>) {
    caches.wasm_plugins.apply(change, asks::wasm_plugin);
}

/// A RequestAuthentication.
pub fn request_authentications(caches: &mut Caches, change: Change<'_, Watched<Attached>>) {
    caches
        .request_authentications
        .apply(change, asks::request_authentication);
}

/// An AuthorizationPolicy.
pub fn authorization_policies(caches: &mut Caches, change: Change<'_, Watched<Policy>>) {
    caches
        .authorization_policies
        .apply(change, asks::authorization_policy);
}
