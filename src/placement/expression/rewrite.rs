//! What a checked expression is turned into before it is evaluated: the same, but right where the crate is
//! wrong (maps), and faster where it is slow (paths).

use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators,
};
use cel::common::types::CelString;

use super::VARIABLES;
use super::fact::{Manner, Read};
use crate::placement::operators as ours;

/// The variable that takes fuel when it is read: behind it stands how much.
pub(in crate::placement) const CHARGE: &str = "@charge:";

/// The variable whose keys are values, and take fuel for what they are.
pub(in crate::placement) const SCALE: &str = "@scale";

/// Rewrites `ast`.
pub(super) fn rewrite(ast: &mut IdedExpr) {
    own_operators(ast);
    facts(ast);
    paths_as_indexes(ast);
    charges(ast);
    handed_down(ast, &[], &[]);
}

/// Lets a comprehension over values that the expression writes itself cost fuel, as reading others does:
/// `@charge:3 ? [1, 2, 3] : []`.
fn charges(expression: &mut IdedExpr) {
    children_mut(expression, &mut charges);
    let Expr::Comprehension(comprehension) = &mut expression.expr else {
        return;
    };
    let written = written(&comprehension.iter_range);
    if written > 0 {
        let range = std::mem::take(&mut comprehension.iter_range);
        let id = range.id;
        let node = |expr| IdedExpr { id, expr };
        let args = vec![
            node(Expr::Ident(format!("{CHARGE}{written}"))),
            range,
            node(Expr::List(ListExpr::default())),
        ];
        comprehension.iter_range = node(Expr::Call(CallExpr {
            func_name: operators::CONDITIONAL.to_owned(),
            target: None,
            args,
        }));
    }
}

/// Lets what a loop hands to another in it cost fuel each time, as it may be a long text:
/// `@scale[k] ? k : k`. Not where it is only compared, which is most. `outer` are the variables of such loops, `own` those
/// of the next loop around.
fn handed_down(expression: &mut IdedExpr, outer: &[String], own: &[String]) {
    let id = expression.id;
    match &mut expression.expr {
        Expr::Ident(name) if outer.contains(name) && !own.contains(name) => {
            let node = |name: &str| IdedExpr {
                id,
                expr: Expr::Ident(name.to_owned()),
            };
            let weighed = call(operators::INDEX, vec![node(SCALE), node(name)]);
            let args = vec![IdedExpr { id, expr: weighed }, node(name), node(name)];
            expression.expr = call(operators::CONDITIONAL, args);
        }
        Expr::Comprehension(comprehension) => {
            handed_down(&mut comprehension.iter_range, outer, own);
            handed_down(&mut comprehension.accu_init, outer, own);
            let outer = [outer, own].concat();
            let names = comprehension.iter_var2.iter();
            let own: Vec<String> = names.chain([&comprehension.iter_var]).cloned().collect();
            handed_down(&mut comprehension.loop_cond, &outer, &own);
            handed_down(&mut comprehension.loop_step, &outer, &own);
            handed_down(&mut comprehension.result, &outer, &own);
        }
        Expr::Ident(_)
        | Expr::Call(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_)
        | Expr::Unspecified => {
            let goes_through = !compares_only(expression);
            children_mut(expression, &mut |child| {
                if goes_through || !matches!(child.expr, Expr::Ident(_)) {
                    handed_down(child, outer, own);
                }
            });
        }
    }
}

/// Whether what is right below takes no longer where it is a longer text: a field of it, a comparison, a number.
fn compares_only(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Select(_) => true,
        Expr::Call(call) => matches!(
            ours::as_written(&call.func_name),
            operators::INDEX
                | operators::OPT_INDEX
                | operators::OPT_SELECT
                | operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS
                | operators::IN
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
        ),
        Expr::Ident(_)
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => false,
    }
}

/// A variable of a loop, as it was written.
pub(in crate::placement) fn handed_as_written(node: &IdedExpr) -> &IdedExpr {
    if let Expr::Call(call) = &node.expr
        && let [weighed, value, _] = call.args.as_slice()
        && let Expr::Call(weighed) = &weighed.expr
        && let [scale, _] = weighed.args.as_slice()
        && matches!(&scale.expr, Expr::Ident(name) if name == SCALE)
    {
        value
    } else {
        node
    }
}

