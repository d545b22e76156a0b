//! The log lines about reviews: what happened, to what, why.

use crate::webhook::mutate::{self, Placed};
use crate::webhook::review::NotAReview;
use crate::webhook::route::Route;
use crate::webhook::validate::{self, Judged};

/// A Pod was placed, or left alone.
pub fn placed(route: Route, placed: &Placed<'_>) {
    let Placed {
        answer,
        subject,
        record,
    } = placed;
    let (uid, stance) = (&*answer.uid, route.stance.as_str());
    let (namespace, pod) = (&*subject.namespace, &*subject.name);
    match record {
        mutate::Record::Placed { mode, rule, reason } => {
            tracing::info!(
                uid,
                stance,
                namespace,
                pod,
                placement = mode.as_str(),
                rule,
                reason,
                warnings = answer.warnings.len(),
                "placed a Pod"
            );
        }
        mutate::Record::NotAsked(why) => {
            tracing::warn!(uid, stance, namespace, pod, %why, "let a review through that is none of a new Pod");
        }
    }
}

/// A policy was judged.
pub fn judged(route: Route, judged: &Judged<'_>) {
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
            tracing::info!(
                uid,
                stance,
                namespace,
                policy,
                verdict,
                reason,
                message,
                "judged a policy"
            );
        }
        validate::Record::NotAsked(why) => {
            tracing::warn!(uid, stance, namespace, policy, %why, "met a review that is none of a policy to judge");
        }
    }
}

/// A body was no review.
pub fn rejected(route: Route, error: &NotAReview) {
    tracing::warn!(task = route.task.as_str(), %error, "rejected a body that is no review: check who sends it");
}

/// A review made us panic.
pub fn panicked(route: Route, uid: &str) {
    tracing::error!(
        uid,
        task = route.task.as_str(),
        "no answer to this review, as meshmode panicked on it: the failurePolicy decides; please report it"
    );
}
