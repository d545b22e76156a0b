//! The answer to a policy: allow, allow with warnings, refuse.
//!
//! In this order: what attaches the policy (an annotation that cannot be read is refused), whether
//! it needs an attachment that it has not, what Istio does with an attachment that is only the
//! annotation, and what each enforcer makes of it. An UPDATE that changes nothing of this is never
//! refused: what exists can still be labelled, finalized and deleted.
//!
//! | file | what is in it |
//! |---|---|
//! | [`enforcers`] | what becomes of the policy at each of the four kinds of enforcer |
//! | `unattached`, `attached` | the findings on a policy without targets, and with them |
//! | [`remedy`], `wording`, `sentences` | what to write instead; every message |
//! | [`entry`] | a verdict as `meshmode explain policy -o json` writes it |

mod attached;
pub mod enforcers;
pub mod entry;
pub mod remedy;
mod sentences;
mod unattached;
pub(crate) mod wording;

use super::attachment::{Attachment, WaypointFor};
use super::code::Code;
use super::enforcement::{Effect, Enforcement};
use super::facts::Facts;
use super::policy::{Action, AuthorizationPolicy, Change, changes};
use super::settings::{BreakGlass, Settings};

pub use remedy::{Remedy, Scope, Target};

/// The annotation by which an author admits what would be refused; its value is the reason.
pub const ADMIT: &str = "meshmode.io/admit";

/// The answer to one policy, and all that it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Everything there is to say, the worst first.
    pub findings: Vec<Finding>,
    /// What becomes of the policy: at ztunnel, waypoints, sidecars and gateways.
    pub enforcers: [Enforcement; 4],
    /// The reason of an author who has admitted the policy although it would be refused.
    pub admitted: Option<String>,
}

/// One thing to know about a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// A line for each thing to know, at least one, none longer than [`Finding::LINE`].
    pub lines: Vec<String>,
    /// What to do.
    pub remedy: Option<Remedy>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The policy is refused for it.
    Error,
    /// Its author is warned.
    Warning,
    /// Only `meshmode explain` tells it.
    Info,
}

/// A verdict in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// There is nothing to say.
    Allow,
    /// Admitted, and its author is told something.
    Warn,
    /// Not admitted.
    Refuse,
}

/// Judges a policy as it is created, or, with the version that is stored, as it is updated.
///
/// What `facts` do not know is assumed to be ambient, as Istio does nothing for sidecars that the
/// policy does not say; the verdict then says what it assumed.
pub fn judge(
    policy: &AuthorizationPolicy<'_>,
    old: Option<&AuthorizationPolicy<'_>>,
    settings: &Settings,
    facts: &Facts,
) -> Verdict {
    let verdict = judge_as_new(policy, settings, facts).broken_glass(policy, settings);
    match old.map(|old| changes(old, policy)) {
        Some(Change::Irrelevant) => verdict.downgraded_to_warning(),
        Some(Change::Annotation | Change::Spec | Change::SpecAndAnnotation) | None => verdict,
    }
}

fn judge_as_new(policy: &AuthorizationPolicy<'_>, settings: &Settings, facts: &Facts) -> Verdict {
    let enforcers = enforcers::of(policy, facts);
    let mut findings = match Attachment::of(policy) {
        Err(malformed) => vec![wording::malformed_annotation(policy, &malformed)],
        Ok(Attachment::TargetRefs { annotation, .. }) => {
            let mut findings = attached::findings(policy, settings, facts);
            findings.extend(beside_targets(annotation.as_ref()));
            findings
        }
        Ok(Attachment::Annotation(waypoint_for)) => {
            unattached::annotated(policy, &waypoint_for, settings, facts, &enforcers[0])
        }
        Ok(Attachment::None(why)) => {
            unattached::findings(policy, why, settings, facts, &enforcers[0])
        }
    };
    findings.extend(enforcers[0].notes.iter().map(|note| wording::note(*note)));
    if enforcers[0].reasons.contains(&Code::CRASHES_ISTIOD) {
        findings.insert(0, wording::crashes_istiod(policy));
    }
    findings.extend(not_understood(policy));
    findings.sort_by_key(|finding| finding.severity);
    Verdict {
        findings,
        enforcers,
        admitted: None,
    }
}

