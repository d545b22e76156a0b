//! Facts about a cluster, watched in this process, as the server does it.

use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::Client;
use meshmode::authorization::facts::{Fact, Facts, Population, Resource, Target};
use meshmode::authorization::{AuthorizationPolicy, FactsSource};
use meshmode::cluster::Cluster;
use meshmode::cluster::caches::State;
use meshmode::cluster::watch::{self, Observer};
use meshmode::placement::facts::{Field, Fields};
use serde_json::{Value, json};
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;

use super::wait_for;

/// Watches that run until this is dropped.
pub(crate) struct Watching {
    pub(crate) cluster: Cluster,
    /// What rules read, which may change.
    pub(crate) fields: Sender<Fields>,
    log: Arc<Log>,
    _tasks: JoinSet<Infallible>,
}

/// The states that were gone over to.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<(Resource, State)>>);

/// Longer than a watch waits before it tries again what takes somebody to mend.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

impl Observer for Log {
    fn went_over(&self, resource: Resource, state: State, _: Option<&(dyn Error + 'static)>) {
        self.0.lock().unwrap().push((resource, state));
    }

    fn counted(&self, _: Resource, _: usize) {}
}

// === impl Watching ===

impl Watching {
    /// Watches everything with the rights of `client`; when this returns all was read that can be.
    pub(crate) async fn start(client: &Client) -> Self {
        Self::start_for(client, Field::ALL.into_iter().collect()).await
    }

    /// The same for rules that read these fields.
    pub(crate) async fn start_for(client: &Client, fields: Fields) -> Self {
        let cluster = Cluster::default();
        let log = Arc::<Log>::default();
        let observer: Arc<dyn Observer> = log.clone();
        let fields = Sender::new(fields);
        let following = fields.subscribe();
        let tasks = watch::start_for(&cluster, client, "istio-system", &observer, following);
        let watching = Self {
            cluster,
            fields,
            log,
            _tasks: tasks,
        };
        tokio::time::timeout(PATIENCE, watching.cluster.filled())
            .await
            .unwrap_or_else(|_| panic!("not filled: {:?}", watching.cluster.states()));
        watching
    }

    /// The facts for a policy of this spec.
    pub(crate) fn facts(&self, namespace: &str, spec: &Value) -> Facts {
        let json = json!({"metadata": {"name": "p", "namespace": namespace}, "spec": spec});
        let json = json.to_string();
        self.cluster
            .facts_for(&AuthorizationPolicy::parse(&json).unwrap())
    }

    /// What a selector selects.
    pub(crate) fn selected(&self, namespace: &str, labels: &Value) -> Fact<Population> {
        let spec = json!({"selector": {"matchLabels": labels}});
        self.facts(namespace, &spec).selected
    }

    /// What a target is.
    pub(crate) fn target(&self, namespace: &str, reference: &Value) -> Fact<Target> {
        let facts = self.facts(namespace, &json!({"targetRefs": [reference]}));
        match facts.target(0) {
            Fact::Known(target) => Fact::Known(target.clone()),
            Fact::Unknown(why) => Fact::Unknown(why),
        }
    }

    /// Waits until the facts for a policy are `right`.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        namespace: &str,
        spec: &Value,
        right: impl Fn(&Facts) -> Option<T>,
    ) -> T {
        wait_for(what, PATIENCE, async || {
            let facts = self.facts(namespace, spec);
            right(&facts).ok_or_else(|| format!("{facts:#?}"))
        })
        .await
    }

    /// Waits until what is said about a Pod is `right`.
    pub(crate) async fn until_said<T: std::fmt::Debug + PartialEq>(
        &self,
        what: &str,
        expected: T,
        ask: impl Fn(&Cluster) -> T,
    ) {
        wait_for(what, PATIENCE, async || {
            let said = ask(&self.cluster);
            if said == expected {
                Ok(())
            } else {
                Err(format!("{said:?} instead of {expected:?}"))
            }
        })
        .await;
    }

    /// Waits until a kind is in this state.
    pub(crate) async fn until_state(&self, resource: Resource, state: State) {
        let what = format!("{resource} being {}", state.as_str());
        wait_for(&what, PATIENCE, async || {
            let now = self.cluster.states().of(resource);
            if now == state {
                Ok(())
            } else {
                Err(now.as_str())
            }
        })
        .await;
    }

    /// Whether a kind was ever in this state.
    pub(crate) fn was(&self, resource: Resource, state: State) -> bool {
        self.log.0.lock().unwrap().contains(&(resource, state))
    }
}
