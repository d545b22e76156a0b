//! Facts out of caches that a cluster's objects filled.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::*;
use crate::authorization::facts::{
    Binding, Controller, Ingress, Level, Population, Readiness, Target, Traffic, WaypointState,
};
use crate::cluster::convert::{gateway, service};
use crate::cluster::table::Change;
use crate::cluster::watch::changes;
use crate::placement::facts::Fields;

mod dataplanes;
mod waypoints;

/// A cluster that was read.
struct World {
    caches: Caches,
    states: States,
}

impl World {
    /// Istio with its classes, and namespaces `plain` and `ambient`.
    fn new() -> Self {
        let mut states = States::default();
        for resource in Resource::ALL {
            states.set(resource, State::Following);
        }
        let mut world = Self {
            caches: Caches::default(),
            states,
        };
        world.class("istio-waypoint", "istio.io/mesh-controller");
        world.class("istio", "istio.io/gateway-controller");
        world.namespace("plain", &json!({}));
        world.namespace("ambient", &json!({"istio.io/dataplane-mode": "ambient"}));
        world
            .caches
            .mesh
            .apply(Change::Put(&()), |()| Some(((), Some(Mesh::default()))));
        world
    }

    fn class(&mut self, name: &str, controller: &str) {
        let json = json!({"apiVersion": "v1", "kind": "GatewayClass", "metadata": {"name": name}, "spec": {"controllerName": controller}});
        let object = serde_json::from_value(json).unwrap();
        let change = Change::Put(&object);
        self.caches
            .gateway_classes
            .apply(change, gateway::GatewayClass::of);
    }

    fn namespace(&mut self, name: &str, labels: &Value) {
        let json = json!({"name": name, "labels": labels});
        let metadata: ObjectMeta = serde_json::from_value(json).unwrap();
        let change = Change::Put(&metadata);
        let of = |metadata: &ObjectMeta| service::Namespace::of(metadata, Fields::NONE);
        self.caches.namespaces.apply(change, of);
    }

    fn pod(&mut self, namespace: &str, name: &str, labels: &Value, annotations: &Value) {
        let json = json!({"metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}/{name}"),
            "labels": labels, "annotations": annotations}});
        changes::pods(
            &mut self.caches,
            Change::Put(&serde_json::from_value(json).unwrap()),
        );
    }

    fn service(&mut self, namespace: &str, name: &str, labels: &Value) {
        let json = json!({"metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"selector": {"app": name}}});
        let object = serde_json::from_value(json).unwrap();
        let change = Change::Put(&object);
        self.caches.services.apply(change, service::Service::of);
    }

    /// A waypoint that is ready and that all namespaces may ask for.
    fn waypoint(&mut self, namespace: &str, name: &str, traffic: &str) {
        self.gateway(namespace, name, "istio-waypoint", traffic, "All", 1);
    }

    fn gateway(
        &mut self,
        namespace: &str,
        name: &str,
        class: &str,
        traffic: &str,
        from: &str,
        addresses: usize,
    ) {
        let json = json!({
            "apiVersion": "v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": namespace, "labels": {"istio.io/waypoint-for": traffic}},
            "spec": {"gatewayClassName": class, "listeners": [
                {"port": 15008, "protocol": "HBONE", "allowedRoutes": {"namespaces": {"from": from}}}]},
            "status": {"addresses": vec![json!({"value": "10.0.0.1"}); addresses]},
        });
        let object = serde_json::from_value(json).unwrap();
        let change = Change::Put(&object);
        self.caches.gateways.apply(change, gateway::Gateway::of);
    }

    fn facts(&self, namespace: &str, spec: &Value) -> Facts {
        let json =
            json!({"metadata": {"name": "p", "namespace": namespace}, "spec": spec}).to_string();
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        let (caches, states) = (&self.caches, self.states);
        View { caches, states }.facts_for(&policy)
    }

    fn selected(&self, namespace: &str, spec: &Value) -> Population {
        self.facts(namespace, spec).selected.known().unwrap()
    }

    fn target(&self, namespace: &str, group: &str, kind: &str, name: &str) -> Target {
        let spec = json!({"targetRefs": [{"group": group, "kind": kind, "name": name}]});
        let facts = self.facts(namespace, &spec);
        facts.target(0).known().unwrap().clone()
    }

    fn binding(&self, namespace: &str, name: &str) -> Binding {
        let target = self.target(namespace, "", "Service", name);
        let Target::Service(service) = target else {
            panic!("{target:?}");
        };
        service.binding
    }
}

#[test]
fn a_kind_that_cannot_be_read_is_a_fact_that_is_missing() {
    let spec = json!({"selector": {"matchLabels": {"app": "web"}}});
    let to_service = json!({"targetRefs": [{"group": "", "kind": "Service", "name": "web"}]});
    let mut world = World::new();
    world.pod("ambient", "web", &json!({"app": "web"}), &json!({}));
    world.service("ambient", "web", &json!({}));

    for (resource, state, why) in [
        (
            Resource::Pods,
            State::Filling,
            WhyUnknown::NotReadYet(Resource::Pods),
        ),
        (
            Resource::Namespaces,
            State::Forbidden,
            WhyUnknown::Forbidden(Resource::Namespaces),
        ),
    ] {
        let before = world.states.set(resource, state);
        let facts = world.facts("ambient", &spec);
        assert_eq!(facts.selected, Fact::Unknown(why));
        world.states.set(resource, before);
    }
    world.states.set(Resource::Gateways, State::Forbidden);
    let why = WhyUnknown::Forbidden(Resource::Gateways);
    let selected = world.selected("ambient", &spec);
    assert_eq!(
        selected.not_looked,
        Some(why),
        "what is ambient is known all the same"
    );
    assert_eq!(selected.ambient.revisions, 1);
    let facts = world.facts("ambient", &to_service);
    assert_eq!(facts.target(0), Fact::Unknown(why));

    world.states.set(Resource::Gateways, State::NotInstalled);
    assert_eq!(
        world.selected("ambient", &spec).not_looked,
        None,
        "there are none"
    );
    world.states.set(Resource::Pods, State::Behind);
    let facts = world.facts("ambient", &spec);
    assert_eq!(
        facts.behind,
        [Resource::Pods],
        "the last that is known, and said so"
    );
    assert!(facts.selected.known().is_some());

    world.states.set(Resource::MeshConfig, State::Filling);
    let why = WhyUnknown::NotReadYet(Resource::MeshConfig);
    assert_eq!(world.facts("ambient", &spec).mesh, Fact::Unknown(why));
}

#[test]
fn without_its_config_map_the_mesh_is_not_known() {
    let mut world = World::new();
    world.caches.mesh.apply::<()>(Change::Begin, |()| None);
    world.caches.mesh.apply::<()>(Change::End, |()| None);
    let facts = world.facts("plain", &json!({}));
    let why = WhyUnknown::NotThere(Resource::MeshConfig);
    assert_eq!(facts.mesh, Fact::Unknown(why));
    assert_eq!(facts.mesh().root_namespace, "istio-system");
}

#[test]
fn a_policy_without_a_namespace_is_not_looked_up() {
    let world = World::new();
    let facts = world.facts("", &json!({}));
    assert_eq!(facts.selected, Fact::Unknown(WhyUnknown::NoNamespace));
    let facts = world.facts(
        "",
        &json!({"targetRefs": [{"group": "", "kind": "Service", "name": "a"}]}),
    );
    assert_eq!(facts.target(0), Fact::Unknown(WhyUnknown::NoNamespace));
}
