//! What an expression does with values of meshmode's own: names of fields and words that do not exist.

use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};

use super::Checker;
use crate::placement::expression::VARIABLES;
use crate::placement::expression::fact::{self, Manner, Read};
use crate::placement::expression::words::{self, Known};

impl Checker<'_> {
    /// What `node` gives, where that is a value of meshmode's own.
    pub(super) fn known(&self, node: &IdedExpr) -> Option<Known> {
        if let Some(read) = Read::of(node).filter(|read| !self.is_bound(read.root.as_str())) {
            return read.gives(node);
        }
        match &node.expr {
            Expr::Ident(name) => {
                let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
                bound.and_then(|(_, known)| *known)
            }
            Expr::Comprehension(comprehension) if words::is_filter(comprehension) => {
                self.known(&comprehension.iter_range)
            }
            Expr::Select(select) if select.test => None,
            Expr::Select(_) | Expr::Call(_) => self.known_step(node),
            Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => None,
        }
    }

    /// The same of `variables.NAME`, of a field, and of an element.
    fn known_step(&self, node: &IdedExpr) -> Option<Known> {
        if let Some((operand, name, Manner::Plain)) = fact::step(node) {
            let is_declared = matches!(&operand.expr, Expr::Ident(name) if name == VARIABLES);
            if is_declared && !self.is_bound(VARIABLES) {
                let declared = self.declared.iter().find(|(known, _)| *known == name);
                return declared.and_then(|(_, known)| *known);
            }
            return self.known(operand)?.field(name).ok().flatten();
        }
        match &node.expr {
            Expr::Call(call) if call.func_name == operators::INDEX => {
                self.known(call.args.first()?)?.element()
            }
            Expr::Call(_)
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_)
            | Expr::Unspecified => None,
        }
    }

    /// A field of an element of `mesh.requires`, or of `mesh.waypoint`, has to be one.
    pub(super) fn field_of_ours(&mut self, node: &IdedExpr) {
        if let Some((operand, name, _)) = fact::step(node)
            && let Some(known) = self.known(operand)
            && let Err(message) = known.field(name)
        {
            self.error(node.id, message);
        }
    }

    /// What a word of ours is compared with has to be one.
    pub(super) fn words(&mut self, call: &CallExpr) {
        let Some((value, others)) = words::compared(call) else {
            return;
        };
        let Some(Known::Word(word)) = self.known(value) else {
            return;
        };
        for other in others {
            if let Some(message) = words::text(other).and_then(|text| word.refuses(text)) {
                self.error(other.id, message);
            }
        }
    }
}
