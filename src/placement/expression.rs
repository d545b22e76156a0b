//! A CEL expression of a rule: parsed and checked once, when the configuration is loaded.
//!
//! The `cel` crate has neither a type checker nor a cost limit, so what it would find only while a Pod is
//! waiting is looked for here: variables and functions that do not exist, and expressions that are too
//! large or nest too many comprehensions.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators,
};
use cel::common::types::CelString;
use cel::{Env, extensions};

use super::{equality, pattern};

/// A checked expression, ready to be evaluated.
pub struct Expression {
    source: String,
    ast: IdedExpr,
    reads: BTreeSet<Root>,
    variables: BTreeSet<String>,
}

/// A variable that expressions can start from. The first four are those of Kubernetes' admission
/// policies (ValidatingAdmissionPolicy), the last two are meshmode's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The Pod as it was sent.
    Object,
    /// The Pod before the change: `null`, as only creations are placed.
    OldObject,
    /// The attributes of the admission request.
    Request,
    /// The Pod's namespace.
    NamespaceObject,
    /// The Pod's top owner.
    Workload,
    /// What the mesh asks of the workload.
    Mesh,
}

/// Why an expression is no good, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// The line of the expression's text, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// The functions and types that expressions may use: CEL's standard library, optional values and the
/// string, list and math extensions.
pub static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Fails only when a library is added twice.
    for library in [extensions::strings, extensions::lists, extensions::math] {
        drop(env.add_extension(library));
    }
    drop(pattern::add_to(&mut env));
    drop(equality::add_to(&mut env));
    Arc::new(env)
});

/// The variable below which the declared ones stand.
pub const VARIABLES: &str = "variables";
/// The longest text of an expression, in bytes.
const MAX_SOURCE: usize = 4096;
/// How deep comprehensions (`exists`, `all`, `map`, …) may nest: lists in a Pod do twice at most.
const MAX_COMPREHENSIONS: usize = 2;
/// How deep an expression may nest in brackets.
const MAX_DEPTH: u16 = 48;
/// How deep its tree may be: `a + b + c` nests too, and evaluation recurses, for a rule and for the
/// variable it reads one upon the other, with 25 KiB a level in a debug build.
const MAX_TREE: usize = 24;

/// What can be called. The crate does not list its functions; a test holds that each of these is there.
const FUNCTIONS: &[&str] = &[
    "abs",
    "bool",
    "bytes",
    "charAt",
    "contains",
    "distinct",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "flatten",
    "format",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lists.range",
    "lowerAscii",
    "matches",
    "math.abs",
    "math.bitAnd",
    "math.bitNot",
    "math.bitOr",
    "math.bitShiftLeft",
    "math.bitShiftRight",
    "math.bitXor",
    "math.ceil",
    "math.floor",
    "math.greatest",
    "math.isFinite",
    "math.isInf",
    "math.isNaN",
    "math.least",
    "math.round",
    "math.sign",
    "math.sqrt",
    "math.trunc",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "or",
    "orValue",
    "replace",
    "reverse",
    "size",
    "slice",
    "sort",
    "split",
    "startsWith",
    "string",
    "strings.quote",
    "substring",
    "timestamp",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "value",
];

/// Type names, which may stand where a value is compared with `type(x)`.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "timestamp",
    "type",
    "uint",
];

// === impl Expression ===

