//! What a cluster says beside Prometheus: whose Pods are whose now, which of them ztunnel captures, and what the
//! placement rules would make of each workload. A recording keeps it in a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, PartialObjectMeta};
use kube::{Api, Client};
use serde::{Deserialize, Serialize};

use super::candidates::fates;
use crate::cluster::connect::{self, Tries, as_kubectl};
use crate::commands::explain::cluster::{Ask, Facts};
use crate::commands::explain::flags::Which;
use crate::commands::simulate::cluster::{Read, Workloads, in_time, read};
use crate::commands::simulate::subjects::subjects;
use crate::placement::Rules;
use crate::prometheus::{KnownPod, KnownPods};
use crate::savings::attribution::Company;
use crate::savings::candidates::Fate;
use crate::savings::measured::WorkloadName;

/// What was read, in the form in which a recording has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    /// The address of the API server.
    pub(super) address: String,
    pods: Vec<Named>,
    workloads: Vec<Decided>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Named {
    namespace: String,
    name: String,
    #[serde(flatten)]
    pod: KnownPod,
}

#[derive(Debug, Serialize, Deserialize)]
struct Decided {
    workload: WorkloadName,
    fate: Fate,
}

/// Kept of a Pod's annotations: what istio-cni writes once ztunnel captures it.
const CAPTURED: (&str, &str) = ("ambient.istio.io/redirection", "enabled");
/// Metadata is small: fewer requests than with kubectl's 500.
const PAGE: u32 = 1000;
/// The name of the file in a recording.
const FILE: &str = "cluster.json";

/// The cluster that kubectl would ask.
///
/// # Errors
/// There is none, or it cannot be used.
pub(super) async fn connect(
    which: &Which,
    timeout: Duration,
    tries: Tries,
) -> anyhow::Result<connect::Found> {
    let ask = which.ask(None, Facts::OfVerdicts, timeout);
    Ok(as_kubectl(ask.kubeconfig, ask.context, tries).await?)
}

// === impl Known ===

impl Known {
    /// Asks the cluster.
    ///
    /// # Errors
    /// It cannot be reached, or Pods or workloads may not be read.
    pub(super) fn of(which: &Which, rules: &Rules, timeout: Duration) -> anyhow::Result<Self> {
        let ask = which.ask(None, Facts::OfRules(rules.fields()), timeout);
        let workloads = Decided::all(ask, rules)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let connect::Found {
                client, address, ..
            } = connect(which, timeout, Tries::Many).await?;
            Ok(Self {
                address,
                pods: Named::all(&client, timeout).await?,
                workloads,
            })
        })
    }

    /// That of a recording; none where it was made without a cluster.
    ///
    /// # Errors
    /// The file cannot be read, or is no such file.
    pub(super) fn replayed(folder: &Path) -> anyhow::Result<Option<Self>> {
        let file = folder.join(FILE);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        let known = serde_json::from_slice(&text);
        known.with_context(|| format!("{} was not written by --record", file.display()))
    }

    /// Keeps it in a recording.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn record(&self, folder: &Path) -> anyhow::Result<()> {
        let file = folder.join(FILE);
        let text = serde_json::to_vec_pretty(self)?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// What it says: the Pods that are there, and what would become of each workload.
    pub(super) fn into_parts(self) -> (KnownPods, BTreeMap<WorkloadName, Fate>) {
        let pods = self.pods.into_iter();
        let workloads = self.workloads.into_iter();
        (
            pods.map(|named| ((named.namespace, named.name), named.pod))
                .collect(),
            workloads
                .map(|decided| (decided.workload, decided.fate))
                .collect(),
        )
    }
}

// === impl Named ===

impl Named {
    async fn all(client: &Client, timeout: Duration) -> anyhow::Result<Vec<Self>> {
        let api: Api<Pod> = Api::all(client.clone());
        let mut all = Vec::new();
        let mut next = Some(String::new());
        while let Some(token) = next.take() {
            let page = ListParams::default().limit(PAGE).continue_token(&token);
            let page = in_time(timeout, api.list_metadata(&page)).await;
            let page = page.context("cannot list the Pods of the cluster")?;
            next = page.metadata.continue_.filter(|token| !token.is_empty());
            all.extend(page.items.into_iter().map(Self::of));
        }
        Ok(all)
    }

    fn of(pod: PartialObjectMeta<Pod>) -> Self {
        let metadata = pod.metadata;
        let annotations = metadata.annotations.unwrap_or_default();
        let owners = metadata.owner_references.unwrap_or_default();
        let controller = owners
            .into_iter()
            .find(|owner| owner.controller == Some(true));
        let (key, value) = CAPTURED;
        Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            pod: KnownPod {
                uid: metadata.uid.unwrap_or_default(),
                labels: metadata.labels.unwrap_or_default(),
                owner: controller.map(|owner| (owner.kind, owner.name)),
                // Metadata does not tell of containers; labels say more than these would.
                company: Company::Unknown,
                captured: annotations.get(key).is_some_and(|found| found == value),
            },
        }
    }
}

// === impl Decided ===

impl Decided {
    fn all(ask: Ask<'_>, rules: &Rules) -> anyhow::Result<Vec<Self>> {
        let Read {
            namespace,
            objects,
            facts,
        } = read(ask, Workloads::WithoutPods)?;
        // What the API server has was validated by it.
        let subjects = subjects(objects, &namespace, rules).map_err(|mistakes| {
            let mistakes = mistakes.into_iter().map(|(_, mistake)| mistake.to_string());
            anyhow::anyhow!(mistakes.collect::<Vec<_>>().join("; "))
        })?;
        let fates = fates(&subjects, rules, &*facts)?.into_iter();
        Ok(fates
            .map(|(workload, fate)| Self { workload, fate })
            .collect())
    }
}
