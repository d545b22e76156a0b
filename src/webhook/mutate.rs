//! A review of a Pod to its answer. No IO: the server, `meshmode review` and the benchmarks call this.

use std::borrow::Cow;

use super::answer::{Answer, NOT_ASKED, Outcome};
use super::review::{self, Malformed, NotAReview, Parsed, Request};
use super::stance::Stance;
use crate::cluster::convert::Opened;
use crate::placement::decide::Origin;
use crate::placement::facts::source::Decided;
use crate::placement::facts::{Missing, Owner, Source};
use crate::placement::json::Object;
use crate::placement::rules::Use;
use crate::placement::workload::RevisionRef;
use crate::placement::{Action, Facts, Mode, Placement, Pod, Rules, decide, patch};

/// An answer, and what is to be logged and counted about it.
#[derive(Debug)]
pub struct Placed<'a> {
    /// What the API server gets.
    pub answer: Answer<'a>,
    /// The object, for people.
    pub subject: Subject,
    /// What was decided.
    pub record: Record<'a>,
    /// The facts that were asked for and are missing.
    pub missing: Vec<Missing>,
    /// What the other Pods of its revision are to get too, once this is answered.
    pub remember: Option<Remember>,
}

/// What a Pod of a revision was given, or that it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remember {
    /// The revision.
    pub revision: RevisionRef<'static>,
    /// The placement.
    pub decided: Decided,
}

/// The object of a review, for log lines.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// Its name, or what its name will begin with.
    pub name: String,
    /// Whether it will not be stored.
    pub dry_run: bool,
}

/// What was decided about a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A mode, by a rule.
    Placed {
        /// The mode.
        mode: Mode,
        /// The rule.
        rule: &'a str,
        /// Why.
        reason: Cow<'a, str>,
        /// Where that comes from.
        origin: Origin,
    },
    /// Nothing, as it is not for us to decide.
    NotAsked(NotAsked),
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Such as `pods/eviction`.
    #[error(
        "{0}: only Pods themselves are placed; take subresources out of the rules of the webhook"
    )]
    SubResource(String),
    /// Labels are set at creation only.
    #[error("{0}: only CREATE is placed; take other operations out of the rules of the webhook")]
    Operation(String),
    /// The rules of the webhook send something else.
    #[error(
        "{0} is not a Pod; the rules of the webhook should have only pods of the core group, v1"
    )]
    Kind(String),
    /// Not a Pod that any API server would send.
    #[error("malformed: {0}; left as it is")]
    Malformed(String),
}

/// Answers the review in `body`.
///
/// # Errors
/// There is no review to answer.
pub fn answer<'a>(
    body: &'a [u8],
    rules: &'a Rules,
    cluster: &dyn Source,
    stance: Stance,
) -> Result<Placed<'a>, NotAReview> {
    match review::parse::<Opened<'a>>(body)? {
        Parsed::Malformed(Malformed { uid, error }) => Ok(not_asked(
            uid,
            Subject::default(),
            NotAsked::Malformed(error),
            stance,
        )),
        Parsed::Review(request) => Ok(place(*request, rules, cluster, stance)),
    }
}

fn place<'a>(
    mut request: Request<'a, Opened<'a>>,
    rules: &'a Rules,
    cluster: &dyn Source,
    stance: Stance,
) -> Placed<'a> {
    let uid = std::mem::take(&mut request.uid);
    if let Some(why) = not_for_us(&request) {
        return not_asked(uid, Subject::of(&request), why, stance);
    }
    match std::mem::take(&mut request.object).into_pod() {
        Ok(pod) => {
            let subject = subject(&request, &pod);
            let attributes = match rules.request() {
                Use::Read => request.as_object(),
                Use::Unread => Object::default(),
            };
            let owner = match stance {
                Stance::Enforce | Stance::Warn => Owner::OfPod,
                Stance::Observe => Owner::Observed,
            };
            let placement = decide(
                rules,
                &Facts {
                    pod: &pod,
                    request: &attributes,
                    namespace: &subject.namespace,
                    owner,
                    cluster,
                },
            );
            placed(uid, subject, &pod, placement, stance)
        }
        Err(error) => {
            let why = NotAsked::Malformed(error.to_string());
            not_asked(uid, Subject::of(&request), why, stance)
        }
    }
}