/// What a comprehension goes over, as it was written.
pub(in crate::placement) fn range_as_written(range: &IdedExpr) -> &IdedExpr {
    if let Expr::Call(call) = &range.expr
        && let [charge, written, _] = call.args.as_slice()
        && matches!(&charge.expr, Expr::Ident(name) if name.starts_with(CHARGE))
    {
        written
    } else {
        range
    }
}

/// How many elements of lists and maps stand in an expression.
fn written(expression: &IdedExpr) -> usize {
    match &expression.expr {
        Expr::List(list) => list.elements.len() + list.elements.iter().map(written).sum::<usize>(),
        Expr::Map(map) => map.entries.len(),
        Expr::Call(call) => {
            call.target
                .iter()
                .map(|target| written(target))
                .sum::<usize>()
                + call.args.iter().map(written).sum::<usize>()
        }
        Expr::Comprehension(comprehension) => written(range_as_written(&comprehension.iter_range)),
        Expr::Select(select) => written(&select.operand),
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

/// Lets operators be ours where the crate's will not do.
fn own_operators(expression: &mut IdedExpr) {
    if let Expr::Call(call) = &mut expression.expr {
        ours::rewrite(call);
    }
    children_mut(expression, &mut own_operators);
}

/// Lets `workload.?replicas` be nothing only where it is known that there is none: the crate takes every error
/// for that.
fn facts(expression: &mut IdedExpr) {
    let read = Read::of(expression).filter(|read| read.manner == Manner::Optional);
    let optional = read.map(|read| {
        if is_test(expression) {
            read.as_test(expression.id)
        } else {
            read.as_optional(expression.id)
        }
    });
    match optional {
        Some(optional) => expression.expr = optional,
        None => children_mut(expression, &mut facts),
    }
}

fn is_test(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Select(select) if select.test)
}

/// Turns `variables.NAME` into one identifier, and a path such as `object.metadata.labels` into
/// `object['metadata']['labels']`, which is the same to maps: for a name with dots the crate joins and
/// looks up every prefix first, on each evaluation.
fn paths_as_indexes(expression: &mut IdedExpr) {
    children_mut(expression, &mut paths_as_indexes);
    let Expr::Select(select) = &mut expression.expr else {
        return;
    };
    if select.test {
        return;
    }
    let operand = std::mem::take(&mut *select.operand);
    let field = std::mem::take(&mut select.field);
    expression.expr = match operand.expr {
        Expr::Ident(name) if name == VARIABLES => Expr::Ident(format!("{VARIABLES}.{field}")),
        Expr::Ident(_) | Expr::Call(_) => Expr::Call(CallExpr {
            func_name: operators::INDEX.to_owned(),
            target: None,
            args: vec![
                operand,
                IdedExpr {
                    id: expression.id,
                    expr: Expr::Literal(text(field)),
                },
            ],
        }),
        Expr::Select(_)
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => Expr::Select(SelectExpr {
            operand: Box::new(operand),
            field,
            test: false,
        }),
    };
}

fn call(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: None,
        args,
    })
}

fn text(text: String) -> LiteralValue {
    LiteralValue::String(CelString::from(text))
}

fn children_mut(expression: &mut IdedExpr, visit: &mut dyn FnMut(&mut IdedExpr)) {
    match &mut expression.expr {
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| visit(target));
            call.args.iter_mut().for_each(visit);
        }
        Expr::Comprehension(comprehension) => [
            &mut comprehension.iter_range,
            &mut comprehension.accu_init,
            &mut comprehension.loop_cond,
            &mut comprehension.loop_step,
            &mut comprehension.result,
        ]
        .into_iter()
        .for_each(visit),
        Expr::List(list) => list.elements.iter_mut().for_each(visit),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|entry| entry_mut(&mut entry.expr, visit)),
        Expr::Struct(fields) => {
            fields
                .entries
                .iter_mut()
                .for_each(|entry| entry_mut(&mut entry.expr, visit));
        }
        Expr::Select(select) => visit(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn entry_mut(entry: &mut EntryExpr, visit: &mut dyn FnMut(&mut IdedExpr)) {
    match entry {
        EntryExpr::StructField(field) => visit(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            visit(&mut entry.key);
            visit(&mut entry.value);
        }
    }
}
