//! One rule asked about one Pod.

use std::collections::BTreeMap;

use super::reads::{Reads, reads_all};
use super::{Failure, Gives, Guarded, OnUnknown, Part, Rule, Variable};
use crate::placement::evaluation::{Evaluator, NoValue};
use crate::placement::expression::Expression;
use crate::placement::facts::source::Connection;
use crate::placement::guard::{Guard, Verdict};
use crate::placement::mode::{Mode, UnknownMode};

/// What has come of asking the rules so far.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) warnings: Vec<String>,
    /// The rules that were passed over because a fact is missing.
    pub(super) passed_over: Vec<String>,
}

/// What a rule decides about a Pod.
#[derive(Debug)]
pub(super) enum Decided {
    /// A mode.
    Mode(Mode),
    /// That it is left, as the rule cannot be evaluated: why.
    Left(String),
}

// === impl Guarded ===

impl Guarded {
    pub(super) fn new(rule: Rule, variables: &[Variable], reads: &BTreeMap<&str, Reads>) -> Self {
        let when = Guard::of_bool(rule.when.ast(), variables);
        let warning = rule
            .warning
            .as_ref()
            .and_then(|warning| Guard::of_text(warning.ast(), variables));
        let fields = rule
            .expressions()
            .flat_map(|expression| {
                reads_all(expression, reads)
                    .fields
                    .iter()
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            rule,
            when,
            warning,
            fields,
            reason_alone: String::new(),
        }
    }

    /// Whether it is asked.
    pub(super) fn is_on(&self, connection: Connection) -> bool {
        match connection {
            Connection::None => self.fields.is_empty(),
            Connection::Cluster => true,
        }
    }

    pub(super) fn ask(
        &self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        asking: &mut Asking,
    ) -> Option<Decided> {
        let view = evaluator.view();
        let guarded = |guard: &Option<Guard>| guard.as_ref().map(|guard| guard.verdict(view));
        let silent = self.rule.warning.is_none() || guarded(&self.warning) == Some(Verdict::False);
        if silent && guarded(&self.when) == Some(Verdict::False) {
            return None;
        }
        self.rule.ask(evaluator, asking)
    }
}

// === impl Rule ===

impl Rule {
    /// All its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let gives = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => Some(expression),
        };
        std::iter::once(&self.when)
            .chain(gives)
            .chain(&self.warning)
            .chain(&self.reason_expression)
    }

    pub(super) fn failures(&self, evaluator: &Evaluator<'_, '_, '_, '_>) -> Vec<Failure<'_>> {
        let text = |expression: &Expression| evaluator.string(expression).err();
        let mode = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => text(expression),
        };
        let warning = self.warning.as_ref().and_then(text);
        let reason = self.reason_expression.as_ref().and_then(text);
        let when = evaluator.bool(&self.when).err();
        [
            (Part::When, when),
            (Part::Mode, mode),
            (Part::Warning, warning),
            (Part::Reason, reason),
        ]
        .into_iter()
        .filter_map(|(part, error)| match error? {
            NoValue::Missing(_) | NoValue::Unknown(_) => None,
            NoValue::Failed(cause) => Some(Failure {
                rule: &self.name,
                part,
                cause,
            }),
        })
        .collect()
    }

    /// What this rule decides, where it does.
    pub(super) fn ask(
        &self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        asking: &mut Asking,
    ) -> Option<Decided> {
        let result = self.evaluate(evaluator, &mut asking.warnings);
        let (problem, is_unknown) = match result {
            Ok(Given::Mode(mode)) => return Some(Decided::Mode(mode)),
            Ok(Given::Nothing) => return None,
            Ok(Given::NoMode(what)) => {
                asking.warnings.push(format!("rule {}: {what}", self.name));
                return None;
            }
            Err(cause @ (NoValue::Missing(_) | NoValue::Failed(_))) => {
                let name = &self.name;
                (
                    format!("rule {name} could not be evaluated: {cause}"),
                    false,
                )
            }
            Err(NoValue::Unknown(what)) => (format!("rule {}: {what}", self.name), true),
        };
        match self.on_unknown {
            OnUnknown::Next if is_unknown => {
                asking.passed_over.push(problem);
                None
            }
            OnUnknown::Next => {
                asking.warnings.push(problem);
                None
            }
            OnUnknown::Leave => {
                asking.warnings.push(problem.clone());
                Some(Decided::Left(problem))
            }
        }
    }

    pub(in crate::placement) fn evaluate(
        &self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        warnings: &mut Vec<String>,
    ) -> Result<Given, NoValue> {
        if let Some(warning) = &self.warning {
            let text = evaluator.string(warning)?;
            if !text.is_empty() {
                warnings.push(text);
            }
        }
        if !evaluator.bool(&self.when)? {
            return Ok(Given::Nothing);
        }
        match &self.gives {
            Gives::Mode(mode) => Ok(Given::Mode(*mode)),
            Gives::Expression(expression) => match evaluator.string(expression)?.parse() {
                Ok(mode) => Ok(Given::Mode(mode)),
                Err(unknown @ UnknownMode { .. }) => Ok(Given::NoMode(unknown)),
            },
        }
    }
}

/// What a rule gives for a Pod.
#[derive(Debug)]
pub(in crate::placement) enum Given {
    /// Its condition does not hold.
    Nothing,
    /// A mode.
    Mode(Mode),
    /// A value that is none.
    NoMode(UnknownMode),
}
