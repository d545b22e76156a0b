//! The types of values, as far as an expression alone tells: Kubernetes checks them before it takes an
//! expression, the `cel` crate does not.

use cel::common::ast::LiteralValue;

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    List,
    Map,
    /// Known only when it is evaluated.
    Open,
}

// === impl Kind ===

impl Kind {
    pub(super) const fn of(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Self::Bool,
            LiteralValue::Int(_) => Self::Int,
            LiteralValue::UInt(_) => Self::Uint,
            LiteralValue::Double(_) => Self::Double,
            LiteralValue::String(_) => Self::Text,
            LiteralValue::Bytes(_) => Self::Bytes,
            LiteralValue::Null => Self::Null,
        }
    }

    /// As CEL calls it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::List => "list",
            Self::Map => "map",
            Self::Open => "dyn",
        }
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether the value may be of `wanted`.
    pub(super) fn may_be(self, wanted: Self) -> bool {
        self == wanted || self == Self::Open || wanted == Self::Open
    }

    /// What is known of a value that is one or the other; nothing where Kubernetes takes no such value.
    pub(super) fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Open, _) | (_, Self::Open) => Some(Self::Open),
            (left, right) => (left == right).then_some(left),
        }
    }
}
