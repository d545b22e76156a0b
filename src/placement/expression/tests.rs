//! What compiles, what does not and where, and that no text brings the process down.

use std::collections::BTreeSet;

use cel::common::types::CelBool;
use cel::{Context, Value};
use proptest::prelude::*;

use super::check::FUNCTIONS;
use super::*;

const DECLARED: &[&str] = &["annotations", "x"];

fn compile(source: &str) -> Result<Expression, Vec<ExpressionError>> {
    Expression::compile(source, DECLARED)
}

/// An example for each function, which is true.
const EXAMPLES: &[(&str, &str)] = &[
    ("abs", "math.abs(-1) == 1"),
    ("bool", "bool('true')"),
    ("bytes", "bytes('a') == b'a'"),
    ("charAt", "'abc'.charAt(1) == 'b'"),
    ("contains", "'abc'.contains('b')"),
    ("double", "double('1.5') == 1.5"),
    ("dyn", "dyn(1) == 1"),
    ("endsWith", "'abc'.endsWith('c')"),
    ("hasValue", "optional.of(1).hasValue()"),
    ("indexOf", "'abc'.indexOf('c') == 2"),
    ("int", "int('7') == 7"),
    ("lastIndexOf", "'abab'.lastIndexOf('a') == 2"),
    ("lowerAscii", "'ABC'.lowerAscii() == 'abc'"),
    ("matches", "'abc'.matches('^a.c$')"),
    ("math.abs", "math.abs(-2) == 2"),
    ("math.bitAnd", "math.bitAnd(3, 2) == 2"),
    ("math.bitNot", "math.bitNot(0) == -1"),
    ("math.bitOr", "math.bitOr(1, 2) == 3"),
    ("math.bitShiftLeft", "math.bitShiftLeft(1, 2) == 4"),
    ("math.bitShiftRight", "math.bitShiftRight(4, 2) == 1"),
    ("math.bitXor", "math.bitXor(3, 1) == 2"),
    ("math.ceil", "math.ceil(1.2) == 2.0"),
    ("math.floor", "math.floor(1.2) == 1.0"),
    ("math.greatest", "math.greatest(1, 2) == 2"),
    ("math.isFinite", "math.isFinite(1.0)"),
    ("math.isInf", "!math.isInf(1.0)"),
    ("math.isNaN", "!math.isNaN(1.0)"),
    ("math.least", "math.least(1, 2) == 1"),
    ("math.round", "math.round(1.6) == 2.0"),
    ("math.sign", "math.sign(-3) == -1"),
    ("math.sqrt", "math.sqrt(4.0) == 2.0"),
    ("math.trunc", "math.trunc(1.6) == 1.0"),
    ("optional.none", "!optional.none().hasValue()"),
    ("optional.of", "optional.of(1).value() == 1"),
    (
        "optional.ofNonZeroValue",
        "!optional.ofNonZeroValue('').hasValue()",
    ),
    ("or", "optional.none().or(optional.of(1)).value() == 1"),
    ("orValue", "optional.none().orValue(1) == 1"),
    ("reverse", "[1, 2].reverse() == [2, 1]"),
    ("size", "size('abc') == 3"),
    ("slice", "[1, 2, 3].slice(1, 2) == [2]"),
    ("startsWith", "'abc'.startsWith('a')"),
    ("string", "string(1) == '1'"),
    ("strings.quote", "strings.quote('a') == '\"a\"'"),
    ("substring", "'abc'.substring(1) == 'bc'"),
    ("trim", "' a '.trim() == 'a'"),
    ("type", "type(1) == int"),
    ("uint", "uint('1') == 1u"),
    ("upperAscii", "'abc'.upperAscii() == 'ABC'"),
    ("value", "optional.of(1).value() == 1"),
];

