//! Roles and workloads, a row for each kind of evidence.

use super::*;
use crate::savings::attribution::{Company::*, Place::*};

fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |text: &str| text.to_owned();
    let all = all.iter();
    all.map(|(name, value)| (owned(name), owned(value)))
        .collect()
}

/// What a table says of a Pod: its labels, its owner, where the proxy stands, beside whom, and what a relative is.
type Row<'a> = (
    &'a str,
    Option<&'a [(&'a str, &'a str)]>,
    &'a str,
    Place,
    Company,
    Option<Role>,
    (Role, Evidence),
);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn roles() {
    let class = "gateway.networking.k8s.io/gateway-class-name";
    let gateway = "gateway.networking.k8s.io/gateway-name";
    let managed = "gateway.istio.io/managed";
    let none = Some(&[] as &[(&str, &str)]);
    let rows: [Row<'_>; 27] = [
        // By labels.
        (
            "a sidecar",
            Some(&[("app", "web")]),
            "web",
            Container,
            WithOthers,
            None,
            (Role::Sidecar, Evidence::Labels),
        ),
        (
            "a native one",
            none,
            "web",
            InitContainer,
            WithOthers,
            None,
            (Role::NativeSidecar, Evidence::Labels),
        ),
        (
            "ztunnel",
            Some(&[("app", "ztunnel")]),
            "ztunnel",
            Container,
            Alone,
            None,
            (Role::Ztunnel, Evidence::Labels),
        ),
        (
            "ztunnel of another name",
            Some(&[("app.kubernetes.io/name", "ztunnel")]),
            "zt",
            Container,
            Unknown,
            None,
            (Role::Ztunnel, Evidence::Labels),
        ),
        (
            "a waypoint by class",
            Some(&[(class, "istio-waypoint"), (gateway, "w")]),
            "edge",
            Container,
            Alone,
            None,
            (Role::Waypoint, Evidence::Labels),
        ),
        (
            "another waypoint class",
            Some(&[(class, "istio-agentgateway-waypoint")]),
            "w",
            Container,
            Unknown,
            None,
            (Role::Waypoint, Evidence::Labels),
        ),
        (
            "a waypoint by its controller",
            Some(&[(managed, "istio.io-mesh-controller")]),
            "w",
            Container,
            Unknown,
            None,
            (Role::Waypoint, Evidence::Labels),
        ),
        (
            "a gateway by class",
            Some(&[(class, "istio"), (gateway, "g")]),
            "g-istio",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        (
            "east-west",
            Some(&[(class, "istio-east-west")]),
            "eastwest",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        (
            "a gateway by its controller",
            Some(&[(managed, "istio.io-gateway-controller")]),
            "waypoint",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        (
            "a Gateway's name, and the Deployment's is the same",
            Some(&[(gateway, "payment")]),
            "payment",
            Container,
            Alone,
            None,
            (Role::Waypoint, Evidence::Labels),
        ),
        (
            "a Gateway's name, and the class behind it",
            Some(&[(gateway, "payment")]),
            "payment-istio",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        (
            "Istio's chart of gateways",
            Some(&[("istio", "ingressgateway")]),
            "istio-ingressgateway",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        (
            "a gateway of another chart: nobody is beside the proxy",
            Some(&[("app", "edge")]),
            "edge",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Labels),
        ),
        // By another Pod of the workload.
        (
            "gone, of a waypoint",
            None,
            "edge",
            Container,
            Unknown,
            Some(Role::Waypoint),
            (Role::Waypoint, Evidence::Workload),
        ),
        (
            "gone, before the sidecars became native",
            None,
            "web",
            Container,
            WithOthers,
            Some(Role::NativeSidecar),
            (Role::Sidecar, Evidence::Workload),
        ),
        // By owner.
        (
            "with others",
            None,
            "waypoint-tester",
            Container,
            WithOthers,
            None,
            (Role::Sidecar, Evidence::Owner),
        ),
        (
            "an init container is never a gateway",
            None,
            "istio-ingressgateway",
            InitContainer,
            Unknown,
            None,
            (Role::NativeSidecar, Evidence::Owner),
        ),
        (
            "alone, ztunnel",
            None,
            "ztunnel",
            Container,
            Alone,
            None,
            (Role::Ztunnel, Evidence::Owner),
        ),
        (
            "alone, a waypoint's name",
            None,
            "team-waypoint",
            Container,
            Alone,
            None,
            (Role::Waypoint, Evidence::Owner),
        ),
        (
            "alone, no name that tells: in no saving",
            None,
            "edge",
            Container,
            Alone,
            None,
            (Role::Gateway, Evidence::Owner),
        ),
        (
            "company unknown, ztunnel",
            None,
            "ztunnel",
            Container,
            Unknown,
            None,
            (Role::Ztunnel, Evidence::Owner),
        ),
        (
            "company unknown, Istio's gateway",
            None,
            "istio-egressgateway",
            Container,
            Unknown,
            None,
            (Role::Gateway, Evidence::Owner),
        ),
        (
            "company unknown, a Gateway of the class istio",
            None,
            "my-gateway-istio",
            Container,
            Unknown,
            None,
            (Role::Gateway, Evidence::Owner),
        ),
        (
            "company unknown, a waypoint's name",
            None,
            "waypoint",
            Container,
            Unknown,
            None,
            (Role::Waypoint, Evidence::Owner),
        ),
        (
            "company unknown, a workload that ends in -istio",
            None,
            "blog-istio",
            Container,
            Unknown,
            None,
            (Role::Sidecar, Evidence::Owner),
        ),
        (
            "company unknown",
            None,
            "web",
            Container,
            Unknown,
            None,
            (Role::Sidecar, Evidence::Owner),
        ),
    ];
    for (name, given, workload, place, company, relative, expected) in rows {
        let given = given.map(labels);
        let workload = of("shop", "Deployment", workload);
        let traits = Traits {
            labels: given.as_ref(),
            workload: &workload,
            known_by: KnownBy::Owner,
            place,
            company,
            relative,
        };
        assert_eq!(attribute(&traits), expected, "{name}");
        if expected.1 == Evidence::Owner {
            let by_name = Traits {
                known_by: KnownBy::Name,
                ..traits
            };
            assert_eq!(attribute(&by_name), (expected.0, Evidence::Name), "{name}");
        }
    }
}

#[test]
fn workloads_of_owners() {
    let rows = [
        (
            "a Deployment's",
            "ReplicaSet",
            "web-5d4f8c7b9d",
            ("Deployment", "web"),
        ),
        (
            "a hash that is short",
            "ReplicaSet",
            "my-web-7c6f",
            ("Deployment", "my-web"),
        ),
        (
            "a ReplicaSet of its own",
            "ReplicaSet",
            "web-blue",
            ("ReplicaSet", "web-blue"),
        ),
        (
            "a CronJob's",
            "Job",
            "backup-28345678",
            ("CronJob", "backup"),
        ),
        ("a Job of its own", "Job", "migrate-7", ("Job", "migrate-7")),
        (
            "a StatefulSet",
            "StatefulSet",
            "db-5d4f8c7b9d",
            ("StatefulSet", "db-5d4f8c7b9d"),
        ),
        (
            "nobody, as kube-state-metrics says it",
            "<none>",
            "<none>",
            ("Pod", "the-pod"),
        ),
        ("a mirror Pod", "Node", "n1", ("Pod", "the-pod")),
        ("nothing is known", "", "", ("Pod", "the-pod")),
    ];
    for (name, kind, owner, (expected_kind, expected)) in rows {
        let workload = workload_of_owner("shop", "the-pod", kind, owner);
        assert_eq!(workload, of("shop", expected_kind, expected), "{name}");
    }
}

#[test]
fn workloads_of_names() {
    let rows = [
        ("web-5d4f8c7b9d-bx2z4", ("Deployment", "web")),
        ("ztunnel-x2z4b", ("DaemonSet", "ztunnel")),
        ("db-0", ("StatefulSet", "db")),
        ("db-12", ("StatefulSet", "db")),
        ("backup-28345678-bx2z4", ("CronJob", "backup")),
        ("debug", ("Pod", "debug")),
        ("my-shell", ("Pod", "my-shell")),
    ];
    for (pod, (kind, name)) in rows {
        assert_eq!(
            workload_of_name("shop", pod),
            of("shop", kind, name),
            "{pod}"
        );
    }
}

#[test]
fn labels_that_tell_are_listed() {
    for label in LABELS {
        assert!(!label.is_empty());
    }
    assert!(LABELS.contains(&MANAGED) && LABELS.contains(&ISTIO));
}
