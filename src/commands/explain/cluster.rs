//! The cluster that policies are looked at in: read once, for as long as its caches take to fill.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

use super::documents::{Document, Found};
use crate::authorization::facts::Resource;
use crate::cluster::Cluster;
use crate::cluster::caches::State;
use crate::cluster::connect::{self, as_kubectl};
use crate::cluster::watch::{self, Observer};
use crate::commands::complain;
use crate::telemetry::logs;

/// Which policies of a cluster.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Which<'a> {
    /// None: they are in files.
    None,
    /// These of a namespace.
    Named(&'a [String]),
    /// All of a namespace.
    Namespace,
    /// All.
    Everywhere,
}

/// Which cluster, and for how long it is waited for.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Ask<'a> {
    pub(in crate::commands) kubeconfig: Option<&'a Path>,
    pub(in crate::commands) context: Option<&'a str>,
    pub(in crate::commands) namespace: Option<&'a str>,
    pub(in crate::commands) istio_namespace: &'a str,
    pub(in crate::commands) timeout: Duration,
    pub(in crate::commands) which: Which<'a>,
}

/// What was read.
#[derive(Debug)]
pub(in crate::commands) struct Looked {
    /// The facts.
    pub(in crate::commands) cluster: Cluster,
    /// The namespace of policies that say none.
    pub(in crate::commands) namespace: String,
    /// The policies that were asked for.
    pub(super) policies: Found,
}

/// Why kinds of objects cannot be read.
#[derive(Debug, Default)]
struct Heard(Mutex<BTreeMap<Resource, String>>);

/// Reads the cluster, and says on standard error which one, and what of it could not be read.
///
/// # Errors
/// It cannot be reached, or may not be read.
pub(in crate::commands) fn look(ask: Ask<'_>) -> anyhow::Result<Looked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(read(ask))
}

async fn read(ask: Ask<'_>) -> anyhow::Result<Looked> {
    let connect::Found {
        client,
        namespace,
        address,
    } = as_kubectl(ask.kubeconfig, ask.context).await?;
    complain(&format!("looking at the cluster {address}"));
    let namespace = ask.namespace.map_or(namespace, str::to_owned);
    let wanted = policies(&client, ask.which, &namespace);
    let policies = tokio::time::timeout(ask.timeout, wanted).await;
    let policies = policies.with_context(|| no_answer(&address, ask.timeout))??;
    let cluster = Cluster::default();
    let heard = Arc::new(Heard::default());
    let observer: Arc<dyn Observer> = Arc::clone(&heard) as _;
    let watches = watch::start(&cluster, &client, ask.istio_namespace, &observer);
    let filled = tokio::time::timeout(ask.timeout, cluster.filled()).await;
    drop(watches);
    if filled.is_err() && cluster.states().those(State::Following).count() == 0 {
        let why = heard.why(Resource::Namespaces).unwrap_or_default();
        bail!("{}: {why}", no_answer(&address, ask.timeout));
    }
    say_what_is_missing(&cluster, &heard);
    Ok(Looked {
        cluster,
        namespace,
        policies,
    })
}

fn no_answer(address: &str, timeout: Duration) -> String {
    let timeout = humantime::format_duration(timeout);
    format!("the cluster {address} did not answer within {timeout} (--timeout)")
}

fn say_what_is_missing(cluster: &Cluster, heard: &Heard) {
    let states = cluster.states();
    for resource in Resource::ALL {
        let problem = match states.of(resource) {
            State::Forbidden => "may not be read",
            State::Filling | State::Failing => "could not be read in time (--timeout)",
            State::NotWatched | State::Following | State::Behind | State::NotInstalled => continue,
        };
        let why = heard.why(resource);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        complain(&format!("{resource} {problem}, verdicts do without{why}"));
    }
}

/// What is not there is a mistake of who asked for it.
async fn policies(client: &Client, which: Which<'_>, namespace: &str) -> anyhow::Result<Found> {
    let kind = GroupVersionKind::gvk("security.istio.io", "v1", "AuthorizationPolicy");
    let kind = ApiResource::from_gvk(&kind);
    let of_namespace: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let cannot = || format!("cannot read the AuthorizationPolicies of {namespace}");
    let mut found = Found::default();
    let list = match which {
        Which::None => return Ok(found),
        Which::Named(names) => {
            for name in names {
                match of_namespace.get_opt(name).await.with_context(cannot)? {
                    Some(object) => found.policies.push(document(&object)?),
                    None => found.mistakes.push(format!(
                        "there is no AuthorizationPolicy {name} in namespace {namespace}"
                    )),
                }
            }
            return Ok(found);
        }
        Which::Namespace => of_namespace.list(&ListParams::default()).await,
        Which::Everywhere => {
            let everywhere: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
            everywhere.list(&ListParams::default()).await
        }
    };
    for object in list.with_context(cannot)? {
        found.policies.push(document(&object)?);
    }
    Ok(found)
}

fn document(object: &DynamicObject) -> anyhow::Result<Document> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let metadata = &object.metadata;
    Ok(Document {
        place: format!("{}/{}", text(&metadata.namespace), text(&metadata.name)),
        json: serde_json::to_string(object)?,
    })
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
