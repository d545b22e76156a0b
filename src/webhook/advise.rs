//! A review of a workload to advice: what its Pods will get, where something is off. No IO.
//!
//! Controllers create Pods, so a warning on a Pod reaches nobody; one on its workload reaches whoever applies it.
//! Nothing is ever refused or changed here.

mod change;
mod misplaced;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::answer::{Answer, NOT_ASKED};
use super::mutate::Subject;
use super::review::{self, Malformed, NotAReview, Parsed, Request};
use super::stance::Stance;
use crate::cluster::convert::Opened;
use crate::cluster::convert::template::{Template, WithWorkload, template};
use crate::placement::facts::source::Source;
use crate::placement::facts::{Missing, Owner, Pod};
use crate::placement::json::{Object, Raw};
use crate::placement::rules::Use;
use crate::placement::workload::WorkloadRef;
use crate::placement::{Facts, Mode, Placement, Rules, decide};

/// An answer, and what is to be logged and counted about it.
#[derive(Debug)]
pub struct Advised<'a> {
    /// What the API server gets.
    pub answer: Answer<'a>,
    /// The object, for people.
    pub subject: Subject,
    /// What its Pods will get.
    pub record: Record<'a>,
}

/// What the Pods of a workload will get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A mode, by a rule.
    Placed {
        /// The workload's kind.
        kind: String,
        /// The mode.
        mode: Mode,
        /// The rule.
        rule: &'a str,
        /// Why.
        reason: Cow<'a, str>,
        /// What is off, before the stance of the route made it silent.
        off: Vec<String>,
    },
    /// Nothing, as it is not for us to decide.
    NotAsked(NotAsked),
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Such as `deployments/scale`.
    #[error(
        "{0}: only workloads themselves are looked at; take subresources out of the rules of the webhook"
    )]
    SubResource(String),
    /// Nothing is made of what goes away.
    #[error(
        "{0}: only CREATE and UPDATE are looked at; take other operations out of the rules of the webhook"
    )]
    Operation(String),
    /// The rules of the webhook send something else.
    #[error(
        "{0} is no workload with a template for Pods; the rules of the webhook should have only deployments, statefulsets and daemonsets of apps, jobs and cronjobs of batch"
    )]
    Kind(String),
    /// It has no template that can be read.
    #[error("malformed: {0}; nothing is said about its Pods")]
    Malformed(String),
    /// Its Pods are not sent to meshmode.
    #[error("the template has the label {EXEMPT}: its Pods are not placed")]
    Exempt,
}

/// The label that keeps an object from meshmode, and its value (`objectSelector` in the manifests).
const EXEMPT: &str = "meshmode.io/webhook: disabled";

/// Answers the review in `body`.
///
/// # Errors
/// There is no review to answer.
pub fn answer<'a>(
    body: &'a [u8],
    rules: &'a Rules,
    cluster: &dyn Source,
    stance: Stance,
) -> Result<Advised<'a>, NotAReview> {
    Ok(match review::parse::<Option<Raw<'a>>>(body)? {
        Parsed::Malformed(Malformed { uid, error }) => {
            not_asked(uid, Subject::default(), NotAsked::Malformed(error), stance)
        }
        Parsed::Review(mut request) => {
            let uid = std::mem::take(&mut request.uid);
            let subject = Subject::of(&request);
            match advise(&request, rules, cluster) {
                Ok(record) => advised(uid, subject, record, stance),
                Err(why) => not_asked(uid, subject, why, stance),
            }
        }
    })
}

fn advise<'a>(
    request: &Request<'_, Option<Raw<'_>>>,
    rules: &'a Rules,
    cluster: &dyn Source,
) -> Result<Record<'a>, NotAsked> {
    let template = of_request(request)?;
    let namespace = &*template.workload.namespace;
    let opened: Opened<'_> = serde_json::from_str(&template.pod)
        .map_err(|error| NotAsked::Malformed(error.to_string()))?;
    let pod = opened
        .into_pod()
        .map_err(|error| NotAsked::Malformed(error.to_string()))?;
    if is_exempt(&pod) {
        return Err(NotAsked::Exempt);
    }
    let text = of_a_pod(&template.workload);
    let pod_request: Request<'_, Option<Raw<'_>>> =
        serde_json::from_str(&text).map_err(|error| NotAsked::Malformed(error.to_string()))?;
    let attributes = match rules.request() {
        Use::Read => pod_request.as_object(),
        Use::Unread => Object::default(),
    };
    let placement = decide(
        rules,
        &Facts {
            pod: &pod,
            request: &attributes,
            namespace,
            owner: Owner::Template(&template.workload),
            cluster: &WithWorkload {
                template: &template,
                cluster,
            },
        },
    );
    let old = || read(request.old_object).ok().flatten();
    let running = cluster.running(&template.workload);
    let change = change::sentence(&placement, running.as_ref(), rules)
        .filter(|_| !old().is_some_and(|old| change::makes_no_revision(&old, &template)));
    let Placement {
        mode,
        rule,
        reason,
        mut warnings,
        action: _,
        origin: _,
        missing,
    } = placement;
    warnings.retain(|warning| !is_of_a_missing_fact(warning, &missing));
    warnings.extend(change);
    warnings.extend(misplaced::sentences(&template, &pod, rules));
    Ok(Record::Placed {
        kind: template.workload.kind.into_owned(),
        mode,
        rule,
        reason,
        off: warnings,
    })
}

