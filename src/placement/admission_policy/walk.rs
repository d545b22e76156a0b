//! A walk through one expression: what it gives, and the first thing in it that Kubernetes lacks or reads otherwise.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, operators};

use super::fit::{Judge, Judged, Unfit};
use super::kind::Kind;
use super::node::{call, elements, identifier, literal};
use crate::placement::expression::rewrite::{handed_as_written, range_as_written};
use crate::placement::expression::{Root, VARIABLES};
use crate::placement::operators::as_written;

/// A walk through one expression.
pub(super) struct Walk<'j, 'r> {
    pub(super) judge: &'j Judge<'r>,
    /// The variables of the comprehensions around the present node.
    pub(super) bound: Vec<&'j str>,
}

/// The fields of `request` that are the same.
const REQUEST: [&str; 8] = [
    "dryRun",
    "kind",
    "namespace",
    "operation",
    "requestKind",
    "requestResource",
    "resource",
    "userInfo",
];

/// Fields of a Pod that are no objects, wherever they stand.
const SCALARS: [&str; 16] = [
    "containerPort",
    "dnsPolicy",
    "generateName",
    "hostNetwork",
    "hostname",
    "image",
    "name",
    "namespace",
    "nodeName",
    "priority",
    "priorityClassName",
    "restartPolicy",
    "schedulerName",
    "serviceAccountName",
    "terminationGracePeriodSeconds",
    "uid",
];

// === impl Walk ===

