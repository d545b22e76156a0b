//! The rules of an operator, and their evaluation: facts in, the rule that decides out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::evaluation::{Evaluator, NoValue, with_evaluator};
use super::explanation::Asked;
use super::expression::{Expression, Root};
use super::facts::{Facts, Fields};
use super::guard::{Guard, Verdict};
use super::mode::{Mode, UnknownMode};

/// The placement part of a configuration, checked.
#[derive(Debug)]
pub struct Rules {
    variables: Vec<Variable>,
    /// In order; the first whose condition holds decides.
    rules: Vec<Guarded>,
    /// The rules that are not asked, as what they read is not there.
    off: Vec<Rule>,
    default: Default,
    request: Use,
    /// The labels that each mode sets on a Pod.
    pub labels: ModeLabels,
}

/// A rule, and when it need not be evaluated.
#[derive(Debug)]
struct Guarded {
    rule: Rule,
    when: Option<Guard>,
    warning: Option<Guard>,
}

/// Whether some expression reads a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// At least one does.
    Read,
    /// None does: it need not be made.
    Unread,
}

/// A named expression, evaluated at most once a decision and only where it is read.
#[derive(Debug)]
pub struct Variable {
    /// The name in `variables.NAME`.
    pub name: String,
    /// What it stands for.
    pub expression: Expression,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The name in records, metrics and messages.
    pub name: String,
    /// The condition.
    pub when: Expression,
    /// What it decides.
    pub gives: Gives,
    /// Why, for records and people.
    pub reason: String,
    /// What happens when an expression of the rule cannot be evaluated.
    pub on_unknown: OnUnknown,
    /// A string for the Pod's author, asked whenever the rule is; empty for nothing to say.
    pub warning: Option<Expression>,
}

/// What a rule decides.
#[derive(Debug)]
pub enum Gives {
    /// Always this mode.
    Mode(Mode),
    /// The mode that the expression names.
    Expression(Expression),
}

/// What follows when a rule cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// The Pod is left alone.
    Leave,
    /// The next rule is asked.
    Next,
}

/// The decision when no rule decides.
#[derive(Debug)]
pub struct Default {
    /// The mode.
    pub mode: Mode,
    /// Why.
    pub reason: String,
}

/// The labels of each mode that has any; [`Mode::Leave`] has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeLabels {
    /// Of `ambient`.
    pub ambient: BTreeMap<String, String>,
    /// Of `sidecar`.
    pub sidecar: BTreeMap<String, String>,
    /// Of `none`.
    pub none: BTreeMap<String, String>,
}

/// What the rules say about one Pod.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision<'r> {
    /// The mode.
    pub mode: Mode,
    /// The rule that decided, or [`DEFAULT`].
    pub rule: &'r str,
    /// Why.
    pub reason: Cow<'r, str>,
    /// What the Pod's author should know.
    pub warnings: Vec<String>,
}

/// An expression of a rule that could not be evaluated on a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<'r> {
    /// The rule.
    pub rule: &'r str,
    /// Which of its expressions.
    pub part: Part,
    /// Why not.
    pub cause: String,
}

/// The expressions of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The condition.
    When,
    /// The one that gives the mode.
    Mode,
    /// The one that gives a warning.
    Warning,
}

/// The name under which the default decides.
pub const DEFAULT: &str = "default";

// === impl Rules ===

impl Rules {
    /// Rules in order; each variable may use those before it.
    pub fn new(
        variables: Vec<Variable>,
        rules: Vec<Rule>,
        mut default: Default,
        labels: ModeLabels,
    ) -> Self {
        let roots = roots_of(&variables);
        let reads = |rule: &Rule, wanted: fn(Root) -> bool| {
            rule.expressions()
                .flat_map(|expression| roots_read(expression, &roots))
                .any(wanted)
        };
        let (off, mut rules): (Vec<Rule>, Vec<Rule>) = rules
            .into_iter()
            .partition(|rule| reads(rule, Root::needs_cluster));
        let read = rules
            .iter()
            .any(|rule| reads(rule, |root| root == Root::Request));
        let request = if read { Use::Read } else { Use::Unread };
        if !off.is_empty() {
            let names: Vec<&str> = off.iter().map(|rule| rule.name.as_str()).collect();
            let note = format!(
                " (rules off without a cluster connection: {})",
                names.join(", ")
            );
            rules
                .iter_mut()
                .for_each(|rule| rule.reason.push_str(&note));
            default.reason.push_str(&note);
        }
        let rules = rules
            .into_iter()
            .map(|rule| Guarded::new(rule, &variables))
            .collect();
        Self {
            variables,
            rules,
            off,
            default,
            request,
            labels,
        }
    }

