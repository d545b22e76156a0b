//! Whether a rule can err on some Pod: the policy would refuse it where `failurePolicy` is Fail, and `onUnknown: next`
//! takes a mutation of its own.
//!
//! An expression is shown to have a value by what must hold where it is evaluated: `'k' in m && m['k'] == 'x'`
//! reads `m['k']` only where it is there. What cannot be shown may err.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::node::{call, elements, identifier, is_empty_map, literal, presence};
use crate::placement::expression::{Expression, VARIABLES};
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
        if let Some(node) = self.variable(node) {
            return self.is_bool(node, facts);
        }
        if let Some((operand, _)) = presence(node) {
            return matches!(self.map(operand, facts), Some(Access::Always(_)));
        }
        match call(node) {
            Some((name, target, args)) => self.is_bool_call(name, target, args, facts),
            None => matches!(&node.expr, Expr::Literal(LiteralValue::Boolean(_))),
        }
    }

    fn is_bool_call(
        &self,
        name: &str,
        target: Option<&'r IdedExpr>,
        args: &'r [IdedExpr],
        facts: &[Present],
    ) -> bool {
        let text = |node: &'r IdedExpr| self.is_text(node, facts);
        match (name, args) {
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
                    && elements(container).map_or_else(
                        || matches!(self.map(container, facts), Some(Access::Always(_))),
                        |elements| elements.iter().all(text),
                    )
            }
            ("contains" | "endsWith" | "matches" | "startsWith", [argument]) => {
                target.is_some_and(text) && text(argument)
            }
            (_, _) => false,
        }
    }

    fn is_text(&self, node: &'r IdedExpr, facts: &[Present]) -> bool {
        if let Some(node) = self.variable(node) {
            return self.is_text(node, facts);
        }
        let Some((name, target, args)) = call(node) else {
            return literal(node).is_some();
        };
        let text = |node: &'r IdedExpr| self.is_text(node, facts);
        match (name, args) {
            (operators::ADD, [left, right]) => text(left) && text(right),
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let holds = self.facts(condition, facts);
                self.is_bool(condition, facts) && self.is_text(yes, &holds) && text(no)
            }
            (operators::INDEX, [map, key]) => self.is_read(map, key, facts),
            ("quote", [argument]) => text(argument),
            ("lowerAscii" | "upperAscii" | "trim", []) => target.is_some_and(text),
            (_, _) => false,
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
        if let Some(node) = self.variable(node) {
            return self.add_facts(node, facts);
        }
        let present = match (presence(node), call(node)) {
            (Some((operand, field)), _) => self.key(operand, field, facts),
            (None, Some((operators::LOGICAL_AND, _, [left, right]))) => {
                self.add_facts(left, facts);
                return self.add_facts(right, facts);
            }
            (None, Some((operators::IN, _, [key, map]))) => {
                literal(key).and_then(|key| self.key(map, key, facts))
            }
            (None, Some(_) | None) => None,
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
        match call(node)? {
            (operators::INDEX, _, [operand, key]) => self.part(operand, literal(key)?, facts),
            (operators::CONDITIONAL, _, [condition, map, otherwise]) => {
                let holds = self.facts(condition, facts);
                let access = self.map(map, &holds)?;
                let total = is_empty_map(otherwise) && self.is_bool(condition, facts);
                (total && matches!(access, Access::Always(_))).then_some(access)
            }
            (_, _, _) => None,
        }
    }

    fn part(&self, operand: &'r IdedExpr, field: &str, facts: &[Present]) -> Option<Access> {
        if let Some(root) = identifier(operand) {
            return match (root, field) {
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
        let name = identifier(node)?
            .strip_prefix(VARIABLES)?
            .strip_prefix('.')?;
        let variable = self.variables.iter().find(|known| known.name == name)?;
        Some(variable.expression.ast())
    }
}
