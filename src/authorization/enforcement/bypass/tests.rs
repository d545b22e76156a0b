//! The ways around a waypoint, and the policy that closes them.

use super::super::testing::{
    GATEWAY_GROUP, bound, facts, no_cluster, policy, policy_in, population, service, tally,
    target_ref, targets, waypoint,
};
use super::*;
use crate::authorization::facts::{Class, Controller, GatewayClass, Resource, Traffic, WhyUnknown};
use crate::authorization::mesh::Mesh;

fn of(json: &str, facts: &Facts) -> Bypasses {
    bypasses(&AuthorizationPolicy::parse(json).unwrap(), facts)
}

fn ways(bypasses: &Bypasses) -> Vec<Way> {
    bypasses.ways.iter().map(|bypass| bypass.way).collect()
}

fn to_service() -> String {
    policy(&targets(&[target_ref("", "Service", "payment")]))
}

fn to_gateway() -> String {
    policy(&targets(&[target_ref(GATEWAY_GROUP, "Gateway", "w")]))
}

/// A mesh with clients of all classes.
fn hybrid(targets: Vec<Target>) -> Facts {
    let mut facts = facts(targets);
    facts.clients = Fact::Known(population(&[
        Class::Ambient(Vec::new()),
        Class::Sidecar,
        Class::Gateway,
        Class::Outside,
    ]));
    facts
}

fn in_front(ingress: Ingress) -> Service {
    Service {
        ingress,
        ..service(bound(WaypointState::Ready))
    }
}

#[test]
fn who_goes_past_depends_on_who_there_is() {
    use Way::{Direct, Ingress as Gateways, Outside, Sidecars};
    let past = || Target::Service(Box::new(in_front(Ingress::PastWaypoint)));
    let through = Target::Service(Box::new(in_front(Ingress::ThroughWaypoint)));
    let mut unknown = hybrid(vec![past()]);
    unknown.clients = Fact::Unknown(WhyUnknown::Forbidden(Resource::Pods));
    #[rustfmt::skip]
    let rows = [
        ("hybrid", hybrid(vec![past()]), vec![Sidecars, Gateways, Direct, Outside]),
        ("ingress labelled", hybrid(vec![through]), vec![Sidecars, Direct, Outside]),
        ("ambient only", facts(vec![past()]), vec![Direct]),
        ("clients not known", unknown, vec![Sidecars, Gateways, Direct, Outside]),
        ("not attached", hybrid(vec![Target::Service(Box::new(service(Binding::None)))]), Vec::new()),
        ("no cluster", no_cluster(), Vec::new()),
    ];
    for (name, facts, expected) in rows {
        let found = of(&to_service(), &facts);
        assert_eq!(ways(&found), expected, "{name}");
        assert_eq!(found.guards.is_empty(), expected.is_empty(), "{name}");
    }
}

#[test]
fn a_waypoint_for_workloads_cannot_be_gone_around_by_address() {
    let mut gateway = waypoint(Traffic::All);
    gateway.services = Fact::Known(vec![
        in_front(Ingress::ThroughWaypoint),
        service(bound(WaypointState::NotAllowed)),
    ]);
    let direct = |gateway: Gateway| {
        let found = of(
            &to_gateway(),
            &hybrid(vec![Target::Gateway(Box::new(gateway))]),
        );
        assert_eq!(found.guards.len(), 1, "only what is behind it is guarded");
        ways(&found).contains(&Way::Direct)
    };
    assert!(direct(gateway.clone()), "no workload is bound to it");
    gateway.workloads = Fact::Known(tally(1));
    assert!(!direct(gateway));
}

#[test]
fn at_all_waypoints_there_is_nothing_to_name() {
    let spec = targets(&[target_ref(GATEWAY_GROUP, "GatewayClass", "istio-waypoint")]);
    let class = GatewayClass {
        controller: Controller::Waypoint,
    };
    let facts = hybrid(vec![Target::GatewayClass(class)]);
    let found = of(&policy_in("istio-system", &spec), &facts);
    assert_eq!(found.ways.len(), 4);
    assert_eq!(found.guards, []);
}

#[test]
fn policies_without_targets_are_not_gone_around() {
    let json = policy(r#"{"selector": {"matchLabels": {"app": "payment"}}}"#);
    assert_eq!(of(&json, &hybrid(Vec::new())), Bypasses::default());
}

#[test]
fn a_way_says_who_goes_it() {
    let found = of(
        &to_service(),
        &hybrid(vec![Target::Service(Box::new(in_front(
            Ingress::PastWaypoint,
        )))]),
    );
    let lines: Vec<_> = found.ways.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines[0],
        "Clients with a sidecar go past the waypoint (Deployment shop/app1)"
    );
    assert_eq!(
        lines[2],
        "What is addressed to a Pod, not to its Service, goes past the waypoint"
    );
    assert!(
        lines
            .iter()
            .all(|line| line.len() < 250 && !line.contains('\n'))
    );
    assert_eq!(found.ways[1].code(), Code::INGRESS_GOES_PAST);
}

#[test]
fn the_guard_is_a_policy_that_ztunnel_enforces_as_written() {
    let mut facts = hybrid(vec![Target::Service(Box::new(in_front(
        Ingress::PastWaypoint,
    )))]);
    facts.mesh = Fact::Known(Mesh {
        trust_domain: "example.org".to_owned(),
        ..Mesh::default()
    });
    let guards = of(&to_service(), &facts).guards;
    let yaml = guards[0].to_string();
    assert_eq!(
        yaml,
        r#"apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: payment-only-through-waypoint
  namespace: shop
spec:
  selector:
    matchLabels:
      app: "payment"
  action: DENY
  rules:
    - from:
        - source:
            notPrincipals:
              - "example.org/ns/infra/sa/w-account"
              # and each client with a sidecar, and each gateway, that has to go on calling
"#
    );
    let read: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    let json = read.to_string();
    let policy = AuthorizationPolicy::parse(&json).unwrap();
    assert_eq!(policy.unknown_fields(), [] as [String; 0]);
    assert!(crate::authorization::needs(&policy).is_empty());
}

#[test]
fn what_has_no_labels_has_no_guard() {
    let mut entry = in_front(Ingress::PastWaypoint);
    entry.selector.clear();
    let found = of(
        &to_service(),
        &hybrid(vec![Target::Service(Box::new(entry))]),
    );
    assert_eq!((found.ways.len(), found.guards.len()), (4, 0));
}
