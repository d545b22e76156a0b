//! Whether Kubernetes takes an expression, and evaluates it as meshmode does.

use std::collections::BTreeMap;

use cel::common::ast::IdedExpr;

use super::kind::Kind;
use super::walk::Walk;
use crate::placement::expression::Expression;
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
    pub(super) variables: BTreeMap<&'r str, Judged>,
}

/// What an expression gives, where it can be carried over.
pub(super) type Judged = Result<Kind, Unfit>;

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
    pub(super) fn judge(&self, part: Part, expression: &Expression) -> Result<(), Unfit> {
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
