//! A review of an AuthorizationPolicy to its answer. No IO.

use std::borrow::Cow;

use super::answer::{Answer, NOT_ASKED, Outcome};
use super::mutate::Subject;
use super::review::{self, GroupVersionKind, Malformed, NotAReview, Parsed, Request};
use super::stance::Stance;
use crate::authorization::{
    AuthorizationPolicy, Change, FactsSource, Settings, Verdict, changes_of_raw, judge,
};
use crate::placement::json::Raw;

/// An answer, and what is to be logged and counted about it.
#[derive(Debug)]
pub struct Judged<'a> {
    /// What the API server gets.
    pub answer: Answer<'a>,
    /// The object, for people.
    pub subject: Subject,
    /// What was decided.
    pub record: Record,
}

/// What was decided about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A verdict, before the stance of the route softened it.
    Judged {
        /// The verdict: `allow`, `warn` or `refuse`.
        verdict: &'static str,
        /// The main reason, as a word; `none` for a plain allow.
        reason: &'static str,
        /// The refusal or the warnings, for people.
        message: String,
    },
    /// Nothing, as it is no policy to judge.
    NotAsked(NotAsked),
}

/// Why nothing was judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Such as `authorizationpolicies/status`.
    #[error(
        "{0}: only policies themselves are judged; take subresources out of the rules of the webhook"
    )]
    SubResource(String),
    /// A policy is judged as it is stored.
    #[error(
        "{0}: only CREATE and UPDATE are judged; take other operations out of the rules of the webhook"
    )]
    Operation(String),
    /// The rules of the webhook send something else.
    #[error(
        "{0} is not an AuthorizationPolicy; the rules of the webhook should have only authorizationpolicies of security.istio.io, v1 and v1beta1"
    )]
    Kind(String),
    /// A policy that cannot be read cannot be judged.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Neither can one that was stored so, but what exists can still be labelled and finalized.
    #[error(
        "the policy could not be judged, and was let through as nothing changes in its spec and its annotation istio.io/waypoint-for; malformed: {0}"
    )]
    MalformedBefore(String),
}

/// Answers the review in `body`, with what `source` knows of the cluster.
///
/// # Errors
/// There is no review to answer.
pub fn answer<'a>(
    body: &'a [u8],
    settings: &Settings,
    source: &dyn FactsSource,
    stance: Stance,
) -> Result<Judged<'a>, NotAReview> {
    Ok(match review::parse::<Option<Raw<'a>>>(body)? {
        Parsed::Malformed(Malformed { uid, error }) => {
            not_asked(uid, Subject::default(), NotAsked::Malformed(error), stance)
        }
        Parsed::Review(request) => judge_request(*request, settings, source, stance),
    })
}

fn judge_request<'a>(
    mut request: Request<'a, Option<Raw<'a>>>,
    settings: &Settings,
    source: &dyn FactsSource,
    stance: Stance,
) -> Judged<'a> {
    let uid = std::mem::take(&mut request.uid);
    let subject = Subject::of(&request);
    if let Some(why) = not_for_us(&request) {
        return not_asked(uid, subject, why, stance);
    }
    match verdict(&request, settings, source) {
        Ok(verdict) => judged(uid, subject, verdict, stance),
        Err(why) => not_asked(uid, subject, why, stance),
    }
}

fn not_for_us<O>(request: &Request<'_, O>) -> Option<NotAsked> {
    if !request.sub_resource.is_empty() {
        return Some(NotAsked::SubResource(request.sub_resource.to_string()));
    }
    if !is_policy(&request.kind) {
        return Some(NotAsked::Kind(request.kind.to_string()));
    }
    let stored = matches!(&*request.operation, "CREATE" | "UPDATE");
    (!stored).then(|| NotAsked::Operation(request.operation.to_string()))
}

fn is_policy(kind: &GroupVersionKind<'_>) -> bool {
    kind.group == "security.istio.io"
        && kind.kind == "AuthorizationPolicy"
        && matches!(&*kind.version, "v1" | "v1beta1")
}

fn verdict(
    request: &Request<'_, Option<Raw<'_>>>,
    settings: &Settings,
    source: &dyn FactsSource,
) -> Result<Verdict, NotAsked> {
    let text = request.object.map_or("null", Raw::get);
    let old = request.old_object.map_or("null", Raw::get);
    let unchanged = || old != "null" && changes_of_raw(old, text) == Change::Irrelevant;
    let policy = match AuthorizationPolicy::parse(text) {
        Ok(policy) => policy.in_namespace(&request.namespace),
        Err(malformed) if unchanged() => {
            return Err(NotAsked::MalformedBefore(malformed.to_string()));
        }
        Err(malformed) => return Err(NotAsked::Malformed(malformed.to_string())),
    };
    let facts = source.facts_for(&policy);
    if old == "null" {
        return Ok(judge(&policy, None, settings, &facts));
    }
    // An old version that cannot be read is no reason to keep people from mending it.
    Ok(match AuthorizationPolicy::parse(old) {
        Ok(old) => judge(&policy, Some(&old), settings, &facts),
        Err(_) if unchanged() => judge(&policy, None, settings, &facts).downgraded_to_warning(),
        Err(_) => judge(&policy, None, settings, &facts),
    })
}

fn judged<'a>(uid: Cow<'a, str>, subject: Subject, verdict: Verdict, stance: Stance) -> Judged<'a> {
    let (word, reason) = (
        verdict.answer().as_str(),
        verdict.reason().map_or("none", |reason| reason.word),
    );
    let message = verdict
        .denial()
        .unwrap_or_else(|| verdict.warnings().join("; "));
    let mut audit = vec![
        ("verdict", Cow::Borrowed(word)),
        ("reason", Cow::Borrowed(reason)),
    ];
    if let Some(reason) = &verdict.admitted {
        audit.push(("admitted", Cow::Owned(reason.clone())));
    }
    let verdict = match stance {
        Stance::Enforce => verdict,
        Stance::Warn | Stance::Observe => verdict.downgraded_to_warning(),
    };
    let warnings = verdict.warnings();
    let outcome = match verdict.denial() {
        Some(message) => Outcome::Refused { message },
        None => Outcome::Allowed,
    };
    Judged {
        answer: Answer {
            uid,
            outcome,
            warnings: stance.warnings(warnings),
            audit,
        },
        subject,
        record: Record::Judged {
            verdict: word,
            reason,
            message,
        },
    }
}

/// What is no policy is not let through a route that is to judge policies, except where nothing is stored
/// or nothing is to be refused.
fn not_asked<'a>(uid: Cow<'a, str>, subject: Subject, why: NotAsked, stance: Stance) -> Judged<'a> {
    let message = format!("meshmode: {why}");
    let audit = vec![
        ("verdict", Cow::Borrowed("none")),
        ("reason", Cow::Borrowed(NOT_ASKED)),
        ("message", Cow::Owned(why.to_string())),
    ];
    let refused = match why {
        NotAsked::SubResource(_) | NotAsked::Operation(_) | NotAsked::MalformedBefore(_) => false,
        NotAsked::Kind(_) | NotAsked::Malformed(_) => stance == Stance::Enforce,
    };
    let (outcome, warnings) = if refused {
        (Outcome::Refused { message }, Vec::new())
    } else {
        (Outcome::Allowed, stance.warnings(vec![message]))
    };
    Judged {
        answer: Answer {
            uid,
            outcome,
            warnings,
            audit,
        },
        subject,
        record: Record::NotAsked(why),
    }
}

#[cfg(test)]
mod tests;
