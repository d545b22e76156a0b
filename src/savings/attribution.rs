//! Whose a container `istio-proxy` is, and what: the role and the workload of its Pod, by the surest evidence there is.
//!
//! Labels tell it: Istio stamps those of its gateways, waypoints and ztunnel. Where they are not known, a Pod in which
//! `istio-proxy` stands alone is none of a workload, because a sidecar has somebody beside it; which of the three it is, its
//! owner and names tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measured::WorkloadName;
use super::role::{Evidence, Role};

/// What is known of a Pod with a container `istio-proxy`.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// Its labels, where they are known; those of [`LABELS`] are enough.
    pub labels: Option<&'a BTreeMap<String, String>>,
    /// The workload that it is of.
    pub workload: &'a WorkloadName,
    /// How the workload is known.
    pub known_by: KnownBy,
    /// Whether `istio-proxy` is an init container.
    pub place: Place,
    /// Whether there is another ordinary container.
    pub company: Company,
    /// The role that labels gave another Pod of the workload.
    pub relative: Option<Role>,
}

/// Where a container stands in its Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the containers.
    Container,
    /// Among the init containers.
    InitContainer,
}

/// Whether there is another ordinary container in the Pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Company {
    /// Nothing says it.
    #[default]
    Unknown,
    /// There is none.
    Alone,
    /// There is.
    WithOthers,
}

/// How a workload is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// Its Pods name it as their owner.
    Owner,
    /// Its name is the beginning of theirs.
    Name,
}

/// The labels that tell a role.
pub const LABELS: [&str; 7] = [
    APP,
    APP_NAME,
    GATEWAY_CLASS,
    GATEWAY_NAME,
    OLD_GATEWAY_NAME,
    MANAGED,
    ISTIO,
];

const APP: &str = "app";
const APP_NAME: &str = "app.kubernetes.io/name";
const GATEWAY_CLASS: &str = "gateway.networking.k8s.io/gateway-class-name";
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// Until Istio 1.23.
const OLD_GATEWAY_NAME: &str = "istio.io/gateway-name";
/// The controller that made the Deployment of a Gateway, `/` written as `-`.
const MANAGED: &str = "gateway.istio.io/managed";
/// Of Istio's own charts of gateways, such as `ingressgateway`.
const ISTIO: &str = "istio";

const ZTUNNEL: &str = "ztunnel";
const WAYPOINT: &str = "waypoint";
const MESH_CONTROLLER: &str = "istio.io-mesh-controller";
/// The end of the name of a Deployment that Istio makes for a Gateway of its class `istio`.
const OF_CLASS_ISTIO: &str = "-istio";
/// The letters of hashes (`k8s.io/apimachinery/pkg/util/rand`).
const HASH: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The role, and how it was told.
#[must_use]
pub fn attribute(pod: &Traits<'_>) -> (Role, Evidence) {
    if let Some(labels) = pod.labels {
        // Of a gateway that others than Istio's charts made, no label says it.
        let unlabelled = || match pod.company {
            Company::Alone => alone(&pod.workload.name),
            Company::Unknown | Company::WithOthers => sidecar(pod.place),
        };
        let role = by_labels(labels, &pod.workload.name).unwrap_or_else(unlabelled);
        return (role, Evidence::Labels);
    }
    match pod.relative {
        Some(role) if role.is_sidecar() => (sidecar(pod.place), Evidence::Workload),
        Some(role) => (role, Evidence::Workload),
        None => (by_owner(pod), pod.known_by.evidence()),
    }
}

/// The role that labels give; none where they are those of a workload.
fn by_labels(labels: &BTreeMap<String, String>, workload: &str) -> Option<Role> {
    let value = |key: &str| labels.get(key).map_or("", String::as_str);
    if value(APP) == ZTUNNEL || value(APP_NAME) == ZTUNNEL {
        return Some(Role::Ztunnel);
    }
    let (class, managed) = (value(GATEWAY_CLASS), value(MANAGED));
    let gateway = [GATEWAY_NAME, OLD_GATEWAY_NAME].map(value);
    if class.ends_with(WAYPOINT) || managed == MESH_CONTROLLER {
        Some(Role::Waypoint)
    } else if !class.is_empty() || !managed.is_empty() {
        Some(Role::Gateway)
    } else if gateway.iter().any(|name| !name.is_empty()) {
        // Istio names the Deployment of a waypoint as the Gateway; of others the class stands behind it.
        Some(if gateway.contains(&workload) {
            Role::Waypoint
        } else {
            Role::Gateway
        })
    } else {
        value(ISTIO).ends_with("gateway").then_some(Role::Gateway)
    }
}

