//! A case is decided, and what was decided is held against what was expected.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;

use super::case::{Case, Expect, Warnings, Whose};
use crate::cluster::convert::Opened;
use crate::placement::explanation::{Answer, Asked};
use crate::placement::facts::{Owner, StringMap};
use crate::placement::json::Depth;
use crate::placement::{Action, Facts, Placement, Pod, Rules, decide};

/// What came out of a case.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) mode: String,
    pub(super) rule: String,
    pub(super) reason: String,
    pub(super) warnings: Vec<String>,
    /// Those that the Pod has in the end.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) differences: Vec<Difference>,
    /// How each rule answers; only of a case that failed.
    pub(super) rules: Vec<RuleAnswer>,
}

/// Something that is not as expected.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) field: String,
    /// How the two are to be compared.
    pub(super) relation: Relation,
    pub(super) expected: Vec<String>,
    pub(super) got: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Relation {
    /// They should be equal.
    Equal,
    /// What is there should have the text in it.
    Contains,
}

/// How a rule answers.
#[derive(Debug, Serialize)]
pub(super) struct RuleAnswer {
    pub(super) name: String,
    pub(super) result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What its expressions looked at.
    pub(super) read: Vec<ReadValue>,
}

/// A value that a rule looked at; nothing where it is not there.
#[derive(Debug, Serialize)]
pub(super) struct ReadValue {
    pub(super) path: String,
    pub(super) value: Option<String>,
}

/// Decides `case`, which stands in `file`, by `rules`.
///
/// # Errors
/// Its Pod is none: reading the case has not seen to that.
pub(super) fn judge(case: &Case, file: &str, rules: &Rules) -> anyhow::Result<Judged> {
    let opened: Opened<'_> = serde_json::from_str(&case.pod)?;
    let pod = opened.into_pod().context("a Pod that is none")?;
    let request = Depth::SHALLOW.parse(&case.request)?.into_object();
    let request = request.unwrap_or_default();
    let owner = match &case.whose {
        Whose::OfPod => Owner::OfPod,
        Whose::Template(workload) => Owner::Template(workload),
    };
    let facts = Facts {
        pod: &pod,
        request: &request,
        namespace: &case.namespace,
        owner,
        cluster: &case.given,
    };
    let placement = decide(rules, &facts);
    let labels = labels(&pod, &placement);
    let differences = case.expect.differences(&placement, &labels);
    let asked = if differences.is_empty() {
        Vec::new()
    } else {
        rules.explain(&facts)
    };
    Ok(Judged {
        file: file.to_owned(),
        line: case.place.line,
        name: case.name.clone(),
        passed: differences.is_empty(),
        mode: placement.mode.to_string(),
        rule: placement.rule.to_owned(),
        reason: placement.reason.into_owned(),
        warnings: placement.warnings,
        labels,
        differences,
        rules: asked.into_iter().map(RuleAnswer::from).collect(),
    })
}

