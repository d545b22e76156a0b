//! What is told about reviews: a log line and the metrics of each. What happened, to what, why.

use std::time::Duration;

use super::mutate::{self, Placed};
use super::review::NotAReview;
use super::route::Route;
use super::validate::{self, Judged};
use crate::placement::Mode;
use crate::telemetry::logs::chain;
use crate::telemetry::metrics::{Metrics, Outcome, Served};

/// In place of a rule or a reason, where nothing was decided.
const NOT_ASKED: &str = "not-asked";

/// A request to `route` ended after `duration`.
pub fn served(metrics: &Metrics, route: Route, outcome: Outcome, duration: Duration) {
    let served = Served {
        task: route.task.as_str(),
        stance: route.stance.as_str(),
    };
    metrics.served(served, outcome, duration);
}

/// A Pod was placed, or left alone.
pub fn placed(metrics: &Metrics, route: Route, placed: &Placed<'_>) {
    let Placed {
        answer,
        subject,
        record,
    } = placed;
    let (uid, stance) = (&*answer.uid, route.stance.as_str());
    let (namespace, pod) = (&*subject.namespace, &*subject.name);
    match record {
        mutate::Record::Placed { mode, rule, reason } => {
            metrics.placed(mode.as_str(), rule);
            let did = match mode {
                Mode::Ambient | Mode::Sidecar | Mode::None => "placed a Pod",
                Mode::Leave => "left a Pod alone",
            };
            tracing::info!(
                uid,
                stance,
                namespace,
                pod,
                placement = mode.as_str(),
                rule,
                reason = &**reason,
                warnings = answer.warnings.len(),
                "{did}"
            );
        }
        mutate::Record::NotAsked(why) => {
            metrics.placed("leave", NOT_ASKED);
            let why = chain(why);
            tracing::warn!(
                uid,
                stance,
                namespace,
                pod,
                why,
                "let a review through that is none of a new Pod"
            );
        }
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
    let (namespace, policy) = (&*subject.namespace, &*subject.name);
    match record {
        validate::Record::Judged {
            verdict,
            reason,
            message,
        } => {
            metrics.judged(verdict, reason);
            tracing::info!(
                uid,
                stance,
                namespace,
                policy,
                verdict,
                reason,
                said = message,
                "judged a policy"
            );
        }
        validate::Record::NotAsked(why) => {
            metrics.judged("none", NOT_ASKED);
            let why = chain(why);
            tracing::warn!(
                uid,
                stance,
                namespace,
                policy,
                why,
                "met a review that is none of a policy to judge"
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

/// A review made us panic.
pub fn panicked(route: Route, uid: &str) {
    tracing::error!(
        uid,
        task = route.task.as_str(),
        "no answer to this review, as meshmode panicked on it: the failurePolicy decides; please report it"
    );
}
