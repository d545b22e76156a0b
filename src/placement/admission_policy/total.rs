//! Whether a rule can err on some Pod: the policy would refuse it where `failurePolicy` is Fail, and `onUnknown: next`
//! takes a mutation of its own.
//!
//! An expression is shown to have a value by what must hold where it is evaluated: `'k' in m && m['k'] == 'x'`
//! reads `m['k']` only where it is there. What cannot be shown may err.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::placement::expression::{Expression, VARIABLES};
use crate::placement::operators::as_written;
use crate::placement::rules::{Gives, Part, Rule, Variable};

/// The part of `rule` that may err, if one does.
pub(super) fn may_err(rule: &Rule, variables: &[Variable]) -> Option<Part> {
    let prover = Prover { variables };
    if let Some(warning) = &rule.warning
        && !prover.is_text(warning.ast(), &[])
    {
        return Some(Part::Warning);
    }
    if !prover.is_bool(rule.when.ast(), &[]) {
        return Some(Part::When);
    }
    match &rule.gives {
        Gives::Mode(_) => None,
        Gives::Expression(mode) => {
            let facts = prover.facts(rule.when.ast(), &[]);
            (!prover.is_text(mode.ast(), &facts)).then_some(Part::Mode)
        }
    }
}

/// Whether `reason` has a value wherever `rule` decides.
pub(super) fn has_reason(rule: &Rule, reason: &Expression, variables: &[Variable]) -> bool {
    let prover = Prover { variables };
    let facts = prover.facts(rule.when.ast(), &[]);
    prover.is_text(reason.ast(), &facts)
}

struct Prover<'r> {
    variables: &'r [Variable],
}

/// A key that is there: of this map.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Present {
    map: Map,
    key: String,
}

/// A map whose values are texts, or a part of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Map {
    Metadata(Of),
    Labels(Of),
    Annotations(Of),
    Spec,
}

/// Whose map it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Pod,
    Namespace,
}

/// How a map is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// `has(M) ? M : {}`, or what every Pod has.
    Always(Map),
    /// An error where it is not there.
    Perhaps(Map),
}

// === impl Prover ===

impl<'r> Prover<'r> {
    fn is_bool(&self, node: &'r IdedExpr, facts: &[Present]) -> bool {
        match &node.expr {
            Expr::Literal(LiteralValue::Boolean(_)) => true,
            Expr::Ident(_) => self
                .variable(node)
                .is_some_and(|node| self.is_bool(node, facts)),
            Expr::Select(select) if select.test => self
                .map(&select.operand, facts)
                .is_some_and(|access| matches!(access, Access::Always(_))),
            Expr::Call(call) => self.is_bool_call(call, facts),
            _ => false,
        }
    }

    fn is_bool_call(&self, call: &'r CallExpr, facts: &[Present]) -> bool {
        let text = |node: &'r IdedExpr| self.is_text(node, facts);
        match (as_written(&call.func_name), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [node]) => self.is_bool(node, facts),
            (operators::LOGICAL_OR, [left, right]) => {
                self.is_bool(left, facts) && self.is_bool(right, facts)
            }
            (operators::LOGICAL_AND, [left, right]) => {
                let holds = self.facts(left, facts);
                self.is_bool(left, facts) && self.is_bool(right, &holds)
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let holds = self.facts(condition, facts);
                self.is_bool(condition, facts)
                    && self.is_bool(yes, &holds)
                    && self.is_bool(no, facts)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => text(left) && text(right),
            (operators::IN, [key, container]) => {
                text(key)
                    && match &container.expr {
                        Expr::List(list) => list.elements.iter().all(text),
                        _ => matches!(self.map(container, facts), Some(Access::Always(_))),
                    }
            }
            (name, [argument])
                if ["contains", "endsWith", "matches", "startsWith"].contains(&name) =>
            {
                call.target.as_deref().is_some_and(text) && text(argument)
            }
            (_, _) => false,
        }
    }

    fn is_text(&self, node: &'r IdedExpr, facts: &[Present]) -> bool {
        match &node.expr {
            Expr::Literal(LiteralValue::String(_)) => true,
            Expr::Ident(_) => self
                .variable(node)
                .is_some_and(|node| self.is_text(node, facts)),
            Expr::Call(call) => match (as_written(&call.func_name), call.args.as_slice()) {
                (operators::ADD, [left, right]) => {
                    self.is_text(left, facts) && self.is_text(right, facts)
                }
                (operators::CONDITIONAL, [condition, yes, no]) => {
                    let holds = self.facts(condition, facts);
                    self.is_bool(condition, facts)
                        && self.is_text(yes, &holds)
                        && self.is_text(no, facts)
                }
                (operators::INDEX, [map, key]) => self.is_read(map, key, facts),
                ("quote", [argument]) => self.is_text(argument, facts),
                ("lowerAscii" | "upperAscii" | "trim", []) => call
                    .target
                    .as_deref()
                    .is_some_and(|target| self.is_text(target, facts)),
                (_, _) => false,
            },
            _ => false,
        }
    }

