//! The expressions of a policy.

use std::collections::BTreeSet;

use super::cel::{self, text};
use super::{LeftOut, Named, pod, total};
use crate::placement::decide::RECORD;
use crate::placement::expression::Expression;
use crate::placement::mode::Mode;
use crate::placement::rules::{DEFAULT, Gives, OnUnknown, Rule, Rules};

/// Writes the expressions.
pub(super) struct Writer<'r> {
    pub(super) rules: &'r Rules,
    pub(super) prefix: String,
    pub(super) kept: &'r [&'r Rule],
    /// The rules whose reasons are not computed.
    pub(super) plain: &'r [LeftOut],
    /// What follows every reason.
    pub(super) note: String,
}

// === impl Writer ===

impl Writer<'_> {
    pub(super) fn variables(&self) -> Vec<Named> {
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
        let otherwise = text(&format!("{mode} {DEFAULT}"));
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
            .chain([(DEFAULT, default)])
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
        let record = RECORD.into_iter().zip([mode.clone(), rule, reason]);
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

    pub(super) fn mutations(&self) -> Vec<String> {
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