impl Expression {
    /// Parses and checks `source`; `declared` are the names usable as `variables.NAME`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn compile<S: AsRef<str>>(
        source: &str,
        declared: &[S],
    ) -> Result<Self, Vec<ExpressionError>> {
        if source.len() > MAX_SOURCE {
            let message = format!("is {} bytes long; allowed are {MAX_SOURCE}", source.len());
            return Err(vec![ExpressionError {
                line: 1,
                column: 1,
                message,
            }]);
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(MAX_DEPTH);
        let (mut ast, info) = parser
            .parse_with_source_info(source)
            .map_err(parse_errors)?;
        let mut checker = Checker {
            info: &info,
            source,
            declared: declared.iter().map(AsRef::as_ref).collect(),
            bound: Vec::new(),
            comprehensions: 0,
            depth: 0,
            too_deep: false,
            reads: BTreeSet::new(),
            variables: BTreeSet::new(),
            errors: Vec::new(),
        };
        checker.visit(&ast);
        let Checker {
            reads,
            variables,
            mut errors,
            ..
        } = checker;
        if errors.is_empty() {
            comparisons(&mut ast);
            paths_as_indexes(&mut ast);
            return Ok(Self {
                source: source.to_owned(),
                ast,
                reads,
                variables,
            });
        }
        errors.sort_by_key(|error| (error.line, error.column));
        Err(errors)
    }

    /// The text it was made from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The parsed form.
    pub fn ast(&self) -> &IdedExpr {
        &self.ast
    }

    /// The roots it reads, not those its variables read.
    pub fn reads(&self) -> &BTreeSet<Root> {
        &self.reads
    }

    /// The names it reads as `variables.NAME`.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

fn parse_errors(errors: cel::ParseErrors) -> Vec<ExpressionError> {
    let position = |n: isize| usize::try_from(n).unwrap_or(1).max(1);
    errors
        .errors
        .into_iter()
        .map(|error| ExpressionError {
            line: position(error.pos.0),
            column: position(error.pos.1),
            message: if error.msg.to_lowercase().contains("recursion limit") {
                format!("does not parse as CEL: nests more than {MAX_DEPTH} brackets")
            } else {
                format!("does not parse as CEL: {}", error.msg)
            },
        })
        .collect()
}

/// Lets comparisons know maps of both kinds.
fn comparisons(expression: &mut IdedExpr) {
    if let Expr::Call(call) = &mut expression.expr {
        equality::rewrite(call);
    }
    children_mut(expression, &mut comparisons);
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

// === impl Root ===

impl Root {
    /// All roots.
    pub const ALL: [Self; 6] = [
        Self::Object,
        Self::OldObject,
        Self::Request,
        Self::NamespaceObject,
        Self::Workload,
        Self::Mesh,
    ];

    /// The name in expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::OldObject => "oldObject",
            Self::Request => "request",
            Self::NamespaceObject => "namespaceObject",
            Self::Workload => "workload",
            Self::Mesh => "mesh",
        }
    }

    /// Whether only a connection to the cluster can fill it.
    pub const fn needs_cluster(self) -> bool {
        match self {
            Self::Object | Self::OldObject | Self::Request => false,
            Self::NamespaceObject | Self::Workload | Self::Mesh => true,
        }
    }
}

// === Checker ===

/// Walks an expression and collects what it reads and what is wrong with it.
struct Checker<'s> {
    info: &'s SourceInfo,
    source: &'s str,
    declared: Vec<&'s str>,
    /// The variables of the comprehensions around the present node.
    bound: Vec<String>,
    comprehensions: usize,
    depth: usize,
    too_deep: bool,
    reads: BTreeSet<Root>,
    variables: BTreeSet<String>,
    errors: Vec<ExpressionError>,
}

