//! The cluster that objects are looked at in: read once, for as long as its caches take to fill.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use kube::Client;
use tokio::sync::watch::Sender;

use super::documents::Found;
use crate::authorization::facts::Resource;
use crate::cluster::Cluster;
use crate::cluster::caches::State;
use crate::cluster::connect::{self, Tries, as_kubectl};
use crate::cluster::watch::{self, Observer};
use crate::commands::complain;
use crate::placement::facts::Fields;
use crate::telemetry::logs;

/// Which facts are wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Facts {
    /// What verdicts on policies look at.
    OfVerdicts,
    /// What placements look at, with what rules read.
    OfRules(Fields),
}

/// Which cluster, and for how long it is waited for.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Ask<'a> {
    pub(in crate::commands) kubeconfig: Option<&'a Path>,
    pub(in crate::commands) context: Option<&'a str>,
    pub(in crate::commands) namespace: Option<&'a str>,
    pub(in crate::commands) istio_namespace: &'a str,
    pub(in crate::commands) timeout: Duration,
    pub(in crate::commands) facts: Facts,
}

/// What was read.
#[derive(Debug)]
pub(in crate::commands) struct Looked {
    /// The facts.
    pub(in crate::commands) cluster: Cluster,
    /// The namespace of objects that say none.
    pub(in crate::commands) namespace: String,
    /// The objects that were asked for.
    pub(in crate::commands) found: Found,
}

/// Why kinds of objects cannot be read.
#[derive(Debug, Default)]
struct Heard(Mutex<BTreeMap<Resource, String>>);

/// Reads the cluster, and in it what `fetch` reads for the namespace that it is given; says on standard error which one, and what of it could not be read.
///
/// # Errors
/// It cannot be reached, or may not be read.
pub(in crate::commands) fn look(
    ask: Ask<'_>,
    fetch: impl AsyncFnOnce(&Client, &str) -> anyhow::Result<Found>,
) -> anyhow::Result<Looked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(read(ask, fetch))
}

async fn read(
    ask: Ask<'_>,
    fetch: impl AsyncFnOnce(&Client, &str) -> anyhow::Result<Found>,
) -> anyhow::Result<Looked> {
    let connect::Found {
        client,
        namespace,
        address,
        way: _,
    } = as_kubectl(ask.kubeconfig, ask.context, Tries::Many).await?;
    complain(&format!("looking at the cluster {address}"));
    let namespace = ask.namespace.map_or(namespace, str::to_owned);
    let found = tokio::time::timeout(ask.timeout, fetch(&client, &namespace)).await;
    let found = found.with_context(|| no_answer(&address, ask.timeout))??;
    let cluster = Cluster::default();
    let heard = Arc::new(Heard::default());
    let observer: Arc<dyn Observer> = Arc::clone(&heard) as _;
    let watches = match ask.facts {
        Facts::OfVerdicts => watch::start(&cluster, &client, ask.istio_namespace, &observer),
        Facts::OfRules(fields) => {
            let fields = Sender::new(fields).subscribe();
            watch::start_for(&cluster, &client, ask.istio_namespace, &observer, fields)
        }
    };
    let filled = tokio::time::timeout(ask.timeout, cluster.filled()).await;
    drop(watches);
    if filled.is_err() && cluster.states().those(State::Following).count() == 0 {
        let why = heard.why(Resource::Namespaces).unwrap_or_default();
        bail!("{}: {why}", no_answer(&address, ask.timeout));
    }
    say_what_is_missing(&cluster, &heard, ask.facts);
    Ok(Looked {
        cluster,
        namespace,
        found,
    })
}

fn no_answer(address: &str, timeout: Duration) -> String {
    let timeout = humantime::format_duration(timeout);
    format!("the cluster {address} did not answer within {timeout} (--timeout)")
}

fn say_what_is_missing(cluster: &Cluster, heard: &Heard, facts: Facts) {
    let who = match facts {
        Facts::OfVerdicts => "verdicts",
        Facts::OfRules(_) => "rules and verdicts",
    };
    let states = cluster.states();
    for resource in Resource::ALL {
        let problem = match states.of(resource) {
            State::Forbidden => "may not be read",
            State::Filling | State::Failing => "could not be read in time (--timeout)",
            State::NotWatched | State::Following | State::Behind | State::NotInstalled => continue,
        };
        let why = heard.why(resource);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        complain(&format!("{resource} {problem}, {who} do without{why}"));
    }
}

// === impl Heard ===

impl Heard {
    fn why(&self, resource: Resource) -> Option<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(&resource).cloned()
    }
}

impl Observer for Heard {
    fn went_over(&self, resource: Resource, _: State, why: Option<&(dyn Error + 'static)>) {
        let Some(why) = why else { return };
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(resource, logs::chain(why));
    }

    fn counted(&self, _: Resource, _: usize) {}
}
