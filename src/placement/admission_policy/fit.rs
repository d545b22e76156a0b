//! Whether Kubernetes takes an expression, and evaluates it as meshmode does.

use std::collections::BTreeMap;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};

use super::kind::Kind;
use super::pattern;
use crate::placement::expression::{Root, VARIABLES};
use crate::placement::operators::as_written;
use crate::placement::rules::{Part, Variable};

/// Why an expression cannot be carried over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A variable of meshmode's own.
    #[error("reads {0}, which the API server does not know: that takes the webhook")]
    Reads(&'static str),
    /// The policy keeps its notes there.
    #[error("reads object.status, which a new Pod does not have; leave it out")]
    Status,
    /// What is in there differs.
    #[error("reads {0} as a whole, which is not the same there; read its fields")]
    Whole(&'static str),
    /// A field that is not the same.
    #[error("reads request.{0}, which Kubernetes leaves out where meshmode has an empty text")]
    Request(String),
    /// A function that Kubernetes does not have.
    #[error("calls {0}(), which Kubernetes' CEL does not have")]
    Function(String),
    /// A function whose answers may differ.
    #[error("calls {0}(), which does not answer alike in Kubernetes' CEL for every value")]
    Differs(String),
    /// `indexOf` and `lastIndexOf` with a second argument.
    #[error("calls {0}() with an offset, which is an error behind the end in meshmode alone")]
    Offset(String),
    /// A text or number that is asked for a field.
    #[error("looks for a field in {0}, which has none: an error in meshmode, false in Kubernetes")]
    Scalar(String),
    /// A pattern that means something else.
    #[error("has a pattern with {0}, which Kubernetes (RE2) reads otherwise or not at all")]
    Pattern(String),
    /// A pattern that is known only when it is evaluated.
    #[error("matches a pattern that is computed; write it down")]
    ComputedPattern,
    /// What Kubernetes' type checker refuses.
    #[error("has {0}, which Kubernetes refuses when it checks types")]
    Types(String),
    /// A variable of the configuration that cannot be carried over.
    #[error("reads variables.{name}, which {why}")]
    Variable {
        /// Its name.
        name: String,
        /// Why not.
        why: Box<Self>,
    },
    /// An error in it would end the decision.
    #[error("may err on some Pod; guard it with has() or 'key' in map")]
    MayErr,
    /// With `failurePolicy: Fail` an error is a refusal.
    #[error(
        "may err on some Pod, which the API server would then refuse (failurePolicy Fail); guard it with has() or 'key' in map"
    )]
    WouldRefuse,
}

/// Judges expressions that may read the variables of a configuration.
pub(super) struct Judge<'r> {
    variables: BTreeMap<&'r str, Result<Kind, Unfit>>,
}

/// A walk through one expression.
struct Walk<'j, 'r> {
    judge: &'j Judge<'r>,
    /// The variables of the comprehensions around the present node.
    bound: Vec<&'j str>,
}

type Judged = Result<Kind, Unfit>;

/// Functions that Kubernetes has and that answer alike: what they are members of, and what they give.
const FUNCTIONS: [(&str, Kind, Kind); 24] = [
    ("charAt", Kind::Text, Kind::Text),
    ("contains", Kind::Text, Kind::Bool),
    ("dyn", Kind::Open, Kind::Open),
    ("endsWith", Kind::Text, Kind::Bool),
    ("hasValue", Kind::Open, Kind::Bool),
    ("indexOf", Kind::Text, Kind::Int),
    ("int", Kind::Open, Kind::Int),
    ("lastIndexOf", Kind::Text, Kind::Int),
    ("lowerAscii", Kind::Text, Kind::Text),
    ("matches", Kind::Open, Kind::Bool),
    ("optional.none", Kind::Open, Kind::Open),
    ("optional.of", Kind::Open, Kind::Open),
    ("optional.ofNonZeroValue", Kind::Open, Kind::Open),
    ("or", Kind::Open, Kind::Open),
    ("orValue", Kind::Open, Kind::Open),
    ("size", Kind::Open, Kind::Int),
    ("startsWith", Kind::Text, Kind::Bool),
    ("string", Kind::Open, Kind::Text),
    ("strings.quote", Kind::Open, Kind::Text),
    ("substring", Kind::Text, Kind::Text),
    ("trim", Kind::Text, Kind::Text),
    ("type", Kind::Open, Kind::Open),
    ("upperAscii", Kind::Text, Kind::Text),
    ("value", Kind::Open, Kind::Open),
];
/// Functions of both whose answers may differ: how numbers are read and written, what is a truth value.
const DIFFERING: [&str; 6] = ["bool", "bytes", "double", "reverse", "slice", "uint"];
/// What begins the names of functions that stand in a namespace.
const NAMESPACES: [&str; 4] = ["lists", "math", "optional", "strings"];
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

// === impl Judge ===

impl<'r> Judge<'r> {
    /// Each variable may read those before it.
    pub(super) fn new(variables: &'r [Variable]) -> Self {
        let mut judge = Self {
            variables: BTreeMap::new(),
        };
        for variable in variables {
            let judged = judge.kind(variable.expression.ast());
            judge.variables.insert(&variable.name, judged);
        }
        judge
    }