    /// Whether the key is in the map, and its value a text.
    fn is_read(&self, map: &'r IdedExpr, key: &'r IdedExpr, facts: &[Present]) -> bool {
        let (Some(access), Some(key)) = (self.map(map, facts), literal(key)) else {
            return false;
        };
        let (Access::Always(map) | Access::Perhaps(map)) = access;
        let texts = match map {
            Map::Labels(_) | Map::Annotations(_) => true,
            Map::Spec => key == "priorityClassName" || key == "serviceAccountName",
            // Every namespace has a name; a Pod may have none yet.
            Map::Metadata(Of::Namespace) if key == "name" => return true,
            Map::Metadata(_) => false,
        };
        texts && facts.iter().any(|fact| fact.map == map && fact.key == key)
    }

    /// What must be there where `condition` holds.
    fn facts(&self, condition: &'r IdedExpr, known: &[Present]) -> Vec<Present> {
        let mut facts = known.to_vec();
        self.add_facts(condition, &mut facts);
        facts
    }

    fn add_facts(&self, node: &'r IdedExpr, facts: &mut Vec<Present>) {
        let present = match &node.expr {
            Expr::Select(select) if select.test => self.key(&select.operand, &select.field, facts),
            Expr::Call(call) => match (as_written(&call.func_name), call.args.as_slice()) {
                (operators::LOGICAL_AND, [left, right]) => {
                    self.add_facts(left, facts);
                    self.add_facts(right, facts);
                    None
                }
                (operators::IN, [key, map]) => {
                    literal(key).and_then(|key| self.key(map, key, facts))
                }
                (_, _) => None,
            },
            Expr::Ident(_) => {
                if let Some(node) = self.variable(node) {
                    self.add_facts(node, facts);
                }
                None
            }
            _ => None,
        };
        facts.extend(present);
    }

    fn key(&self, map: &'r IdedExpr, key: &str, facts: &[Present]) -> Option<Present> {
        let (Access::Always(map) | Access::Perhaps(map)) = self.map(map, facts)?;
        let key = key.to_owned();
        Some(Present { map, key })
    }

    fn map(&self, node: &'r IdedExpr, facts: &[Present]) -> Option<Access> {
        if let Some(node) = self.variable(node) {
            return self.map(node, facts);
        }
        let Expr::Call(call) = &node.expr else {
            return None;
        };
        match (as_written(&call.func_name), call.args.as_slice()) {
            (operators::INDEX, [operand, key]) => self.part(operand, literal(key)?, facts),
            (operators::CONDITIONAL, [condition, map, otherwise]) => {
                let Expr::Map(empty) = &otherwise.expr else {
                    return None;
                };
                let holds = self.facts(condition, facts);
                let access = self.map(map, &holds)?;
                let total = empty.entries.is_empty() && self.is_bool(condition, facts);
                (total && matches!(access, Access::Always(_))).then_some(access)
            }
            (_, _) => None,
        }
    }

    fn part(&self, operand: &'r IdedExpr, field: &str, facts: &[Present]) -> Option<Access> {
        if let Expr::Ident(root) = &operand.expr {
            return match (root.as_str(), field) {
                ("object", "metadata") => Some(Access::Always(Map::Metadata(Of::Pod))),
                ("namespaceObject", "metadata") => {
                    Some(Access::Always(Map::Metadata(Of::Namespace)))
                }
                ("object", "spec") => Some(Access::Always(Map::Spec)),
                (_, _) => None,
            };
        }
        let metadata = self.map(operand, facts)?;
        let (Access::Always(metadata) | Access::Perhaps(metadata)) = metadata;
        let map = match (metadata, field) {
            (Map::Metadata(of), "labels") => Map::Labels(of),
            (Map::Metadata(of), "annotations") => Map::Annotations(of),
            (_, _) => return None,
        };
        let there = facts
            .iter()
            .any(|fact| fact.map == metadata && fact.key == field);
        Some(if there {
            Access::Always(map)
        } else {
            Access::Perhaps(map)
        })
    }

    /// What a variable stands for.
    fn variable(&self, node: &IdedExpr) -> Option<&'r IdedExpr> {
        let Expr::Ident(name) = &node.expr else {
            return None;
        };
        let name = name.strip_prefix(VARIABLES)?.strip_prefix('.')?;
        let variable = self.variables.iter().find(|known| known.name == name)?;
        Some(variable.expression.ast())
    }
}

fn literal(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