    /// Evaluates the rules in order on `facts`.
    pub fn evaluate<'r>(&'r self, facts: &Facts<'_, '_, '_>) -> Decision<'r> {
        with_evaluator(&self.variables, facts, |evaluator| self.decide(evaluator))
    }

    fn decide<'r>(&'r self, evaluator: &Evaluator<'_, '_, '_, '_>) -> Decision<'r> {
        let mut warnings = Vec::new();
        for guarded in &self.rules {
            if let Some((mode, reason)) = guarded.ask(evaluator, &mut warnings) {
                return Decision {
                    mode,
                    rule: &guarded.rule.name,
                    reason,
                    warnings,
                };
            }
        }
        let reason = Cow::Borrowed(self.default.reason.as_str());
        Decision {
            mode: self.default.mode,
            rule: DEFAULT,
            reason,
            warnings,
        }
    }

    /// The names of the rules that are not asked, because they read facts that only a connection to a
    /// cluster gives.
    pub fn off(&self) -> impl Iterator<Item = &str> {
        self.off.iter().map(|rule| rule.name.as_str())
    }

    /// What the rules read of the cluster.
    pub fn fields(&self) -> Fields {
        Fields::NONE
    }

    /// How each rule answers for the Pod in `facts`, in order, the default last.
    pub fn explain(&self, facts: &Facts<'_, '_, '_>) -> Vec<Asked<'_>> {
        let _ = facts;
        Vec::new()
    }

    /// The variables, in order: each may read those before it.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The rules that are asked, in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|guarded| &guarded.rule)
    }

    /// The decision where no rule decides.
    pub fn default_decision(&self) -> &Default {
        &self.default
    }

    /// The names of the rules that are asked, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|guarded| guarded.rule.name.as_str())
    }

    /// Evaluates every expression of every rule on `facts`, for mistakes that only evaluation shows. That
    /// a Pod lacks what an expression reads is none: another Pod may have it.
    pub fn failures(&self, facts: &Facts<'_, '_, '_>) -> Vec<Failure<'_>> {
        with_evaluator(&self.variables, facts, |evaluator| {
            let rules = self.rules.iter();
            rules
                .flat_map(|guarded| guarded.rule.failures(evaluator))
                .collect()
        })
    }

    /// The same rules, each evaluated always.
    #[cfg(test)]
    pub(super) fn unguarded(mut self) -> Self {
        for guarded in &mut self.rules {
            (guarded.when, guarded.warning) = (None, None);
        }
        self
    }

    /// How many expressions need not be evaluated on some Pods.
    #[cfg(test)]
    pub(super) fn guards(&self) -> usize {
        let guards = |guarded: &Guarded| [guarded.when.is_some(), guarded.warning.is_some()];
        self.rules
            .iter()
            .flat_map(guards)
            .filter(|there| *there)
            .count()
    }

    /// Whether the facts must have the request.
    pub fn request(&self) -> Use {
        self.request
    }
}

/// The roots that each variable reads, itself or through those before it.
fn roots_of(variables: &[Variable]) -> BTreeMap<&str, BTreeSet<Root>> {
    let mut roots: BTreeMap<&str, BTreeSet<Root>> = BTreeMap::new();
    for variable in variables {
        let read = roots_read(&variable.expression, &roots);
        roots.insert(&variable.name, read);
    }
    roots
}

fn roots_read(
    expression: &Expression,
    variables: &BTreeMap<&str, BTreeSet<Root>>,
) -> BTreeSet<Root> {
    let names = expression.variables().iter();
    let through = names.filter_map(|name| variables.get(name.as_str()));
    let through = through.flatten().copied();
    expression.reads().iter().copied().chain(through).collect()
}