/// Whoever applies a workload can do nothing about a fact that is missing, and the Pods may find it there.
fn is_of_a_missing_fact(warning: &str, missing: &[Missing]) -> bool {
    missing
        .iter()
        .any(|missing| warning.ends_with(&missing.to_string()))
}

fn of_request(request: &Request<'_, Option<Raw<'_>>>) -> Result<Template, NotAsked> {
    if !request.sub_resource.is_empty() {
        return Err(NotAsked::SubResource(request.sub_resource.to_string()));
    }
    if !matches!(&*request.operation, "CREATE" | "UPDATE") {
        return Err(NotAsked::Operation(request.operation.to_string()));
    }
    let kind = || NotAsked::Kind(request.kind.to_string());
    if request.kind.kind == "Pod" {
        return Err(kind());
    }
    let found = read(request.object).map_err(NotAsked::Malformed)?;
    let mut template = found.ok_or_else(kind)?;
    if !request.namespace.is_empty() {
        template.workload.namespace = Cow::Owned(request.namespace.to_string());
    }
    Ok(template)
}

fn read(object: Option<Raw<'_>>) -> Result<Option<Template>, String> {
    let text = object.map_or("null", Raw::get);
    let object: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    template(&object).map_err(|error| error.to_string())
}

fn is_exempt(pod: &Pod<'_>) -> bool {
    EXEMPT
        .split_once(": ")
        .is_some_and(|(key, value)| pod.labels().get(key) == Some(value))
}

/// The request of a Pod to come, as the usual controller sends it; nobody knows whether that is the one here.
fn of_a_pod(workload: &WorkloadRef<'_>) -> String {
    let controller = match &*workload.kind {
        "StatefulSet" => "statefulset-controller",
        "DaemonSet" => "daemon-set-controller",
        "Job" | "CronJob" => "job-controller",
        "ReplicationController" => "replication-controller",
        _ => "replicaset-controller",
    };
    let (kind, resource) = (
        json!({"group": "", "version": "v1", "kind": "Pod"}),
        json!({"group": "", "version": "v1", "resource": "pods"}),
    );
    json!({
        "uid": "", "operation": "CREATE", "namespace": workload.namespace,
        "kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
        "userInfo": {
            "username": format!("system:serviceaccount:kube-system:{controller}"),
            "groups": [
                "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated",
            ],
        },
        "object": null, "oldObject": null, "dryRun": false,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    })
    .to_string()
}

fn advised<'a>(
    uid: Cow<'a, str>,
    subject: Subject,
    record: Record<'a>,
    stance: Stance,
) -> Advised<'a> {
    let mut answer = Answer::allowed(uid);
    if let Record::Placed {
        kind: _,
        mode,
        rule,
        reason,
        off,
    } = &record
    {
        answer.warnings = stance.warnings(off.clone());
        answer.audit = Answer::placement(*mode, rule, reason.clone());
    }
    Advised {
        answer,
        subject,
        record,
    }
}

fn not_asked<'a>(
    uid: Cow<'a, str>,
    subject: Subject,
    why: NotAsked,
    stance: Stance,
) -> Advised<'a> {
    let warnings = match why {
        NotAsked::Exempt => Vec::new(),
        NotAsked::SubResource(_)
        | NotAsked::Operation(_)
        | NotAsked::Kind(_)
        | NotAsked::Malformed(_) => stance.warnings(vec![format!("meshmode: {why}")]),
    };
    let audit = Answer::placement(Mode::Leave, NOT_ASKED, Cow::Owned(why.to_string()));
    Advised {
        answer: Answer {
            warnings,
            audit,
            ..Answer::allowed(uid)
        },
        subject,
        record: Record::NotAsked(why),
    }
}

#[cfg(test)]
mod tests;
