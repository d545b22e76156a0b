//! Objects as the API server gives them, and what is kept of each.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::gateway::{Allowed, Gateway, GatewayClass};
use super::mesh::mesh;
use super::object::Watched;
use super::service::{Asks, Belongs, Namespace, Selecting, Service};
use crate::authorization::facts::{Controller, Ingress, Readiness, Traffic};
use crate::placement::facts::{Field, Fields};

fn from<T: serde::de::DeserializeOwned>(json: &Value) -> T {
    serde_json::from_value(json.clone()).unwrap()
}

/// The Gateway of a waypoint, as istiod leaves it when its Pods are ready.
fn gateway() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {
            "name": "waypoint", "namespace": "shop", "uid": "a", "generation": 1,
            "labels": {"istio.io/waypoint-for": "all", "team": "x"},
            "managedFields": [{"manager": "istiod", "operation": "Apply"}],
        },
        "spec": {
            "gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE",
                "allowedRoutes": {"namespaces": {"from": "Same"}}}],
        },
        "status": {
            "addresses": [
                {"type": "Hostname", "value": "waypoint.shop.svc.cluster.local"},
                {"type": "IPAddress", "value": "10.0.0.7"},
            ],
            "conditions": [{"type": "Programmed", "status": "True", "reason": "Programmed",
                "message": "", "lastTransitionTime": "2026-11-23T20:00:00Z"}],
        },
    })
}

fn converted(json: &Value) -> Gateway {
    Gateway::of(&from::<DynamicObject>(json)).unwrap().1
}

#[test]
fn gateways() {
    let (name, read) = Gateway::of(&from(&gateway())).unwrap();
    assert_eq!(name.to_string(), "shop/waypoint");
    let expected = Gateway {
        class: "istio-waypoint".into(),
        traffic: Some(Traffic::All),
        readiness: Readiness::Ready,
        allowed: Allowed::Same,
        service_account: None,
    };
    assert_eq!(read, expected);

    let mut new = gateway();
    new["status"] = json!({});
    new["metadata"]["labels"] = Value::Null;
    new["metadata"]["annotations"] = json!({"gateway.istio.io/service-account": "own"});
    let new = converted(&new);
    assert_eq!(new.readiness, Readiness::NotReady);
    assert_eq!(new.traffic, None);
    assert_eq!(new.service_account.as_deref(), Some("own"));
    let mut created = gateway();
    created.as_object_mut().unwrap().remove("status");
    assert_eq!(converted(&created).readiness, Readiness::NotReady);
}

