//! istiod's judgement, in the conditions of a policy's status, beside ours.
//!
//! Its form is compared (which conditions, their status and reason), and which HTTP parts it says it found.
//! Its *wording* about what that does is known to be wrong at times: each such case is counted by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshmode::authorization::enforcement::{Effect, NotSent, Receives};
use meshmode::authorization::needs::Cause;
use meshmode::authorization::{AuthorizationPolicy, needs};
use serde_json::Value;

use super::counts::Counts;
use super::{Case, Key, Mesh};
use crate::support::policies::{NAMESPACES, ROOT};
use crate::support::request::policies as path;
use crate::support::wait_for;

/// istiod writes some eighty a second.
const DEADLINE: Duration = Duration::from_secs(90);

/// What istiod is expected to say.
enum Expected {
    /// `ZtunnelAccepted`, with this status and reason.
    Ztunnel(&'static str, &'static str),
    /// The same, or nothing: of policies that are not converted one may take the place of another.
    ZtunnelOrNothing,
    /// `WaypointAccepted` alone.
    Waypoint,
    /// Either, never both.
    Either,
    /// Nothing.
    Nothing,
}

/// The conditions of each policy, once those are there that istiod is sure to write.
pub(super) async fn until_written(mesh: &Mesh, cases: &[Case]) -> BTreeMap<Key, Value> {
    wait_for("the conditions", DEADLINE, async || {
        let mut judged = BTreeMap::new();
        for namespace in NAMESPACES.into_iter().chain([ROOT]) {
            let list = mesh.cluster.get(&path(namespace)).await.created().clone();
            for policy in list["items"].as_array().unwrap() {
                let conditions = policy["status"]["conditions"].clone();
                judged.insert(super::key(&policy["metadata"]), conditions);
            }
        }
        let missing = cases.iter().find(|case| match expected(case) {
            Expected::Ztunnel(..) => find(&judged[&case.key()], "ZtunnelAccepted").is_none(),
            Expected::Waypoint => find(&judged[&case.key()], "WaypointAccepted").is_none(),
            Expected::ZtunnelOrNothing | Expected::Either | Expected::Nothing => false,
        });
        missing.map_or(Ok(judged), |case| Err(format!("none of {}", case.name())))
    })
    .await
}

/// Compares one policy's conditions with what we say of it.
pub(super) fn compare(case: &Case, conditions: &Value, counts: &mut Counts) {
    let ztunnel = find(conditions, "ZtunnelAccepted");
    let waypoint = find(conditions, "WaypointAccepted");
    let says = |condition: &Value, status: &str, reason: &str| {
        condition["status"] == status && condition["reason"] == reason
    };
    let agrees = match expected(case) {
        Expected::Ztunnel(status, reason) => {
            ztunnel.is_some_and(|condition| says(condition, status, reason)) && waypoint.is_none()
        }
        Expected::ZtunnelOrNothing => {
            ztunnel.is_none_or(|condition| says(condition, "False", "UnsupportedValue"))
                && waypoint.is_none()
        }
        Expected::Waypoint => waypoint.is_some() && ztunnel.is_none(),
        Expected::Either => waypoint.is_none() || ztunnel.is_none(),
        Expected::Nothing => waypoint.is_none() && ztunnel.is_none(),
    };
    counts.compare("conditions", &case.name(), agrees, || {
        conditions.to_string()
    });
    if let (Some(condition), Some(Receives::Rules(_))) = (ztunnel, &case.enforcement.receives) {
        found(case, condition, counts);
        wording(case, condition, counts);
    }
}

fn expected(case: &Case) -> Expected {
    let has_targets = ["targetRefs", "targetRef"]
        .iter()
        .any(|field| !case.policy["spec"][*field].is_null());
    match &case.enforcement.receives {
        Some(Receives::Rules(_)) if http_parts(case).is_empty() => {
            Expected::Ztunnel("True", "Accepted")
        }
        Some(Receives::Rules(_)) => Expected::Ztunnel("True", "UnsupportedValue"),
        Some(Receives::NotSent(NotSent::OtherRevision)) | None => Expected::Nothing,
        Some(Receives::NotSent(NotSent::DryRun)) if has_targets => Expected::Either,
        Some(Receives::NotSent(NotSent::TargetRefs)) => Expected::Waypoint,
        Some(Receives::NotSent(NotSent::DryRun | NotSent::Audit | NotSent::Custom)) => {
            Expected::ZtunnelOrNothing
        }
        Some(Receives::NotSent(NotSent::UnknownAction | NotSent::CrashesIstiod)) => {
            panic!("not among these policies: {}", case.name())
        }
    }
}

fn find<'c>(conditions: &'c Value, kind: &str) -> Option<&'c Value> {
    let mut conditions = conditions.as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind)
}

/// The HTTP parts that we find, by the names that istiod gives them.
fn http_parts(case: &Case) -> BTreeSet<String> {
    let text = case.policy.to_string();
    let policy = AuthorizationPolicy::parse(&text).unwrap();
    let parts = needs(&policy)
        .into_iter()
        .filter_map(|need| match need.cause {
            Cause::HttpField => Some(need.path.rsplit('.').next()?.to_owned()),
            Cause::HttpKey(key) => Some(key.to_owned()),
            Cause::Action(_) | Cause::Selector(_) => None,
        });
    parts.collect()
}

/// `ztunnel does not support HTTP attributes (found: a, b). …`
fn found(case: &Case, condition: &Value, counts: &mut Counts) {
    let message = condition["message"].as_str().unwrap();
    let list = message
        .split_once("(found: ")
        .and_then(|(_, rest)| rest.split_once("). "));
    let theirs: BTreeSet<&str> =
        list.map_or_else(BTreeSet::new, |(list, _)| list.split(", ").collect());
    let ours = http_parts(case);
    let agrees = ours.iter().map(String::as_str).collect::<BTreeSet<_>>() == theirs;
    counts.compare("HTTP parts", &case.name(), agrees, || {
        format!("{ours:?}, {message}")
    });
}

/// What istiod says that it does, where we know it does something else.
fn wording(case: &Case, condition: &Value, counts: &mut Counts) {
    let message = condition["message"].as_str().unwrap();
    let is_deny = case.policy["spec"]["action"] == "DENY";
    let says_closed = message.contains("This will be more restrictive than requested.");
    let is_plain = message == "attached to ztunnel";
    assert!(
        says_closed || is_plain,
        "a wording that is not known: {message}"
    );
    let effect = case.enforcement.effect;
    let has_reasons = !case.enforcement.reasons.is_empty();
    let name = match (says_closed, is_deny, effect) {
        (_, _, Effect::NotApplicable) => panic!("ztunnel receives it: {}", case.name()),
        (true, _, Effect::Closed) | (false, _, Effect::Exact) => {
            counts.compare("wording", &case.name(), true, String::new);
            return;
        }
        (true, true, Effect::Open) => {
            "a DENY that istiod calls more restrictive never fires in part"
        }
        (true, true, Effect::Both) => "a DENY that istiod calls more restrictive is also less so",
        (true, false, Effect::Open | Effect::Both) => {
            "an ALLOW that istiod calls more restrictive is open"
        }
        (true, _, Effect::Exact) => "what istiod calls more restrictive is exact",
        (false, _, _) => "what istiod calls attached is enforced otherwise",
    };
    // Only what has a reason of ours may differ.
    counts.compare("wording", &case.name(), has_reasons, || {
        format!("{effect:?}, {message}")
    });
    counts.known(name);
}
