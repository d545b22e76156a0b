//! What is watched for what is read, with an API server that nobody reaches; `make e2e` has one that answers.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::cluster::convert::object::plural;

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(Resource, State)>>);

impl Observer for Heard {
    fn went_over(&self, resource: Resource, state: State, _: Option<&(dyn Error + 'static)>) {
        self.0.lock().unwrap().push((resource, state));
    }

    fn counted(&self, _: Resource, _: usize) {}
}

fn nobody() -> Client {
    let address = http::Uri::from_static("http://127.0.0.1:1");
    Client::try_from(kube::Config::new(address)).unwrap()
}

/// What is watched now.
fn watched(states: &crate::cluster::caches::States) -> Resources {
    let of = |resource: &Resource| states.of(*resource) != State::NotWatched;
    Resource::ALL.into_iter().filter(of).collect()
}

async fn until(cluster: &Cluster, expected: Resources) {
    let mut states = cluster.states.subscribe();
    let is_so = states.wait_for(|states| watched(states) == expected);
    drop(is_so.await.unwrap());
}

#[test]
fn verdicts_have_the_first_seven() {
    let first: Resources = Resource::ALL.into_iter().take(7).collect();
    assert_eq!(FOR_VERDICTS, first);
}

#[tokio::test(start_paused = true)]
async fn what_rules_read_is_watched_and_nothing_else() {
    let (cluster, heard) = (Cluster::default(), Arc::<Heard>::default());
    let observer: Arc<dyn Observer> = heard.clone();
    let always = FOR_VERDICTS.and(FOR_PLACEMENTS);
    let (fields, following) = watch::channel(Fields::NONE.with(Field::Replicas));
    let _tasks = start_for(&cluster, &nobody(), "istio-system", &observer, following);
    let scaled = Resources::of(&SCALED);
    assert_eq!(
        watched(&cluster.states()),
        always.and(scaled),
        "as soon as it returns"
    );
    let filling = cluster.unread().count();
    assert_eq!(filling, always.and(scaled).iter().count());

    fields.send_replace(Fields::NONE.with(Field::Requires));
    let required = Field::Requires.resources();
    until(&cluster, always.and(required)).await;
    let heard = std::mem::take(&mut *heard.0.lock().unwrap());
    for resource in SCALED {
        assert_eq!(
            heard.last_of(resource),
            Some(State::NotWatched),
            "{resource}"
        );
    }
    fields.send_replace(Fields::NONE);
    until(&cluster, always).await;
    drop(fields);
    fields_stay(&cluster, always).await;
}

/// The rules are gone, the watches are not.
async fn fields_stay(cluster: &Cluster, expected: Resources) {
    tokio::task::yield_now().await;
    assert_eq!(watched(&cluster.states()), expected);
}

trait LastOf {
    fn last_of(&self, resource: Resource) -> Option<State>;
}

impl LastOf for Vec<(Resource, State)> {
    fn last_of(&self, resource: Resource) -> Option<State> {
        let of_it = self.iter().rev().find(|(known, _)| *known == resource);
        of_it.map(|(_, state)| *state)
    }
}

#[tokio::test(start_paused = true)]
async fn verdicts_alone_watch_no_more() {
    let cluster = Cluster::default();
    let observer: Arc<dyn Observer> = Arc::<Heard>::default();
    let _tasks = start(&cluster, &nobody(), "istio-system", &observer);
    fields_stay(&cluster, FOR_VERDICTS).await;
}

/// Namespaces were read without their annotations, which a rule reads now: they are listed anew, for verdicts they
/// are known all the while, for rules they are not.
#[tokio::test(start_paused = true)]
async fn what_was_not_kept_is_listed_anew() {
    let cluster = Cluster::default();
    let observer: Arc<dyn Observer> = Arc::<Heard>::default();
    let (fields, following) = watch::channel(Fields::NONE.with(Field::NamespaceLabels));
    let _tasks = start_for(&cluster, &nobody(), "istio-system", &observer, following);
    let lacking = || cluster.caches(|caches| caches.lacking.clone());
    cluster.set(Resource::Namespaces, State::Following);
    let read = Fields::NONE.with(Field::NamespaceAnnotations);
    fields.send_replace(read);
    while lacking().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(lacking(), BTreeSet::from([Resource::Namespaces]));
    assert_eq!(cluster.caches(|caches| caches.keep), read);
    let state = cluster.states().of(Resource::Namespaces);
    assert!(
        matches!(state, State::Following | State::Behind),
        "{state:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_new_rules_read_is_waited_for() {
    let cluster = Cluster::default();
    let read = Fields::NONE.with(Field::NamespaceAnnotations);
    let is_known = async || {
        let known = cluster.knows(read);
        tokio::time::timeout(Duration::from_secs(1), known)
            .await
            .is_ok()
    };
    assert!(!is_known().await, "nobody watches namespaces");
    cluster.set(Resource::Namespaces, State::Following);
    assert!(!is_known().await, "their annotations are not kept");
    cluster.caches(|caches| caches.keep = read);
    assert!(is_known().await);
    cluster.caches(|caches| caches.lacking.insert(Resource::Namespaces));
    assert!(!is_known().await, "they are listed anew, with annotations");
    cluster.set(Resource::Namespaces, State::Forbidden);
    assert!(is_known().await, "no more is to be known");
}

#[test]
fn more_is_kept_for_some_fields() {
    let with = |field| Fields::NONE.with(field);
    #[rustfmt::skip]
    let rows = [
        (Resource::Namespaces, Fields::NONE, with(Field::NamespaceAnnotations), true),
        (Resource::Namespaces, Fields::NONE, with(Field::NamespaceLabels), false),
        (Resource::Namespaces, with(Field::NamespaceAnnotations), Fields::NONE, false),
        (Resource::Deployments, Fields::NONE, with(Field::WorkloadLabels), true),
        (Resource::StatefulSets, with(Field::WorkloadLabels), with(Field::WorkloadAnnotations), true),
        (Resource::Deployments, Fields::NONE, with(Field::Replicas), false),
        (Resource::Pods, Fields::NONE, Field::ALL.into_iter().collect(), false),
    ];
    for (resource, before, now, expected) in rows {
        let seen = keeps_more(resource, before, now);
        assert_eq!(seen, expected, "{resource} {before:?} {now:?}");
    }
}

/// What is refused counts as read, and not as allowed.
#[tokio::test(start_paused = true)]
async fn what_is_refused_may_be_allowed_later() {
    let cluster = Cluster::default();
    cluster.set(Resource::Pods, State::Following);
    cluster.set(Resource::EnvoyFilters, State::Forbidden);
    cluster.filled().await;
    let patience = std::time::Duration::from_secs(10);
    let ended = tokio::time::timeout(patience, cluster.allowed()).await;
    assert!(ended.is_err(), "it is still refused");
    let known = cluster.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { known.allowed().await });
    for state in [State::Filling, State::Following] {
        assert!(tasks.try_join_next().is_none(), "{state:?}");
        cluster.set(Resource::EnvoyFilters, state);
        tokio::task::yield_now().await;
    }
    tasks.join_next().await.unwrap().unwrap();
}

#[derive(Deserialize)]
struct Object {
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
    verbs: Vec<String>,
}

#[test]
fn the_manifests_give_the_rights_for_all_that_is_watched_and_no_more() {
    let text = include_str!("../../../manifests/base/rbac.yaml");
    let objects: Vec<Object> = serde_saphyr::from_multiple(text).unwrap();
    let role = objects.iter().find(|object| object.kind == "ClusterRole");
    let mut given = BTreeSet::new();
    for rule in &role.unwrap().rules {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                // The server looks at its own now and then: see `cluster::registered`.
                if resource == "validatingwebhookconfigurations" {
                    assert_eq!(rule.verbs, ["list"]);
                    continue;
                }
                assert_eq!(rule.verbs, ["list", "watch"]);
                let names: &[&str] = match resource.as_str() {
                    "configmaps" => &[MESH_CONFIG],
                    _ => &[],
                };
                assert_eq!(rule.resource_names, names, "{resource}");
                given.insert((group.clone(), resource.clone()));
            }
        }
    }
    let needed = Resource::ALL.map(|of| (of.group().to_owned(), plural(of).to_owned()));
    assert_eq!(given, BTreeSet::from(needed));
}
