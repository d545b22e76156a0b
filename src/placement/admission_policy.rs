//! The rules as a MutatingAdmissionPolicy of Kubernetes: the same placements, decided by the API server
//! itself. Rules in; expressions out, and the rules that have none, with the reasons.
//!
//! How each part is carried over (read in `apiserver/pkg/admission/plugin/policy/mutating`):
//! - what is left alone always, and choices that no rule agrees with, are `matchConditions`;
//! - each rule is a variable that gives `MODE RULE` or an empty text, and asks the rules before it first;
//! - an error ends the whole expression: the Pod is left, as with `onUnknown: leave`;
//! - a rule with `onUnknown: next` that may err is a mutation of its own: where it errs, the API server goes on
//!   with the next mutation. It notes what it decides in `status.message`, which the API server empties at
//!   creation.

mod cel;
mod fit;
mod function;
mod kind;
mod node;
mod pattern;
mod pod;
mod total;
mod walk;
mod write;

use std::fmt;

use self::fit::Judge;
use self::write::Writer;
use super::rules::{Part, Rule, Rules};

pub use self::fit::Unfit;

/// What a policy consists of, below `spec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `matchConditions`: all must hold.
    pub conditions: Vec<Named>,
    /// `variables`, each of which may read those before it.
    pub variables: Vec<Named>,
    /// `mutations`: expressions that give lists of JSON patch operations, in order.
    pub mutations: Vec<String>,
    /// The rules that it has, in order.
    pub rules: Vec<String>,
    /// The rules that it does not have.
    pub left_out: Vec<LeftOut>,
    /// The rules that it has, but not their `reasonExpression`.
    pub plain: Vec<LeftOut>,
    /// The rules that it has, but not their warnings.
    pub silent: Vec<String>,
}

/// An expression with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// CEL, as Kubernetes takes it.
    pub expression: String,
}

/// A rule that a policy cannot have, or only without this expression, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The rule.
    pub rule: String,
    /// Which of its expressions.
    pub part: Part,
    /// Why.
    pub why: Unfit,
}

/// What the API server does with a Pod on which the policy errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It creates it as it is.
    Ignore,
    /// It refuses it.
    Fail,
}

/// What begins the names of the variables that are added; longer where a configuration has such names.
const PREFIX: &str = "meshmode_";

/// The policy of `rules`. A rule that it cannot have is left out as if what it reads were not there.
pub fn policy(rules: &Rules, failure: FailurePolicy) -> Policy {
    let judge = Judge::new(rules.variables());
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for rule in rules.rules() {
        match unfit(rule, &judge, rules, failure) {
            None => kept.push(rule),
            Some((part, why)) => left_out.push(LeftOut::new(rule, part, why)),
        }
    }
    let with_reason = |rule: &&Rule| unfit_reason(rule, &judge, rules);
    let plain: Vec<LeftOut> = kept.iter().filter_map(with_reason).collect();
    let writer = Writer {
        rules,
        prefix: prefix(rules),
        kept: &kept,
        plain: &plain,
        note: note(&left_out),
    };
    Policy {
        conditions: pod::conditions(),
        variables: writer.variables(),
        mutations: writer.mutations(),
        rules: kept.iter().map(|rule| rule.name.clone()).collect(),
        silent: kept
            .iter()
            .filter(|rule| rule.warning.is_some())
            .map(|rule| rule.name.clone())
            .collect(),
        left_out,
        plain,
    }
}

/// What follows every reason: the rules that would perhaps have decided otherwise.
fn note(left_out: &[LeftOut]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = left_out.iter().map(|left_out| &*left_out.rule).collect();
    format!(" (rules not in the admission policy: {})", names.join(", "))
}

/// Why the reason that a rule computes cannot be carried over: an error must not end the rest.
fn unfit_reason(rule: &Rule, judge: &Judge<'_>, rules: &Rules) -> Option<LeftOut> {
    let expression = rule.reason_expression.as_ref()?;
    let why = match judge.judge(Part::Reason, expression) {
        Err(why) => why,
        Ok(()) if total::has_reason(rule, expression, rules.variables()) => return None,
        Ok(()) => Unfit::MayErr,
    };
    Some(LeftOut::new(rule, Part::Reason, why))
}

/// The first thing in `rule` that cannot be carried over.
fn unfit(
    rule: &Rule,
    judge: &Judge<'_>,
    rules: &Rules,
    failure: FailurePolicy,
) -> Option<(Part, Unfit)> {
    let parts = rule
        .parts()
        .find_map(|(part, expression)| Some((part, judge.judge(part, expression).err()?)));
    let errs = || match failure {
        FailurePolicy::Ignore => None,
        FailurePolicy::Fail => {
            total::may_err(rule, rules.variables()).map(|part| (part, Unfit::WouldRefuse))
        }
    };
    parts.or_else(errs)
}

fn prefix(rules: &Rules) -> String {
    let mut prefix = PREFIX.to_owned();
    while rules
        .variables()
        .iter()
        .any(|variable| variable.name.starts_with(&prefix))
    {
        prefix.push('_');
    }
    prefix
}

// === impl LeftOut ===

impl LeftOut {
    fn new(rule: &Rule, part: Part, why: Unfit) -> Self {
        let rule = rule.name.clone();
        Self { rule, part, why }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}: {} {}", self.rule, self.part, self.why)
    }
}

#[cfg(test)]
mod tests;
