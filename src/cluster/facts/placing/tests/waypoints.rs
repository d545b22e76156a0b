//! The waypoint that a Pod is bound to.

use super::*;

/// Labels that ask for a waypoint.
fn asks(name: &str) -> Value {
    json!({"istio.io/use-waypoint": name})
}

impl World {
    fn label(&mut self, namespace: &str, labels: &Value) {
        let json = json!({"metadata": {"name": namespace, "labels": labels}});
        self.put(changes::namespaces, &json);
    }

    fn service(&mut self, place: &str, labels: &Value) {
        let (namespace, name) = place.split_once('/').unwrap();
        let json = json!({"metadata": {"namespace": namespace, "name": name, "labels": labels},
            "spec": {"selector": {"app": "web"}}});
        self.put(changes::services, &json);
    }

    fn gateway(&mut self, place: &str, traffic: &str) {
        let (namespace, name) = place.split_once('/').unwrap();
        let labels = json!({"istio.io/waypoint-for": traffic});
        let json = json!({"apiVersion": "v1", "kind": "Gateway",
            "metadata": {"namespace": namespace, "name": name, "labels": labels},
            "spec": {"gatewayClassName": "istio-waypoint"}});
        self.put(changes::gateways, &json);
    }

    /// `namespace/name for`, or `none`.
    fn bound(&self, of: &Value) -> String {
        let mut all = labels(of);
        all.insert("app".to_owned(), "web".to_owned());
        let found = self.view().waypoint("shop", &all).unwrap();
        found.map_or_else(
            || "none".to_owned(),
            |found| {
                let traffic = found.traffic.as_deref().unwrap_or("?");
                format!("{}/{} {traffic}", found.namespace, found.name)
            },
        )
    }
}

#[test]
fn a_service_of_the_pod_binds_it() {
    let mut world = World::new();
    world.service("shop/web", &asks("w"));
    assert_eq!(world.bound(&json!({})), "shop/w ?", "there is none yet");
    for (traffic, expected) in [
        ("service", "shop/w service"),
        ("all", "shop/w all"),
        ("workload", "none"),
        ("none", "none"),
        ("nonsense", "none"),
    ] {
        world.gateway("shop/w", traffic);
        assert_eq!(world.bound(&json!({})), expected, "for {traffic}");
    }
    world.gateway("shop/w", "service");
    let other = labels(&json!({"app": "db"}));
    assert_eq!(world.view().waypoint("shop", &other), Ok(None));
    world.service("shop/a", &asks("first"));
    assert_eq!(world.bound(&json!({})), "shop/first ?", "by name");
    world.service("shop/a", &asks("none"));
    assert_eq!(world.bound(&json!({})), "shop/w service");
}

#[test]
fn a_namespace_binds_its_services_and_its_pods() {
    let mut world = World::new();
    let mut of_platform = asks("w");
    of_platform["istio.io/use-waypoint-namespace"] = json!("platform");
    world.label("shop", &of_platform);
    assert_eq!(
        world.bound(&json!({})),
        "platform/w ?",
        "without any Service"
    );
    world.gateway("platform/w", "service");
    assert_eq!(world.bound(&json!({})), "none", "no Service has this Pod");
    world.service("shop/web", &json!({}));
    assert_eq!(world.bound(&json!({})), "platform/w service");
    world.service("shop/web", &asks("none"));
    assert_eq!(world.bound(&json!({})), "none", "the Service opts out");
    world.gateway("platform/w", "all");
    assert_eq!(
        world.bound(&json!({})),
        "platform/w all",
        "the Pod's own way"
    );
    assert_eq!(world.bound(&asks("none")), "none", "the Pod opts out");
}

#[test]
fn the_label_of_the_pod_counts_before_that_of_the_namespace() {
    let mut world = World::new();
    world.label("shop", &asks("of-namespace"));
    world.gateway("shop/of-namespace", "workload");
    assert_eq!(world.bound(&json!({})), "shop/of-namespace workload");
    world.gateway("shop/own", "workload");
    assert_eq!(world.bound(&asks("own")), "shop/own workload");
    assert_eq!(world.bound(&asks("new")), "shop/new ?");
}

#[test]
fn the_services_of_waypoints_bind_nothing() {
    let mut world = World::new();
    let mut own = asks("w");
    own["gateway.istio.io/managed"] = json!("istio.io-mesh-controller");
    world.service("shop/web", &own);
    assert_eq!(world.bound(&json!({})), "none");
}

#[test]
fn a_namespace_that_was_not_seen_may_ask_for_one() {
    let world = World::new();
    let missing = world.view().waypoint("new", &labels(&json!({})));
    assert_eq!(missing, Err(not_seen(Resource::Namespaces, "", "new")));
}
