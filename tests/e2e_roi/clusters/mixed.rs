//! Clusters with all roles.

use super::super::curve::Curve;
use super::super::model::{Cluster, Container, Maker, Part, Pod, Size, Traffic, part_of};
use super::{ZTUNNEL, app, busy, with_sidecar};

/// Everything at once: both kinds of sidecars, ztunnel and what it captures, waypoints, gateways of both makes.
pub(crate) fn mixed() -> Cluster {
    let mut cluster = Cluster::of_nodes("node", 3);
    cluster.add_ztunnel(ZTUNNEL);
    let sidecars = [
        (
            "shop",
            Maker::Deployment("web", "7d9c5b8f6d"),
            Part::Sidecar,
        ),
        (
            "shop",
            Maker::Deployment("api", "6b7f9d4c5b"),
            Part::NativeSidecar,
        ),
        ("bank", Maker::StatefulSet("ledger"), Part::NativeSidecar),
    ];
    for (namespace, maker, part) in &sidecars {
        for number in 0..2 {
            let pod = with_sidecar(namespace, maker, number, *part, busy(number, 2));
            cluster.add(pod.on(number));
        }
    }
    let cart = Maker::Deployment("cart", "84d6f5c9b7");
    for number in 0..3 {
        cluster.add(
            Pod::new("ambient", &cart, number)
                .with(app())
                .captured()
                .on(number),
        );
    }
    let waypoint = Size::new(0.1, 0.128);
    add_envoys(
        &mut cluster,
        "ambient",
        "waypoint",
        Part::Waypoint,
        waypoint,
        &[
            ("gateway.networking.k8s.io/gateway-name", "waypoint"),
            (
                "gateway.networking.k8s.io/gateway-class-name",
                "istio-waypoint",
            ),
            ("gateway.istio.io/managed", "istio.io-mesh-controller"),
        ],
    );
    let gateway = Size::new(0.5, 0.5);
    add_envoys(
        &mut cluster,
        "istio-system",
        "istio-ingressgateway",
        Part::Gateway,
        gateway,
        &[("app", "istio-ingressgateway"), ("istio", "ingressgateway")],
    );
    add_envoys(
        &mut cluster,
        "edge",
        "public-istio",
        Part::Gateway,
        gateway,
        &[
            ("gateway.networking.k8s.io/gateway-name", "public"),
            ("gateway.networking.k8s.io/gateway-class-name", "istio"),
            ("gateway.istio.io/managed", "istio.io-gateway-controller"),
        ],
    );
    cluster.traffic = vec![
        Traffic {
            reporter: "destination",
            per_second: 40.0,
            milliseconds: 4.0,
        },
        Traffic {
            reporter: "source",
            per_second: 40.0,
            milliseconds: 8.0,
        },
        Traffic {
            reporter: "waypoint",
            per_second: 25.0,
            milliseconds: 2.0,
        },
    ];
    cluster
}

fn add_envoys(
    cluster: &mut Cluster,
    namespace: &'static str,
    name: &'static str,
    part: Part,
    requests: Size,
    labels: &[(&'static str, &'static str)],
) {
    let maker = Maker::Deployment(name, "c8d7f6b5d4");
    for number in 0..2 {
        let spread = part_of(number, 2);
        let envoy = Container::new("istio-proxy", requests).uses(
            Curve::wave(0.02, 0.3, 4.0, spread),
            Curve::wave(0.1, 0.4, 6.0, spread),
        );
        let pod = Pod::new(namespace, &maker, number)
            .labelled(labels)
            .with_proxy(part, envoy);
        cluster.add(pod.on(number));
    }
}

/// The same, where names tell nothing: a waypoint and a gateway that could be anybody's, and a ztunnel of another name.
pub(super) fn told_by_labels() -> Cluster {
    let mut cluster = mixed();
    cluster.scraped.pod_labels = true;
    let anonymous = |name: &str| match name {
        "waypoint" => "l7-of-team-a",
        "istio-ingressgateway" => "edge",
        _ => "front",
    };
    let mut number = 0;
    for pod in &mut cluster.pods {
        if let (Maker::Deployment(name, hash), Some(Part::Waypoint | Part::Gateway)) =
            (&pod.maker, pod.proxy)
        {
            let maker = Maker::Deployment(anonymous(name), hash);
            let named = Pod::new(pod.namespace, &maker, number);
            pod.maker = maker;
            pod.name = named.name;
            pod.uid = named.uid;
            number += 1;
        }
    }
    cluster
}