impl<'j> Walk<'j, '_> {
    pub(super) fn kind(&mut self, node: &'j IdedExpr) -> Judged {
        match &handed_as_written(node).expr {
            Expr::Literal(literal) => Ok(Kind::of(literal)),
            Expr::Ident(name) => self.identifier(name),
            Expr::Select(select) => {
                self.field(&select.operand, &select.field)?;
                Ok(if select.test { Kind::Bool } else { Kind::Open })
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                self.alike(list.elements.iter(), "a list of values of different types")?;
                Ok(Kind::List)
            }
            Expr::Map(map) => self.map(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Struct(_) | Expr::Unspecified => Ok(Kind::Open),
        }
    }

    fn identifier(&self, name: &str) -> Judged {
        if self.bound.contains(&name) {
            return Ok(Kind::Open);
        }
        if let Some(name) = name
            .strip_prefix(VARIABLES)
            .and_then(|rest| rest.strip_prefix('.'))
        {
            return self.variable(name);
        }
        match root(name) {
            Some(root @ (Root::Workload | Root::Mesh)) => Err(Unfit::Reads(root.as_str())),
            Some(root @ (Root::Object | Root::Request | Root::NamespaceObject)) => {
                Err(Unfit::Whole(root.as_str()))
            }
            Some(Root::OldObject) | None => Ok(Kind::Open),
        }
    }

    fn variable(&self, name: &str) -> Judged {
        match self.judge.variables.get(name) {
            Some(Ok(kind)) => Ok(*kind),
            Some(Err(why)) => Err(Unfit::Variable {
                name: name.to_owned(),
                why: Box::new(why.clone()),
            }),
            None => Ok(Kind::Open),
        }
    }

    /// A field of `operand` is read, or looked for.
    fn field(&mut self, operand: &'j IdedExpr, field: &str) -> Result<(), Unfit> {
        if let Some(name) = scalar(operand) {
            return Err(Unfit::Scalar(name.to_owned()));
        }
        let name = identifier(operand).filter(|name| !self.bound.contains(name));
        let read = name.and_then(root);
        match read {
            Some(Root::Object) if field == "status" => Err(Unfit::Status),
            Some(Root::Request) if !REQUEST.contains(&field) => {
                Err(Unfit::Request(field.to_owned()))
            }
            Some(Root::Object | Root::Request | Root::NamespaceObject) => Ok(()),
            Some(Root::OldObject | Root::Workload | Root::Mesh) | None => {
                self.kind(operand).map(drop)
            }
        }
    }

    fn call(&mut self, call: &'j CallExpr) -> Judged {
        match (as_written(&call.func_name), call.args.as_slice()) {
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [operand, key]) => {
                match literal(key) {
                    Some(field) => self.field(operand, field)?,
                    None => self.indexed(operand, key)?,
                }
                Ok(Kind::Open)
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.all(std::slice::from_ref(condition), Kind::Bool)?;
                self.alike(
                    [yes, no].into_iter(),
                    "a choice (?:) between values of different types",
                )
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, args) => {
                self.all(args, Kind::Bool)
            }
            // Of comprehensions.
            (operators::NOT_STRICTLY_FALSE, args) => self.all(args, Kind::Bool),
            (operators::EQUALS | operators::NOT_EQUALS, args) => {
                self.alike(args.iter(), "a comparison of values of different types")?;
                Ok(Kind::Bool)
            }
            (operators::IN, [element, container]) => self.contained(element, container),
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                let (left, right) = (self.kind(left)?, self.kind(right)?);
                let comparable = left.may_be(right) || left.is_number() && right.is_number();
                comparable.then_some(Kind::Bool).ok_or_else(|| {
                    Unfit::Types("a comparison of values of different types".to_owned())
                })
            }
            (_, _) => self.number(call),
        }
    }

    fn indexed(&mut self, operand: &'j IdedExpr, key: &'j IdedExpr) -> Result<(), Unfit> {
        self.kind(operand)?;
        if self.kind(key)? == Kind::Double {
            return Err(Unfit::Types("a double as an index".to_owned()));
        }
        Ok(())
    }

    /// What is known of one operand is known of the other, and of the result.
    fn arithmetic(&mut self, args: &'j [IdedExpr]) -> Judged {
        self.alike(args.iter(), "arithmetic with values of different types")?;
        let mut known = Kind::Open;
        for argument in args {
            let kind = self.kind(argument)?;
            if kind != Kind::Open {
                known = kind;
            }
        }
        Ok(known)
    }

    /// Arithmetic, or a function.
    fn number(&mut self, call: &'j CallExpr) -> Judged {
        match (as_written(&call.func_name), call.args.as_slice()) {
            (operators::NEGATE, [number]) => self.kind(number),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                args,
            ) => self.arithmetic(args),
            (_, _) => self.function(call),
        }
    }

    fn contained(&mut self, element: &'j IdedExpr, container: &'j IdedExpr) -> Judged {
        let kind = self.kind(element)?;
        let inside = self.kind(container)?;
        let first = elements(container).and_then(<[IdedExpr]>::first);
        let fits = match first {
            Some(first) => self.kind(first)?.may_be(kind),
            None => inside.may_be(Kind::List) || inside.may_be(Kind::Map),
        };
        let unlike = || Unfit::Types(format!("a {} looked for in what has none", kind.as_str()));
        fits.then_some(Kind::Bool).ok_or_else(unlike)
    }

    fn comprehension(&mut self, comprehension: &'j ComprehensionExpr) -> Judged {
        self.kind(range_as_written(&comprehension.iter_range))?;
        let accumulated = self.kind(&comprehension.accu_init)?;
        let outer = self.bound.len();
        self.bound
            .extend([&*comprehension.iter_var, &*comprehension.accu_var]);
        self.bound.extend(comprehension.iter_var2.as_deref());
        for part in [
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ] {
            self.kind(part)?;
        }
        self.bound.truncate(outer);
        Ok(match accumulated {
            // `exists_one` counts.
            Kind::Bool | Kind::Int => Kind::Bool,
            Kind::List => Kind::List,
            Kind::Uint
            | Kind::Double
            | Kind::Text
            | Kind::Bytes
            | Kind::Null
            | Kind::Map
            | Kind::Open => Kind::Open,
        })
    }

    fn map(&mut self, entries: impl Iterator<Item = &'j EntryExpr>) -> Judged {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for entry in entries {
            if let EntryExpr::MapEntry(entry) = entry {
                keys.push(&entry.key);
                values.push(&entry.value);
            }
        }
        self.alike(keys.into_iter(), "a map with keys of different types")?;
        self.alike(values.into_iter(), "a map with values of different types")?;
        Ok(Kind::Map)
    }

    /// All may be of `kind`.
    pub(super) fn all(&mut self, nodes: &'j [IdedExpr], kind: Kind) -> Judged {
        for node in nodes {
            let is = self.kind(node)?;
            if !is.may_be(kind) {
                let (is, wanted) = (is.as_str(), kind.as_str());
                return Err(Unfit::Types(format!("a {is} where a {wanted} must be")));
            }
        }
        Ok(kind)
    }

    /// All may be of one kind, which is given; `what` they are, if not.
    fn alike(&mut self, nodes: impl Iterator<Item = &'j IdedExpr>, what: &str) -> Judged {
        let mut joined = None;
        for node in nodes {
            let kind = self.kind(node)?;
            let with = joined.unwrap_or(kind);
            joined = Some(
                kind.join(with)
                    .ok_or_else(|| Unfit::Types(what.to_owned()))?,
            );
        }
        Ok(joined.unwrap_or(Kind::Open))
    }
}

fn root(name: &str) -> Option<Root> {
    Root::ALL.into_iter().find(|root| root.as_str() == name)
}

/// The name of a field of a Pod that `node` reads and that is a text, a number or a truth value.
fn scalar(node: &IdedExpr) -> Option<&str> {
    let (operand, field) = read(node)?;
    let of_texts = || matches!(read(operand), Some((_, "labels" | "annotations")));
    (SCALARS.contains(&field) || of_texts()).then_some(field)
}

/// `OPERAND.FIELD`, which is `OPERAND['FIELD']`.
fn read(node: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    match call(node)? {
        (operators::INDEX, _, [operand, key]) => Some((operand, literal(key)?)),
        (_, _, _) => None,
    }
}
