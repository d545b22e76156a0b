//! The decision for one Pod: the author's choice, else the rules; and whether anything may be changed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::explicit::Choices;
use super::facts::{Facts, Pod};
use super::left_alone::LeftAlone;
use super::mode::Mode;
use super::rules::{Decision, Rules};

/// The decision of a mode for one Pod, with the rule that decided and the reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Placement<'r> {
    /// The mode that the Pod is given; [`Mode::Leave`] where it is left alone.
    pub mode: Mode,
    /// The rule that decided: a name of the configuration, or one of [`RESERVED`].
    pub rule: &'r str,
    /// Why.
    pub reason: Cow<'r, str>,
    /// What the Pod's author should know.
    pub warnings: Vec<String>,
    /// What is done to the Pod.
    pub action: Action<'r>,
}

/// What a placement does to its Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'r> {
    /// These labels are set where they are missing, and the record is written.
    Apply(&'r BTreeMap<String, String>),
    /// Nothing: no patch at all.
    LeaveAlone,
}

/// The annotations that record a placement on its Pod, in the order of [`Placement::record`].
pub const RECORD: [&str; 3] = [
    "meshmode.io/placement",
    "meshmode.io/rule",
    "meshmode.io/reason",
];

/// The rule in the record of a Pod whose author has chosen.
pub const EXPLICIT_CHOICE: &str = "explicit-choice";
/// The rule in the record of a Pod that is left alone always.
pub const LEFT_ALONE: &str = "left-alone";
/// Names in records that no rule of a configuration may have.
pub const RESERVED: [&str; 3] = [super::rules::DEFAULT, EXPLICIT_CHOICE, LEFT_ALONE];

/// Decides the mode of the Pod in `facts`.
///
/// The rules are asked before the author's choice is looked at, so that labels equal to the decision count
/// as ours: the decision on a Pod that has been placed is the same one, and changes nothing.
pub fn decide<'r>(rules: &'r Rules, facts: &Facts<'_, '_, '_>) -> Placement<'r> {
    let pod = facts.pod;
    let left_alone = LeftAlone::of(pod);
    match left_alone {
        Some(LeftAlone::Injected) | None => {}
        Some(
            why @ (LeftAlone::HostNetwork
            | LeftAlone::Gateway
            | LeftAlone::Mirror
            | LeftAlone::Windows),
        ) => return Placement::left_alone(why, pod),
    }
    let decision = rules.evaluate(facts);
    let Some(labels) = rules.labels.of(decision.mode) else {
        let mut placement = Placement::by_rule(decision, Action::LeaveAlone);
        placement.warnings.extend(forged_record(pod));
        return placement;
    };
    // A sidecar in a Pod that we gave one is our doing; in any other it is somebody else's.
    let injected = left_alone.filter(|_| decision.mode != Mode::Sidecar);
    if injected.is_some() || !is_placed(pod, &decision, labels) {
        if let Some(why) = left_alone {
            return Placement::left_alone(why, pod);
        }
        let choices = Choices::of(pod, decision.mode, labels);
        if !choices.is_empty() {
            return Placement::chosen(&choices, decision, pod);
        }
    }
    let mut placement = Placement::by_rule(decision, Action::Apply(labels));
    placement
        .warnings
        .extend(kept_labels(pod, labels, placement.mode));
    placement
}

// === impl Placement ===

impl<'r> Placement<'r> {
    /// The values of the annotations [`RECORD`].
    pub fn record(&self) -> [&str; 3] {
        [self.mode.as_str(), self.rule, &self.reason]
    }

    fn by_rule(decision: Decision<'r>, action: Action<'r>) -> Self {
        let Decision {
            mode,
            rule,
            reason,
            warnings,
        } = decision;
        Self {
            mode,
            rule,
            reason,
            warnings,
            action,
        }
    }

    fn left_alone(why: LeftAlone, pod: &Pod<'_>) -> Self {
        Self {
            mode: Mode::Leave,
            rule: LEFT_ALONE,
            reason: Cow::Borrowed(why.as_str()),
            warnings: forged_record(pod).into_iter().collect(),
            action: Action::LeaveAlone,
        }
    }

    fn chosen(choices: &Choices<'_>, decision: Decision<'r>, pod: &Pod<'_>) -> Self {
        let mut warnings = decision.warnings;
        warnings.extend(choices.warnings(decision.mode, decision.rule));
        warnings.extend(forged_record(pod));
        Self {
            mode: Mode::Leave,
            rule: EXPLICIT_CHOICE,
            reason: Cow::Owned(format!("the Pod's own choice: {choices}")),
            warnings,
            action: Action::LeaveAlone,
        }
    }
}

/// Whether `pod` is what this very decision makes of it: it was placed by us, and is seen again (perhaps
/// after the injector, whose sidecar then is our doing). A label of somebody else that was kept is still
/// there, unless it would have been a choice.
fn is_placed(pod: &Pod<'_>, decision: &Decision<'_>, labels: &BTreeMap<String, String>) -> bool {
    let on_pod = pod.labels();
    let annotations = pod.annotations();
    RECORD
        .into_iter()
        .zip([decision.mode.as_str(), decision.rule, &decision.reason])
        .all(|(key, value)| annotations.get(key) == Some(value))
        && labels.iter().all(|(key, value)| {
            on_pod
                .get(key)
                .is_some_and(|there| there == value || !Choices::is_label(key))
        })
}

/// A record on a Pod that we do not touch was not written by us.
fn forged_record(pod: &Pod<'_>) -> Option<String> {
    let annotations = pod.annotations();
    let key = RECORD
        .into_iter()
        .find(|key| annotations.get(key).is_some())?;
    Some(format!(
        "annotation {key} was not written by meshmode and records nothing"
    ))
}

/// Labels that the mode would set and somebody has set otherwise: they are kept.
fn kept_labels(
    pod: &Pod<'_>,
    labels: &BTreeMap<String, String>,
    mode: Mode,
) -> impl Iterator<Item = String> {
    let on_pod = pod.labels();
    labels.iter().filter_map(move |(key, value)| {
        let theirs = on_pod.get(key).filter(|theirs| theirs != value)?;
        Some(format!(
            "label {key}={theirs} is kept, though mode {mode} would set {value}"
        ))
    })
}
