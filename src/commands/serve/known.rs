//! What is known of the cluster while the server runs: nothing, or what watches tell.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;

use super::settings::Args;
use crate::authorization::facts::Resource;
use crate::authorization::{FactsSource, WhyUnknown};
use crate::cluster::Cluster;
use crate::cluster::caches::State;
use crate::cluster::connect::{Connection, Source, WhyNone, connect};
use crate::cluster::watch::{self, Observer};
use crate::config::Configuration;
use crate::placement::facts::{Fields, NoCluster, Source as Placing};
use crate::placement::rules::OnUnknown;
use crate::telemetry::logs;
use crate::telemetry::metrics::Metrics;

/// What is known.
#[derive(Clone)]
pub(super) enum Known {
    /// Nothing: no cluster is asked.
    Nothing(Arc<WhyNone>),
    /// What this cluster says.
    Cluster {
        cluster: Cluster,
        client: Box<Client>,
        source: Source,
        /// What rules read of it.
        fields: Sender<Fields>,
    },
}

/// How long the server waits for facts before it says that it is ready without. Pods and policies
/// of the whole cluster are let through unseen while no server is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long new rules wait for what they read: they are to be in service within 15 s.
const SHORT_PATIENCE: Duration = Duration::from_secs(10);

/// How long more it waits for what it may not read: an API server that has just started refuses for some seconds what
/// its RBAC will allow, and Pods would be left for it, with all of their revision.
const PARDON: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Told(Arc<Metrics>);

// === impl Known ===

impl Known {
    /// The cluster that the settings name, or none.
    pub(super) async fn by(args: &Args) -> anyhow::Result<Self> {
        Ok(
            match connect(args.cluster, args.kubeconfig.as_deref()).await? {
                Connection::None(why) => Self::Nothing(Arc::new(why)),
                Connection::To(client, source) => Self::Cluster {
                    cluster: Cluster::default(),
                    client,
                    source,
                    fields: Sender::new(Fields::NONE),
                },
            },
        )
    }

    /// Who asks the cluster.
    pub(super) fn client(&self) -> Option<Client> {
        match self {
            Self::Nothing(_) => None,
            Self::Cluster { client, .. } => Some(Client::clone(client)),
        }
    }

    /// For the verdicts.
    pub(super) fn facts(&self) -> Arc<dyn FactsSource> {
        match self {
            Self::Nothing(_) => Arc::new(WhyUnknown::NoCluster),
            Self::Cluster { cluster, .. } => Arc::new(cluster.clone()),
        }
    }

    /// For placements.
    pub(super) fn cluster(&self) -> Arc<dyn Placing> {
        match self {
            Self::Nothing(_) => Arc::new(NoCluster),
            Self::Cluster { cluster, .. } => Arc::new(cluster.clone()),
        }
    }

    /// From now on the rules read these fields: what they are made of is watched, and nothing else but what verdicts
    /// and placements always need.
    pub(super) fn follow(&self, read: Fields) {
        match self {
            Self::Nothing(_) => {}
            Self::Cluster { fields, .. } => {
                fields.send_if_modified(|fields| std::mem::replace(fields, read) != read);
            }
        }
    }

    /// Before rules that read `new` are put in service: follows that beside what those `before` read, until it is
    /// known, or for a while.
    pub(super) async fn prepare(&self, before: Fields, new: Fields) {
        let Self::Cluster { cluster, .. } = self else {
            return;
        };
        self.follow(before.and(new));
        if tokio::time::timeout(SHORT_PATIENCE, cluster.knows(new))
            .await
            .is_err()
        {
            tracing::warn!(
                waited = ?SHORT_PATIENCE,
                "the new configuration reads facts of the cluster that are not known yet: until they are, its \
                 rules follow their onUnknown"
            );
        }
    }

    /// Logs which cluster is asked.
    pub(super) fn say(&self) {
        match self {
            Self::Nothing(why) => match &**why {
                WhyNone::Off => tracing::info!(
                    "no cluster is asked (--cluster=off): policies are judged by their structure alone"
                ),
                WhyNone::NotInACluster(why) => tracing::warn!(
                    why = logs::chain(why),
                    "no cluster is asked, as no ServiceAccount is mounted and there is no --kubeconfig: policies \
                     are judged by their structure alone"
                ),
            },
            Self::Cluster { source, .. } => {
                tracing::info!(%source, "facts about the cluster are asked for");
            }
        }
    }

    /// Logs the rules that are not asked, as there is no cluster.
    pub(super) fn say_what_is_off(&self, configuration: &Configuration) {
        match self {
            Self::Nothing(_) => {
                for rule in configuration.placement.needing_a_cluster() {
                    tracing::warn!(
                        rule,
                        "a rule is off: it reads facts of the cluster, and there is no connection to one"
                    );
                }
            }
            Self::Cluster { .. } => {}
        }
    }

