//! The cluster: its running configuration, its workloads, each kind listed once, and what else it says.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::cluster::connect::{self, Tries, as_kubectl};
use crate::commands::explain::cluster::{Ask, Looked, look};
use crate::commands::explain::documents::Found;
use crate::placement::facts::Source;

/// Which of the cluster's workloads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Workloads {
    /// None: they are in files.
    None,
    /// Those of the namespace.
    OfNamespace,
    /// All.
    Everywhere,
    /// All but Pods, of which there are many.
    WithoutPods,
}

/// Where the running configuration is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::commands) struct ConfigMapName {
    pub(in crate::commands) namespace: String,
    pub(in crate::commands) name: String,
}

/// The running configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Running {
    /// The text of the ConfigMap.
    Text(String),
    /// There is no such ConfigMap.
    NotThere,
}

/// What was read.
#[derive(Debug)]
pub(in crate::commands) struct Read {
    /// The namespace of objects that say none.
    pub(in crate::commands) namespace: String,
    pub(in crate::commands) objects: Vec<Value>,
    pub(in crate::commands) facts: Box<dyn Source>,
}

/// What makes Pods. Pods are the last: most of them are controlled by something that was listed before.
const KINDS: [(&str, &str, &str); 6] = [
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "CronJob"),
    ("batch", "v1", "Job"),
    ("", "v1", "Pod"),
];
/// As kubectl does it: an answer of a size that the API server likes.
const PAGE: u32 = 500;
/// The key of the ConfigMap.
const KEY: &str = "config.yaml";

// === impl ConfigMapName ===

impl ConfigMapName {
    /// As the manifests have it.
    pub(super) fn usual() -> Self {
        Self {
            namespace: "meshmode-system".to_owned(),
            name: "meshmode".to_owned(),
        }
    }
}

impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name } = self;
        write!(f, "ConfigMap {namespace}/{name}")
    }
}

/// Reads the running configuration.
///
/// # Errors
/// The cluster cannot be reached, or may not be read.
pub(super) fn configuration(ask: Ask<'_>, name: &ConfigMapName) -> anyhow::Result<Running> {
    runtime()?.block_on(async {
        let connect::Found { client, .. } =
            as_kubectl(ask.kubeconfig, ask.context, Tries::Many).await?;
        running(&client, name, ask.timeout).await
    })
}

/// Reads the workloads, and what else the cluster says.
///
/// # Errors
/// It cannot be reached, or may not be read.
pub(in crate::commands) fn read(ask: Ask<'_>, workloads: Workloads) -> anyhow::Result<Read> {
    let Looked {
        cluster, namespace, ..
    } = look(ask, async |_, _| Ok(Found::default()))?;
    let objects = runtime()?.block_on(async {
        let connect::Found { client, .. } =
            as_kubectl(ask.kubeconfig, ask.context, Tries::Many).await?;
        list(&client, workloads, &namespace, ask.timeout).await
    })?;
    Ok(Read {
        namespace,
        objects,
        facts: Box::new(cluster),
    })
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The running configuration, where it is in the cluster.
async fn running(
    client: &Client,
    wanted: &ConfigMapName,
    timeout: Duration,
) -> anyhow::Result<Running> {
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), &wanted.namespace);
    let cannot = || {
        format!("cannot read the running configuration, {wanted} (--against gives it as a file)")
    };
    let found = in_time(timeout, config_maps.get_opt(&wanted.name)).await;
    let found = found.with_context(cannot)?;
    let Some(found) = found else {
        return Ok(Running::NotThere);
    };
    let text = found.data.and_then(|mut data| data.remove(KEY));
    let text = text.with_context(|| format!("{wanted} has no key {KEY}"))?;
    Ok(Running::Text(text))
}

async fn list(
    client: &Client,
    workloads: Workloads,
    namespace: &str,
    timeout: Duration,
) -> anyhow::Result<Vec<Value>> {
    let mut objects = Vec::new();
    if workloads == Workloads::None {
        return Ok(objects);
    }
    for (group, version, kind) in KINDS {
        if workloads == Workloads::WithoutPods && kind == "Pod" {
            continue;
        }
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = match workloads {
            Workloads::None | Workloads::OfNamespace => {
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
            Workloads::Everywhere | Workloads::WithoutPods => {
                Api::all_with(client.clone(), &resource)
            }
        };
        let mut next = Some(String::new());
        while let Some(token) = next.take() {
            let page = ListParams::default().limit(PAGE).continue_token(&token);
            let page = in_time(timeout, api.list(&page)).await;
            let page = page.with_context(|| format!("cannot list {}", resource.plural))?;
            next = page.metadata.continue_.filter(|token| !token.is_empty());
            for object in page.items {
                objects.push(of_kind(object, &resource)?);
            }
        }
    }
    Ok(objects)
}

/// Items of a list do not say what they are.
fn of_kind(mut object: DynamicObject, resource: &ApiResource) -> anyhow::Result<Value> {
    object.metadata.managed_fields = None;
    let mut object = serde_json::to_value(object)?;
    object["apiVersion"] = resource.api_version.as_str().into();
    object["kind"] = resource.kind.as_str().into();
    Ok(object)
}

/// The answer, where it comes in time.
pub(in crate::commands) async fn in_time<T>(
    timeout: Duration,
    answer: impl Future<Output = kube::Result<T>>,
) -> anyhow::Result<T> {
    let shown = humantime::format_duration(timeout);
    let answer = tokio::time::timeout(timeout, answer).await;
    Ok(answer.with_context(|| format!("no answer within {shown} (--timeout)"))??)
}
