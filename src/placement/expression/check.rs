//! What is wrong with a parsed expression, and what it reads.

mod ours;

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo};

use super::fact::{self, Read};
use super::words::{Declared, Known};
use super::{ExpressionError, Root, VARIABLES};
use crate::placement::facts::Fields;
use crate::placement::pattern;

/// What a walk over an expression found.
pub(super) struct Checked {
    pub(super) reads: BTreeSet<Root>,
    pub(super) fields: Fields,
    pub(super) variables: BTreeSet<String>,
    pub(super) gives: Option<Known>,
    pub(super) errors: Vec<ExpressionError>,
}

/// How deep comprehensions (`exists`, `all`, `map`, …) may nest: lists in a Pod do twice at most.
const MAX_COMPREHENSIONS: usize = 2;
/// How deep its tree may be: `a + b + c` nests too, and evaluation recurses, for a rule and for the
/// variable it reads one upon the other, with 25 KiB a level in a debug build.
const MAX_TREE: usize = 24;

/// What can be called: of the crate's functions those whose cost grows with what they are given, and no
/// faster. Not `split`, `replace`, `format`, `lists.range` and their like, which make values of any size; not those of
/// times, as a Pod has none when it is created, and the tables of all time zones are 1.5 MB of memory. The
/// crate does not list its functions; a test holds that each of these is there.
pub(super) const FUNCTIONS: &[&str] = &[
    "abs",
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "hasValue",
    "indexOf",
    "int",
    "lastIndexOf",
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
    "reverse",
    "size",
    "slice",
    "startsWith",
    "string",
    "strings.quote",
    "substring",
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
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
];

/// Checks the parsed form `ast` of `source`; `declared` are the variables usable as `variables.NAME`.
pub(super) fn check<D: Declared>(
    ast: &IdedExpr,
    info: &SourceInfo,
    source: &str,
    declared: &[D],
) -> Checked {
    let mut checker = Checker {
        info,
        source,
        declared: declared
            .iter()
            .map(|one| (one.name(), one.gives()))
            .collect(),
        bound: Vec::new(),
        comprehensions: 0,
        depth: 0,
        too_deep: false,
        reads: BTreeSet::new(),
        fields: Fields::NONE,
        variables: BTreeSet::new(),
        errors: Vec::new(),
    };
    checker.visit(ast);
    let gives = checker.known(ast);
    Checked {
        reads: checker.reads,
        fields: checker.fields,
        gives,
        variables: checker.variables,
        errors: checker.errors,
    }
}

/// Walks an expression and collects what it reads and what is wrong with it.
struct Checker<'s> {
    info: &'s SourceInfo,
    source: &'s str,
    declared: Vec<(&'s str, Option<Known>)>,
    /// The variables of the comprehensions around the present node, and what they are.
    bound: Vec<(String, Option<Known>)>,
    comprehensions: usize,
    depth: usize,
    too_deep: bool,
    reads: BTreeSet<Root>,
    fields: Fields,
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
        if let Some(read) = Read::of(node).filter(|read| !self.is_bound(read.root.as_str())) {
            return self.fact(node.id, &read);
        }
        self.field_of_ours(node);
        match &node.expr {
            Expr::Ident(name) => self.identifier(node.id, name),
            Expr::Select(select) => self.select(node.id, select),
            Expr::Call(call) => {
                let qualified = qualified_function(call.target.as_deref(), &call.func_name);
                self.pattern(node.id, call);
                self.words(call);
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
                let element = self.known(&comprehension.iter_range);
                let element = element.and_then(Known::element);
                self.bound.extend([
                    (comprehension.iter_var.clone(), element),
                    (comprehension.accu_var.clone(), None),
                ]);
                let second = comprehension.iter_var2.clone();
                self.bound.extend(second.map(|name| (name, None)));
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
        if self.is_bound(name) || TYPES.contains(&name) {
            return;
        }
        if let Some(fields) = fact::fields_of(name) {
            self.error(id, format!("{name} is read by its fields: {fields}"));
        } else if let Some(root) = Root::ALL.into_iter().find(|root| root.as_str() == name) {
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

    fn is_bound(&self, name: &str) -> bool {
        self.bound.iter().any(|(bound, _)| bound == name)
    }

    /// A field of what only a cluster, or the Pod's owner, can tell.
    fn fact(&mut self, id: u64, read: &Read<'_>) {
        self.reads.insert(read.root);
        match read.field() {
            Ok(field) => self.fields = field.map_or(self.fields, |field| self.fields.with(field)),
            Err(message) => self.error(id, message),
        }
    }

    fn select(&mut self, id: u64, select: &SelectExpr) {
        let Expr::Ident(operand) = &select.operand.expr else {
            return self.visit(&select.operand);
        };
        if operand != VARIABLES || self.is_bound(operand) {
            return self.visit(&select.operand);
        }
        if select.test {
            return self.error(
                id,
                "a declared variable is always there: leave out has()".to_owned(),
            );
        }
        let names: Vec<&str> = self.declared.iter().map(|(name, _)| *name).collect();
        if names.contains(&select.field.as_str()) {
            self.variables.insert(select.field.clone());
        } else {
            let known = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
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