    /// Logs the rules that cannot be asked, as meshmode may not read what they read.
    pub(super) fn say_what_is_refused(&self, configuration: &Configuration) {
        let Self::Cluster { cluster, .. } = self else {
            return;
        };
        let states = cluster.states();
        let placement = &configuration.placement;
        for (rule, (name, fields)) in placement.rules().zip(placement.fields_by_rule()) {
            let refused: Vec<&str> = states
                .those(State::Forbidden)
                .filter(|resource| fields.resources().contains(*resource))
                .map(Resource::as_str)
                .collect();
            if refused.is_empty() {
                continue;
            }
            let refused = refused.join(", ");
            match rule.on_unknown {
                OnUnknown::Leave => tracing::error!(
                    rule = name,
                    refused,
                    "a rule cannot be asked, as meshmode may not read what it reads: every Pod that comes to it is \
                     left alone; grant list and watch (`meshmode config check` prints the RBAC)"
                ),
                OnUnknown::Next => tracing::warn!(
                    rule = name,
                    refused,
                    "a rule cannot be asked, as meshmode may not read what it reads: it is passed over; grant list \
                     and watch (`meshmode config check` prints the RBAC)"
                ),
            }
        }
    }

    /// Starts the watches, if there is a cluster.
    pub(super) fn watch(
        &self,
        istio_namespace: &str,
        metrics: &Arc<Metrics>,
    ) -> JoinSet<Infallible> {
        match self {
            Self::Nothing(_) => JoinSet::new(),
            Self::Cluster {
                cluster,
                client,
                fields,
                ..
            } => {
                let told: Arc<dyn Observer> = Arc::new(Told(Arc::clone(metrics)));
                for resource in Resource::ALL {
                    record(metrics, resource, State::NotWatched);
                    told.counted(resource, 0);
                }
                let of_pods = cluster.clone();
                metrics.count_unplaced_by(move || {
                    let unplaced = of_pods.unplaced()?;
                    Some([
                        ("enabled", unplaced.enabled),
                        ("observe", unplaced.observed),
                        ("other", unplaced.other),
                    ])
                });
                watch::start_for(cluster, client, istio_namespace, &told, fields.subscribe())
            }
        }
    }

    /// Ends when all facts were read that can be, or after a while without.
    pub(super) async fn filled(&self) {
        let Self::Cluster { cluster, .. } = self else {
            return;
        };
        if tokio::time::timeout(PATIENCE, cluster.filled())
            .await
            .is_err()
        {
            for resource in cluster.unread() {
                tracing::warn!(
                    %resource,
                    waited = ?PATIENCE,
                    "ready although these were not read yet: rules and verdicts do without, and say so"
                );
            }
        }
        let mut refused = cluster.states().those(State::Forbidden);
        if refused.next().is_some() {
            // What still is then has been named in the log.
            drop(tokio::time::timeout(PARDON, cluster.allowed()).await);
        }
    }
}

// === impl Told ===

impl Observer for Told {
    fn went_over(&self, resource: Resource, state: State, why: Option<&(dyn Error + 'static)>) {
        record(&self.0, resource, state);
        let (state, said) = (state.as_str(), said(state));
        match why {
            None => tracing::info!(%resource, state, "{said}"),
            Some(why) => tracing::warn!(%resource, state, why = logs::chain(why), "{said}"),
        }
    }

    fn counted(&self, resource: Resource, objects: usize) {
        self.0.objects(resource.as_str(), objects);
    }
}

fn record(metrics: &Metrics, resource: Resource, state: State) {
    let states = State::ALL.map(State::as_str);
    metrics.watch_went_over(resource.as_str(), state.as_str(), states);
    match state {
        State::Behind | State::Failing | State::Forbidden => {
            metrics.behind_since(resource.as_str(), Timestamp::now());
        }
        State::Following | State::NotInstalled | State::NotWatched | State::Filling => {
            metrics.not_behind(resource.as_str());
        }
    }
}

const fn said(state: State) -> &'static str {
    match state {
        State::NotWatched => "not watched: no rule reads them",
        State::Filling => "not read yet",
        State::Failing => "could not be read: is tried again",
        State::Following => "read, and followed from now on",
        State::Behind => {
            "not followed at the moment: what was last known is used, and the watch is tried again"
        }
        State::Forbidden => {
            "may not be read: rules and verdicts do without, and say so; meshmode needs list and watch \
             (manifests/base/rbac.yaml)"
        }
        State::NotInstalled => {
            "not known to the API server: there are none until their CRD is installed"
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::placement::facts::Resources;

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_does_not_answer_is_not_waited_for_without_end() {
        let address = http::Uri::from_static("http://127.0.0.1:1");
        let client = Client::try_from(kube::Config::new(address)).unwrap();
        let cluster = Cluster::default();
        cluster.wants(Resources::of(&[Resource::Pods]));
        let known = Known::Cluster {
            cluster,
            client: Box::new(client),
            source: Source::ServiceAccount,
            fields: Sender::new(Fields::NONE),
        };
        let start = Instant::now();
        known.filled().await;
        assert_eq!(start.elapsed(), PATIENCE);
        let known = Known::Nothing(Arc::new(WhyNone::Off));
        let start = Instant::now();
        known.filled().await;
        assert_eq!(
            start.elapsed(),
            Duration::ZERO,
            "without a cluster it waits for nothing"
        );
    }
}
