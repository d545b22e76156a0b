//! The answer to a policy: allow, allow with warnings, refuse.
//!
//! In this order: what attaches the policy (an annotation that cannot be read is refused), whether
//! it needs an attachment that it has not, and what Istio does with an attachment that is only the
//! annotation. An UPDATE that changes nothing of this is never refused: what exists can still be
//! labelled, finalized and deleted.

mod remedy;
mod wording;

use super::attachment::{Attachment, Unattached, WaypointFor};
use super::consequence::consequence;
use super::facts::Facts;
use super::needs::{needs, trust_domains};
use super::policy::{Action, AuthorizationPolicy, Change, changes};
use super::settings::{OnAnnotation, RequireAttachment, Settings};

pub use remedy::{Remedy, Scope, Target};

/// The answer to one policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// There is nothing to say.
    Allow,
    /// Admitted, and its author should know this; at least one.
    AllowWithWarnings(Vec<Warning>),
    /// Not admitted.
    Refuse {
        /// Why, as a word.
        reason: Reason,
        /// Why, for its author: a line for each thing to know.
        message: String,
        /// What to write instead.
        remedy: Remedy,
        /// What else its author should know.
        warnings: Vec<Warning>,
    },
}

/// One line for the author of an admitted policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Why, as a word.
    pub reason: Reason,
    /// One line without control characters, of at most [`Warning::LIMIT`] characters.
    pub text: String,
}

/// Why a verdict is not a plain [`Verdict::Allow`]. A closed set, so that it can label a metric.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// Something in the policy can be enforced by a waypoint only, and nothing attaches it to one.
    NeedsAttachment,
    /// Nothing attaches the policy to a waypoint, and the operator asks it of every policy.
    AttachmentRequired,
    /// Only the annotation attaches the policy, and Istio ignores it.
    AnnotationOnly,
    /// The annotation cannot be read.
    MalformedAnnotation,
    /// The annotation stands beside `targetRefs`, which decide.
    AnnotationIgnored,
    /// ztunnel drops a test of the trust domain without a word.
    TrustDomainDropped,
    /// The action is none that Istio has.
    UnknownAction,
    /// There are fields that we do not know, and so did not judge.
    UnknownField,
}

/// Judges a policy as it is created, or, with the version that is stored, as it is updated.
pub fn judge(
    policy: &AuthorizationPolicy<'_>,
    old: Option<&AuthorizationPolicy<'_>>,
    settings: &Settings,
    facts: &Facts,
) -> Verdict {
    let verdict = judge_as_new(policy, settings, facts);
    match old.map(|old| changes(old, policy)) {
        Some(Change::Irrelevant) => verdict.downgraded_to_warning(),
        Some(Change::Annotation | Change::Spec | Change::SpecAndAnnotation) | None => verdict,
    }
}

/// The structure of the policy decides as yet, whatever the facts are.
fn judge_as_new(policy: &AuthorizationPolicy<'_>, settings: &Settings, _: &Facts) -> Verdict {
    let attachment = match Attachment::of(policy) {
        Ok(attachment) => attachment,
        Err(malformed) => {
            return wording::malformed_annotation(policy, &malformed)
                .with_warnings(not_understood(policy));
        }
    };
    let (verdict, dropped) = match attachment {
        Attachment::TargetRefs { annotation, .. } => (beside_targets(annotation.as_ref()), None),
        Attachment::Annotation(waypoint_for) => (
            annotation_only(policy, &waypoint_for, settings.annotation),
            trust_domains_dropped(policy),
        ),
        Attachment::None(why) => (
            unattached(policy, why, settings.attachment),
            trust_domains_dropped(policy),
        ),
    };
    verdict.with_warnings(dropped.into_iter().chain(not_understood(policy)))
}

/// Targets attach the policy, whatever the annotation says.
fn beside_targets(annotation: Option<&WaypointFor<'_>>) -> Verdict {
    match annotation {
        Some(
            WaypointFor::Service | WaypointFor::Workload | WaypointFor::All | WaypointFor::Named(_),
        ) => Verdict::AllowWithWarnings(vec![wording::annotation_ignored()]),
        Some(WaypointFor::None) | None => Verdict::Allow,
    }
}

fn annotation_only(
    policy: &AuthorizationPolicy<'_>,
    waypoint_for: &WaypointFor<'_>,
    on_annotation: OnAnnotation,
) -> Verdict {
    let needs = needs(policy);
    let lost = consequence(policy, &needs);
    let refusal = wording::annotation_only(policy, &needs, lost.as_ref(), waypoint_for);
    match on_annotation {
        OnAnnotation::Refuse => refusal,
        OnAnnotation::Warn => refusal.downgraded_to_warning(),
    }
}