#[test]
fn who_may_ask_for_a_waypoint() {
    let hbone = |allowed: Value| json!([{"name": "mesh", "port": 15008, "protocol": "HBONE", "allowedRoutes": allowed}]);
    let from = |from: &str| json!({"namespaces": {"from": from}});
    let selector = json!({"namespaces": {"from": "Selector", "selector": {
        "matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}}});
    let listeners = |listeners: Value, binding: Value| {
        let mut json = gateway();
        json["spec"]["listeners"] = listeners;
        json["metadata"]["annotations"] =
            json!({"ambient.istio.io/waypoint-inbound-binding": binding});
        json["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        converted(&json).allowed
    };
    #[rustfmt::skip]
    let rows = [
        (hbone(Value::Null), Allowed::Same),
        (hbone(json!({})), Allowed::Same),
        (hbone(from("Same")), Allowed::Same),
        (hbone(from("All")), Allowed::All),
        (hbone(from("Selector")), Allowed::None),
        (hbone(json!({"namespaces": {"from": "Selector", "selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}})), Allowed::None),
        (json!([]), Allowed::Same),
        (json!([{"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": from("All")}]), Allowed::Same),
    ];
    for (json, expected) in rows {
        assert_eq!(listeners(json.clone(), Value::Null), expected, "{json}");
    }
    let Allowed::Selector(chosen) = listeners(hbone(selector), Value::Null) else {
        panic!("it is a selector");
    };
    let team = |team: &str| BTreeMap::from([("team".to_owned(), team.to_owned())]);
    assert!(chosen.matches(&team("a")) && !chosen.matches(&team("c")));

    let two = json!([
        {"name": "mesh", "port": 15008, "protocol": "HBONE"},
        {"name": "proxy", "port": 15088, "protocol": "istio.io/PROXY", "allowedRoutes": from("All")},
    ]);
    for (binding, expected) in [
        ("PROXY", Allowed::All),
        ("PROXY/15088", Allowed::All),
        ("PROXY/1", Allowed::Same),
        ("NONE", Allowed::Same),
    ] {
        assert_eq!(
            listeners(two.clone(), json!(binding)),
            expected,
            "{binding}"
        );
    }
}

#[test]
fn gateway_classes() {
    let json = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "istio-waypoint", "labels": {"istio.io/waypoint-for": "workload"}},
        "spec": {"controllerName": "istio.io/mesh-controller", "description": "The default Istio waypoint GatewayClass"},
    });
    let (name, read) = GatewayClass::of(&from(&json)).unwrap();
    assert_eq!(&*name, "istio-waypoint");
    let expected = GatewayClass {
        controller: Controller::Waypoint,
        traffic: Some(Traffic::Workload),
    };
    assert_eq!(read, expected);
}

#[test]
fn services_and_what_they_ask_for() {
    let service = |labels: Value| {
        let json = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "payment", "namespace": "shop", "labels": labels},
            "spec": {"selector": {"app": "payment"}, "clusterIP": "10.0.0.9", "ports": [{"port": 80}]},
        });
        let (name, read) = Service::of(&from::<Watched<Selecting>>(&json)).unwrap();
        assert_eq!(name.to_string(), "shop/payment");
        assert_eq!(read.selector.to_map().len(), 1);
        read
    };
    let plain = service(Value::Null);
    assert_eq!(
        (plain.asks, plain.ingress, plain.belongs),
        (Asks::NotSaid, None, Belongs::ToOther)
    );
    let asks =
        service(json!({"istio.io/use-waypoint": "w", "istio.io/use-waypoint-namespace": "infra"}));
    let expected = Asks::For {
        namespace: Some("infra".into()),
        name: "w".into(),
    };
    assert_eq!(asks.asks, expected);
    let none = service(
        json!({"istio.io/use-waypoint": "none", "istio.io/use-waypoint-namespace": "infra"}),
    );
    assert_eq!(none.asks, Asks::ForNone);
    for (value, expected) in [
        ("true", Ingress::ThroughWaypoint),
        ("1", Ingress::ThroughWaypoint),
        ("false", Ingress::PastWaypoint),
        ("yes", Ingress::PastWaypoint),
    ] {
        let read = service(json!({"istio.io/ingress-use-waypoint": value}));
        assert_eq!(read.ingress, Some(expected), "{value}");
    }
    for managed in ["istio.io-mesh-controller", "istio.io-eastwest-controller"] {
        let read = service(json!({"gateway.istio.io/managed": managed}));
        assert_eq!(read.belongs, Belongs::ToWaypoint);
    }
}

#[test]
fn namespaces() {
    let json = json!({"name": "shop", "labels": {
        "kubernetes.io/metadata.name": "shop", "istio.io/dataplane-mode": "ambient",
        "istio.io/use-waypoint": "waypoint"}, "annotations": {"meshmode.io/mode": "sidecar"}});
    let metadata = from::<ObjectMeta>(&json);
    let (name, read) = Namespace::of(&metadata, Fields::NONE).unwrap();
    assert_eq!(&*name, "shop");
    let labels = &read.facts.labels;
    assert_eq!(labels.get("istio.io/dataplane-mode"), Some("ambient"));
    assert!(read.facts.annotations.is_empty(), "no rule reads them");
    let keep = Fields::NONE.with(Field::NamespaceAnnotations);
    let (_, with) = Namespace::of(&metadata, keep).unwrap();
    let annotation = with.facts.annotations.get("meshmode.io/mode");
    assert_eq!(annotation, Some("sidecar"));
    let expected = Asks::For {
        namespace: None,
        name: "waypoint".into(),
    };
    assert_eq!(read.asks, expected);
}

#[test]
fn the_mesh_out_of_its_config_map() {
    let read = |data: Value| {
        let json =
            json!({"metadata": {"name": "istio", "namespace": "istio-of-ours"}, "data": data});
        mesh(&from::<ConfigMap>(&json))
    };
    let yaml = "defaultConfig:\n  discoveryAddress: istiod.istio-system.svc:15012\ndefaultProviders:\n  metrics:\n  \
                - prometheus\nenablePrometheusMerge: true\nrootNamespace: mesh-root\ntrustDomain: example.org\n\
                trustDomainAliases:\n- old.example.org\n";
    let mesh = read(json!({"mesh": yaml, "meshNetworks": "networks: {}"})).unwrap();
    assert_eq!(mesh.root_namespace, "mesh-root");
    assert_eq!(mesh.trust_domain, "example.org");
    assert_eq!(mesh.trust_domain_aliases, ["old.example.org"]);
    for said_nothing in ["", "{}", "rootNamespace:\ntrustDomain: ''\n"] {
        let mesh = read(json!({"mesh": said_nothing})).unwrap();
        assert_eq!(
            (mesh.root_namespace.as_str(), mesh.trust_domain.as_str()),
            ("istio-of-ours", "cluster.local"),
            "{said_nothing:?}"
        );
    }
    for unreadable in [
        json!({"mesh": "- a\n- b"}),
        json!({"other": ""}),
        Value::Null,
    ] {
        assert_eq!(read(unreadable.clone()), None, "{unreadable}");
    }
}
