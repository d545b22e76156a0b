//! A CEL expression of a rule: parsed and checked once, when the configuration is loaded.
//!
//! The `cel` crate has neither a type checker nor a cost limit, so what it would find only while a Pod is
//! waiting is looked for here: variables and functions that do not exist, and expressions that are too
//! large or nest too many comprehensions.

mod check;
mod fact;
pub(super) mod rewrite;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::{Env, extensions};

use self::check::Checked;
use super::facts::Fields;
use super::{operators, pattern};

pub use self::words::{Declared, Known};

/// A checked expression, ready to be evaluated.
pub struct Expression {
    source: String,
    ast: IdedExpr,
    reads: BTreeSet<Root>,
    fields: Fields,
    variables: BTreeSet<String>,
    gives: Option<Known>,
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
    drop(operators::add_to(&mut env));
    Arc::new(env)
});

/// The variable below which the declared ones stand.
pub const VARIABLES: &str = "variables";
/// The longest text of an expression, in bytes.
const MAX_SOURCE: usize = 4096;
/// How deep an expression may nest in brackets.
const MAX_DEPTH: u16 = 48;

// === impl Expression ===

impl Expression {
    /// Parses and checks `source`; `declared` are the variables usable as `variables.NAME`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn compile<D: Declared>(
        source: &str,
        declared: &[D],
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
        let Checked {
            reads,
            fields,
            variables,
            gives,
            mut errors,
        } = check::check(&ast, &info, source, declared);
        if errors.is_empty() {
            rewrite::rewrite(&mut ast);
            return Ok(Self {
                source: source.to_owned(),
                ast,
                reads,
                fields,
                variables,
                gives,
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

    /// What it reads of the cluster, not what its variables read.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// What it gives, where that is a value of meshmode's own.
    pub fn gives(&self) -> Option<Known> {
        self.gives
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
}

#[cfg(test)]
mod tests;
