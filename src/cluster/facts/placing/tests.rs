//! What is said about a Pod, out of caches that a cluster's objects filled through the code of the watches.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::cluster::caches::{Caches, States};
use crate::cluster::table::Change;
use crate::cluster::watch::changes;
use crate::placement::facts::Fields;

mod requirements;
mod waypoints;

/// A cluster that was read.
pub(super) struct World {
    pub(super) caches: Caches,
    pub(super) states: States,
}

/// What one kind of objects does to the caches.
type Apply<K> = fn(&mut Caches, Change<'_, K>);

impl World {
    /// With the namespaces `shop` and `istio-system`.
    pub(super) fn new() -> Self {
        let mut states = States::default();
        for resource in Resource::ALL {
            states.set(resource, State::Following);
        }
        let caches = Caches {
            keep: Field::ALL.into_iter().collect::<Fields>(),
            ..Caches::default()
        };
        let mut world = Self { caches, states };
        for name in ["shop", "istio-system"] {
            world.put(changes::namespaces, &json!({"metadata": {"name": name}}));
        }
        world
    }

    pub(super) fn put<K: DeserializeOwned>(&mut self, apply: Apply<K>, object: &Value) {
        let object = serde_json::from_value(object.clone()).unwrap();
        apply(&mut self.caches, Change::Put(&object));
    }

    /// The object `namespace/name` with this spec.
    pub(super) fn put_spec<K: DeserializeOwned>(
        &mut self,
        apply: Apply<K>,
        place: &str,
        spec: &Value,
    ) {
        let (namespace, name) = place.split_once('/').unwrap();
        let object = json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec});
        self.put(apply, &object);
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            caches: &self.caches,
            states: self.states,
        }
    }

    fn replicas(&self, kind: &str, name: &str) -> Result<(Option<i64>, Option<i64>), Missing> {
        let workload = WorkloadRef {
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
        };
        let found = self.view().workload(&workload)?;
        Ok((found.replicas, found.max_replicas))
    }
}

pub(super) fn labels(of: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(of.clone()).unwrap()
}

/// What it takes for each answer.
fn answers(world: &World) -> [(&'static str, Option<Missing>); 5] {
    let view = world.view();
    let web = labels(&json!({"app": "web"}));
    [
        ("namespace", view.namespace("shop").err()),
        ("workload", world.replicas("Deployment", "web").err()),
        ("requires", view.requires("shop", &web).err()),
        ("waypoint", view.waypoint("shop", &web).err()),
        ("istio", view.istio().err()),
    ]
}

#[test]
fn a_fact_is_missing_where_what_it_is_made_of_was_not_read() {
    let mut world = World::new();
    world.put_spec(changes::deployments, "shop/web", &json!({"replicas": 2}));
    let made_of = |answer: &str, resource: Resource| match answer {
        "namespace" => resource == Resource::Namespaces,
        "workload" => matches!(resource, Resource::Deployments | Resource::Autoscalers),
        "requires" => Field::Requires.resources().contains(resource),
        "waypoint" => Field::Waypoint.resources().contains(resource),
        _ => resource == Resource::Injectors,
    };
    for state in State::ALL {
        let why: Option<fn(Resource) -> Missing> = match state {
            State::Filling | State::Failing => Some(Missing::NotReadYet),
            State::Forbidden => Some(Missing::Forbidden),
            State::NotWatched => Some(Missing::NotWatched),
            State::Following | State::Behind | State::NotInstalled => None,
        };
        for resource in Resource::ALL {
            let before = world.states.set(resource, state);
            for (answer, missing) in answers(&world) {
                // Without a rule that reads the largest number nobody watches autoscalers, and nobody asks.
                let asked = (state, resource) != (State::NotWatched, Resource::Autoscalers);
                let expected = why
                    .filter(|_| asked && made_of(answer, resource))
                    .map(|why| why(resource));
                assert_eq!(missing, expected, "{answer} with {resource} {state:?}");
            }
            world.states.set(resource, before);
        }
    }
}

#[test]
fn what_lacks_a_field_that_a_rule_now_reads_is_not_read_yet() {
    let mut world = World::new();
    world.caches.lacking.insert(Resource::Namespaces);
    let missing = world.view().namespace("shop").unwrap_err();
    assert_eq!(missing, Missing::NotReadYet(Resource::Namespaces));
    world.caches.clear(Resource::Namespaces);
    let missing = world.view().namespace("shop").unwrap_err();
    assert_eq!(missing, not_seen(Resource::Namespaces, "", "shop"));
}

#[test]
fn namespaces() {
    let mut world = World::new();
    let json = json!({"metadata": {"name": "team", "labels": {"a": "1"}, "annotations": {"meshmode.io/mode": "sidecar"}}});
    world.put(changes::namespaces, &json);
    let found = world.view().namespace("team").unwrap();
    assert_eq!(found.labels.get("a"), Some("1"));
    assert_eq!(found.annotations.get("meshmode.io/mode"), Some("sidecar"));
    let missing = world.view().namespace("new").unwrap_err();
    assert_eq!(missing, not_seen(Resource::Namespaces, "", "new"));
}

/// Workloads called `plain`, `scaled` and `twice`, by as many autoscalers.
fn scaled() -> World {
    let mut world = World::new();
    for name in ["plain", "scaled", "twice"] {
        world.put_spec(
            changes::deployments,
            &format!("shop/{name}"),
            &json!({"replicas": 3}),
        );
    }
    world.put_spec(
        changes::stateful_sets,
        "shop/scaled",
        &json!({"replicas": 5}),
    );
    world.put_spec(changes::deployments, "other/plain", &json!({"replicas": 9}));
    let scaler = |kind: &str, name: &str, most: i64| json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}, "maxReplicas": most});
    world.put_spec(
        changes::autoscalers,
        "shop/a",
        &scaler("Deployment", "scaled", 20),
    );
    world.put_spec(
        changes::autoscalers,
        "shop/b",
        &scaler("Deployment", "twice", 20),
    );
    world.put_spec(
        changes::autoscalers,
        "shop/c",
        &scaler("Deployment", "twice", 30),
    );
    world.put_spec(
        changes::autoscalers,
        "other/d",
        &scaler("Deployment", "plain", 40),
    );
    world
}