fn by_owner(pod: &Traits<'_>) -> Role {
    let name = pod.workload.name.as_str();
    match (pod.place, pod.company) {
        // Istio's gateways, waypoints and ztunnel have it among their containers.
        (Place::InitContainer, _) => Role::NativeSidecar,
        (Place::Container, Company::WithOthers) => Role::Sidecar,
        (Place::Container, Company::Alone) => alone(name),
        (Place::Container, Company::Unknown) if is_ztunnel(name) => Role::Ztunnel,
        (Place::Container, Company::Unknown) if names_gateway(name) => Role::Gateway,
        (Place::Container, Company::Unknown) if name.contains(WAYPOINT) => Role::Waypoint,
        (Place::Container, Company::Unknown) => Role::Sidecar,
    }
}

/// Of a workload that is nothing but `istio-proxy`. What has no telling name is taken for a gateway, which is in no saving.
fn alone(name: &str) -> Role {
    if is_ztunnel(name) {
        Role::Ztunnel
    } else if name.contains(WAYPOINT) {
        Role::Waypoint
    } else {
        Role::Gateway
    }
}

fn is_ztunnel(name: &str) -> bool {
    name == ZTUNNEL || name.starts_with("ztunnel-") || name.ends_with("-ztunnel")
}

fn names_gateway(name: &str) -> bool {
    let of_istio = ["ingressgateway", "egressgateway", "eastwestgateway"];
    let named = of_istio.iter().any(|usual| name.contains(usual));
    named || (name.ends_with(OF_CLASS_ISTIO) && name.contains("gateway"))
}

const fn sidecar(place: Place) -> Role {
    match place {
        Place::Container => Role::Sidecar,
        Place::InitContainer => Role::NativeSidecar,
    }
}

/// The workload of a Pod by its owner, a ReplicaSet's and a Job's own owner by how they are named.
#[must_use]
pub fn workload_of_owner(namespace: &str, pod: &str, kind: &str, name: &str) -> WorkloadName {
    let (kind, name) = match kind {
        "ReplicaSet" => match without_hash(name) {
            Some(deployment) => ("Deployment", deployment),
            None => (kind, name),
        },
        "Job" => match without_time(name) {
            Some(cron_job) => ("CronJob", cron_job),
            None => (kind, name),
        },
        // What kube-state-metrics says of a Pod without, and a mirror Pod's.
        "" | "<none>" | "Node" => ("Pod", pod),
        other => (other, name),
    };
    of(namespace, kind, name)
}

/// The workload of a Pod by nothing but its name.
#[must_use]
pub fn workload_of_name(namespace: &str, pod: &str) -> WorkloadName {
    let ordinal = pod.rsplit_once('-').filter(|(_, last)| {
        !last.is_empty() && last.len() < 5 && last.bytes().all(|byte| byte.is_ascii_digit())
    });
    if let Some((name, _)) = ordinal {
        return of(namespace, "StatefulSet", name);
    }
    let random = |last: &str| last.len() == 5 && last.chars().all(|c| HASH.contains(c));
    let Some((name, _)) = pod.rsplit_once('-').filter(|(_, last)| random(last)) else {
        return of(namespace, "Pod", pod);
    };
    match (without_hash(name), without_time(name)) {
        (_, Some(cron_job)) => of(namespace, "CronJob", cron_job),
        (Some(deployment), None) => of(namespace, "Deployment", deployment),
        (None, None) => of(namespace, "DaemonSet", name),
    }
}

fn of(namespace: &str, kind: &str, name: &str) -> WorkloadName {
    WorkloadName {
        namespace: namespace.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

/// The name of a ReplicaSet without its `pod-template-hash`, which is a number of 32 bits in the letters of [`HASH`].
fn without_hash(name: &str) -> Option<&str> {
    let (name, hash) = name.rsplit_once('-')?;
    let is_hash = (1..=10).contains(&hash.len()) && hash.chars().all(|c| HASH.contains(c));
    (is_hash && !name.is_empty()).then_some(name)
}

/// The name of a Job without the time that a CronJob puts behind it, in minutes since 1970.
fn without_time(name: &str) -> Option<&str> {
    let (name, time) = name.rsplit_once('-')?;
    let is_time = (8..=10).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit());
    (is_time && !name.is_empty()).then_some(name)
}

// === impl Company ===

impl Company {
    /// This, or the other where this is not known.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match self {
            Self::Unknown => other,
            Self::Alone | Self::WithOthers => self,
        }
    }
}

// === impl KnownBy ===

impl KnownBy {
    const fn evidence(self) -> Evidence {
        match self {
            Self::Owner => Evidence::Owner,
            Self::Name => Evidence::Name,
        }
    }
}

#[cfg(test)]
mod tests;