    /// Whether the expression that is this part of a rule can be carried over.
    pub(super) fn judge(
        &self,
        part: Part,
        expression: &crate::placement::expression::Expression,
    ) -> Result<(), Unfit> {
        let wanted = part.kind();
        let kind = self.kind(expression.ast())?;
        if kind.may_be(wanted) {
            return Ok(());
        }
        let (kind, wanted) = (kind.as_str(), wanted.as_str());
        Err(Unfit::Types(format!("a {kind} where a {wanted} must be")))
    }

    fn kind(&self, expression: &IdedExpr) -> Judged {
        let mut walk = Walk {
            judge: self,
            bound: Vec::new(),
        };
        walk.kind(expression)
    }
}

impl Part {
    const fn kind(self) -> Kind {
        match self {
            Self::When => Kind::Bool,
            Self::Mode | Self::Warning | Self::Reason => Kind::Text,
        }
    }
}

// === impl Walk ===

impl<'j> Walk<'j, '_> {
    fn kind(&mut self, node: &'j IdedExpr) -> Judged {
        match &node.expr {
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
        let read = match &operand.expr {
            Expr::Ident(name) if !self.bound.contains(&name.as_str()) => root(name),
            _ => None,
        };
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
                match &key.expr {
                    Expr::Literal(LiteralValue::String(field)) => {
                        self.field(operand, field.inner())?
                    }
                    _ => self.indexed(operand, key)?,
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

    fn indexed(&mut self, operand: &'j IdedExpr, key: &'j IdedExpr) -> Result<(), Unfit> {
        self.kind(operand)?;
        match self.kind(key)? {
            Kind::Double => Err(Unfit::Types("a double as an index".to_owned())),
            _ => Ok(()),
        }
    }

    /// What is known of one operand is known of the other, and of the result.
    fn arithmetic(&mut self, args: &'j [IdedExpr]) -> Judged {
        self.alike(args.iter(), "arithmetic with values of different types")?;
        let mut known = Kind::Open;
        for argument in args {
            match self.kind(argument)? {
                Kind::Open => {}
                kind => known = kind,
            }
        }
        Ok(known)
    }

    fn contained(&mut self, element: &'j IdedExpr, container: &'j IdedExpr) -> Judged {
        let kind = self.kind(element)?;
        let inside = self.kind(container)?;
        let first = match &container.expr {
            Expr::List(list) => list.elements.first(),
            _ => None,
        };
        let fits = match first {
            Some(first) => self.kind(first)?.may_be(kind),
            None => inside.may_be(Kind::List) || inside.may_be(Kind::Map),
        };
        let unlike = || Unfit::Types(format!("a {} looked for in what has none", kind.as_str()));
        fits.then_some(Kind::Bool).ok_or_else(unlike)
    }

    fn function(&mut self, call: &'j CallExpr) -> Judged {
        let namespace = match call.target.as_deref().map(|target| &target.expr) {
            Some(Expr::Ident(name)) if NAMESPACES.contains(&name.as_str()) => Some(name),
            _ => None,
        };
        let name = namespace.map_or_else(
            || call.func_name.clone(),
            |namespace| format!("{namespace}.{}", call.func_name),
        );
        if DIFFERING.contains(&name.as_str()) {
            return Err(Unfit::Differs(name));
        }
        if name.ends_with("ndexOf") && call.args.len() > 1 {
            return Err(Unfit::Offset(name));
        }
        let Some((_, of, gives)) = FUNCTIONS.into_iter().find(|(known, _, _)| *known == name)
        else {
            return Err(Unfit::Function(name));
        };
        if let (Some(target), None) = (&call.target, namespace) {
            self.all(std::slice::from_ref(&**target), of)?;
        }
        for argument in &call.args {
            let kind = self.kind(argument)?;
            if !converts(&name, kind, argument) {
                let kind = kind.as_str();
                return Err(Unfit::Types(format!("a {kind} in {name}()")));
            }
        }
        if name == "matches" {
            fixed_pattern(call)?;
        }
        Ok(gives)
    }

    fn comprehension(&mut self, comprehension: &'j ComprehensionExpr) -> Judged {
        self.kind(&comprehension.iter_range)?;
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
    fn all(&mut self, nodes: &'j [IdedExpr], kind: Kind) -> Judged {
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
    match &node.expr {
        Expr::Select(select) if !select.test => Some((&select.operand, &select.field)),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [operand, key] => match &key.expr {
                Expr::Literal(LiteralValue::String(field)) => Some((operand, field.inner())),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Whether the function takes such an argument. A literal that is no number is refused by Kubernetes at once.
fn converts(function: &str, kind: Kind, argument: &IdedExpr) -> bool {
    match (function, kind) {
        ("int", Kind::Text) => !matches!(argument.expr, Expr::Literal(_)),
        ("int", kind) => kind.is_number() || kind == Kind::Open,
        ("string", Kind::List | Kind::Map | Kind::Null) => false,
        (_, _) => true,
    }
}

fn fixed_pattern(call: &CallExpr) -> Result<(), Unfit> {
    match call.args.last().map(|argument| &argument.expr) {
        Some(Expr::Literal(LiteralValue::String(text))) => {
            pattern::differing(text.inner()).map_or(Ok(()), |what| Err(Unfit::Pattern(what)))
        }
        _ => Err(Unfit::ComputedPattern),
    }
}
