//! The evaluation of expressions: roots and variables resolved where they are read, each at most once, what
//! is read counted, failures as sentences.

mod labels;
mod roots;
mod scale;

use std::sync::OnceLock;

use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelList, CelMap, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, Value};

use super::expression::rewrite::{CHARGE, SCALE};
use super::expression::{ENVIRONMENT, Expression, VARIABLES};
use super::facts::view::View;
use super::fuel::Fuel;
use super::json::Object;
use super::rules::Variable;
use roots::{NOT_AVAILABLE, Shown};
use scale::Scale;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoValue {
    /// It reads something that this Pod does not have, which another may have.
    #[error("{0}")]
    Missing(String),
    /// It reads a fact that is not available.
    #[error("{0}")]
    Unknown(String),
    /// It can have none.
    #[error("{0}")]
    Failed(String),
}

/// Resolves the roots: what `variables` are computed from.
struct Roots<'f, 'a, 'r> {
    request: &'f Object<'r>,
    shown: Shown<'f, 'a>,
}

/// Resolves the roots and `variables.NAME`, each of which is computed once.
struct Scope<'f, 'a, 'r> {
    variables: &'f [Variable],
    roots: &'f Roots<'f, 'a, 'r>,
    values: Vec<OnceLock<Weighed<'f>>>,
}

/// The value of a variable, and how many values that is.
struct Weighed<'f> {
    value: Computed<'f>,
    weight: usize,
}

/// Below this weight a variable may be copied as often as one expression can name it.
const LIGHT: usize = 64;

type Computed<'f> = Result<Box<dyn Val + 'f>, NoValue>;

/// Evaluates expressions in one scope, and turns failures into sentences.
pub(super) struct Evaluator<'e, 'f, 'a, 'r> {
    context: &'e Context<'e, 'e>,
    scope: &'e Scope<'f, 'a, 'r>,
}

impl VariableResolver for Roots<'_, '_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        match variable {
            "object" => Some(self.shown.view.pod().object().to_val(self.shown.fuel)),
            "request" => Some(self.request.to_val(self.shown.fuel)),
            "oldObject" => Some(CowVal::Borrowed(&CelNull)),
            SCALE => Some(CowVal::owned(Scale(self.shown.fuel))),
            other => self.shown.root(other).or_else(|| self.charge(other)),
        }
    }
}

impl Roots<'_, '_, '_> {
    /// `true` where there is as much fuel as the name says.
    fn charge<'b>(&self, name: &str) -> Option<CowVal<'b, 'b>> {
        let amount = name.strip_prefix(CHARGE)?.parse().ok()?;
        self.shown.fuel.take(amount).ok()?;
        Some(CowVal::owned(CelBool::from(true)))
    }
}

impl<'f, 'a, 'r> Scope<'f, 'a, 'r> {
    fn new(variables: &'f [Variable], roots: &'f Roots<'f, 'a, 'r>) -> Self {
        let values = variables.iter().map(|_| OnceLock::new()).collect();
        Self {
            variables,
            roots,
            values,
        }
    }

    fn variable(&self, name: &str) -> Option<&Weighed<'f>> {
        let index = self
            .variables
            .iter()
            .position(|variable| variable.name == name)?;
        Some(self.values[index].get_or_init(|| Weighed::of(self.compute(&self.variables[index]))))
    }

    fn compute(&self, variable: &'f Variable) -> Computed<'f> {
        let mut context = Context::with_env(ENVIRONMENT.clone());
        context.set_variable_resolver(self.roots);
        for earlier in variable.expression.variables() {
            if let Some(Weighed { value, weight }) = self.variable(earlier)
                && let Ok(value) = value
                && let copies = copies(&variable.expression, earlier, *weight)
                && self.roots.shown.fuel.take(weight * copies).is_ok()
            {
                context.add_variable_as_val(format!("variables.{earlier}"), value.clone());
            }
        }
        Value::resolve_val(variable.expression.ast(), &context)
            .map(CowVal::into_owned)
            .map_err(|cause| {
                self.failure(&cause).map_or_else(
                    || NoValue::of(&cause, &format!("variables.{}: ", variable.name)),
                    NoValue::clone,
                )
            })
    }

    /// Why the variable could not be computed that `cause` misses: the cause behind it.
    fn failure(&self, cause: &ExecutionError) -> Option<&NoValue> {
        let ExecutionError::UndeclaredReference(name) = cause else {
            return None;
        };
        let name = name.strip_prefix("variables.")?;
        self.variable(name)?.value.as_ref().err()
    }
}

