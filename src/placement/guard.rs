//! What must be there for an expression to be anything but `false`, read off the expression when it is
//! loaded.
//!
//! Most rules begin with `'some/key' in variables.annotations`, and most Pods do not have the key; or they look
//! for something in `mesh.requires`, which is empty for most. Then the answer is known without evaluating:
//! `false && x` is `false` in CEL whatever `x` is, an error too. A guard never changes an answer; it is `None`
//! where nothing is certain.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::expression::VARIABLES;
use super::facts::view::View;
use super::facts::{Pod, StringMap};
use super::rules::Variable;

/// Things of which at least one must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard(Vec<Need>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    Key(Key),
    /// An element of `mesh.requires`.
    Requirement,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    map: Map,
    name: String,
}

/// A map of the Pod, and what reading it means where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Map {
    /// An empty map: `has(object.metadata.annotations) ? object.metadata.annotations : {}`.
    Defaulted(Field),
    /// An error, which a guard must not hide.
    Direct(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Labels,
    Annotations,
    Spec,
}

/// Whether an expression has to be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is false.
    False,
    /// Evaluation tells.
    Open,
}

// === impl Guard ===

impl Guard {
    /// The guard of a condition.
    pub fn of_bool(expression: &IdedExpr, variables: &[Variable]) -> Option<Self> {
        let (name, arguments) = call(expression).unwrap_or_default();
        match (name, arguments) {
            (operators::LOGICAL_AND, [left, right]) => {
                Self::of_bool(left, variables).or_else(|| Self::of_bool(right, variables))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let Self(mut needs) = Self::of_bool(left, variables)?;
                needs.extend(Self::of_bool(right, variables)?.0);
                Some(Self(needs))
            }
            (operators::IN, [key, map]) => Some(Self::key(map_of(map, variables)?, literal(key)?)),
            (operators::GREATER, [size, zero]) if is_zero(zero) => {
                let list = sized(size).filter(|list| is_of_requirements(list, variables));
                list.map(|_| Self(vec![Need::Requirement]))
            }
            _ if some_requirement(expression, variables) => Some(Self(vec![Need::Requirement])),
            _ => presence(expression).and_then(|(field, name)| match field {
                Field::Spec => Some(Self::key(Map::Direct(field), name)),
                Field::Labels | Field::Annotations => None,
            }),
        }
    }

    fn key(map: Map, name: &str) -> Self {
        let name = name.to_owned();
        Self(vec![Need::Key(Key { map, name })])
    }

    /// The guard of an expression that gives a text, and counts as false where that is empty:
    /// `CONDITION ? TEXT : ''`.
    pub fn of_text(expression: &IdedExpr, variables: &[Variable]) -> Option<Self> {
        match call(expression)? {
            (operators::CONDITIONAL, [condition, _, otherwise])
                if literal(otherwise) == Some("") =>
            {
                Self::of_bool(condition, variables)
            }
            _ => None,
        }
    }

    /// What is known for the Pod in `view`.
    pub(super) fn verdict(&self, view: &View<'_, '_>) -> Verdict {
        let is_absent = |need: &Need| match need {
            Need::Key(key) => key.is_absent(view.pod()),
            Need::Requirement => view.nothing_required(),
        };
        if self.0.iter().all(is_absent) {
            Verdict::False
        } else {
            Verdict::Open
        }
    }
}

impl Key {
    /// Whether looking for the key gives `false`, neither `true` nor an error.
    fn is_absent(&self, pod: &Pod<'_>) -> bool {
        let field = match self.map {
            Map::Defaulted(field) | Map::Direct(field) => field,
        };
        let absent = match field {
            Field::Labels => is_absent(pod.labels(), &self.name),
            Field::Annotations => is_absent(pod.annotations(), &self.name),
            Field::Spec => pod.has_spec().then(|| pod.spec(&self.name).is_none()),
        };
        match self.map {
            Map::Defaulted(_) => absent.unwrap_or(true),
            Map::Direct(_) => absent.unwrap_or(false),
        }
    }
}

/// `None` where there is no map.
fn is_absent(map: StringMap<'_, '_>, key: &str) -> Option<bool> {
    match map {
        StringMap::Missing => None,
        StringMap::Present(_) => Some(map.get(key).is_none()),
    }
}

/// The map that an expression reads, directly or through a variable.
fn map_of(expression: &IdedExpr, variables: &[Variable]) -> Option<Map> {
    if let Some(variable) = variable(expression, variables) {
        return defaulted(variable).map(Map::Defaulted);
    }
    path(expression).map(Map::Direct)
}

