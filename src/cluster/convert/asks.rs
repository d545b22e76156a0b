//! Objects of Istio that ask for a proxy: what they ask for, and of whom. Nothing else of them is kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{Spec, Watched};
use crate::authorization::needs::{Cause, needs};
use crate::authorization::policy::AuthorizationPolicy;
use crate::placement::facts::source::Reason;
use crate::placement::labels::Labels;

/// What an object asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ask {
    /// A proxy for this.
    pub reason: Reason,
    /// Of these Pods.
    pub of: Asked,
}

/// Of whom something is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Of Pods with all of these labels.
    Labelled(Labels),
    /// Of all Pods of the namespace, or of the mesh.
    All,
    /// Of the Pods of these Services of its own namespace, by their waypoint.
    Services(Box<[Box<str>]>),
}

/// What of an EnvoyFilter is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    workload_selector: Option<WorkloadSelector>,
    target_refs: Option<Vec<TargetRef>>,
    config_patches: Option<Vec<Patch>>,
}

/// What of a Sidecar is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sidecar {
    workload_selector: Option<WorkloadSelector>,
}

/// What of a WasmPlugin or a RequestAuthentication is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attached {
    selector: Option<PodSelector>,
    target_ref: Option<TargetRef>,
    target_refs: Option<Vec<TargetRef>>,
}

/// The spec of an AuthorizationPolicy, of which a summary is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Policy(Value);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WorkloadSelector {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSelector {
    match_labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TargetRef {
    group: Option<String>,
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Patch {
    r#match: Option<Match>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Match {
    context: Option<String>,
}

/// What an EnvoyFilter asks for: nothing of sidecars where it is attached to something else, or patches
/// gateways and waypoints only (`pilot/pkg/networking/core/envoyfilter`).
pub fn envoy_filter(object: &Watched<Filter>) -> Option<Ask> {
    let spec = &object.spec;
    if spec
        .target_refs
        .as_ref()
        .is_some_and(|refs| !refs.is_empty())
    {
        return None;
    }
    let patches = spec.config_patches.as_deref().unwrap_or_default();
    if !patches.iter().any(Patch::is_for_sidecars) {
        return None;
    }
    Some(Ask {
        reason: Reason::EnvoyFilter,
        of: Asked::by_workloads(spec.workload_selector.as_ref()),
    })
}

/// What a Sidecar asks for.
pub fn sidecar(object: &Watched<Sidecar>) -> Option<Ask> {
    Some(Ask {
        reason: Reason::Sidecar,
        of: Asked::by_workloads(object.spec.workload_selector.as_ref()),
    })
}

/// What a WasmPlugin asks for.
pub fn wasm_plugin(object: &Watched<Attached>) -> Option<Ask> {
    let of = object.spec.asked()?;
    let reason = Reason::WasmPlugin;
    Some(Ask { reason, of })
}

/// What a RequestAuthentication asks for.
pub fn request_authentication(object: &Watched<Attached>) -> Option<Ask> {
    let of = object.spec.asked()?;
    let reason = Reason::RequestAuthentication;
    Some(Ask { reason, of })
}

/// What an AuthorizationPolicy asks for: nothing where ztunnel can enforce all of it.
pub fn authorization_policy(object: &Watched<Policy>) -> Option<Ask> {
    let Policy(spec) = &object.spec;
    let of = Attached::deserialize(spec).ok()?.asked()?;
    let json = json!({"spec": spec}).to_string();
    // What Istio cannot read it does not enforce.
    let policy = AuthorizationPolicy::parse(&json).ok()?;
    let reasons = needs(&policy);
    let reasons = reasons.iter().filter_map(|need| match need.cause {
        Cause::Action("CUSTOM") => Some(Reason::CustomAuthorization),
        Cause::Action(_) | Cause::HttpField | Cause::HttpKey(_) => {
            Some(Reason::L7AuthorizationPolicy)
        }
        // It selects waypoints, not workloads.
        Cause::Selector(_) => None,
    });
    // The most that is asked for: CUSTOM, whatever its rules test.
    let reason = reasons.max()?;
    Some(Ask { reason, of })
}

// === impl Asked ===

impl Asked {
    fn by_workloads(selector: Option<&WorkloadSelector>) -> Self {
        Self::by_labels(selector.and_then(|selector| selector.labels.as_ref()))
    }

    fn by_labels(labels: Option<&BTreeMap<String, String>>) -> Self {
        let labels = Labels::all(labels);
        if labels.is_empty() {
            Self::All
        } else {
            Self::Labelled(labels)
        }
    }
}

// === impl Attached ===

impl Attached {
    /// Nothing where its targets are Gateways: they ask nothing of workloads.
    fn asked(&self) -> Option<Asked> {
        let targets = match self.target_refs.as_deref() {
            None | Some([]) => self.target_ref.as_slice(),
            Some(targets) => targets,
        };
        if targets.is_empty() {
            let labels = self.selector.as_ref();
            let labels = labels.and_then(|selector| selector.match_labels.as_ref());
            return Some(Asked::by_labels(labels));
        }
        let services: Box<[Box<str>]> = targets
            .iter()
            .filter(|target| target.kind == "Service")
            .filter(|target| matches!(target.group.as_deref(), None | Some("" | "core")))
            .map(|target| target.name.as_str().into())
            .collect();
        (!services.is_empty()).then_some(Asked::Services(services))
    }
}

// === impl Patch ===

impl Patch {
    fn is_for_sidecars(&self) -> bool {
        let context = self.r#match.as_ref().and_then(|of| of.context.as_deref());
        !matches!(context, Some("GATEWAY" | "WAYPOINT"))
    }
}

// === impl Spec ===

impl Spec for Filter {}

impl Spec for Sidecar {}

impl Spec for Attached {}

impl Spec for Policy {}

#[cfg(test)]
mod tests;
