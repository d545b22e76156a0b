//! The operators of CEL that the crate leaves wrong or without a bound.
//!
//! `==`, `!=` and `in` where maps may meet, those of the object and those that an expression makes: the crate
//! asks the left side for equality, and its own maps and lists know only their like. A comparison with a
//! scalar literal is left to it; every other one comes here and looks into both sides.
//!
//! `+`, which could double a text or a list in each of many variables: what it makes is bounded.

use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};
use cel::common::types::{CelBool, CelString, DYN_TYPE, Kind};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

const EQUAL: &str = "@equal";
const NOT_EQUAL: &str = "@notEqual";
const CONTAINED: &str = "@contained";
const SUM: &str = "@sum";
/// How deep two values are compared: a Pod's author chooses how deep they nest.
const MAX_DEPTH: u8 = 64;
/// The longest text that `+` makes, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// The longest list that `+` makes.
const MAX_LIST: i64 = 100_000;

/// Adds what [`rewrite`] makes calls of.
///
/// # Errors
/// The environment has it already.
pub fn add_to(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload(EQUAL, EQUAL, vec![DYN_TYPE, DYN_TYPE], |args| {
        bool_of(equal(&*args[0], &*args[1]))
    })?;
    env.add_overload(NOT_EQUAL, NOT_EQUAL, vec![DYN_TYPE, DYN_TYPE], |args| {
        bool_of(equal(&*args[0], &*args[1]).map(|equal| !equal))
    })?;
    env.add_overload(CONTAINED, CONTAINED, vec![DYN_TYPE, DYN_TYPE], |args| {
        bool_of(contained(&*args[0], &*args[1]))
    })?;
    env.add_overload(SUM, SUM, vec![DYN_TYPE, DYN_TYPE], |args| {
        sum(&*args[0], &*args[1]).map(CowVal::Owned)
    })
}

/// Lets comparisons in which maps may meet, and sums, come here.
pub fn rewrite(call: &mut CallExpr) {
    let [left, right] = call.args.as_slice() else {
        return;
    };
    let name = match call.func_name.as_str() {
        operators::EQUALS if !is_scalar(left) && !is_scalar(right) => EQUAL,
        operators::NOT_EQUALS if !is_scalar(left) && !is_scalar(right) => NOT_EQUAL,
        operators::ADD if !is_accumulator(left) => SUM,
        operators::IN if !is_scalar(left) && !is_list_of_scalars(right) => CONTAINED,
        _ => return,
    };
    name.clone_into(&mut call.func_name);
}

/// The operator that `name` stands for, where [`rewrite`] has put ours in its place.
pub fn as_written(name: &str) -> &str {
    match name {
        EQUAL => operators::EQUALS,
        NOT_EQUAL => operators::NOT_EQUALS,
        CONTAINED => operators::IN,
        SUM => operators::ADD,
        name => name,
    }
}

/// Whether two values are the same, whichever kind of map they hold.
///
/// # Errors
/// They nest too deep to tell, or reading them failed.
pub fn equal(left: &dyn Val, right: &dyn Val) -> Result<bool, ExecutionError> {
    equal_to(left, right, MAX_DEPTH)
}

fn equal_to(left: &dyn Val, right: &dyn Val, depth: u8) -> Result<bool, ExecutionError> {
    let Some(depth) = depth.checked_sub(1) else {
        let message = format!("the values nest deeper than {MAX_DEPTH} levels");
        return Err(ExecutionError::function_error("==", message));
    };
    let kinds = (left.get_type().kind(), right.get_type().kind());
    if kinds == (Kind::Map, Kind::Map) {
        return equal_maps(left, right, depth);
    }
    if kinds == (Kind::List, Kind::List) {
        return equal_lists(left, right, depth);
    }
    Ok(left.equals(right) || right.equals(left))
}

fn equal_maps(left: &dyn Val, right: &dyn Val, depth: u8) -> Result<bool, ExecutionError> {
    let (Some(keys), Some(ours), Some(theirs)) =
        (left.as_iterable(), left.as_indexer(), right.as_indexer())
    else {
        return Ok(false);
    };
    if size(left) != size(right) {
        return Ok(false);
    }
    let mut keys = keys.iter();
    while let Some(key) = keys.next() {
        let other = match theirs.get(key) {
            Ok(other) => other,
            Err(ExecutionError::NoSuchKey(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !equal_to(&*ours.get(key)?, &*other, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_lists(left: &dyn Val, right: &dyn Val, depth: u8) -> Result<bool, ExecutionError> {
    let (Some(ours), Some(theirs)) = (left.as_iterable(), right.as_iterable()) else {
        return Ok(false);
    };
    if size(left) != size(right) {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (ours.iter(), theirs.iter());
    while let (Some(our), Some(their)) = (ours.next(), theirs.next()) {
        if !equal_to(our, their, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn contained(value: &dyn Val, container: &dyn Val) -> Result<bool, ExecutionError> {
    let elements = (container.get_type().kind() == Kind::List).then(|| container.as_iterable());
    let Some(Some(elements)) = elements else {
        let types = [value, container].map(|val| val.get_type().name().to_owned());
        let container = container.as_container();
        let unfit = || ExecutionError::no_such_overload(operators::IN, types.to_vec());
        return container.ok_or_else(unfit)?.contains(value);
    };
    let mut elements = elements.iter();
    while let Some(element) = elements.next() {
        if equal(value, element)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sum<'v>(
    left: &(dyn Val + 'v),
    right: &(dyn Val + 'v),
) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    let text = |val: &(dyn Val + 'v)| {
        val.downcast_ref::<CelString<'v>>()
            .map(|text| text.inner().len())
    };
    let list = |val: &(dyn Val + 'v)| {
        (val.get_type().kind() == Kind::List)
            .then(|| size(val))
            .flatten()
    };
    let too_long = text(left)
        .zip(text(right))
        .is_some_and(|(a, b)| a + b > MAX_TEXT)
        || list(left)
            .zip(list(right))
            .is_some_and(|(a, b)| a + b > MAX_LIST);
    if too_long {
        let message = format!("makes more than {MAX_TEXT} bytes or {MAX_LIST} values");
        return Err(ExecutionError::function_error("+", message));
    }
    let types = || {
        [left, right]
            .map(|val| val.get_type().name().to_owned())
            .to_vec()
    };
    let unfit = || ExecutionError::no_such_overload(operators::ADD, types());
    Ok(left.as_adder().ok_or_else(unfit)?.add(right)?.into_owned())
}

fn size(value: &dyn Val) -> Option<i64> {
    value.as_sizer().map(|sizer| *sizer.size().inner())
}

fn bool_of<'b, 'v>(result: Result<bool, ExecutionError>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    result.map(|value| CowVal::owned(CelBool::from(value)))
}

/// What `map` and `filter` collect in: the crate knows their `@result + [x]` and does it in place.
fn is_accumulator(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name.starts_with('@'))
}

fn is_scalar(expression: &IdedExpr) -> bool {
    matches!(expression.expr, Expr::Literal(_))
}

fn is_list_of_scalars(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::List(list) if list.elements.iter().all(is_scalar))
}