/// What the variable stands for that an expression is.
fn variable<'v>(expression: &IdedExpr, variables: &'v [Variable]) -> Option<&'v IdedExpr> {
    let Expr::Ident(name) = &expression.expr else {
        return None;
    };
    let name = name.strip_prefix(VARIABLES)?.strip_prefix('.')?;
    let variable = variables.iter().find(|variable| variable.name == name)?;
    Some(variable.expression.ast())
}

/// Whether it is `mesh.requires`, or what `filter` or `map` make of it, which is empty where that is.
fn is_of_requirements(expression: &IdedExpr, variables: &[Variable]) -> bool {
    if let Some(variable) = variable(expression, variables) {
        return is_of_requirements(variable, variables);
    }
    let Expr::Comprehension(comprehension) = &expression.expr else {
        return index(expression)
            .is_some_and(|(root, name)| name == "requires" && is_ident(root, "mesh"));
    };
    matches!(&comprehension.accu_init.expr, Expr::List(list) if list.elements.is_empty())
        && gives_what_it_begins_with(comprehension)
        && is_of_requirements(&comprehension.iter_range, variables)
}

/// `LIST.exists(r, …)` on such a list, which is false where that is empty.
fn some_requirement(expression: &IdedExpr, variables: &[Variable]) -> bool {
    let Expr::Comprehension(comprehension) = &expression.expr else {
        return false;
    };
    matches!(&comprehension.accu_init.expr, Expr::Literal(LiteralValue::Boolean(begin)) if !*begin.inner())
        && gives_what_it_begins_with(comprehension)
        && is_of_requirements(&comprehension.iter_range, variables)
}

/// Whether a comprehension over nothing gives what it begins with.
fn gives_what_it_begins_with(comprehension: &ComprehensionExpr) -> bool {
    is_ident(&comprehension.result, &comprehension.accu_var)
}

/// `LIST.size()`, or `size(LIST)`.
fn sized(expression: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(call) = &expression.expr else {
        return None;
    };
    match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
        ("size", Some(list), []) => Some(list),
        ("size", None, [list]) => Some(list),
        _ => None,
    }
}

fn is_zero(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Literal(LiteralValue::Int(number)) if *number.inner() == 0)
}

/// `has(PATH) ? PATH : {}`.
fn defaulted(expression: &IdedExpr) -> Option<Field> {
    let (operators::CONDITIONAL, [condition, map, otherwise]) = call(expression)? else {
        return None;
    };
    let Expr::Map(literal) = &otherwise.expr else {
        return None;
    };
    let field = path(map)?;
    let Expr::Select(select) = &condition.expr else {
        return None;
    };
    let tested =
        select.test && is_metadata(&select.operand) && field_of(&select.field) == Some(field);
    (literal.entries.is_empty() && tested).then_some(field)
}

/// `object.metadata.labels` or `object.metadata.annotations`.
fn path(expression: &IdedExpr) -> Option<Field> {
    let (operand, name) = index(expression)?;
    if is_metadata(operand) {
        field_of(name)
    } else {
        None
    }
}

/// `has(object.spec.NAME)`.
fn presence(expression: &IdedExpr) -> Option<(Field, &str)> {
    let Expr::Select(select) = &expression.expr else {
        return None;
    };
    let (object, "spec") = index(&select.operand)? else {
        return None;
    };
    (select.test && is_object(object)).then_some((Field::Spec, select.field.as_str()))
}

fn field_of(name: &str) -> Option<Field> {
    match name {
        "labels" => Some(Field::Labels),
        "annotations" => Some(Field::Annotations),
        _ => None,
    }
}

fn is_metadata(expression: &IdedExpr) -> bool {
    index(expression).is_some_and(|(object, name)| name == "metadata" && is_object(object))
}

fn is_object(expression: &IdedExpr) -> bool {
    is_ident(expression, "object")
}

fn is_ident(expression: &IdedExpr, wanted: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == wanted)
}

/// `OPERAND['NAME']`, which is also what paths are compiled to.
fn index(expression: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    match call(expression)? {
        (operators::INDEX, [operand, name]) => Some((operand, literal(name)?)),
        _ => None,
    }
}

fn call(expression: &IdedExpr) -> Option<(&str, &[IdedExpr])> {
    let Expr::Call(call) = &expression.expr else {
        return None;
    };
    call.target
        .is_none()
        .then_some((&call.func_name, &call.args))
}

fn literal(expression: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &expression.expr else {
        return None;
    };
    Some(text.inner())
}
