//! How workloads are counted, and what is assumed where nothing is known.

use super::*;

fn name(name: &str) -> WorkloadName {
    WorkloadName {
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn front(waypoint: &str, via: Via, state: WaypointState) -> Front {
    Front {
        waypoint: ObjectName::new("shop", waypoint),
        via,
        state,
    }
}

fn via_service(service: &str) -> Via {
    Via::Service(ObjectName::new("shop", service))
}

#[test]
fn workloads_are_counted_by_who_is_in_front() {
    let mut all = Population::default();
    let ready = |via| front("w", via, WaypointState::Ready);
    all.add(Class::Ambient(Vec::new()), &name("plain"));
    all.add(
        Class::Ambient(vec![front("gone", Via::Workload, WaypointState::Missing)]),
        &name("asks"),
    );
    all.add(
        Class::Ambient(vec![ready(via_service("a")), ready(via_service("b"))]),
        &name("served"),
    );
    all.add(
        Class::Ambient(vec![
            ready(via_service("a")),
            front("v", Via::Workload, WaypointState::Ready),
        ]),
        &name("twice"),
    );
    all.add(Class::Sidecar, &name("old"));
    all.add(Class::Gateway, &name("gate"));
    all.add(Class::Waypoint, &name("w"));
    all.add(Class::Outside, &name("legacy"));

    assert_eq!(all.ambient.to_string(), "Deployment shop/plain and 1 more");
    assert_eq!(all.behind_waypoint.revisions, 2);
    let behind: Vec<_> = all
        .behind
        .iter()
        .map(|(w, t)| (w.name.as_str(), t.revisions))
        .collect();
    assert_eq!(
        behind,
        [("w", 2), ("v", 1)],
        "a workload counts once a waypoint"
    );
    assert_eq!(all.unused.len(), 1);
    assert_eq!(all.unused[0].0.state, WaypointState::Missing);
    assert_eq!(
        (all.ambient_revisions(), all.in_mesh(), all.revisions()),
        (4, 7, 8)
    );
}

#[test]
fn a_mesh_of_many_waypoints_stays_small() {
    let mut all = Population::default();
    for index in 0..1000 {
        let waypoint = format!("w{index}");
        let fronts = vec![
            front(&waypoint, Via::Workload, WaypointState::Ready),
            front(&waypoint, via_service("a"), WaypointState::NotReady),
        ];
        all.add(Class::Ambient(fronts), &name("app"));
    }
    assert_eq!(all.behind.len(), Population::FRONTS);
    assert_eq!(all.unused.len(), Population::FRONTS);
    assert_eq!(all.behind_waypoint.revisions, 1000);
}

#[test]
fn without_facts_the_defaults_of_istio_are_assumed() {
    let facts = Facts::unknown(WhyUnknown::NoCluster);
    let parse = |namespace: &str| format!(r#"{{"metadata": {{"namespace": "{namespace}"}}}}"#);
    let reach = |facts: &Facts, namespace: &str| {
        facts.reach(&AuthorizationPolicy::parse(&parse(namespace)).unwrap())
    };
    assert_eq!(reach(&facts, "istio-system"), Reach::Mesh);
    assert_eq!(reach(&facts, "shop"), Reach::Namespace);
    assert_eq!(reach(&facts, ""), Reach::Namespace);
    assert_eq!(facts.target(0), Fact::Unknown(WhyUnknown::NoCluster));
    let mut facts = facts;
    facts.mesh = Fact::Known(Mesh {
        root_namespace: "mesh-root".to_owned(),
        ..Mesh::default()
    });
    facts.targets = Fact::Known(Vec::new());
    assert_eq!(reach(&facts, "istio-system"), Reach::Namespace);
    assert_eq!(reach(&facts, "mesh-root"), Reach::Mesh);
    assert_eq!(facts.target(0), Fact::Unknown(WhyUnknown::NoSuchTarget));
}

#[test]
fn a_missing_fact_says_why() {
    #[rustfmt::skip]
    let rows = [
        (WhyUnknown::NoCluster, "meshmode has no connection to a cluster"),
        (WhyUnknown::NotReadYet(Resource::Pods), "meshmode has not read pods yet"),
        (WhyUnknown::Forbidden(Resource::Services), "meshmode may not read services"),
    ];
    for (why, text) in rows {
        assert_eq!(why.to_string(), text);
    }
}

#[test]
fn controllers_and_traffic_by_name() {
    #[rustfmt::skip]
    let rows = [
        ("istio.io/mesh-controller", "istio-waypoint", Controller::Waypoint),
        ("istio.io/agentgateway-waypoint-controller", "istio-agentgateway-waypoint", Controller::Waypoint),
        ("istio.io/gateway-controller", "istio", Controller::Gateway),
        ("istio.io/unmanaged-gateway", "istio-remote", Controller::Gateway),
        ("istio.io/eastwest-controller", "istio-east-west", Controller::Gateway),
        ("example.com/c", "example.com/c", Controller::Other("example.com/c".to_owned())),
    ];
    for (controller, class, expected) in rows {
        assert_eq!(Controller::named(controller), expected);
        assert_eq!(Controller::of_class(class), expected);
    }
    for (value, services, workloads) in [
        ("service", true, false),
        ("workload", false, true),
        ("all", true, true),
        ("none", false, false),
        ("Service", false, false),
    ] {
        let traffic = Traffic::parse(value);
        assert_eq!(traffic.as_str(), value);
        assert_eq!(
            (traffic.has_services(), traffic.has_workloads()),
            (services, workloads),
            "{value}"
        );
    }
}
