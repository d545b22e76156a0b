//! The decision for one Pod: the author's choice, else the rules; and whether anything may be changed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::carried_out;
use super::explicit::Choices;
use super::facts::source::{Connection, Missing, Siblings};
use super::facts::view::View;
use super::facts::{Facts, Pod};
use super::labels::Labels;
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
    /// Where the decision comes from.
    pub origin: Origin,
    /// The facts that were asked for and are not there.
    pub missing: Vec<Missing>,
}

/// Where a decision comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A rule, or the default.
    Rules,
    /// The Pods of the same revision that are there: one revision, one mode.
    Revision,
    /// The Pod's author.
    Author,
    /// The Pod is left alone always.
    LeftAlone,
    /// Istio could not carry out what was decided.
    NotCarriedOut,
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
/// The rule in the record of a Pod that is placed as the others of its revision, where the rule that decided
/// about them is gone, or they have no placement.
pub const REVISION: &str = "revision";
/// Names in records that no rule of a configuration may have.
pub const RESERVED: [&str; 4] = [super::rules::DEFAULT, EXPLICIT_CHOICE, LEFT_ALONE, REVISION];

/// Why a Pod is left whose revision has Pods without a placement.
const UNPLACED: &str =
    "Pods of this revision are there without a placement; a new revision is decided anew";

/// Decides the mode of the Pod in `facts`: that of the Pods of its revision, else what the rules say.
///
/// The rules are asked before the author's choice is looked at, so that labels equal to the decision count
/// as ours: the decision on a Pod that has been placed is the same one, and changes nothing.
pub fn decide<'r>(rules: &'r Rules, facts: &Facts<'_, '_, '_>) -> Placement<'r> {
    let view = View::of(facts);
    let mut placement = place(rules, facts, &view);
    placement.missing = view.into_missing();
    placement
}

fn place<'r>(rules: &'r Rules, facts: &Facts<'_, '_, '_>, view: &View<'_, '_>) -> Placement<'r> {
    let pod = facts.pod;
    let left_alone = LeftAlone::of(pod);
    match left_alone {
        Some(LeftAlone::Injected) | None => {}
        Some(
            why @ (LeftAlone::HostNetwork
            | LeftAlone::Gateway
            | LeftAlone::Mirror
            | LeftAlone::Windows),
        ) => return Placement::left_alone(why, forged_record(pod, None)),
    }
    let (decision, origin) = decided(rules, facts, view);
    let Some(labels) = rules.labels.of(decision.mode) else {
        let forged = forged_record(pod, Some(&decision));
        return Placement::of(decision, Action::LeaveAlone, origin).warned(forged);
    };
    // A sidecar in a Pod that we gave one is our doing; in any other it is somebody else's.
    let injected = left_alone.filter(|_| decision.mode != Mode::Sidecar);
    let placed_before = is_placed(pod, &decision, labels);
    if injected.is_some() || !placed_before {
        if let Some(why) = left_alone {
            return Placement::left_alone(why, forged_record(pod, Some(&decision)));
        }
        let choices = Choices::of(pod, decision.mode, labels);
        if !choices.is_empty() {
            return Placement::chosen(&choices, decision, pod);
        }
    }
    let placement = Placement::of(decision, Action::Apply(labels), origin);
    if !placed_before && let Some(why) = carried_out::obstacle(view, pod, &placement) {
        return placement.not_carried_out(&why);
    }
    let kept = kept_labels(pod, labels, placement.mode);
    placement.warned(kept)
}

/// What the Pods of the revision have, else what the rules say. Rules that leave a Pod say why better than the Pods
/// that they left before.
fn decided<'r>(
    rules: &'r Rules,
    facts: &Facts<'_, '_, '_>,
    view: &View<'_, '_>,
) -> (Decision<'r>, Origin) {
    let of_rules = || rules.evaluate(view, facts.request);
    let found = match of_revision(rules, facts, view) {
        Ok(found) => found,
        Err(missing) => return (of_rules().noting(&missing), Origin::Rules),
    };
    match found {
        Some(decision) if decision.rule == REVISION && decision.mode == Mode::Leave => {
            let asked = of_rules();
            match asked.mode {
                Mode::Leave => (asked, Origin::Rules),
                Mode::Ambient | Mode::Sidecar | Mode::None => (decision, Origin::Revision),
            }
        }
        Some(decision) => (decision, Origin::Revision),
        None => (of_rules(), Origin::Rules),
    }
}

/// What the Pods of the same revision have. Where they have no placement, the author's choice is looked at as
/// ever: it is the same for all of them.
fn of_revision<'r>(
    rules: &'r Rules,
    facts: &Facts<'_, '_, '_>,
    view: &View<'_, '_>,
) -> Result<Option<Decision<'r>>, Missing> {
    if view.connection() == Connection::None {
        return Ok(None);
    }
    let believed = |mode, there: &Labels| rules.labels.are_on(mode, there);
    Ok(match view.siblings(&believed)? {
        Some(Siblings::Placed(decided)) => Some(Decision {
            mode: decided.mode,
            rule: known_name(rules, &decided.rule),
            reason: Cow::Owned(decided.reason.to_string()),
            warnings: Vec::new(),
        }),
        Some(Siblings::Unplaced) => Choices::all(facts.pod).is_empty().then(|| Decision {
            mode: Mode::Leave,
            rule: REVISION,
            reason: Cow::Borrowed(UNPLACED),
            warnings: Vec::new(),
        }),
        None => None,
    })
}

