//! Each way in which a target attaches a policy, or does not.

use super::super::testing::{
    GATEWAY_GROUP, bound, facts, gateway, no_cluster, policy, policy_in, service, tally,
    target_ref, targets, waypoint,
};
use super::*;
use crate::authorization::code::Code;
use crate::authorization::facts::Resource;
use crate::authorization::mesh::Mesh;

fn standings(json: &str, facts: &Facts) -> Vec<Standing> {
    let policy = AuthorizationPolicy::parse(json).unwrap();
    match at_waypoint(&policy, facts) {
        WaypointStanding::NoTargets => Vec::new(),
        WaypointStanding::Targets(all) => all.into_iter().map(|one| one.standing).collect(),
    }
}

fn one(json: &str, facts: &Facts) -> Standing {
    let mut all = standings(json, facts);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn to(kind: &str) -> String {
    let group = match kind {
        "Gateway" | "GatewayClass" => GATEWAY_GROUP,
        "ServiceEntry" => "networking.istio.io",
        _ => "",
    };
    let name = if kind == "GatewayClass" {
        WAYPOINT_CLASS
    } else {
        "x"
    };
    policy(&targets(&[target_ref(group, kind, name)]))
}

fn attached(carries: Carries) -> Standing {
    let at = At::Waypoint(ObjectName::new("shop", "w"));
    Standing::Attached { at, carries }
}

const fn not(why: WhyNot) -> Standing {
    Standing::NotAttached(why)
}

#[test]
fn policies_without_targets_reach_no_waypoint() {
    for spec in [
        "{}",
        r#"{"selector": {"matchLabels": {"a": "b"}}}"#,
        r#"{"targetRefs": []}"#,
    ] {
        let json = policy_in("istio-system", spec);
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        assert_eq!(
            at_waypoint(&policy, &facts(Vec::new())),
            WaypointStanding::NoTargets,
            "{spec}"
        );
    }
}

#[test]
fn kinds_and_groups() {
    let missing = not(WhyNot::TargetMissing);
    let kind = not(WhyNot::KindNotAllowed);
    #[rustfmt::skip]
    let rows = [
        (GATEWAY_GROUP, "Gateway", &missing),
        ("", "Service", &missing),
        ("core", "Service", &missing),
        ("networking.istio.io", "ServiceEntry", &missing),
        ("", "Gateway", &kind),
        ("networking.istio.io", "Gateway", &kind),
        ("", "service", &kind),
        ("v1", "Service", &kind),
        ("", "ServiceEntry", &kind),
        ("", "Pod", &kind),
        ("apps", "Deployment", &kind),
        ("gateway.networking.k8s.io", "HTTPRoute", &kind),
    ];
    for (group, of, expected) in rows {
        let json = policy(&targets(&[target_ref(group, of, "x")]));
        let standing = one(&json, &facts(vec![Target::Missing]));
        assert_eq!(&standing, expected, "{group}/{of}");
    }
    let json = policy(r#"{"targetRefs": [{"name": "x"}]}"#);
    assert_eq!(one(&json, &no_cluster()), kind, "also without a cluster");
}

#[test]
fn a_target_is_in_the_namespace_of_its_policy() {
    for (namespace, expected) in [
        ("shop", not(WhyNot::TargetMissing)),
        ("", not(WhyNot::TargetMissing)),
        ("other", not(WhyNot::OtherNamespace("other".to_owned()))),
    ] {
        let json = policy(&format!(
            r#"{{"targetRef": {{"group": "", "kind": "Service", "name": "x", "namespace": "{namespace}"}}}}"#
        ));
        let standing = one(&json, &facts(vec![Target::Missing]));
        assert_eq!(standing, expected, "{namespace}");
    }
}

#[test]
fn gateway_classes() {
    let class = |controller: &str| {
        let controller = Controller::named(controller);
        vec![Target::GatewayClass(GatewayClass { controller })]
    };
    let ours = class("istio.io/mesh-controller");
    let to = |namespace: &str, name: &str| {
        policy_in(
            namespace,
            &targets(&[target_ref(GATEWAY_GROUP, "GatewayClass", name)]),
        )
    };
    let everywhere = Standing::Attached {
        at: At::AllWaypoints,
        carries: Carries::Traffic,
    };
    let root = "istio-system".to_owned();
    #[rustfmt::skip]
    let rows = [
        ("root", to("istio-system", "istio-waypoint"), facts(ours.clone()), everywhere),
        ("not root", to("shop", "istio-waypoint"), facts(ours.clone()), not(WhyNot::ClassOutsideRoot { root })),
        ("another, which the status accepts", to("istio-system", "my-waypoint"), facts(ours.clone()), not(WhyNot::ClassNotWaypoint)),
        ("a class of gateways", to("istio-system", "istio"), facts(class("istio.io/gateway-controller")), not(WhyNot::ClassNotWaypoint)),
        ("missing", to("istio-system", "istio-waypoint"), facts(vec![Target::Missing]), not(WhyNot::TargetMissing)),
        ("no cluster", to("shop", "istio-waypoint"), no_cluster(), Standing::Unknown(WhyUnknown::NoCluster)),
        ("no cluster, never right", to("istio-system", "istio"), no_cluster(), not(WhyNot::ClassNotWaypoint)),
    ];
    for (name, json, facts, expected) in rows {
        assert_eq!(one(&json, &facts), expected, "{name}");
    }
    let mut elsewhere = facts(ours);
    elsewhere.mesh = Fact::Known(Mesh {
        root_namespace: "mesh-root".to_owned(),
        ..Mesh::default()
    });
    let standing = one(&to("istio-system", "istio-waypoint"), &elsewhere);
    let root = "mesh-root".to_owned();
    assert_eq!(standing, not(WhyNot::ClassOutsideRoot { root }));
}

#[test]
fn gateways() {
    let used = |mut gateway: Gateway| {
        gateway.services = Fact::Known(vec![service(bound(WaypointState::Ready))]);
        gateway
    };
    let for_pods = |mut gateway: Gateway| {
        gateway.workloads = Fact::Known(tally(1));
        gateway
    };
    let asked_in_vain = |mut gateway: Gateway| {
        let state = WaypointState::NotAllowed;
        gateway.services = Fact::Known(vec![service(bound(state))]);
        gateway
    };
    let blind = |mut gateway: Gateway, workloads| {
        gateway.services = Fact::Unknown(WhyUnknown::Forbidden(Resource::Services));
        gateway.workloads = Fact::Known(workloads);
        gateway
    };
    let nothing = |why| attached(Carries::Nothing(why));
    let other = Controller::Other("example.com/c".to_owned());
    let forbidden = Carries::Unknown(WhyUnknown::Forbidden(Resource::Services));
    use Readiness::{NotReady, Ready};
    use Traffic::{All, Service as Services, Workload};
    #[rustfmt::skip]
    let rows = [
        ("ready, used", used(waypoint(Services)), attached(Carries::Traffic)),
        ("ready, for Pods", for_pods(waypoint(Workload)), attached(Carries::Traffic)),
        ("ready, unused", waypoint(All), nothing(WhyNothing::NothingBound)),
        ("ready, asked in vain", asked_in_vain(waypoint(All)), nothing(WhyNothing::NothingBound)),
        ("for none", used(waypoint(Traffic::None)), nothing(WhyNothing::ForNothing(Traffic::None))),
        ("users not known", blind(waypoint(All), tally(0)), attached(forbidden)),
        ("some users known", blind(waypoint(All), tally(1)), attached(Carries::Traffic)),
        ("not ready", used(gateway(Controller::Waypoint, NotReady, All)), not(WhyNot::GatewayNotReady)),
        ("a gateway", gateway(Controller::Gateway, Ready, All), Standing::AtGateway(ObjectName::new("shop", "w"))),
        ("somebody else's", gateway(other, Ready, All), not(WhyNot::NotIstios("example.com/c".to_owned()))),
    ];
    for (name, gateway, expected) in rows {
        let standing = one(
            &to("Gateway"),
            &facts(vec![Target::Gateway(Box::new(gateway))]),
        );
        assert_eq!(standing, expected, "{name}");
    }
}

#[test]
fn services_and_service_entries() {
    let past = |state: WaypointState| {
        not(WhyNot::PastWaypoint {
            waypoint: ObjectName::new("infra", "w"),
            state,
        })
    };
    let at = At::Waypoint(ObjectName::new("infra", "w"));
    let carries = Carries::Traffic;
    let other = WaypointState::OtherTraffic(Traffic::Workload);
    #[rustfmt::skip]
    let rows = [
        (bound(WaypointState::Ready), Standing::Attached { at, carries }, None),
        (bound(WaypointState::Missing), past(WaypointState::Missing), Some(Code::WAYPOINT_MISSING)),
        (bound(WaypointState::NotReady), past(WaypointState::NotReady), Some(Code::WAYPOINT_NOT_READY)),
        (bound(WaypointState::NotAllowed), past(WaypointState::NotAllowed), Some(Code::WAYPOINT_NOT_ALLOWED)),
        (bound(other.clone()), past(other), Some(Code::WAYPOINT_OTHER_TRAFFIC)),
        (Binding::None, not(WhyNot::NotBound), Some(Code::SERVICE_NOT_BOUND)),
        (Binding::OptedOut, not(WhyNot::OptedOut), Some(Code::SERVICE_OPTED_OUT)),
        (Binding::OfWaypoint, not(WhyNot::OfWaypoint), Some(Code::SERVICE_OF_WAYPOINT)),
    ];
    for (binding, expected, code) in rows {
        for kind in ["Service", "ServiceEntry"] {
            let target = Target::Service(Box::new(service(binding.clone())));
            let standing = one(&to(kind), &facts(vec![target]));
            assert_eq!(standing, expected, "{binding:?}");
            assert_eq!(standing.code(), code, "{binding:?}");
        }
    }
}

#[test]
fn each_of_several_targets_by_itself() {
    let refs = ["a", "b", "c"].map(|name| target_ref("", "Service", name));
    let json = policy(&targets(&refs));
    let mut facts = facts(vec![
        Target::Missing,
        Target::Service(Box::new(service(bound(WaypointState::Ready)))),
    ]);
    let Fact::Known(targets) = &mut facts.targets else {
        panic!("they are known");
    };
    targets.push(Fact::Unknown(WhyUnknown::NotReadYet(Resource::Services)));
    let standings = standings(&json, &facts);
    assert_eq!(standings[0], not(WhyNot::TargetMissing));
    assert!(matches!(standings[1], Standing::Attached { .. }));
    let why = WhyUnknown::NotReadYet(Resource::Services);
    assert_eq!(standings[2], Standing::Unknown(why));
}

#[test]
fn what_may_come_right_by_itself() {
    assert_eq!(WhyNot::TargetMissing.fault(), Fault::InCluster);
    assert_eq!(WhyNot::GatewayNotReady.fault(), Fault::InCluster);
    assert_eq!(WhyNot::ClassNotWaypoint.fault(), Fault::InPolicy);
    assert_eq!(WhyNot::KindNotAllowed.fault(), Fault::InPolicy);
}

#[test]
fn every_standing_is_one_line_that_says_what_to_do() {
    let state = WaypointState::OtherTraffic(Traffic::Workload);
    let waypoint = ObjectName::new("infra", "w");
    let past = WhyNot::PastWaypoint { waypoint, state };
    let unused = Carries::Nothing(WhyNothing::NothingBound);
    let none = Carries::Nothing(WhyNothing::ForNothing(Traffic::None));
    #[rustfmt::skip]
    let rows = [
        (not(past), "it asks for waypoint infra/w, which is not for this traffic (istio.io/waypoint-for: workload): traffic goes straight to the workloads"),
        (not(WhyNot::TargetMissing), "it does not exist in the policy's namespace (yet)"),
        (attached(unused), "waypoint shop/w receives it, but no Service, Pod or namespace asks for it with istio.io/use-waypoint: no traffic goes through it"),
        (attached(none), "waypoint shop/w receives it, but its label istio.io/waypoint-for is \"none\": no traffic goes through it"),
        (attached(Carries::Traffic), "waypoint shop/w enforces it"),
        (Standing::Unknown(WhyUnknown::NoCluster), "not looked at: meshmode has no connection to a cluster"),
    ];
    for (standing, text) in rows {
        assert_eq!(standing.to_string(), text);
    }
}
