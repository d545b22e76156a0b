//! What must be on a Pod for an expression to be anything but `false`, read off the expression when it is
//! loaded.
//!
//! Most rules begin with `'some/key' in variables.annotations`, and most Pods do not have the key. Then the
//! answer is known without evaluating: `false && x` is `false` in CEL whatever `x` is, an error too. A
//! guard never changes an answer; it is `None` where nothing is certain.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::expression::VARIABLES;
use super::facts::{Pod, StringMap};
use super::rules::Variable;

/// Keys of which at least one must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard(Vec<Key>);

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
                let Self(mut keys) = Self::of_bool(left, variables)?;
                keys.extend(Self::of_bool(right, variables)?.0);
                Some(Self(keys))
            }
            (operators::IN, [key, map]) => Some(Self(vec![Key {
                map: map_of(map, variables)?,
                name: literal(key)?.to_owned(),
            }])),
            _ => presence(expression).and_then(|(field, name)| match field {
                Field::Spec => Some(Self(vec![Key {
                    map: Map::Direct(field),
                    name: name.to_owned(),
                }])),
                Field::Labels | Field::Annotations => None,
            }),
        }
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

    /// What is known for `pod`.
    pub fn verdict(&self, pod: &Pod<'_>) -> Verdict {
        if self.0.iter().all(|key| key.is_absent(pod)) {
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
    if let Expr::Ident(name) = &expression.expr {
        let name = name.strip_prefix(VARIABLES)?.strip_prefix('.')?;
        let variable = variables.iter().find(|variable| variable.name == name)?;
        return defaulted(variable.expression.ast()).map(Map::Defaulted);
    }
    path(expression).map(Map::Direct)
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
    matches!(&expression.expr, Expr::Ident(name) if name == "object")
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
