//! What asks for which waypoint, and what becomes of it.

use super::*;
use crate::authorization::facts::ObjectName;

const GATEWAY: &str = "gateway.networking.k8s.io";

fn use_waypoint(name: &str) -> Value {
    json!({"istio.io/use-waypoint": name})
}

fn bound(waypoint: (&str, &str), by: Level, state: WaypointState) -> Binding {
    let waypoint = ObjectName::new(waypoint.0, waypoint.1);
    Binding::Bound {
        service_account: waypoint.name.clone(),
        waypoint,
        by,
        state,
    }
}

#[test]
fn a_service_is_bound_by_its_label_or_its_namespaces() {
    let mut world = World::new();
    world.namespace(
        "bound",
        &json!({"istio.io/use-waypoint": "w", "istio.io/use-waypoint-namespace": "infra"}),
    );
    world.namespace("out", &use_waypoint("none"));
    world.namespace("wish", &use_waypoint("missing"));
    world.waypoint("infra", "w", "service");
    world.waypoint("plain", "own", "all");
    #[rustfmt::skip]
    let rows = [
        ("plain", json!({}), Binding::None),
        ("plain", use_waypoint("own"), bound(("plain", "own"), Level::Object, WaypointState::Ready)),
        ("plain", use_waypoint("none"), Binding::OptedOut),
        ("plain", use_waypoint("nobody"), bound(("plain", "nobody"), Level::Object, WaypointState::Missing)),
        ("bound", json!({}), bound(("infra", "w"), Level::Namespace, WaypointState::Ready)),
        ("bound", use_waypoint("none"), Binding::OptedOut),
        ("bound", use_waypoint("own"), bound(("bound", "own"), Level::Object, WaypointState::Missing)),
        ("bound", json!({"gateway.istio.io/managed": "istio.io-mesh-controller"}), Binding::OfWaypoint),
        ("out", json!({}), Binding::None),
        ("wish", json!({}), bound(("wish", "missing"), Level::Namespace, WaypointState::Missing)),
    ];
    for (namespace, labels, expected) in rows {
        world.service(namespace, "it", &labels);
        assert_eq!(
            world.binding(namespace, "it"),
            expected,
            "in {namespace}: {labels}"
        );
    }
}

#[test]
fn a_waypoint_takes_what_it_is_for_from_where_it_allows() {
    let mut world = World::new();
    world.namespace("infra", &json!({}));
    let other = |traffic: &str| WaypointState::OtherTraffic(Traffic::parse(traffic));
    #[rustfmt::skip]
    let rows = [
        ("service", "All", 1, WaypointState::Ready),
        ("all", "All", 1, WaypointState::Ready),
        ("workload", "All", 1, other("workload")),
        ("none", "All", 1, other("none")),
        ("typo", "All", 1, other("typo")),
        ("service", "Same", 1, WaypointState::NotAllowed),
        ("service", "Selector", 1, WaypointState::NotAllowed),
        ("service", "All", 0, WaypointState::NotReady),
        // In Istio's order: what is not ready is not asked whom it allows.
        ("workload", "Same", 0, WaypointState::NotReady),
        ("workload", "Same", 1, WaypointState::NotAllowed),
    ];
    let labels = json!({"istio.io/use-waypoint": "w", "istio.io/use-waypoint-namespace": "infra"});
    for (traffic, from, addresses, expected) in rows {
        world.gateway("infra", "w", "istio-waypoint", traffic, from, addresses);
        world.service("plain", "it", &labels);
        let expected = bound(("infra", "w"), Level::Object, expected);
        assert_eq!(
            world.binding("plain", "it"),
            expected,
            "{traffic} {from} {addresses}"
        );
    }
}

#[test]
fn what_a_gateway_is() {
    let mut world = World::new();
    world.waypoint("plain", "w", "all");
    world.gateway("plain", "new", "istio-waypoint", "all", "Same", 0);
    world.gateway("plain", "in", "istio", "service", "Same", 1);
    world.gateway("plain", "theirs", "nginx", "service", "Same", 1);
    world.service("plain", "a", &use_waypoint("w"));
    world.service(
        "ambient",
        "b",
        &json!({"istio.io/use-waypoint": "w", "istio.io/use-waypoint-namespace": "plain"}),
    );
    world.service("ambient", "c", &json!({}));
    world.pod(
        "ambient",
        "p",
        &json!({"istio.io/use-waypoint": "w", "istio.io/use-waypoint-namespace": "plain"}),
        &json!({}),
    );
    let at = |name: &str| world.target("plain", GATEWAY, "Gateway", name);
    let Target::Gateway(waypoint) = at("w") else {
        panic!("it is one");
    };
    assert_eq!(waypoint.controller, Controller::Waypoint);
    assert_eq!(
        (waypoint.readiness, &waypoint.traffic),
        (Readiness::Ready, &Traffic::All)
    );
    let services = waypoint.services.known().unwrap();
    let services: Vec<_> = services
        .iter()
        .map(|service| service.name.to_string())
        .collect();
    assert_eq!(services, ["ambient/b", "plain/a"]);
    assert_eq!(
        waypoint.workloads.known().unwrap().to_string(),
        "Pod ambient/p"
    );
    for (name, controller) in [
        ("new", Controller::Waypoint),
        ("in", Controller::Gateway),
        ("theirs", Controller::Other("nginx".to_owned())),
    ] {
        let Target::Gateway(gateway) = at(name) else {
            panic!("it is one");
        };
        assert_eq!(gateway.controller, controller, "{name}");
    }
}