/// The name of the rule that decided about others of the revision, as a record has it.
fn known_name<'r>(rules: &'r Rules, name: &str) -> &'r str {
    let reserved = RESERVED.into_iter().find(|known| *known == name);
    let of_rule = || rules.names().find(|known| *known == name);
    reserved.or_else(of_rule).unwrap_or(REVISION)
}

// === impl Origin ===

impl Origin {
    /// The word in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Revision => "revision",
            Self::Author => "author",
            Self::LeftAlone => "left-alone",
            Self::NotCarriedOut => "not-carried-out",
        }
    }
}

// === impl Decision ===

impl Decision<'_> {
    /// The same where it is not known what other Pods of the revision have.
    fn noting(mut self, missing: &Missing) -> Self {
        let note =
            format!(" (whether Pods of this revision have another mode is not known: {missing})");
        self.reason.to_mut().push_str(&note);
        self
    }
}

// === impl Placement ===

impl<'r> Placement<'r> {
    /// The values of the annotations [`RECORD`].
    pub fn record(&self) -> [&str; 3] {
        [self.mode.as_str(), self.rule, &self.reason]
    }

    fn of(decision: Decision<'r>, action: Action<'r>, origin: Origin) -> Self {
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
            origin,
            missing: Vec::new(),
        }
    }

    fn warned(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    fn left_alone(why: LeftAlone, forged: Option<String>) -> Self {
        let decision = Decision {
            mode: Mode::Leave,
            rule: LEFT_ALONE,
            reason: Cow::Borrowed(why.as_str()),
            warnings: Vec::new(),
        };
        Self::of(decision, Action::LeaveAlone, Origin::LeftAlone).warned(forged)
    }

    fn chosen(choices: &Choices<'_>, decision: Decision<'r>, pod: &Pod<'_>) -> Self {
        let forged = forged_record(pod, Some(&decision));
        let mut warnings = decision.warnings;
        warnings.extend(choices.warnings(decision.mode, decision.rule));
        let decision = Decision {
            mode: Mode::Leave,
            rule: EXPLICIT_CHOICE,
            reason: Cow::Owned(format!("the Pod's own choice: {choices}")),
            warnings,
        };
        Self::of(decision, Action::LeaveAlone, Origin::Author).warned(forged)
    }

    fn not_carried_out(self, why: &str) -> Self {
        let Self { mode, rule, .. } = self;
        let problem = format!("rule {rule} gives {mode}, which Istio would not carry out: {why}");
        let decision = Decision {
            mode: Mode::Leave,
            rule,
            reason: Cow::Owned(problem.clone()),
            warnings: self.warnings,
        };
        Self::of(decision, Action::LeaveAlone, Origin::NotCarriedOut).warned([problem])
    }
}

/// Whether `pod` is what this very decision makes of it: it was placed by us, and is seen again (perhaps
/// after the injector, whose sidecar then is our doing). A label of somebody else that was kept is still
/// there, unless it would have been a choice.
fn is_placed(pod: &Pod<'_>, decision: &Decision<'_>, labels: &BTreeMap<String, String>) -> bool {
    let on_pod = pod.labels();
    records(pod, decision)
        && labels.iter().all(|(key, value)| {
            on_pod
                .get(key)
                .is_some_and(|there| there == value || !Choices::is_label(key))
        })
}

/// Whether the record on `pod` is that of `decision`.
fn records(pod: &Pod<'_>, decision: &Decision<'_>) -> bool {
    let annotations = pod.annotations();
    let Decision {
        mode, rule, reason, ..
    } = decision;
    RECORD
        .into_iter()
        .zip([mode.as_str(), rule, reason])
        .all(|(key, value)| annotations.get(key) == Some(value))
}

/// A record on a Pod that we do not touch was not written by us, unless it is what we would write: then we
/// did, and somebody has changed the labels since.
fn forged_record(pod: &Pod<'_>, decision: Option<&Decision<'_>>) -> Option<String> {
    if decision.is_some_and(|decision| records(pod, decision)) {
        return None;
    }
    let annotations = pod.annotations();
    let key = RECORD
        .into_iter()
        .find(|key| annotations.get(key).is_some())?;
    Some(format!(
        "annotation {key} was not written by meshmode and records nothing"
    ))
}

/// Labels that the mode would set and somebody has set otherwise: they are kept.
fn kept_labels(pod: &Pod<'_>, labels: &BTreeMap<String, String>, mode: Mode) -> Vec<String> {
    let on_pod = pod.labels();
    let kept = labels.iter().filter_map(|(key, value)| {
        let theirs = on_pod.get(key).filter(|theirs| theirs != value)?;
        Some(format!(
            "label {key}={theirs} is kept, though mode {mode} would set {value}"
        ))
    });
    kept.collect()
}
