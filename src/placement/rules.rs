//! The rules of an operator, and their evaluation: facts in, the rule that decides out.

mod ask;
mod parts;
mod reads;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use self::ask::{Asking, Decided};
use self::reads::{reads_all, reads_of};
use super::evaluation::{Evaluator, with_evaluator};

use super::explanation::{self as explain, Asked};
use super::expression::{Expression, Root};
use super::facts::source::Connection;
use super::facts::view::View;
use super::facts::{Facts, Fields};
use super::guard::Guard;
use super::json::Object;
use super::labels::Labels;
use super::mode::Mode;

pub(super) use self::ask::Given;

/// The placement part of a configuration, checked.
#[derive(Debug)]
pub struct Rules {
    variables: Vec<Variable>,
    /// In order; the first whose condition holds decides.
    rules: Vec<Guarded>,
    default: Default,
    request: Use,
    /// What follows a reason where there is no cluster: which rules are off, if any.
    off: String,
    /// How long an object that was not seen yet is waited for.
    pub owner_wait: Duration,
    /// The labels that each mode sets on a Pod.
    pub labels: ModeLabels,
}

/// A rule, and when it need not be evaluated.
#[derive(Debug)]
struct Guarded {
    rule: Rule,
    when: Option<Guard>,
    warning: Option<Guard>,
    /// What the rule reads of the cluster, itself or through variables.
    fields: Fields,
    /// Its reason where there is no cluster.
    reason_alone: String,
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
    /// The same with what decided on this Pod; where it has no value or is empty, [`Self::reason`] stands.
    pub reason_expression: Option<Expression>,
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
    mode: Mode,
    reason: String,
    /// The reason where there is no cluster.
    reason_alone: String,
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
    /// The one that gives the reason.
    Reason,
}

/// The name under which the default decides.
pub const DEFAULT: &str = "default";

/// [`Rules::owner_wait`] where none is configured.
pub const OWNER_WAIT: Duration = Duration::from_millis(50);

// === impl Rules ===

impl Rules {
    /// Rules in order; each variable may use those before it.
    pub fn new(
        variables: Vec<Variable>,
        rules: Vec<Rule>,
        default: Default,
        labels: ModeLabels,
    ) -> Self {
        let reads = reads_of(&variables);
        let rules: Vec<Guarded> = rules
            .into_iter()
            .map(|rule| Guarded::new(rule, &variables, &reads))
            .collect();
        let request = rules.iter().any(|guarded| {
            let mut expressions = guarded.rule.expressions();
            expressions
                .any(|expression| reads_all(expression, &reads).roots.contains(&Root::Request))
        });
        drop(reads);
        let mut this = Self {
            variables,
            rules,
            default,
            request: if request { Use::Read } else { Use::Unread },
            off: String::new(),
            owner_wait: OWNER_WAIT,
            labels,
        };
        this.note_what_is_off();
        this
    }

    fn note_what_is_off(&mut self) {
        let names: Vec<&str> = self.needing_a_cluster().collect();
        if !names.is_empty() {
            let names = names.join(", ");
            self.off = format!(" (rules off without a cluster connection: {names})");
        }
        for guarded in &mut self.rules {
            guarded.reason_alone = format!("{}{}", guarded.rule.reason, self.off);
        }
        self.default.reason_alone = format!("{}{}", self.default.reason, self.off);
    }

