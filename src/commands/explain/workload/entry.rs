//! What is said about a Pod or a workload: the entry of `-o json`, and what the text is made of.

use serde::Serialize;
use serde_json::Value;

use super::outcome::Carried;
use super::subject::{Stage, Subject};
use crate::cluster::convert::Opened;
use crate::cluster::convert::template::WithWorkload;
use crate::placement::decide::Origin;
use crate::placement::explanation::{Answer, Asked};
use crate::placement::facts::source::Siblings;
use crate::placement::facts::{Facts, Owner, Source};
use crate::placement::json::{Object, Raw};
use crate::placement::{Rules, decide, patch};
use crate::webhook::review::{self, Parsed};

/// One entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// Of a Pod that a workload made: that one.
    pub(super) workload: Option<Workload>,
    pub(super) mode: &'static str,
    pub(super) rule: String,
    pub(super) reason: String,
    pub(super) decided_by: &'static str,
    pub(super) warnings: Vec<String>,
    /// What the Pod has, or running Pods of the workload have.
    pub(super) now: Now,
    /// Of a Pod of a running revision: what a new revision gets.
    pub(super) new_revision: Option<Decision>,
    pub(super) rules: Vec<Rule>,
    pub(super) patch: Vec<Value>,
    pub(super) outcome: Carried,
}

/// A workload by name.
#[derive(Debug, Serialize)]
pub(super) struct Workload {
    pub(super) kind: String,
    pub(super) name: String,
}

/// A placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Decision {
    pub(super) mode: String,
    pub(super) rule: String,
    pub(super) reason: String,
}

/// What is there.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Now {
    /// A placement.
    Placed(Decision),
    /// Nothing, as nothing is there.
    Nothing(()),
    /// Pods without a placement.
    Unplaced {
        mode: (),
        rule: (),
        reason: &'static str,
    },
}

/// A rule that was asked.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) result: &'static str,
    pub(super) error: Option<String>,
    /// What it gives, where it holds.
    pub(super) mode: Option<&'static str>,
    pub(super) read: Vec<Read>,
}

/// A value that an expression looked at.
#[derive(Debug, Serialize)]
pub(super) struct Read {
    pub(super) path: String,
    pub(super) value: Option<String>,
}

const UNPLACED: Now = Now::Unplaced {
    mode: (),
    rule: (),
    reason: "created while nobody was asked, or left alone",
};

// === impl Entry ===

impl Entry {
    /// What `rules` make of `subject`, as `source` says it.
    ///
    /// # Errors
    /// It is no Pod, in words.
    pub(super) fn of(
        subject: &Subject,
        rules: &Rules,
        source: &dyn Source,
    ) -> Result<Self, String> {
        let review: Parsed<'_, Option<Raw<'_>>> =
            review::parse(subject.review.as_bytes()).map_err(|error| error.to_string())?;
        let request = match &review {
            Parsed::Review(request) => request.as_object(),
            Parsed::Malformed(_) => Object::default(),
        };
        let opened: Opened<'_> =
            serde_json::from_str(&subject.template.pod).map_err(|error| error.to_string())?;
        let pod = opened.into_pod().map_err(|error| error.to_string())?;
        let with_workload = WithWorkload {
            template: &subject.template,
            cluster: source,
        };
        let facts = Facts {
            pod: &pod,
            request: &request,
            namespace: &subject.namespace,
            owner: if subject.is_pod() {
                Owner::OfPod
            } else {
                Owner::Template(&subject.template.workload)
            },
            cluster: if subject.is_workload() {
                &with_workload
            } else {
                source
            },
        };
        Ok(Self::decided(subject, rules, &facts))
    }

    fn decided(subject: &Subject, rules: &Rules, facts: &Facts<'_, '_, '_>) -> Self {
        let placement = decide(rules, facts);
        let patch = patch(facts.pod, &placement).unwrap_or_default();
        let outcome = Carried::of(facts.pod, &placement, facts.namespace, facts.cluster);
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            kind: subject.kind.clone(),
            namespace: some(&subject.namespace),
            name: some(&subject.name),
            workload: workload(subject),
            now: now(subject, facts.cluster),
            new_revision: new_revision(subject, rules, facts),
            rules: rules.explain(facts).into_iter().map(Rule::of).collect(),
            patch: serde_json::from_slice(&patch).unwrap_or_default(),
            outcome,
            mode: placement.mode.as_str(),
            rule: placement.rule.to_owned(),
            reason: placement.reason.into_owned(),
            decided_by: decided_by(placement.origin),
            warnings: placement.warnings,
        }
    }
}

const fn decided_by(origin: Origin) -> &'static str {
    match origin {
        Origin::Rules => "rules",
        Origin::Revision => "revision",
        Origin::Author => "author",
        Origin::LeftAlone => "left-alone",
        Origin::NotCarriedOut => "not-carried-out",
    }
}

fn workload(subject: &Subject) -> Option<Workload> {
    let workload = &subject.template.workload;
    (!subject.is_workload()).then(|| Workload {
        kind: workload.kind.to_string(),
        name: workload.name.to_string(),
    })
}

fn now(subject: &Subject, source: &dyn Source) -> Now {
    match &subject.stage {
        Stage::There(Some([mode, rule, reason])) => Now::Placed(Decision {
            mode: mode.clone(),
            rule: rule.clone(),
            reason: reason.clone(),
        }),
        Stage::There(None) => UNPLACED,
        Stage::ToCome if subject.is_pod() => Now::Nothing(()),
        Stage::ToCome => match source.running(&subject.template.workload) {
            None => Now::Nothing(()),
            Some(Siblings::Unplaced) => UNPLACED,
            Some(Siblings::Placed(decided)) => Now::Placed(Decision {
                mode: decided.mode.to_string(),
                rule: decided.rule.to_string(),
                reason: decided.reason.to_string(),
            }),
        },
    }
}

/// Of a Pod that keeps what its revision has: what a new one would get.
fn new_revision(subject: &Subject, rules: &Rules, facts: &Facts<'_, '_, '_>) -> Option<Decision> {
    if subject.is_workload() || !subject.is_pod() {
        return None;
    }
    let anew = Facts {
        owner: Owner::Template(&subject.template.workload),
        ..*facts
    };
    let placement = decide(rules, &anew);
    Some(Decision {
        mode: placement.mode.to_string(),
        rule: placement.rule.to_owned(),
        reason: placement.reason.into_owned(),
    })
}

// === impl Rule ===

impl Rule {
    fn of(asked: Asked<'_>) -> Self {
        let mode = match &asked.answer {
            Answer::Held(mode) => Some(mode.as_str()),
            Answer::DidNotHold
            | Answer::NoMode(_)
            | Answer::Unknown(_)
            | Answer::Failed(_)
            | Answer::Off => None,
        };
        let read = asked.read.into_iter();
        Self {
            name: asked.rule.to_owned(),
            result: asked.answer.as_str(),
            error: asked.answer.why().map(str::to_owned),
            mode,
            read: read
                .map(|read| Read {
                    path: read.path,
                    value: read.value,
                })
                .collect(),
        }
    }
}