impl VariableResolver for Scope<'_, '_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Some(name) = variable.strip_prefix("variables.") else {
            return self.roots.resolve(variable);
        };
        let Weighed { value, weight } = self.variable(name)?;
        let value = value.as_ref().ok()?;
        self.roots.shown.fuel.take(*weight).ok()?;
        Some(CowVal::Borrowed(value.as_ref()))
    }
}

impl<'f> Weighed<'f> {
    fn of(value: Computed<'f>) -> Self {
        let weight = value.as_ref().map_or(0, |value| weight(value.as_ref()));
        Self { value, weight }
    }
}

/// How many values a computed one hands out when it is read, with those in it, and more for long texts: lists of
/// lists of a variable double in each of many variables.
fn weight(value: &dyn Val) -> usize {
    weight_within(value, Fuel::PER_DECISION as usize)
}

/// The same, where it is less than `most`, else at least `most`.
fn weight_within(value: &dyn Val, most: usize) -> usize {
    let below = |values: &mut dyn Iterator<Item = &dyn Val>| {
        let mut sum = 1;
        while let Some(value) = values.next().filter(|_| sum < most) {
            sum += weight_within(value, most - sum);
        }
        sum
    };
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return below(&mut list.inner().iter().map(|value| &**value as &dyn Val));
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return 1 + Fuel::of_text(text.inner().len());
    }
    match value.downcast_ref::<CelMap<'_>>() {
        Some(map) => below(&mut map.inner().values().map(|value| &**value as &dyn Val)),
        None => 1,
    }
}

/// How often `expression` may copy the variable `name`, whose weight is given; for a light one that is no
/// matter.
fn copies(expression: &Expression, name: &str, weight: usize) -> usize {
    if weight < LIGHT {
        return 1;
    }
    let read = format!("{VARIABLES}.{name}");
    expression.source().matches(&read).count().max(1)
}

/// Evaluates with `variables` on what is looked at through `view`, and the `request`.
pub(super) fn with_evaluator<T>(
    variables: &[Variable],
    view: &View<'_, '_>,
    request: &Object<'_>,
    evaluate: impl FnOnce(&Evaluator<'_, '_, '_, '_>) -> T,
) -> T {
    let fuel = Fuel::full();
    let shown = Shown::new(view, &fuel);
    let roots = Roots { request, shown };
    let scope = Scope::new(variables, &roots);
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.set_variable_resolver(&scope);
    evaluate(&Evaluator {
        context: &context,
        scope: &scope,
    })
}

impl<'a> Evaluator<'_, '_, 'a, '_> {
    /// What the decision looks at.
    pub(super) fn view(&self) -> &View<'_, 'a> {
        self.scope.roots.shown.view
    }

    pub(super) fn bool(&self, expression: &Expression) -> Result<bool, NoValue> {
        let value = self.value(expression)?;
        let bool = value.downcast_ref::<CelBool>().map(|value| *value.inner());
        bool.ok_or_else(|| wrong_type(&value, "bool"))
    }

    pub(super) fn string(&self, expression: &Expression) -> Result<String, NoValue> {
        let value = self.value(expression)?;
        let text = value
            .downcast_ref::<CelString<'_>>()
            .map(|value| value.inner().to_owned());
        text.ok_or_else(|| wrong_type(&value, "string"))
    }

    fn value<'x>(&'x self, expression: &'x Expression) -> Result<CowVal<'x, 'x>, NoValue> {
        self.part(expression.ast())
    }

    /// The value of a part of an expression that can stand alone.
    pub(super) fn part<'x>(&'x self, ast: &'x IdedExpr) -> Result<CowVal<'x, 'x>, NoValue> {
        let result = Value::resolve_val(ast, self.context);
        if self.scope.roots.shown.fuel.is_spent() {
            let limit = Fuel::PER_DECISION;
            return Err(NoValue::Failed(format!(
                "the rules read more than {limit} values of this Pod"
            )));
        }
        result.map_err(|cause| {
            self.scope
                .failure(&cause)
                .map_or_else(|| NoValue::of(&cause, ""), NoValue::clone)
        })
    }
}

fn wrong_type(value: &CowVal<'_, '_>, wanted: &str) -> NoValue {
    NoValue::Failed(format!(
        "its value is a {}, not a {wanted}",
        value.get_type().name()
    ))
}

impl NoValue {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the crate's enum is open, and whatever it adds is a failure"
    )]
    fn of(cause: &ExecutionError, prefix: &str) -> Self {
        let text = format!("{prefix}{cause}");
        match cause {
            ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_) => {
                Self::Missing(text)
            }
            ExecutionError::InternalError(cause) if cause.starts_with(NOT_AVAILABLE) => {
                Self::Unknown(cause.clone())
            }
            _ => Self::Failed(text),
        }
    }
}
