//! What sidecars and gateways receive.

use super::super::testing::{
    GATEWAY_GROUP, bound, facts, gateway, no_cluster, policy, population, service, target_ref,
    targets,
};
use super::*;
use crate::authorization::facts::{Class, Readiness, Traffic, WaypointState};

const SELECTOR: &str = r#"{"selector": {"matchLabels": {"app": "a"}}}"#;

fn standings(spec: &str, facts: &Facts) -> (SidecarStanding, GatewayStanding) {
    let json = policy(spec);
    let policy = AuthorizationPolicy::parse(&json).unwrap();
    (at_sidecar(&policy, facts), at_gateway(&policy, facts))
}

#[test]
fn selectors_as_written() {
    let mut facts = facts(Vec::new());
    let none = (SidecarStanding::SelectsNone, GatewayStanding::None);
    assert_eq!(standings(SELECTOR, &facts), none);
    let all = population(&[
        Class::Ambient(Vec::new()),
        Class::Sidecar,
        Class::Sidecar,
        Class::Gateway,
        Class::Outside,
    ]);
    facts.selected = Fact::Known(all.clone());
    for spec in [SELECTOR, "{}"] {
        let received = (
            SidecarStanding::Receives(all.sidecar.clone()),
            GatewayStanding::Selected(all.gateway.clone()),
        );
        assert_eq!(standings(spec, &facts), received, "{spec}");
    }
    let unknown = (
        SidecarStanding::Unknown(WhyUnknown::NoCluster),
        GatewayStanding::Unknown(WhyUnknown::NoCluster),
    );
    assert_eq!(standings(SELECTOR, &no_cluster()), unknown);
}

#[test]
fn sidecars_ignore_targets_and_those_behind_them_are_told() {
    let mut mixed = service(bound(WaypointState::Ready));
    mixed.workloads = Fact::Known(population(&[Class::Ambient(Vec::new()), Class::Sidecar]));
    let spec = targets(&[target_ref("", "Service", "payment")]);
    let (sidecar, gateway_standing) = standings(
        &spec,
        &facts(vec![Target::Service(Box::new(mixed.clone()))]),
    );
    assert_eq!(sidecar.code(), Some(Code::SIDECARS_IGNORE_TARGETS));
    assert_eq!(
        sidecar.to_string(),
        "sidecars ignore a policy with targetRefs, also those behind its targets: Deployment shop/app1"
    );
    assert_eq!(gateway_standing, GatewayStanding::None);

    let mut waypoint = gateway(Controller::Waypoint, Readiness::Ready, Traffic::Service);
    waypoint.services = Fact::Known(vec![mixed]);
    let spec = targets(&[target_ref(GATEWAY_GROUP, "Gateway", "w")]);
    let (sidecar, _) = standings(&spec, &facts(vec![Target::Gateway(Box::new(waypoint))]));
    assert_eq!(sidecar.code(), Some(Code::SIDECARS_IGNORE_TARGETS));

    let plain = service(bound(WaypointState::Ready));
    let spec = targets(&[target_ref("", "Service", "payment")]);
    let (sidecar, _) = standings(&spec, &facts(vec![Target::Service(Box::new(plain))]));
    assert_eq!(sidecar.code(), None, "there are none");
    let (sidecar, _) = standings(&spec, &no_cluster());
    assert_eq!(sidecar.code(), None, "nobody knows any");
    assert_eq!(
        sidecar.to_string(),
        "sidecars ignore a policy with targetRefs"
    );
}

#[test]
fn gateways_by_name() {
    let spec = targets(&[target_ref(GATEWAY_GROUP, "Gateway", "w")]);
    let at = |controller| {
        let gateway = gateway(controller, Readiness::NotReady, Traffic::Service);
        standings(&spec, &facts(vec![Target::Gateway(Box::new(gateway))])).1
    };
    let named = GatewayStanding::Named(vec![ObjectName::new("shop", "w")]);
    assert_eq!(at(Controller::Gateway), named);
    assert_eq!(
        named.to_string(),
        "gateways enforce it as it is written: shop/w"
    );
    assert_eq!(at(Controller::Waypoint), GatewayStanding::None);
    assert_eq!(at(Controller::Other("c".to_owned())), GatewayStanding::None);
    let unknown = GatewayStanding::Unknown(WhyUnknown::NoCluster);
    assert_eq!(standings(&spec, &no_cluster()).1, unknown);
}
