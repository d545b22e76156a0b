//! What is told about reviews: a log line and the metrics of each. What happened, to what, why.

use std::time::Duration;

use http::StatusCode;

use super::advise::{self, Advised};
use super::answer::NOT_ASKED;
use super::body::Unreadable;
use super::mutate::{self, Placed};
use super::review::NotAReview;
use super::route::Route;
use super::stance::Stance;
use super::validate::{self, Judged};
use super::waiting::Waited;
use crate::placement::facts::Missing;
use crate::placement::{Mode, Origin};
use crate::telemetry::logs::chain;
use crate::telemetry::metrics::{Metrics, Outcome, Served};

/// Requests to `route` are to come.
pub fn serves(metrics: &Metrics, route: Route) {
    metrics.serves(labels(route));
}

/// A request to `route` ended after `duration`.
pub fn served(metrics: &Metrics, route: Route, outcome: Outcome, duration: Duration) {
    metrics.served(labels(route), outcome, duration);
}

const fn labels(route: Route) -> Served {
    Served {
        task: route.task.as_str(),
        stance: route.stance.as_str(),
    }
}

/// A request was dropped before it had an answer.
pub fn dropped(metrics: &Metrics, route: Route) {
    served(metrics, route, Outcome::Aborted, Duration::ZERO);
    let task = route.task.as_str();
    tracing::debug!(task, "a request was given up before it was answered");
}

/// A placement waited for an object.
pub fn waited(metrics: &Metrics, waited: Waited) {
    metrics.waited_for_owner(waited.end.as_str(), waited.duration);
}

/// A Pod was placed, or left alone; perhaps after a wait.
pub fn placed(metrics: &Metrics, route: Route, placed: &Placed<'_>, waited: Option<Waited>) {
    let Placed {
        answer,
        subject,
        record,
        missing,
        remember: _,
    } = placed;
    count(metrics, route.stance, placed);
    let missing = (!missing.is_empty()).then(|| sentence(missing));
    let waited = waited.map(|waited| format!("{:?}, {}", waited.duration, waited.end.as_str()));
    let (uid, stance) = (&*answer.uid, route.stance.as_str());
    let (namespace, pod, dry_run) = (&*subject.namespace, &*subject.name, subject.dry_run);
    match record {
        mutate::Record::Placed {
            mode,
            rule,
            reason,
            origin,
        } => {
            let did = did(*mode, route.stance);
            // The level of an event is fixed where it is made.
            macro_rules! say {
                ($level:ident) => {
                    tracing::$level!(
                        uid,
                        stance,
                        namespace,
                        pod,
                        dry_run,
                        placement = mode.as_str(),
                        rule,
                        from = origin.as_str(),
                        reason = &**reason,
                        warnings = answer.warnings.len(),
                        missing,
                        waited,
                        "{did}"
                    )
                };
            }
            match (mode, &missing) {
                // Nobody chose that.
                (Mode::Leave, Some(_)) => say!(warn),
                (Mode::Ambient | Mode::Sidecar | Mode::None | Mode::Leave, _) => say!(info),
            }
        }
        mutate::Record::NotAsked(why) => {
            let why = chain(why);
            tracing::warn!(
                uid,
                stance,
                namespace,
                pod,
                dry_run,
                why,
                "let a review through that is none of a new Pod"
            );
        }
    }
}

fn count(metrics: &Metrics, stance: Stance, placed: &Placed<'_>) {
    let stance = stance.as_str();
    match placed.record {
        mutate::Record::Placed {
            mode, rule, origin, ..
        } => {
            metrics.placed(stance, mode.as_str(), rule);
            if !placed.missing.is_empty() && (mode, origin) == (Mode::Leave, Origin::Rules) {
                metrics.left_for_missing_facts();
            }
        }
        mutate::Record::NotAsked(_) => metrics.placed(stance, "leave", NOT_ASKED),
    }
}

/// Each fact that is missing, and why.
fn sentence(missing: &[Missing]) -> String {
    let texts: Vec<String> = missing.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// What happened to a Pod: observed, nothing.
const fn did(mode: Mode, stance: Stance) -> &'static str {
    let left = matches!(mode, Mode::Leave);
    match (stance, left) {
        (Stance::Enforce | Stance::Warn, false) => "placed a Pod",
        (Stance::Enforce | Stance::Warn, true) => "left a Pod alone",
        (Stance::Observe, false) => "would place a Pod",
        (Stance::Observe, true) => "would leave a Pod alone",
    }
}