fn unattached(
    policy: &AuthorizationPolicy<'_>,
    why: Unattached,
    required: RequireAttachment,
) -> Verdict {
    let needs = needs(policy);
    match required {
        RequireAttachment::Off => Verdict::Allow,
        RequireAttachment::WhenNeeded if needs.is_empty() => Verdict::Allow,
        RequireAttachment::Always if needs.is_empty() => wording::attachment_required(policy, why),
        RequireAttachment::WhenNeeded | RequireAttachment::Always => {
            let lost = consequence(policy, &needs);
            wording::needs_attachment(policy, &needs, lost.as_ref(), why)
        }
    }
}

fn trust_domains_dropped(policy: &AuthorizationPolicy<'_>) -> Option<Warning> {
    let fields = trust_domains(policy);
    (!fields.is_empty()).then(|| wording::trust_domain_dropped(&fields))
}

/// What the verdict could not take into account.
fn not_understood(policy: &AuthorizationPolicy<'_>) -> impl Iterator<Item = Warning> {
    let action = match &policy.spec.action {
        Action::Unknown(name) => Some(wording::unknown_action(name)),
        Action::Allow | Action::Deny | Action::Audit | Action::Custom => None,
    };
    let fields = policy.unknown_fields();
    let fields = (!fields.is_empty()).then(|| wording::unknown_fields(&fields));
    action.into_iter().chain(fields)
}

// === impl Verdict ===

impl Verdict {
    /// The verdict as one word, for metrics and audit annotations.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::AllowWithWarnings(_) => "warn",
            Self::Refuse { .. } => "refuse",
        }
    }

    /// The main reason: of the refusal, or of the first warning.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Allow => None,
            Self::AllowWithWarnings(warnings) => warnings.first().map(|warning| warning.reason),
            Self::Refuse { reason, .. } => Some(*reason),
        }
    }

    /// What the author should know beside a refusal.
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Allow => &[],
            Self::AllowWithWarnings(warnings) | Self::Refuse { warnings, .. } => warnings,
        }
    }

    /// What a refused author reads in the terminal: the message, then what to write instead.
    pub fn denial(&self) -> Option<String> {
        match self {
            Self::Allow | Self::AllowWithWarnings(_) => None,
            Self::Refuse {
                message, remedy, ..
            } => Some(format!("{message}\n{remedy}")),
        }
    }

    /// The same said as warnings: for updates that change nothing, and for callers that only warn.
    #[must_use]
    pub fn downgraded_to_warning(self) -> Self {
        match self {
            Self::Allow | Self::AllowWithWarnings(_) => self,
            Self::Refuse {
                reason,
                message,
                remedy,
                warnings,
            } => {
                let remedy = remedy.in_lines();
                let lines = message.lines().chain(remedy.iter().map(String::as_str));
                let said = lines.map(|line| Warning::new(reason, line));
                Self::AllowWithWarnings(said.chain(warnings).collect())
            }
        }
    }

    fn with_warnings(self, more: impl IntoIterator<Item = Warning>) -> Self {
        let more = more.into_iter();
        match self {
            Self::Allow => match more.collect::<Vec<_>>() {
                none if none.is_empty() => Self::Allow,
                warnings => Self::AllowWithWarnings(warnings),
            },
            Self::AllowWithWarnings(warnings) => {
                Self::AllowWithWarnings(warnings.into_iter().chain(more).collect())
            }
            Self::Refuse {
                reason,
                message,
                remedy,
                warnings,
            } => Self::Refuse {
                reason,
                message,
                remedy,
                warnings: warnings.into_iter().chain(more).collect(),
            },
        }
    }
}

// === impl Warning ===

impl Warning {
    /// The API server cuts each warning to this many characters once all of them are too long.
    pub const LIMIT: usize = 256;

    fn new(reason: Reason, text: &str) -> Self {
        Self {
            reason,
            text: wording::one_line(text, Self::LIMIT),
        }
    }
}

// === impl Reason ===

impl Reason {
    /// All of them, to create the series of a metric.
    pub const ALL: [Self; 8] = [
        Self::NeedsAttachment,
        Self::AttachmentRequired,
        Self::AnnotationOnly,
        Self::MalformedAnnotation,
        Self::AnnotationIgnored,
        Self::TrustDomainDropped,
        Self::UnknownAction,
        Self::UnknownField,
    ];

    /// The reason as a word, as conditions of Kubernetes write theirs. It does not change.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeedsAttachment => "NeedsAttachment",
            Self::AttachmentRequired => "AttachmentRequired",
            Self::AnnotationOnly => "AnnotationOnly",
            Self::MalformedAnnotation => "MalformedAnnotation",
            Self::AnnotationIgnored => "AnnotationIgnored",
            Self::TrustDomainDropped => "TrustDomainDropped",
            Self::UnknownAction => "UnknownAction",
            Self::UnknownField => "UnknownField",
        }
    }
}

#[cfg(test)]
mod tests;
