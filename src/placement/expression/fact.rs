//! What expressions read of `namespaceObject`, `workload` and `mesh`: fields by their names, so that it is
//! known at load what a rule needs of the cluster, and that nothing is read which is not there.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::Root;
use super::words::{Known, Word};
use crate::placement::facts::Field;

/// A step from a root, or from the namespace's metadata, to a field: `workload.replicas`,
/// `workload['replicas']`, `has(workload.replicas)`, `workload.?replicas`.
pub(super) struct Read<'e> {
    pub(super) root: Root,
    /// Between the root and the field.
    between: Option<&'e str>,
    name: &'e str,
    pub(super) manner: Manner,
}

/// How a field is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    /// Its value, or whether it is there.
    Plain,
    /// Its value, or nothing.
    Optional,
}

/// The fields of a root by their names.
type Table = &'static [(&'static str, Option<Field>)];

const METADATA: &str = "metadata";
/// The fields of each root; those without a [`Field`] the Pod itself tells.
const NAMESPACE: Table = &[
    ("name", None),
    ("labels", Some(Field::NamespaceLabels)),
    ("annotations", Some(Field::NamespaceAnnotations)),
];
const WORKLOAD: Table = &[
    ("kind", None),
    ("name", None),
    ("namespace", None),
    ("replicas", Some(Field::Replicas)),
    ("maxReplicas", Some(Field::MaxReplicas)),
    ("labels", Some(Field::WorkloadLabels)),
    ("annotations", Some(Field::WorkloadAnnotations)),
];
const MESH: Table = &[
    ("requires", Some(Field::Requires)),
    ("waypoint", Some(Field::Waypoint)),
];

/// Where the fields of a root stand, and which there are.
fn table(root: Root) -> Option<(&'static str, Table)> {
    match root {
        Root::NamespaceObject => Some(("namespaceObject.metadata", NAMESPACE)),
        Root::Workload => Some(("workload", WORKLOAD)),
        Root::Mesh => Some(("mesh", MESH)),
        Root::Object | Root::OldObject | Root::Request => None,
    }
}

fn root_of(name: &str) -> Option<Root> {
    let root = Root::ALL.into_iter().find(|root| root.as_str() == name)?;
    table(root).map(|_| root)
}

/// The fields of the root of this name, as a list for people; nothing for other names.
pub(super) fn fields_of(name: &str) -> Option<String> {
    let (place, fields) = table(root_of(name)?)?;
    let names: Vec<String> = fields
        .iter()
        .map(|(name, _)| format!("{place}.{name}"))
        .collect();
    Some(names.join(", "))
}

// === impl Read ===

impl<'e> Read<'e> {
    /// What `node` reads, where it is such a step; the longest path, not one on the way to a field.
    pub(super) fn of(node: &'e IdedExpr) -> Option<Self> {
        let (operand, name, manner) = step(node)?;
        if let Expr::Ident(ident) = &operand.expr {
            let root = root_of(ident)?;
            return Some(Self {
                root,
                between: None,
                name,
                manner,
            });
        }
        let (namespace, METADATA, before) = step(operand)? else {
            return None;
        };
        let root = Root::NamespaceObject;
        let named = matches!(&namespace.expr, Expr::Ident(name) if name == root.as_str());
        named.then_some(Self {
            root,
            between: Some(METADATA),
            name,
            manner: match before {
                Manner::Plain => manner,
                Manner::Optional => before,
            },
        })
    }

    /// The field, if a cluster tells it.
    pub(super) fn field(&self) -> Result<Option<Field>, String> {
        let (place, fields) = table(self.root).unwrap_or_default();
        let whole = match self.root {
            Root::NamespaceObject => self.between.is_some(),
            Root::Object | Root::OldObject | Root::Request | Root::Workload | Root::Mesh => true,
        };
        let found = fields.iter().find(|(name, _)| *name == self.name);
        if let Some((_, field)) = found.filter(|_| whole) {
            return Ok(*field);
        }
        let existing = fields_of(self.root.as_str()).unwrap_or_default();
        if !whole && self.name == METADATA {
            return Err(format!("{place} is read by its fields: {existing}"));
        }
        let between = self
            .between
            .map_or(String::new(), |name| format!("{name}."));
        let (root, name) = (self.root.as_str(), self.name);
        Err(format!(
            "there is no {root}.{between}{name}; there are {existing}"
        ))
    }

    /// What `node`, which reads it, gives, where that is a value of meshmode's own.
    pub(super) fn gives(&self, node: &IdedExpr) -> Option<Known> {
        let is_value = !matches!(&node.expr, Expr::Select(select) if select.test);
        let field = self
            .field()
            .ok()
            .filter(|_| is_value && self.manner == Manner::Plain)?;
        match (field, self.root, self.name) {
            (Some(field), _, _) => Known::of(field),
            (None, Root::Workload, "kind") => Some(Known::Word(Word::Kind)),
            (None, _, _) => None,
        }
    }

    /// `has(FIELD) ? optional.of(FIELD) : optional.none()`, which an error gets through: a missing fact is
    /// not a no.
    pub(super) fn as_optional(&self, id: u64) -> Expr {
        let field = |test| with_id(id, select(self.operand(id), self.name, test));
        let optional = |name: &str, args| {
            let target = with_id(id, Expr::Ident("optional".to_owned()));
            with_id(id, call(name, Some(target), args))
        };
        let arguments = vec![
            field(true),
            optional("of", vec![field(false)]),
            optional("none", Vec::new()),
        ];
        call(operators::CONDITIONAL, None, arguments)
    }

    /// `has(FIELD)`.
    pub(super) fn as_test(&self, id: u64) -> Expr {
        select(self.operand(id), self.name, true)
    }

    fn operand(&self, id: u64) -> IdedExpr {
        let root = with_id(id, Expr::Ident(self.root.as_str().to_owned()));
        match self.between {
            Some(name) => with_id(id, select(root, name, false)),
            None => root,
        }
    }
}

/// `OPERAND.NAME`, `OPERAND['NAME']` and their like.
pub(super) fn step(node: &IdedExpr) -> Option<(&IdedExpr, &str, Manner)> {
    match &node.expr {
        Expr::Select(select) => Some((&select.operand, &select.field, Manner::Plain)),
        Expr::Call(call) => {
            let manner = match call.func_name.as_str() {
                operators::INDEX => Manner::Plain,
                operators::OPT_INDEX | operators::OPT_SELECT => Manner::Optional,
                _ => return None,
            };
            let [operand, name] = call.args.as_slice() else {
                return None;
            };
            let Expr::Literal(LiteralValue::String(name)) = &name.expr else {
                return None;
            };
            Some((operand, name.inner(), manner))
        }
        Expr::Ident(_)
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => None,
    }
}

fn with_id(id: u64, expr: Expr) -> IdedExpr {
    IdedExpr { id, expr }
}

fn select(operand: IdedExpr, field: &str, test: bool) -> Expr {
    Expr::Select(SelectExpr {
        operand: Box::new(operand),
        field: field.to_owned(),
        test,
    })
}

fn call(name: &str, target: Option<IdedExpr>, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: target.map(Box::new),
        args,
    })
}
