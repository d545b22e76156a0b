//! What meshmode itself makes for expressions to read: which fields it has, and which words may stand in them. A name or a
//! word that does not exist is a mistake that no Pod would ever show: the rule just never holds.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::placement::facts::Field;
use crate::placement::facts::source::{Reason, Scope};

/// A value of meshmode's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known {
    /// `mesh.requires`, or some of it.
    Requirements,
    /// An element of it.
    Requirement,
    /// `mesh.waypoint`.
    Waypoint,
    /// A text that has one of a few values.
    Word(Word),
}

/// What such a text says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// Why something is required.
    Reason,
    /// Of what it is.
    Scope,
    /// `workload.kind`: any kind of an owner, written as Kubernetes does.
    Kind,
}

/// What may stand behind `variables.`.
pub trait Declared {
    /// The name.
    fn name(&self) -> &str;
    /// What it stands for, where that is a value of meshmode's own.
    fn gives(&self) -> Option<Known>;
}

const KINDS: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Rollout",
    "Pod",
];

impl Declared for &str {
    fn name(&self) -> &str {
        self
    }

    fn gives(&self) -> Option<Known> {
        None
    }
}

// === impl Known ===

impl Known {
    /// What a field of the cluster is.
    pub(super) fn of(field: Field) -> Option<Self> {
        match field {
            Field::Requires => Some(Self::Requirements),
            Field::Waypoint => Some(Self::Waypoint),
            Field::NamespaceLabels
            | Field::NamespaceAnnotations
            | Field::Replicas
            | Field::MaxReplicas
            | Field::WorkloadLabels
            | Field::WorkloadAnnotations => None,
        }
    }

    /// What its field `name` is.
    ///
    /// # Errors
    /// There is no such field; which there are.
    pub(super) fn field(self, name: &str) -> Result<Option<Self>, String> {
        let (what, fields): (_, &[(&str, Option<Self>)]) = match self {
            Self::Requirement => (
                "an element of mesh.requires",
                &[
                    ("reason", Some(Self::Word(Word::Reason))),
                    ("namespace", None),
                    ("name", None),
                    ("scope", Some(Self::Word(Word::Scope))),
                ],
            ),
            Self::Waypoint => (
                "mesh.waypoint",
                &[("name", None), ("namespace", None), ("for", None)],
            ),
            Self::Requirements | Self::Word(_) => return Ok(None),
        };
        let found = fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, known)| *known).ok_or_else(|| {
            let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            format!("{what} has no {name:?}; there are {names}")
        })
    }

    /// What one element of it is.
    pub(super) fn element(self) -> Option<Self> {
        match self {
            Self::Requirements => Some(Self::Requirement),
            Self::Requirement | Self::Waypoint | Self::Word(_) => None,
        }
    }
}

// === impl Word ===

impl Word {
    /// Why it never is `text`, if so.
    pub(super) fn refuses(self, text: &str) -> Option<String> {
        let of = |what: &str, words: &[&str]| {
            let words = words.join(", ");
            format!("there is no {what} {text:?}; there are {words}")
        };
        match self {
            Self::Reason => {
                let words = Reason::ALL.map(Reason::as_str);
                (!words.contains(&text)).then(|| of("reason", &words))
            }
            Self::Scope => {
                let words = Scope::ALL.map(Scope::as_str);
                (!words.contains(&text)).then(|| of("scope", &words))
            }
            Self::Kind => {
                let meant = KINDS.into_iter().find(|kind| is_meant(kind, text));
                let is_kind = text.starts_with(|first: char| first.is_ascii_uppercase());
                let wrong = meant.is_some() || !is_kind;
                wrong.then(|| {
                    of("kind", &KINDS)
                        + ", and those of other owners, written as in their manifests"
                })
            }
        }
    }
}

/// Whether who wrote `text` meant this kind: `deployment`, `Deployments`.
fn is_meant(kind: &str, text: &str) -> bool {
    let singular = text.strip_suffix(['s', 'S']).unwrap_or(text);
    text != kind && (text.eq_ignore_ascii_case(kind) || singular.eq_ignore_ascii_case(kind))
}

/// Whether a comprehension keeps some of what it goes over: `LIST.filter(r, …)`.
pub(super) fn is_filter(comprehension: &ComprehensionExpr) -> bool {
    let is_ident =
        |node: &IdedExpr, wanted: &str| matches!(&node.expr, Expr::Ident(name) if name == wanted);
    let accumulator = comprehension.accu_var.as_str();
    let Expr::Call(choice) = &comprehension.loop_step.expr else {
        return false;
    };
    let (operators::CONDITIONAL, [_, kept, otherwise]) =
        (choice.func_name.as_str(), choice.args.as_slice())
    else {
        return false;
    };
    let Expr::Call(sum) = &kept.expr else {
        return false;
    };
    let (operators::ADD, [all, more]) = (sum.func_name.as_str(), sum.args.as_slice()) else {
        return false;
    };
    let Expr::List(more) = &more.expr else {
        return false;
    };
    let keeps = matches!(more.elements.as_slice(), [one] if is_ident(one, &comprehension.iter_var));
    keeps
        && is_ident(all, accumulator)
        && is_ident(otherwise, accumulator)
        && is_ident(&comprehension.result, accumulator)
}

/// The texts that a value is compared with: `VALUE == 'a'`, `'a' != VALUE`, `VALUE in ['a', 'b']`.
pub(super) fn compared(call: &CallExpr) -> Option<(&IdedExpr, Vec<&IdedExpr>)> {
    let [left, right] = call.args.as_slice() else {
        return None;
    };
    match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS if text(left).is_some() => {
            Some((right, vec![left]))
        }
        operators::EQUALS | operators::NOT_EQUALS => Some((left, vec![right])),
        operators::IN => match &right.expr {
            Expr::List(list) => Some((left, list.elements.iter().collect())),
            Expr::Call(_)
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_)
            | Expr::Unspecified => None,
        },
        _ => None,
    }
}

/// A text that stands there.
pub(super) fn text(node: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &node.expr else {
        return None;
    };
    Some(text.inner())
}

#[cfg(test)]
mod tests;
