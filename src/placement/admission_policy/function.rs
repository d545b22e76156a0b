//! Functions: those that Kubernetes has, too, and what is asked of their arguments.

use cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::fit::{Judged, Unfit};
use super::kind::Kind;
use super::node::{identifier, literal};
use super::pattern;
use super::walk::Walk;

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
impl<'j> Walk<'j, '_> {
    pub(super) fn function(&mut self, call: &'j CallExpr) -> Judged {
        let target = call.target.as_deref();
        let namespace = target.and_then(identifier);
        let namespace = namespace.filter(|name| NAMESPACES.contains(name));
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
    let pattern = call.args.last().and_then(literal);
    let pattern = pattern.ok_or(Unfit::ComputedPattern)?;
    pattern::differing(pattern).map_or(Ok(()), |what| Err(Unfit::Pattern(what)))
}