#[test]
fn targets_are_sought_where_istio_seeks_them() {
    let mut world = World::new();
    world.waypoint("plain", "w", "all");
    assert_eq!(
        world.target("plain", GATEWAY, "Gateway", "nobody"),
        Target::Missing
    );
    assert_eq!(
        world.target("ambient", GATEWAY, "Gateway", "w"),
        Target::Missing
    );
    assert_eq!(world.target("plain", "", "Gateway", "w"), Target::NotSought);
    assert_eq!(
        world.target("plain", "networking.istio.io", "ServiceEntry", "w"),
        Target::Missing
    );
    assert!(matches!(
        world.target("plain", GATEWAY, "GatewayClass", "istio-waypoint"),
        Target::GatewayClass(class) if class.controller == Controller::Waypoint
    ));
}

#[test]
fn a_service_tells_its_workloads_and_its_ingress() {
    let mut world = World::new();
    world.namespace(
        "in",
        &json!({"istio.io/ingress-use-waypoint": "true", "istio.io/dataplane-mode": "ambient"}),
    );
    world.pod("in", "a", &json!({"app": "it"}), &json!({}));
    world.pod(
        "in",
        "b",
        &json!({"app": "it"}),
        &json!({"sidecar.istio.io/status": "{}"}),
    );
    world.pod("in", "c", &json!({"app": "other"}), &json!({}));
    for (labels, expected) in [
        (json!({}), Ingress::ThroughWaypoint),
        (
            json!({"istio.io/ingress-use-waypoint": "false"}),
            Ingress::PastWaypoint,
        ),
    ] {
        world.service("in", "it", &labels);
        let Target::Service(service) = world.target("in", "", "Service", "it") else {
            panic!("it is one");
        };
        assert_eq!(service.ingress, expected, "{labels}");
        assert_eq!(service.selector["app"], "it");
        let workloads = service.workloads.known().unwrap();
        assert_eq!(
            (workloads.ambient.revisions, workloads.sidecar.revisions),
            (1, 1)
        );
    }
}

#[test]
fn workloads_are_behind_waypoints_by_service_and_by_themselves() {
    let mut world = World::new();
    world.namespace(
        "bound",
        &json!({"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "w"}),
    );
    world.pod("bound", "it", &json!({"app": "it"}), &json!({}));
    let look = |world: &World| {
        let all = world.selected(
            "bound",
            &json!({"selector": {"matchLabels": {"app": "it"}}}),
        );
        let unused: Vec<_> = all
            .unused
            .iter()
            .map(|(front, _)| front.state.clone())
            .collect();
        (all.ambient.revisions, all.behind_waypoint.revisions, unused)
    };
    world.waypoint("bound", "w", "service");
    assert_eq!(
        look(&world),
        (1, 0, vec![]),
        "no Service selects it, and the waypoint is for Services"
    );
    world.service("bound", "it", &json!({}));
    assert_eq!(
        look(&world),
        (0, 1, vec![]),
        "its Service is behind the waypoint"
    );
    world.service("bound", "it", &use_waypoint("none"));
    assert_eq!(look(&world), (1, 0, vec![]));
    world.waypoint("bound", "w", "workload");
    assert_eq!(look(&world), (0, 1, vec![]), "it is itself");
    world.gateway("bound", "w", "istio-waypoint", "workload", "Same", 0);
    assert_eq!(look(&world), (1, 0, vec![WaypointState::NotReady]));

    world.waypoint("bound", "w", "service");
    world.pod(
        "bound",
        "it",
        &json!({"app": "it", "istio.io/use-waypoint": "w"}),
        &json!({}),
    );
    let other = WaypointState::OtherTraffic(Traffic::Service);
    assert_eq!(
        look(&world),
        (1, 0, vec![other]),
        "asked for by its own label, that is a mistake"
    );
    world.pod(
        "bound",
        "it",
        &json!({"app": "it", "istio.io/use-waypoint": "none"}),
        &json!({}),
    );
    assert_eq!(look(&world), (1, 0, vec![]));
}
