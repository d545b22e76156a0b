//! What became of the Pods of the matrix: which webhooks were asked and what they did (the audit log), whether
//! there is a proxy (the Pod), whether ztunnel captures it (istio-cni's code); and how that compares.

use std::time::Duration;

use meshmode::placement::outcome::{Asked, Injected, NotInjected, Outcome, Template};
use serde_json::{Value, json};

use super::super::mesh::{Called, Did, Mesh};
use super::Case;
use crate::support::wait_for;

/// What Istio did with a Pod.
#[derive(Debug)]
pub(super) struct Observed {
    /// The injector's webhooks that were asked.
    asked: Vec<Called>,
    /// Whether ztunnel captures the Pod that was created.
    captured: bool,
    /// Whether it would, had the injector left no annotation.
    claimed: bool,
}

pub(super) const STATUS: &str = "sidecar.istio.io/status";
const INJECTOR: &str = "sidecar-injector.istio.io";

/// What the audit log and istio-cni's code say about each case.
pub(super) async fn observe(mesh: &Mesh, cases: &[Case]) -> Vec<Observed> {
    let key = |case: &Case| (case.namespace.clone(), case.name.to_owned());
    let deadline = Duration::from_secs(10);
    let called = wait_for("the audit events of all Pods", deadline, async || {
        let called = mesh.called();
        let missing = cases.iter().find(|case| !called.contains_key(&key(case)));
        missing.map_or(Ok(called), |case| {
            Err(format!("no event of {}/{}", case.namespace, case.name))
        })
    })
    .await;
    let captured = captures(mesh, None, cases, |case| case.end().clone());
    let claimed = captures(mesh, None, cases, |case| {
        let mut pod = case.end().clone();
        if case.left["metadata"]["annotations"][STATUS].is_null()
            && let Some(annotations) = pod["metadata"]["annotations"].as_object_mut()
        {
            annotations.remove(STATUS);
        }
        pod
    });
    cases
        .iter()
        .zip(captured.into_iter().zip(claimed))
        .map(|(case, (captured, claimed))| {
            let mut asked = called[&key(case)].clone();
            asked.retain(|called| called.webhook.ends_with(INJECTOR));
            Observed {
                asked,
                captured,
                claimed,
            }
        })
        .collect()
}

/// Whether ztunnel captures the Pods that `pod` gives, before these selectors or the usual ones.
pub(super) fn captures(
    mesh: &Mesh,
    selectors: Option<&str>,
    cases: &[Case],
    pod: impl Fn(&Case) -> Value,
) -> Vec<bool> {
    let questions: Vec<Value> = cases
        .iter()
        .map(|case| json!({"pod": pod(case), "namespaceLabels": case.namespace_labels}))
        .collect();
    mesh.istio.captures(selectors, &questions)
}

/// Where prediction and observation differ.
pub(super) fn compare(case: &Case, outcome: &Outcome<'_>, observed: &Observed) -> Option<String> {
    if let Outcome::Refused(refusal) = outcome {
        let template = format!("requested template \"{}\" not found", refusal.template);
        let by = format!("\"{}\"", refusal.by.webhook);
        let message = case.reply.body["message"].as_str().unwrap_or_default();
        let refused = case.reply.code >= 400 && message.contains(&template);
        return (!refused || !message.contains(&by)).then(|| format!("said {message:?}"));
    }
    if !matches!(case.reply.code, 200 | 201) {
        return Some(format!("not created: {:?}", case.reply));
    }
    let differences = [
        compare_injection(case, outcome, observed),
        difference(
            "captured",
            &matches!(outcome, Outcome::Captured(..)),
            &observed.captured,
        ),
        difference(
            "claimed",
            &matches!(outcome, Outcome::Captured(..) | Outcome::Both(..)),
            &observed.claimed,
        ),
        case.lost(),
    ];
    differences.into_iter().flatten().next()
}

fn compare_injection(case: &Case, outcome: &Outcome<'_>, observed: &Observed) -> Option<String> {
    let pod = case.reply.created();
    let by = |did: Did| {
        let by = observed
            .asked
            .iter()
            .filter(move |called| called.did == did);
        by.map(|called| (called.configuration.as_str(), called.webhook.as_str()))
    };
    let seen: Vec<_> = by(Did::Change).collect();
    let had = proxies(&case.left);
    match outcome {
        Outcome::Injected(injected, _) | Outcome::Both(injected, _) => {
            let proxy = injected.proxy == Template::Proxy || had;
            difference("proxy", &proxy, &proxies(pod))
                .or_else(|| {
                    let status = &pod["metadata"]["annotations"][STATUS];
                    difference("annotation of the injector", &true, &status.is_string())
                })
                .or_else(|| difference("by", &names(injected), &seen))
        }
        Outcome::Captured(_, why) | Outcome::Neither(why, _) => {
            let expected: Vec<_> = match why {
                NotInjected::Declined(asked, _) => vec![name(asked)],
                NotInjected::NoInjectors
                | NotInjected::KeptAway(_)
                | NotInjected::UnknownRevision(_)
                | NotInjected::Unselected => vec![],
            };
            difference("proxy", &had, &proxies(pod))
                .or_else(|| difference("injected", &vec![], &seen))
                .or_else(|| difference("declined", &expected, &by(Did::Nothing).collect()))
        }
        Outcome::Refused(_) => unreachable!("compared before"),
    }
}

fn names<'i>(injected: &Injected<'i>) -> Vec<(&'i str, &'i str)> {
    let all = [&injected.by].into_iter().chain(&injected.again);
    all.map(name).collect()
}

fn name<'i>(asked: &Asked<'i>) -> (&'i str, &'i str) {
    (asked.configuration, asked.webhook)
}

/// Whether there is a container or init container `istio-proxy`.
fn proxies(pod: &Value) -> bool {
    ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pod["spec"][list].as_array())
        .flatten()
        .any(|container| container["name"] == "istio-proxy")
}

fn difference<T: PartialEq + std::fmt::Debug>(
    what: &str,
    predicted: &T,
    seen: &T,
) -> Option<String> {
    let differs = predicted != seen;
    differs.then(|| format!("{what}: predicted {predicted:?}, seen {seen:?}"))
}