/// Targets attach the policy, whatever the annotation says.
fn beside_targets(annotation: Option<&WaypointFor<'_>>) -> Option<Finding> {
    match annotation {
        Some(
            WaypointFor::Service | WaypointFor::Workload | WaypointFor::All | WaypointFor::Named(_),
        ) => Some(wording::annotation_ignored()),
        Some(WaypointFor::None) | None => None,
    }
}

/// What the verdict could not take into account.
fn not_understood(policy: &AuthorizationPolicy<'_>) -> impl Iterator<Item = Finding> {
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
    /// The verdict in one word.
    pub fn answer(&self) -> Answer {
        match self.findings.first().map(|finding| finding.severity) {
            Some(Severity::Error) => Answer::Refuse,
            Some(Severity::Warning) => Answer::Warn,
            Some(Severity::Info) | None => Answer::Allow,
        }
    }

    /// The main reason, of a refusal or a warning.
    pub fn reason(&self) -> Option<Code> {
        self.told().next().map(|finding| finding.code)
    }

    /// What the author should know beside a refusal: each a line by itself.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.of(Severity::Warning);
        warnings.flat_map(Finding::in_lines).collect()
    }

    /// What a refused author reads in the terminal: the message, then what to write instead.
    pub fn denial(&self) -> Option<String> {
        let mut text = Vec::new();
        let mut remedies = Vec::new();
        for finding in self.of(Severity::Error) {
            text.extend(finding.lines.iter().cloned());
            remedies.extend(finding.remedy.as_ref().map(ToString::to_string));
        }
        remedies.dedup();
        (!text.is_empty()).then(|| [text, remedies].concat().join("\n"))
    }

    /// Whether, somewhere, the policy lets through what it refuses.
    pub fn fails_open(&self) -> bool {
        let effects = self.enforcers.iter().map(|enforcement| enforcement.effect);
        effects.into_iter().any(Effect::is_open)
    }

    /// The same said as warnings: for updates that change nothing, and for callers that only warn.
    #[must_use]
    pub fn downgraded_to_warning(mut self) -> Self {
        for finding in &mut self.findings {
            finding.severity = finding.severity.max(Severity::Warning);
        }
        self
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.severity == severity)
    }

    fn told(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.severity < Severity::Info)
    }

    /// Heeds the annotation [`ADMIT`].
    fn broken_glass(mut self, policy: &AuthorizationPolicy<'_>, settings: &Settings) -> Self {
        let Some(reason) = policy.annotation(ADMIT) else {
            return self;
        };
        if self.answer() != Answer::Refuse {
            return self;
        }
        match (settings.break_glass, reason.trim()) {
            (BreakGlass::Allowed, reason) if !reason.is_empty() => {
                self = self.downgraded_to_warning();
                self.findings.insert(0, wording::admitted(reason));
                self.admitted = Some(wording::one_line(reason, Finding::LINE));
            }
            (BreakGlass::Allowed, _) => self.findings.push(wording::admitted_without_reason()),
            (BreakGlass::Off, _) => self.findings.push(wording::admitting_is_off()),
        }
        self.findings.sort_by_key(|finding| finding.severity);
        self
    }
}

// === impl Answer ===

impl Answer {
    /// As metrics and audit annotations write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

// === impl Finding ===

impl Finding {
    /// The API server cuts each warning to this many characters once all of them are too long.
    pub const LINE: usize = 256;

    fn new(code: Code, severity: Severity, lines: impl IntoIterator<Item = String>) -> Self {
        let lines = lines.into_iter();
        Self {
            code,
            severity,
            lines: lines
                .map(|line| wording::one_line(&line, Self::LINE))
                .collect(),
            remedy: None,
        }
    }

    fn with(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// The message, and what to do, as lines that each are a warning.
    pub fn in_lines(&self) -> Vec<String> {
        let remedy = self.remedy.as_ref().map(Remedy::in_lines);
        let remedy = remedy.into_iter().flatten();
        let remedy = remedy.map(|line| wording::one_line(&line, Self::LINE));
        self.lines.iter().cloned().chain(remedy).collect()
    }
}

#[cfg(test)]
mod tests;