    /// Evaluates the rules in order on what is looked at through `view`, and the `request`.
    pub(super) fn evaluate<'r>(
        &'r self,
        view: &View<'_, '_>,
        request: &Object<'_>,
    ) -> Decision<'r> {
        with_evaluator(&self.variables, view, request, |evaluator| {
            self.decide(evaluator)
        })
    }

    fn decide<'r>(&'r self, evaluator: &Evaluator<'_, '_, '_, '_>) -> Decision<'r> {
        let connection = evaluator.view().connection();
        let mut asking = Asking {
            warnings: Vec::new(),
            passed_over: Vec::new(),
        };
        let asked = self
            .rules
            .iter()
            .filter(|guarded| guarded.is_on(connection));
        let found = asked.into_iter().find_map(|guarded| {
            let mode = guarded.ask(evaluator, &mut asking)?;
            Some((guarded, mode))
        });
        let (mode, rule, mut reason) = match found {
            Some((guarded, Decided::Mode(mode))) => {
                let reason = self.reason(guarded, evaluator, connection);
                (mode, guarded.rule.name.as_str(), reason)
            }
            Some((guarded, Decided::Left(problem))) => {
                (Mode::Leave, guarded.rule.name.as_str(), Cow::Owned(problem))
            }
            None => {
                let reason = match connection {
                    Connection::None => &self.default.reason_alone,
                    Connection::Cluster => &self.default.reason,
                };
                (self.default.mode, DEFAULT, Cow::Borrowed(reason.as_str()))
            }
        };
        if !asking.passed_over.is_empty() {
            let note = format!(" ({})", asking.passed_over.join("; "));
            reason.to_mut().push_str(&note);
        }
        Decision {
            mode,
            rule,
            reason,
            warnings: asking.warnings,
        }
    }

    fn reason<'r>(
        &'r self,
        guarded: &'r Guarded,
        evaluator: &Evaluator<'_, '_, '_, '_>,
        connection: Connection,
    ) -> Cow<'r, str> {
        let expression = guarded.rule.reason_expression.as_ref();
        let computed = expression.and_then(|expression| evaluator.string(expression).ok());
        let computed = computed.filter(|text| !text.is_empty());
        match (computed, connection) {
            (Some(text), Connection::None) => Cow::Owned(text + &self.off),
            (Some(text), Connection::Cluster) => Cow::Owned(text),
            (None, Connection::None) => Cow::Borrowed(&guarded.reason_alone),
            (None, Connection::Cluster) => Cow::Borrowed(&guarded.rule.reason),
        }
    }

    /// The names of the rules that read what only a cluster tells: without a connection they are not asked.
    pub fn needing_a_cluster(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter();
        let needing = rules.filter(|guarded| !guarded.is_on(Connection::None));
        needing.map(|guarded| guarded.rule.name.as_str())
    }

    /// What the rules read of the cluster.
    pub fn fields(&self) -> Fields {
        self.rules
            .iter()
            .flat_map(|guarded| guarded.fields.iter())
            .collect()
    }

    /// The rules in order, and what each reads of the cluster.
    pub fn fields_by_rule(&self) -> impl Iterator<Item = (&str, Fields)> {
        let rules = self.rules.iter();
        rules.map(|guarded| (guarded.rule.name.as_str(), guarded.fields))
    }

    /// How each rule answers for the Pod in `facts`, in order, also behind the one that decides, the default
    /// last.
    pub fn explain(&self, facts: &Facts<'_, '_, '_>) -> Vec<Asked<'_>> {
        let view = View::of(facts);
        with_evaluator(&self.variables, &view, facts.request, |evaluator| {
            let rules = self.rules.iter().map(|guarded| {
                let on = guarded.is_on(view.connection());
                explain::rule(&guarded.rule, on.then_some(evaluator))
            });
            let mut asked: Vec<Asked<'_>> = rules.collect();
            asked.push(explain::default(self.default.mode));
            for (asked, guarded) in asked.iter_mut().zip(&self.rules) {
                asked.read = explain::read(&guarded.rule, evaluator);
            }
            asked
        })
    }

    /// The names of the rules, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|guarded| guarded.rule.name.as_str())
    }

    /// Evaluates every expression of every rule on `facts`, for mistakes that only evaluation shows. That
    /// a Pod lacks what an expression reads is none: another Pod may have it.
    pub fn failures(&self, facts: &Facts<'_, '_, '_>) -> Vec<Failure<'_>> {
        let view = View::of(facts);
        with_evaluator(&self.variables, &view, facts.request, |evaluator| {
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

// === impl Default ===

impl Default {
    /// This mode, for this reason.
    pub fn new(mode: Mode, reason: String) -> Self {
        Self {
            mode,
            reason_alone: reason.clone(),
            reason,
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

    /// Whether a Pod with the labels `there` looks as if it had been given `mode`: one of the mode's labels is there
    /// as the mode sets it, or it sets none. Not all of them: those of somebody else are kept, and an operator
    /// may have added one since.
    pub fn are_on(&self, mode: Mode, there: &Labels) -> bool {
        self.of(mode).is_some_and(|set| {
            let is_there =
                |(key, value): (&String, &String)| there.get(key) == Some(value.as_str());
            set.is_empty() || set.iter().any(is_there)
        })
    }
}
