//! The paths that a checked expression mentions, such as `object.metadata.labels['app']`.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use crate::placement::expression::rewrite::range_as_written;
use crate::placement::expression::{Root, VARIABLES};

/// A path, and the expression that reads it.
pub(super) struct Path {
    pub(super) text: String,
    pub(super) expression: IdedExpr,
}

/// Those of `ast`, in the order of the text, and perhaps more than once.
pub(super) fn of(ast: &IdedExpr) -> Vec<Path> {
    let mut walk = Walk {
        bound: Vec::new(),
        found: Vec::new(),
    };
    walk.visit(ast);
    walk.found
}

struct Walk<'e> {
    /// The variables of the comprehensions around the present node.
    bound: Vec<&'e str>,
    found: Vec<Path>,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, node: &'e IdedExpr) {
        if let Some(path) = self.path(node).or_else(|| self.key(node)) {
            return self.found.push(path);
        }
        match &node.expr {
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.visit(target));
                call.args.iter().for_each(|argument| self.visit(argument));
            }
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Comprehension(loops) => {
                self.visit(range_as_written(&loops.iter_range));
                self.visit(&loops.accu_init);
                let outer = self.bound.len();
                self.bound.extend([&*loops.iter_var, &*loops.accu_var]);
                self.bound.extend(loops.iter_var2.as_deref());
                for part in [&loops.loop_cond, &loops.loop_step, &loops.result] {
                    self.visit(part);
                }
                self.bound.truncate(outer);
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn entry(&mut self, entry: &'e EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.visit(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key);
                self.visit(&entry.value);
            }
        }
    }

    /// A root or a variable with the fields behind it.
    fn path(&self, node: &IdedExpr) -> Option<Path> {
        let text = self.text(node)?;
        let mut expression = node.clone();
        if let Expr::Select(SelectExpr { test, .. }) = &mut expression.expr {
            *test = false;
        }
        Some(Path { text, expression })
    }

    /// What `'NAME' in PATH` asks for.
    fn key(&self, node: &IdedExpr) -> Option<Path> {
        let Expr::Call(call) = &node.expr else {
            return None;
        };
        let [name, map] = call.args.as_slice() else {
            return None;
        };
        if call.func_name != operators::IN {
            return None;
        }
        let text = join(&self.text(map)?, literal(name)?);
        let index = CallExpr {
            func_name: operators::INDEX.to_owned(),
            target: None,
            args: vec![map.clone(), name.clone()],
        };
        let expr = Expr::Call(index);
        let expression = IdedExpr { id: node.id, expr };
        Some(Path { text, expression })
    }

    fn text(&self, node: &IdedExpr) -> Option<String> {
        match &node.expr {
            Expr::Ident(name) => self.is_root(name).then(|| name.clone()),
            Expr::Select(select) => Some(join(&self.text(&select.operand)?, &select.field)),
            Expr::Call(call) => {
                let [operand, index] = call.args.as_slice() else {
                    return None;
                };
                let indexes = [
                    operators::INDEX,
                    operators::OPT_INDEX,
                    operators::OPT_SELECT,
                ];
                if !indexes.contains(&call.func_name.as_str()) {
                    return None;
                }
                let operand = self.text(operand)?;
                if let Expr::Literal(LiteralValue::Int(index)) = &index.expr {
                    return Some(format!("{operand}[{}]", index.inner()));
                }
                Some(join(&operand, literal(index)?))
            }
            Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => None,
        }
    }

    fn is_root(&self, name: &str) -> bool {
        let variable = name
            .strip_prefix(VARIABLES)
            .is_some_and(|rest| rest.starts_with('.'));
        let root = || Root::ALL.into_iter().any(|root| root.as_str() == name);
        !self.bound.contains(&name) && (variable || root())
    }
}

fn literal(node: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &node.expr else {
        return None;
    };
    Some(text.inner())
}

/// `PATH.NAME`, or `PATH['NAME']` where the name is none of CEL's.
fn join(path: &str, name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        format!("{path}.{name}")
    } else {
        format!("{path}['{name}']")
    }
}