/// The labels of the Pod, once the placement has been carried out.
fn labels(pod: &Pod<'_>, placement: &Placement<'_>) -> BTreeMap<String, String> {
    let own: StringMap<'_, '_> = pod.labels();
    let own = own.entries();
    let mut labels: BTreeMap<String, String> = own.map(owned).collect();
    if let Action::Apply(set) = placement.action {
        for (key, value) in set {
            labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    labels
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

// === impl Expect ===

impl Expect {
    fn differences(
        &self,
        placement: &Placement<'_>,
        labels: &BTreeMap<String, String>,
    ) -> Vec<Difference> {
        let mut differences = Vec::new();
        let pairs = [
            ("mode", &*self.mode, placement.mode.as_str()),
            ("rule", &*self.rule, placement.rule),
        ];
        for (field, expected, got) in pairs {
            if expected != got {
                differences.push(Difference::of(field, Relation::Equal, expected, got));
            }
        }
        let reason = &placement.reason;
        if let Some(part) = &self.reason
            && !reason.contains(part)
        {
            differences.push(Difference::of("reason", Relation::Contains, part, reason));
        }
        differences.extend(self.warnings.difference(&placement.warnings));
        for (key, expected) in &self.labels {
            let got = labels.get(key);
            if got != Some(expected) {
                differences.push(Difference {
                    field: format!("label {key}"),
                    relation: Relation::Equal,
                    expected: vec![expected.clone()],
                    got: got.cloned().into_iter().collect(),
                });
            }
        }
        differences
    }
}

// === impl Warnings ===

impl Warnings {
    fn difference(&self, got: &[String]) -> Option<Difference> {
        let expected = match self {
            Self::Any => return None,
            Self::With(text) if got.iter().any(|warning| warning.contains(text)) => return None,
            Self::Each(texts) if pairs_up(texts, got) => return None,
            Self::With(text) => vec![text.clone()],
            Self::Each(texts) => texts.clone(),
        };
        let relation = if expected.is_empty() {
            Relation::Equal
        } else {
            Relation::Contains
        };
        Some(Difference {
            field: "warnings".to_owned(),
            relation,
            expected,
            got: got.to_vec(),
        })
    }
}

/// Whether each text is in a warning of its own, and no warning is left: a matching of few with few.
fn pairs_up(texts: &[String], warnings: &[String]) -> bool {
    if texts.len() != warnings.len() {
        return false;
    }
    // By text, the warning that it was given.
    let mut given: Vec<Option<usize>> = vec![None; warnings.len()];
    let every = 0..texts.len();
    every.into_iter().all(|text| {
        let mut seen = vec![false; warnings.len()];
        finds_one(text, texts, warnings, &mut given, &mut seen)
    })
}

/// Gives the text a warning, where others can move to another if need be.
fn finds_one(
    text: usize,
    texts: &[String],
    warnings: &[String],
    given: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for warning in 0..warnings.len() {
        if seen[warning] || !warnings[warning].contains(&texts[text]) {
            continue;
        }
        seen[warning] = true;
        let is_free = match given[warning] {
            None => true,
            Some(other) => finds_one(other, texts, warnings, given, seen),
        };
        if is_free {
            given[warning] = Some(text);
            return true;
        }
    }
    false
}

// === impl Difference ===

impl Difference {
    fn of(field: &str, relation: Relation, expected: &str, got: &str) -> Self {
        Self {
            field: field.to_owned(),
            relation,
            expected: vec![expected.to_owned()],
            got: vec![got.to_owned()],
        }
    }
}

// === impl RuleAnswer ===

impl From<Asked<'_>> for RuleAnswer {
    fn from(asked: Asked<'_>) -> Self {
        let mode = match asked.answer {
            Answer::Held(mode) => Some(mode.as_str()),
            Answer::DidNotHold
            | Answer::NoMode(_)
            | Answer::Unknown(_)
            | Answer::Failed(_)
            | Answer::Off => None,
        };
        let read = asked.read.into_iter().map(|read| ReadValue {
            path: read.path,
            value: read.value,
        });
        Self {
            name: asked.rule.to_owned(),
            result: asked.answer.as_str(),
            mode,
            error: asked.answer.why().map(str::to_owned),
            read: read.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_a_warning_of_its_own() {
        let rows: [(&str, &[&str], &[&str], bool); 7] = [
            ("none", &[], &[], true),
            ("too many", &[], &["a"], false),
            ("too few", &["a"], &[], false),
            ("any order", &["a", "b"], &["b", "a"], true),
            ("the same twice", &["a", "a"], &["a", "b"], false),
            ("two for one", &["a", "a"], &["xa", "ya"], true),
            ("one has to move", &["a", "ab"], &["ab", "a"], true),
        ];
        for (name, texts, warnings, expected) in rows {
            let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            let (texts, warnings): (Vec<_>, Vec<_>) = (owned(texts), owned(warnings));
            assert_eq!(pairs_up(&texts, &warnings), expected, "{name}");
        }
    }
}
