//! The rules of an operator, and their evaluation: facts in, the rule that decides out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::evaluation::{Evaluator, NoValue, with_evaluator};
use super::explanation::{self as explain, Asked};
use super::expression::{Expression, Root};
use super::facts::source::Connection;
use super::facts::view::View;
use super::facts::{Facts, Fields};
use super::guard::{Guard, Verdict};
use super::json::Object;
use super::mode::{Mode, UnknownMode};

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

/// What an expression reads, itself or through variables.
#[derive(Debug, Clone)]
struct Reads {
    roots: BTreeSet<Root>,
    fields: Fields,
}

/// What has come of asking the rules so far.
#[derive(Debug)]
struct Asking {
    warnings: Vec<String>,
    /// The rules that were passed over because a fact is missing.
    passed_over: Vec<String>,
}

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

/// What each variable reads, itself or through those before it.
fn reads_of(variables: &[Variable]) -> BTreeMap<&str, Reads> {
    let mut reads: BTreeMap<&str, Reads> = BTreeMap::new();
    for variable in variables {
        let read = reads_all(&variable.expression, &reads);
        reads.insert(&variable.name, read);
    }
    reads
}

fn reads_all(expression: &Expression, variables: &BTreeMap<&str, Reads>) -> Reads {
    let names = expression.variables().iter();
    let through: Vec<&Reads> = names
        .filter_map(|name| variables.get(name.as_str()))
        .collect();
    let roots = through.iter().flat_map(|reads| &reads.roots);
    let fields = through.iter().flat_map(|reads| reads.fields.iter());
    Reads {
        roots: expression.reads().iter().chain(roots).copied().collect(),
        fields: expression.fields().iter().chain(fields).collect(),
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

/// What a rule decides about a Pod.
#[derive(Debug)]
enum Decided {
    /// A mode.
    Mode(Mode),
    /// That it is left, as the rule cannot be evaluated: why.
    Left(String),
}

// === impl Guarded ===

impl Guarded {
    fn new(rule: Rule, variables: &[Variable], reads: &BTreeMap<&str, Reads>) -> Self {
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
    fn is_on(&self, connection: Connection) -> bool {
        match connection {
            Connection::None => self.fields.is_empty(),
            Connection::Cluster => true,
        }
    }

    fn ask(&self, evaluator: &Evaluator<'_, '_, '_, '_>, asking: &mut Asking) -> Option<Decided> {
        let pod = evaluator.pod();
        let guarded = |guard: &Option<Guard>| guard.as_ref().map(|guard| guard.verdict(pod));
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

    fn failures(&self, evaluator: &Evaluator<'_, '_, '_, '_>) -> Vec<Failure<'_>> {
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
    fn ask(&self, evaluator: &Evaluator<'_, '_, '_, '_>, asking: &mut Asking) -> Option<Decided> {
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

    pub(super) fn evaluate(
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
pub(super) enum Given {
    /// Its condition does not hold.
    Nothing,
    /// A mode.
    Mode(Mode),
    /// A value that is none.
    NoMode(UnknownMode),
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
