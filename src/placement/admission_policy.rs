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
mod kind;
mod pattern;
mod pod;
mod total;

use std::collections::BTreeSet;
use std::fmt;

use self::cel::text;
use self::fit::Judge;
use super::expression::Expression;
use super::mode::Mode;
use super::rules::{Gives, OnUnknown, Part, Rule, Rules};

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

/// Writes the expressions.
struct Writer<'r> {
    rules: &'r Rules,
    prefix: String,
    kept: &'r [&'r Rule],
    /// The rules whose reasons are not computed.
    plain: &'r [LeftOut],
    /// What follows every reason.
    note: String,
}

impl Writer<'_> {
    fn variables(&self) -> Vec<Named> {
        let read = self.read();
        let own = self.rules.variables().iter();
        let own = own
            .filter(|variable| read.contains(variable.name.as_str()))
            .map(|variable| Named {
                name: variable.name.clone(),
                expression: variable.expression.source().to_owned(),
            });
        own.chain(self.deciding()).chain(self.applying()).collect()
    }

    /// The variables that the rules read, also through others.
    fn read(&self) -> BTreeSet<&str> {
        let reasons = self.computed_reasons().map(|(_, reason)| reason);
        let parts = self.kept.iter().flat_map(|rule| rule.parts());
        let mut read: BTreeSet<&str> = parts
            .map(|(_, expression)| expression)
            .chain(reasons)
            .flat_map(Expression::variables)
            .map(String::as_str)
            .collect();
        // Each reads only those before it.
        for variable in self.rules.variables().iter().rev() {
            if read.contains(variable.name.as_str()) {
                read.extend(variable.expression.variables().iter().map(String::as_str));
            }
        }
        read
    }

    /// A variable for each rule, then the decision.
    fn deciding(&self) -> Vec<Named> {
        let mut named = Vec::new();
        let mut before: Option<String> = None;
        for (index, rule) in self.kept.iter().enumerate() {
            let name = format!("rule_{}", index + 1);
            let own = if self.is_noted(rule) {
                noted(rule)
            } else {
                decides(rule)
            };
            named.push(self.named(&name, &after(before.as_deref(), &own)));
            before = Some(self.variable(&name));
        }
        let (mode, _) = self.rules.default_decision();
        let otherwise = text(&format!("{mode} {}", super::rules::DEFAULT));
        named.push(self.named("decision", &after(before.as_deref(), &otherwise)));
        let decision = self.variable("decision");
        named.push(self.named("mode", &format!("{decision}.split(' ')[0]")));
        named.push(self.named("rule", &format!("{decision}.split(' ')[1]")));
        named.push(self.named("reason", &self.reason()));
        named
    }

    fn reason(&self) -> String {
        let (_, default) = self.rules.default_decision();
        let fixed = self
            .kept
            .iter()
            .map(|rule| (&*rule.name, &*rule.reason))
            .chain([(super::rules::DEFAULT, default)])
            .map(|(rule, reason)| (rule, text(reason)));
        let rule = self.variable("rule");
        let fixed = format!("{}[{rule}]", cel::map(fixed));
        let computed = self.computed_reasons().map(|(name, reason)| {
            let (name, reason) = (text(name), cel::brackets(reason.source()));
            format!("{rule} == {name} && {reason} != '' ? {reason} :\n")
        });
        computed.chain([fixed]).collect()
    }

    /// The rules whose reasons are computed, and how.
    fn computed_reasons(&self) -> impl Iterator<Item = (&str, &Expression)> {
        let kept = self.kept.iter().filter(|rule| {
            let mut plain = self.plain.iter();
            !plain.any(|plain| plain.rule == rule.name)
        });
        kept.filter_map(|rule| Some((&*rule.name, rule.reason_expression.as_ref()?)))
    }

    /// What is set on the Pod, and which choices of its author are those of the mode.
    fn applying(&self) -> Vec<Named> {
        let labels = |mode| self.rules.labels.of(mode).cloned().unwrap_or_default();
        let set = Mode::ALL.map(|mode| {
            let labels = labels(mode);
            let entries = labels.iter().map(|(key, value)| (&**key, text(value)));
            (mode.as_str(), cel::map(entries))
        });
        let agreeing = Mode::ALL.map(|mode| {
            let agreeing = match self.rules.labels.of(mode) {
                Some(ours) => pod::agreeing(mode, ours),
                None => Vec::new(),
            };
            (mode.as_str(), cel::list(agreeing.iter().map(|it| text(it))))
        });
        let [mode, rule, mut reason] = ["mode", "rule", "reason"].map(|name| self.variable(name));
        if !self.note.is_empty() {
            reason = format!("{reason} + {}", text(&self.note));
        }
        let record = super::decide::RECORD
            .into_iter()
            .zip([mode.clone(), rule, reason]);
        vec![
            self.named("labels", pod::LABELS),
            self.named("set", &format!("{}[{mode}]", cel::map(set.into_iter()))),
            self.named("record", &cel::map(record)),
            self.named("chosen", &pod::chosen(&self.variable("labels"))),
            self.named(
                "agreeing",
                &format!("{}[{mode}]", cel::map(agreeing.into_iter())),
            ),
        ]
    }

    fn mutations(&self) -> Vec<String> {
        let next: Vec<&&Rule> = self
            .kept
            .iter()
            .filter(|rule| self.is_noted(rule))
            .collect();
        if next.is_empty() {
            return vec![self.patch()];
        }
        let mut mutations = vec![pod::CLEAR_NOTES.to_owned()];
        mutations.extend(next.iter().map(|rule| pod::note(&decides(rule))));
        mutations.push(self.patch());
        mutations.push(pod::CLEAR_NOTES.to_owned());
        mutations
    }

    /// Whether the rule is a mutation of its own: an error must not end the others.
    fn is_noted(&self, rule: &Rule) -> bool {
        match rule.on_unknown {
            OnUnknown::Leave => false,
            OnUnknown::Next => total::may_err(rule, self.rules.variables()).is_some(),
        }
    }

    fn patch(&self) -> String {
        let [chosen, agreeing, set, labels, record] =
            ["chosen", "agreeing", "set", "labels", "record"].map(|name| self.variable(name));
        let (no_labels, no_annotations) = (pod::whole_map("labels"), pod::whole_map("annotations"));
        let (label, annotation) = (pod::add("labels", &set), pod::add("annotations", &record));
        format!(
            "!({chosen} in {agreeing}) ? [] :\n{no_labels}\n+ {set}.filter(k, !(k in {labels})).map(k, {label})\n+ {no_annotations}\n+ {record}.map(k, {annotation})"
        )
    }

    fn named(&self, name: &str, expression: &str) -> Named {
        Named {
            name: format!("{}{name}", self.prefix),
            expression: expression.to_owned(),
        }
    }

    fn variable(&self, name: &str) -> String {
        format!("variables.{}{name}", self.prefix)
    }
}