// === impl Guarded ===

impl Guarded {
    fn new(rule: Rule, variables: &[Variable]) -> Self {
        let when = Guard::of_bool(rule.when.ast(), variables);
        let warning = rule
            .warning
            .as_ref()
            .and_then(|warning| Guard::of_text(warning.ast(), variables));
        Self {
            rule,
            when,
            warning,
        }
    }

    fn ask<'r>(
        &'r self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        warnings: &mut Vec<String>,
    ) -> Option<(Mode, Cow<'r, str>)> {
        let pod = evaluator.pod();
        let guarded = |guard: &Option<Guard>| guard.as_ref().map(|guard| guard.verdict(pod));
        let silent = self.rule.warning.is_none() || guarded(&self.warning) == Some(Verdict::False);
        if silent && guarded(&self.when) == Some(Verdict::False) {
            return None;
        }
        self.rule.ask(evaluator, warnings)
    }
}

// === impl Part ===

impl fmt::Display for Part {
    /// The name of the field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::When => "when",
            Self::Mode => "modeExpression",
            Self::Warning => "warningExpression",
        })
    }
}

// === impl Rule ===

impl Rule {
    /// Its expressions and what each is, in the order in which they are evaluated.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &Expression)> {
        let mode = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => Some((Part::Mode, expression)),
        };
        let warning = self.warning.iter().map(|warning| (Part::Warning, warning));
        warning.chain([(Part::When, &self.when)]).chain(mode)
    }

    /// All its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let gives = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => Some(expression),
        };
        std::iter::once(&self.when)
            .chain(gives)
            .chain(&self.warning)
    }

    fn failures(&self, evaluator: &Evaluator<'_, '_, '_, '_>) -> Vec<Failure<'_>> {
        let mode = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => evaluator.string(expression).err(),
        };
        let warning = self
            .warning
            .as_ref()
            .and_then(|warning| evaluator.string(warning).err());
        let when = evaluator.bool(&self.when).err();
        [
            (Part::When, when),
            (Part::Mode, mode),
            (Part::Warning, warning),
        ]
        .into_iter()
        .filter_map(|(part, error)| match error? {
            NoValue::Missing(_) => None,
            NoValue::Failed(cause) => Some(Failure {
                rule: &self.name,
                part,
                cause,
            }),
        })
        .collect()
    }

    /// The mode and the reason, where this rule decides.
    fn ask<'r>(
        &'r self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        warnings: &mut Vec<String>,
    ) -> Option<(Mode, Cow<'r, str>)> {
        match self.evaluate(evaluator, warnings) {
            Ok(mode) => mode.map(|mode| (mode, Cow::Borrowed(self.reason.as_str()))),
            Err(cause) => {
                let problem = format!("rule {} could not be evaluated: {cause}", self.name);
                warnings.push(problem.clone());
                match self.on_unknown {
                    OnUnknown::Next => None,
                    OnUnknown::Leave => Some((Mode::Leave, Cow::Owned(problem))),
                }
            }
        }
    }

    fn evaluate(
        &self,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Mode>, NoValue> {
        if let Some(warning) = &self.warning {
            let text = evaluator.string(warning)?;
            if !text.is_empty() {
                warnings.push(text);
            }
        }
        if !evaluator.bool(&self.when)? {
            return Ok(None);
        }
        match &self.gives {
            Gives::Mode(mode) => Ok(Some(*mode)),
            Gives::Expression(expression) => match evaluator.string(expression)?.parse() {
                Ok(mode) => Ok(Some(mode)),
                Err(UnknownMode { value }) => {
                    warnings.push(format!("rule {}: {}", self.name, UnknownMode { value }));
                    Ok(None)
                }
            },
        }
    }
}

// === impl ModeLabels ===

impl ModeLabels {
    /// The labels that `mode` sets.
    pub fn of(&self, mode: Mode) -> Option<&BTreeMap<String, String>> {
        match mode {
            Mode::Ambient => Some(&self.ambient),
            Mode::Sidecar => Some(&self.sidecar),
            Mode::None => Some(&self.none),
            Mode::Leave => None,
        }
    }
}