impl Checker<'_> {
    fn visit(&mut self, node: &IdedExpr) {
        self.depth += 1;
        match self.depth {
            ..=MAX_TREE => self.visit_shallow(node),
            // Once: the first branch that is too deep.
            _ if self.too_deep => {}
            _ => {
                self.too_deep = true;
                self.error(
                    node.id,
                    format!("nests more than {MAX_TREE} operations: split it into variables"),
                );
            }
        }
        self.depth -= 1;
    }

    fn visit_shallow(&mut self, node: &IdedExpr) {
        match &node.expr {
            Expr::Ident(name) => self.identifier(node.id, name),
            Expr::Select(select) => self.select(node.id, select),
            Expr::Call(call) => {
                let qualified = qualified_function(call.target.as_deref(), &call.func_name);
                self.pattern(node.id, call);
                self.function(node.id, qualified.as_deref().unwrap_or(&call.func_name));
                if let (Some(target), None) = (&call.target, &qualified) {
                    self.visit(target);
                }
                call.args.iter().for_each(|argument| self.visit(argument));
            }
            Expr::Comprehension(comprehension) => {
                self.visit(&comprehension.iter_range);
                self.visit(&comprehension.accu_init);
                self.comprehensions += 1;
                if self.comprehensions == MAX_COMPREHENSIONS + 1 {
                    let message = format!(
                        "nests more than {MAX_COMPREHENSIONS} comprehensions (exists, all, map, …)"
                    );
                    self.error(node.id, message);
                }
                let outer = self.bound.len();
                self.bound.extend([
                    comprehension.iter_var.clone(),
                    comprehension.accu_var.clone(),
                ]);
                self.bound.extend(comprehension.iter_var2.clone());
                for part in [
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.visit(part);
                }
                self.bound.truncate(outer);
                self.comprehensions -= 1;
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(fields) => {
                let message = format!("{:?} is no type that can be made here", fields.type_name);
                self.error(node.id, message);
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.visit(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key);
                self.visit(&entry.value);
            }
        }
    }

    fn identifier(&mut self, id: u64, name: &str) {
        if self.bound.iter().any(|bound| bound == name) || TYPES.contains(&name) {
            return;
        }
        if let Some(root) = Root::ALL.into_iter().find(|root| root.as_str() == name) {
            self.reads.insert(root);
        } else if name == VARIABLES {
            self.error(id, "variables is read as variables.NAME".to_owned());
        } else {
            let roots = Root::ALL.map(Root::as_str).join(", ");
            self.error(
                id,
                format!("{name:?} is no variable; there are {roots} and variables.NAME"),
            );
        }
    }

    fn select(&mut self, id: u64, select: &SelectExpr) {
        let Expr::Ident(operand) = &select.operand.expr else {
            return self.visit(&select.operand);
        };
        if operand != VARIABLES || self.bound.contains(operand) {
            return self.visit(&select.operand);
        }
        if select.test {
            return self.error(
                id,
                "a declared variable is always there: leave out has()".to_owned(),
            );
        }
        if self.declared.contains(&select.field.as_str()) {
            self.variables.insert(select.field.clone());
        } else {
            let known = if self.declared.is_empty() {
                "none".to_owned()
            } else {
                self.declared.join(", ")
            };
            self.error(
                id,
                format!(
                    "variables.{} is not declared before this; declared: {known}",
                    select.field
                ),
            );
        }
    }

    fn function(&mut self, id: u64, name: &str) {
        // Also what a macro makes of a function: `math.greatest` is `math.@max`.
        let last = name.rsplit('.').next().unwrap_or(name);
        let operator = !last.starts_with(|c: char| c.is_ascii_alphabetic());
        if !operator && !FUNCTIONS.contains(&name) {
            self.error(
                id,
                format!(
                    "{name}() is no function; there are {}",
                    FUNCTIONS.join(", ")
                ),
            );
        }
    }

    /// Compiles the pattern of `text.matches('pattern')` and `matches(text, 'pattern')`.
    fn pattern(&mut self, id: u64, call: &CallExpr) {
        let pattern = call.args.last().map(|argument| &argument.expr);
        if call.func_name == "matches"
            && let Some(Expr::Literal(LiteralValue::String(pattern))) = pattern
            && let Err(error) = pattern::learn(pattern.inner())
        {
            self.error(
                id,
                format!("has a pattern that is no regular expression: {error}"),
            );
        }
    }

    fn error(&mut self, id: u64, message: String) {
        let (line, column) = self.position(id);
        self.errors.push(ExpressionError {
            line,
            column,
            message,
        });
    }

    /// Line and column of a node; a node made by a macro stands where the expression begins.
    fn position(&self, id: u64) -> (usize, usize) {
        let offset = self
            .info
            .offset_for(id)
            .map_or(0, |(start, _)| start as usize);
        // The crate counts bytes.
        let before = self.source.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }
}

/// The name of a function in a namespace, such as `optional.of`, which parses as a call on `optional`.
fn qualified_function(target: Option<&IdedExpr>, name: &str) -> Option<String> {
    match target.map(|target| &target.expr) {
        Some(Expr::Ident(namespace))
            if ["lists", "math", "optional", "strings"].contains(&namespace.as_str()) =>
        {
            Some(format!("{namespace}.{name}"))
        }
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests;