/// What the rules before decided, else `own`.
fn after(before: Option<&str>, own: &str) -> String {
    before.map_or_else(
        || own.to_owned(),
        |before| format!("{before} != '' ? {before} :\n{own}"),
    )
}

/// `MODE RULE`, or an empty text where the rule does not decide; an error where it cannot be evaluated.
fn decides(rule: &Rule) -> String {
    let when = cel::brackets(rule.when.source());
    // A warning that errs is an error of the rule: `&&` would hide it.
    let held = rule.warning.as_ref().map_or_else(
        || when.clone(),
        |warning| {
            let warning = cel::brackets(warning.source());
            format!("(size({warning} + '') >= 0 ? {when} : false)")
        },
    );
    match &rule.gives {
        Gives::Mode(mode) => {
            let decision = text(&format!("{mode} {}", rule.name));
            format!("{held} ? {decision} : ''")
        }
        Gives::Expression(mode) => {
            let decision = format!(
                "{} + {}",
                cel::brackets(mode.source()),
                text(&format!(" {}", rule.name))
            );
            let known = cel::list(decisions(rule).map(|decision| text(&decision)));
            format!("{held} ? ({decision} in {known} ? {decision} : '') : ''")
        }
    }
}

/// What the mutation of a rule noted.
fn noted(rule: &Rule) -> String {
    let known = cel::list(decisions(rule).map(|decision| text(&decision)));
    format!("{known}.filter(d, d in {}.split(';')).join('')", pod::NOTES)
}

fn decisions(rule: &Rule) -> impl Iterator<Item = String> {
    Mode::ALL
        .into_iter()
        .map(|mode| format!("{mode} {}", rule.name))
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