#[test]
fn replicas() {
    let mut world = scaled();
    let seen = |place| Err(not_seen(place, "shop", "new"));
    #[rustfmt::skip]
    let rows = [
        ("Deployment", "plain", Ok((Some(3), Some(3)))),
        ("Deployment", "scaled", Ok((Some(3), Some(20)))),
        ("Deployment", "twice", Ok((Some(3), Some(30)))),
        ("StatefulSet", "scaled", Ok((Some(5), Some(5)))),
        ("Deployment", "new", seen(Resource::Deployments)),
        ("StatefulSet", "new", seen(Resource::StatefulSets)),
        ("DaemonSet", "new", Ok((None, None))),
        ("Job", "new", Ok((None, None))),
        ("CronJob", "new", Ok((None, None))),
        ("Pod", "new", Ok((None, None))),
        ("Rollout", "new", Err(Missing::OtherKind("Rollout".into()))),
    ];
    for (kind, name, expected) in rows {
        assert_eq!(world.replicas(kind, name), expected, "{kind} {name}");
    }
    let of = |name: &str| {
        let [kind, namespace] = ["Deployment", "shop"].map(Into::into);
        let name = name.to_owned().into();
        world.view().autoscaled_to(&WorkloadRef {
            kind,
            namespace,
            name,
        })
    };
    assert_eq!(["scaled", "plain"].map(of), [Some(20), None]);
    world.put_spec(changes::deployments, "shop/plain", &json!({"replicas": 11}));
    assert_eq!(
        world.replicas("Deployment", "plain"),
        Ok((Some(11), Some(11)))
    );
}

#[test]
fn injectors() {
    let mut world = World::new();
    let webhook = |name: &str| {
        let json = include_str!("../../../../tests/data/istio/istio-sidecar-injector.json");
        let mut json: Value = serde_json::from_str(json).unwrap();
        json["metadata"]["name"] = json!(name);
        json
    };
    let names = |world: &World| -> Vec<String> {
        let istio = world.view().istio().unwrap();
        let all = istio.injectors.configurations().iter();
        all.map(|known| known.name.clone()).collect()
    };
    assert!(names(&world).is_empty());
    world.put(changes::injectors, &webhook("istio-sidecar-injector"));
    world.put(changes::injectors, &webhook("a-tag"));
    assert_eq!(names(&world), ["a-tag", "istio-sidecar-injector"]);
    let mut other = webhook("a-tag");
    other["webhooks"] = json!([{"name": "of.somebody.else"}]);
    world.put(changes::injectors, &other);
    assert_eq!(
        names(&world),
        ["istio-sidecar-injector"],
        "it is one no more"
    );
}
