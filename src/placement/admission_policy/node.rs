//! What a node of a checked expression is, as far as one step tells.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use crate::placement::operators::as_written;

/// The name of an identifier.
pub(super) fn identifier(node: &IdedExpr) -> Option<&str> {
    let Expr::Ident(name) = &node.expr else {
        return None;
    };
    Some(name)
}

/// A text.
pub(super) fn literal(node: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &node.expr else {
        return None;
    };
    Some(text.inner())
}

/// A function or operator with its target, if any, and its arguments.
pub(super) fn call(node: &IdedExpr) -> Option<(&str, Option<&IdedExpr>, &[IdedExpr])> {
    let Expr::Call(call) = &node.expr else {
        return None;
    };
    Some((
        as_written(&call.func_name),
        call.target.as_deref(),
        &call.args,
    ))
}

/// `has(OPERAND.FIELD)`.
pub(super) fn presence(node: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    let Expr::Select(select) = &node.expr else {
        return None;
    };
    select.test.then_some((&select.operand, &select.field))
}

/// The elements of a list that is written down.
pub(super) fn elements(node: &IdedExpr) -> Option<&[IdedExpr]> {
    let Expr::List(list) = &node.expr else {
        return None;
    };
    Some(&list.elements)
}

/// `{}`.
pub(super) fn is_empty_map(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Map(map) if map.entries.is_empty())
}