/// A policy was judged.
pub fn judged(metrics: &Metrics, route: Route, judged: &Judged<'_>) {
    let Judged {
        answer,
        subject,
        record,
    } = judged;
    let (uid, stance) = (&*answer.uid, route.stance.as_str());
    let (namespace, policy, dry_run) = (&*subject.namespace, &*subject.name, subject.dry_run);
    match record {
        validate::Record::Judged {
            verdict,
            reason,
            message,
        } => {
            metrics.judged(stance, verdict, reason);
            tracing::info!(
                uid,
                stance,
                namespace,
                policy,
                dry_run,
                verdict,
                reason,
                said = message,
                "judged a policy"
            );
        }
        validate::Record::NotAsked(why) => {
            metrics.judged(stance, "none", NOT_ASKED);
            let why = chain(why);
            tracing::warn!(
                uid,
                stance,
                namespace,
                policy,
                dry_run,
                why,
                "met a review that is none of a policy to judge"
            );
        }
    }
}

/// A workload was looked at. Where nothing is off this is no news.
pub fn advised(route: Route, advised: &Advised<'_>) {
    let Advised {
        answer,
        subject,
        record,
    } = advised;
    let (uid, stance) = (&*answer.uid, route.stance.as_str());
    let (namespace, workload, dry_run) = (&*subject.namespace, &*subject.name, subject.dry_run);
    match record {
        advise::Record::Placed {
            kind,
            mode,
            rule,
            reason,
            off,
        } if !off.is_empty() => {
            let (placement, reason, said) = (mode.as_str(), &**reason, off.join("; "));
            tracing::info!(
                uid,
                stance,
                namespace,
                kind,
                workload,
                dry_run,
                placement,
                rule,
                reason,
                said,
                "something is off with the Pods that a workload will have"
            );
        }
        advise::Record::Placed { .. } | advise::Record::NotAsked(advise::NotAsked::Exempt) => {
            tracing::debug!(uid, namespace, workload, "looked at a workload");
        }
        advise::Record::NotAsked(why) => {
            let why = chain(why);
            tracing::warn!(
                uid,
                stance,
                namespace,
                workload,
                dry_run,
                why,
                "let a review through that is none of a workload"
            );
        }
    }
}

/// A body was no review.
pub fn rejected(route: Route, error: &NotAReview) {
    let (task, error) = (route.task.as_str(), chain(error));
    tracing::warn!(
        task,
        error,
        "rejected a body that is no review: check who sends it"
    );
}

/// A request had no body that could be read.
pub fn unreadable(route: Route, code: StatusCode, error: &Unreadable) {
    let (task, code, error) = (route.task.as_str(), code.as_u16(), chain(error));
    tracing::warn!(task, code, error, "rejected a request: check who sends it");
}

/// There is too much to do: it is counted, and told only to who asks for it, as telling is work too.
pub fn overloaded(route: Route, why: &str) {
    let task = route.task.as_str();
    tracing::debug!(task, why, "refused a request: the failurePolicy decides");
}

/// What to look at where there was no time left to decide.
pub const WHY_LATE: &str = "is the CPU starved, timeoutSeconds too low, or are there many bodies above 256 KiB, which are \
                            decided one at a time?";

/// There was no time left to decide.
pub fn late(route: Route) {
    let task = route.task.as_str();
    tracing::warn!(
        task,
        "did not decide in the time that the API server gives: the failurePolicy decides; {WHY_LATE}"
    );
}

/// A client went away while it sent: a timeout of its own, or its end. No news.
pub fn hung_up(route: Route, error: &Unreadable) {
    let (task, error) = (route.task.as_str(), chain(error));
    tracing::debug!(task, error, "a client hung up");
}

/// A review made us panic.
pub fn panicked(route: Route, uid: &str) {
    tracing::error!(
        uid,
        task = route.task.as_str(),
        "no answer to this review, as meshmode panicked on it: the failurePolicy decides; please report it"
    );
}