#[test]
fn every_function_that_is_allowed_is_there() {
    let examples: BTreeSet<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
    let functions: BTreeSet<&str> = FUNCTIONS.iter().copied().collect();
    assert_eq!(examples, functions);
    let context = Context::with_env(ENVIRONMENT.clone());
    let mut failures = Vec::new();
    for (name, source) in EXAMPLES {
        let expression = compile(source).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let result = Value::resolve_val(expression.ast(), &context);
        let holds = result.as_ref().is_ok_and(|value| {
            value
                .downcast_ref::<CelBool>()
                .is_some_and(|value| *value.inner())
        });
        if !holds {
            failures.push(format!("{name}: {source}: {result:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_have_their_place() {
    let mut failures = Vec::new();
    let rows = [
        (
            "a variable",
            "pod.metadata == 1",
            1,
            1,
            "\"pod\" is no variable",
        ),
        (
            "a variable within",
            "object.x == 1 && user == 'x'",
            1,
            18,
            "\"user\" is no variable; there are object, oldObject, request, namespaceObject, workload, mesh and variables.NAME",
        ),
        (
            "in the second line",
            "object.x == 1 &&\n  user == 'x'",
            2,
            3,
            "\"user\" is no variable",
        ),
        (
            "after letters of several bytes",
            "'äöü😀' == user",
            1,
            11,
            "\"user\" is no variable",
        ),
        (
            "after letters, a parse error",
            "'äöü😀' == == 1",
            1,
            11,
            "does not parse as CEL",
        ),
        (
            "not declared",
            "variables.y == 1",
            1,
            10,
            "variables.y is not declared before this; declared: annotations, x",
        ),
        (
            "variables alone",
            "variables == 1",
            1,
            1,
            "variables is read as variables.NAME",
        ),
        (
            "variables by index",
            "variables['x'] == 1",
            1,
            1,
            "variables is read as variables.NAME",
        ),
        (
            "has of a variable",
            "has(variables.x)",
            1,
            4,
            "a declared variable is always there: leave out has()",
        ),
        (
            "a function",
            "true || foo(1)",
            1,
            12,
            "foo() is no function; there are abs, ",
        ),
        ("a method", "'a'.foo()", 1, 8, "foo() is no function"),
        (
            "in a namespace",
            "math.foo(1)",
            1,
            9,
            "math.foo() is no function",
        ),
        (
            "a type",
            "Pod{name: 'x'}",
            1,
            4,
            "\"Pod\" is no type that can be made here",
        ),
        ("nothing", "", 1, 1, "does not parse as CEL"),
        (
            "half a comparison",
            "object.x ==",
            1,
            12,
            "does not parse as CEL",
        ),
        ("an open string", "'abc", 1, 1, "does not parse as CEL"),
        (
            "a comprehension's variable outside",
            "[1].exists(i, i == 1) && i == 1",
            1,
            26,
            "\"i\" is no variable",
        ),
        (
            "three comprehensions",
            "[1].all(a, [a].all(b, [b].all(c, c == 1)))",
            1,
            30,
            "nests more than 2 comprehensions",
        ),
    ];
    for (name, source, line, column, message) in rows {
        let errors = compile(source)
            .err()
            .unwrap_or_else(|| panic!("{name}: compiles"));
        let first = &errors[0];
        if !first.message.contains(message) || (first.line, first.column) != (line, column) {
            let cut: String = first.message.chars().take(90).collect();
            failures.push(format!("{name}: {}:{}: {cut}", first.line, first.column));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn all_mistakes_are_reported_in_order() {
    let errors = compile("foo(1) ||\nvariables.y == pod").unwrap_err();
    let places: Vec<_> = errors
        .iter()
        .map(|error| (error.line, error.column))
        .collect();
    assert_eq!(places, [(1, 4), (2, 10), (2, 16)]);
}

#[test]
fn what_compiles() {
    let rows = [
        "object.metadata.?labels[?'a'].orValue('') == 'b'",
        "object.?spec.?containers[?0].?name.hasValue()",
        "has(object.spec.x) && !has(object.spec.y)",
        "variables.x == variables.annotations",
        "[1].exists(variables, variables == 1)",
        "[1].exists(object, object == 1)",
        "type(object) == map",
        "[1, 2].exists_one(i, i == 1)",
        "[1, 2].filter(i, i > 1).map(i, i * 2) == [4]",
        "{'a': 1}.a == 1",
        "object == null || oldObject == null",
        "r'\\d+' == '\\\\d+'",
    ];
    for source in rows {
        assert!(compile(source).is_ok(), "{source}: {:?}", compile(source));
    }
}

#[test]
fn reads_are_known() {
    let expression =
        compile("variables.x == request.name && ['a'].exists(object, object == 'a')").unwrap();
    assert_eq!(
        expression.reads().iter().copied().collect::<Vec<_>>(),
        [Root::Request]
    );
    assert_eq!(expression.variables().iter().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn length_is_bounded() {
    let fits = format!("'{}'", "a".repeat(4094));
    assert!(compile(&fits).is_ok());
    let errors = compile(&format!("{fits} ")).unwrap_err();
    assert_eq!(errors[0].message, "is 4097 bytes long; allowed are 4096");
}

/// The `cel` parser needs 100 KiB a bracket in a debug build: `config::read` gives it the room.
fn with_stack<T: Send>(mebibytes: usize, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(mebibytes << 20);
        builder.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

/// As deep as the length allows: compiled with the stack that loading has, and evaluated with half of what
/// a worker has.
#[test]
fn no_depth_overflows_the_stack() {
    let rows: [(&str, &str, &str, &str); 19] = [
        ("parentheses", "(", "1", ")"),
        ("open parentheses", "(", "", ""),
        ("lists", "[", "1", "]"),
        ("maps", "{1:", "1", "}"),
        ("calls", "size(", "'a'", ")"),
        ("negations", "!", "true", ""),
        ("double negations", "!(", "true", ")"),
        ("minus", "-", "1", ""),
        ("minus with spaces", "- ", "1", ""),
        ("additions", "1+", "1", ""),
        ("comparisons", "1==", "1", ""),
        ("and", "true&&", "true", ""),
        ("or", "false||", "true", ""),
        ("conditionals", "true?1:", "1", ""),
        ("conditionals in the middle", "true?", "1", ":1"),
        ("selections", "", "object", ".a"),
        ("indexes", "", "object", "[0]"),
        ("methods", "", "'a'", ".trim()"),
        ("optional selections", "", "object", ".?a"),
    ];
    for (_, before, middle, after) in rows {
        let count = (MAX_SOURCE - middle.len()) / (before.len() + after.len());
        for count in [20, 46, 49, count] {
            let source = format!("{}{middle}{}", before.repeat(count), after.repeat(count));
            let compiled = with_stack(16, || compile(&source));
            let Ok(expression) = compiled else { continue };
            // With room for the variable that a rule reads, which is evaluated on top of it.
            with_stack(1, || {
                let context = Context::with_env(ENVIRONMENT.clone());
                drop(Value::resolve_val(expression.ast(), &context));
            });
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn token() -> impl Strategy<Value = String> {
    const TOKENS: &[&str] = &[
        "object",
        "variables",
        "variables.x",
        "request",
        ".",
        ".?",
        "[",
        "[?",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "?",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        " in ",
        "has(",
        "'a'",
        "\"b\"",
        "'",
        "\"",
        "r'",
        "b'",
        "'''",
        "\\",
        "\\u",
        "0",
        "1u",
        "0x",
        "1e999",
        ".5",
        "9223372036854775808",
        "true",
        "null",
        "size(",
        ".all(",
        ".exists(",
        ".map(",
        "i,",
        "\n",
        "\t",
        "//",
        "\u{0}",
        "ü",
        "😀",
        "metadata",
        "in",
        "as",
        "package",
        "`a-b`",
        "`",
        ";",
        "|",
        "&",
    ];
    prop_oneof![9 => prop::sample::select(TOKENS).prop_map(str::to_owned), 1 => any::<String>()]
}

/// A valid expression with a piece cut out and another put in.
fn mutated() -> impl Strategy<Value = String> {
    let valid = prop::sample::select(EXAMPLES).prop_map(|(_, source)| source);
    (valid, 0..100_usize, 0..10_usize, token()).prop_map(|(source, at, cut, token)| {
        let mut characters: Vec<char> = source.chars().collect();
        let at = at % (characters.len() + 1);
        let end = (at + cut).min(characters.len());
        characters.splice(at..end, token.chars());
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(source in prop_oneof![
        1 => any::<String>(),
        4 => prop::collection::vec(token(), 0..24).prop_map(|tokens| tokens.concat()),
        4 => mutated(),
    ]) {
        match with_stack(16, || compile(&source)) {
            Ok(expression) => {
                let context = Context::with_env(ENVIRONMENT.clone());
                drop(Value::resolve_val(expression.ast(), &context));
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                let lines = source.matches('\n').count() + 1;
                for error in errors {
                    prop_assert!((1..=lines).contains(&error.line), "{:?}", error);
                    prop_assert!(error.column >= 1, "{:?}", error);
                }
            }
        }
    }
}