fn not_for_us<O>(request: &Request<'_, O>) -> Option<NotAsked> {
    if !request.sub_resource.is_empty() {
        return Some(NotAsked::SubResource(request.sub_resource.to_string()));
    }
    let kind = &request.kind;
    if kind.kind != "Pod" || !kind.group.is_empty() || kind.version != "v1" {
        return Some(NotAsked::Kind(kind.to_string()));
    }
    (request.operation != "CREATE").then(|| NotAsked::Operation(request.operation.to_string()))
}

fn subject<O>(request: &Request<'_, O>, pod: &Pod<'_>) -> Subject {
    let namespace = if request.namespace.is_empty() {
        pod.namespace()
    } else {
        &request.namespace
    };
    Subject {
        namespace: namespace.to_owned(),
        name: pod.name().to_owned(),
        dry_run: request.dry_run(),
    }
}

fn placed<'a>(
    uid: Cow<'a, str>,
    subject: Subject,
    pod: &Pod<'_>,
    placement: Placement<'a>,
    stance: Stance,
) -> Placed<'a> {
    let patch = match stance {
        Stance::Enforce | Stance::Warn => patch(pod, &placement),
        Stance::Observe => None,
    };
    let remember = match (stance, subject.dry_run) {
        (Stance::Enforce, false) => Remember::of(pod, &placement),
        (Stance::Enforce | Stance::Warn | Stance::Observe, _) => None,
    };
    let Placement {
        mode,
        rule,
        reason,
        warnings,
        action: _,
        origin,
        missing,
    } = placement;
    let audit = Answer::placement(mode, rule, reason.clone());
    let outcome = patch.map_or(Outcome::Allowed, Outcome::Patched);
    let warnings = stance.warnings(warnings);
    Placed {
        answer: Answer {
            uid,
            outcome,
            warnings,
            audit,
        },
        subject,
        record: Record::Placed {
            mode,
            rule,
            reason,
            origin,
        },
        missing,
        remember,
    }
}

fn not_asked<'a>(uid: Cow<'a, str>, subject: Subject, why: NotAsked, stance: Stance) -> Placed<'a> {
    let warnings = stance.warnings(vec![format!("meshmode: {why}")]);
    let audit = Answer::placement(Mode::Leave, NOT_ASKED, Cow::Owned(why.to_string()));
    Placed {
        answer: Answer {
            warnings,
            audit,
            ..Answer::allowed(uid)
        },
        subject,
        record: Record::NotAsked(why),
        missing: Vec::new(),
        remember: None,
    }
}

// === impl Remember ===

impl Remember {
    fn of(pod: &Pod<'_>, placement: &Placement<'_>) -> Option<Self> {
        match (placement.action, placement.origin) {
            (Action::Apply(_), _) | (Action::LeaveAlone, Origin::Rules | Origin::NotCarriedOut) => {
            }
            // The same of all Pods of the revision, or told by those that are there.
            (Action::LeaveAlone, Origin::Author | Origin::LeftAlone | Origin::Revision) => {
                return None;
            }
        }
        let RevisionRef { owner, hash } =
            RevisionRef::of(pod.controller(), |key| pod.labels().get(key))?;
        let [_, rule, reason] = placement.record();
        Some(Self {
            revision: RevisionRef {
                owner: Cow::Owned(owner.into_owned()),
                hash: Cow::Owned(hash.into_owned()),
            },
            decided: Decided {
                mode: placement.mode,
                rule: rule.into(),
                reason: reason.into(),
            },
        })
    }
}

// === impl Subject ===

impl Subject {
    /// The object of `request`, as far as the request alone says it.
    pub fn of<O>(request: &Request<'_, O>) -> Self {
        Self {
            namespace: request.namespace.to_string(),
            name: request.name.to_string(),
            dry_run: request.dry_run(),
        }
    }
}

#[cfg(test)]
mod tests;
