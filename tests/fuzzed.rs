//! Expressions and reviews as nobody would write them: no panic, and always a placement, an answer, or a message
//! that says what is wrong. `fuzz/` goes on where these end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "support/fuzzed.rs"]
mod fuzzed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use fuzzed::{Loaded, Reviewed};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// What an expression may be about, and what it may not.
const OPERANDS: &[&str] = &[
    "object",
    "object.metadata.labels",
    "object.metadata.annotations['a/b']",
    "object.spec.containers",
    "object.spec.containers[0].env",
    "object.?spec.?z[?0]",
    "object.spec.x",
    "object.spec.y",
    "object.spec.priority",
    "oldObject",
    "request.userInfo.groups",
    "request.options",
    "namespaceObject.metadata.labels",
    "namespaceObject.metadata.annotations['meshmode.io/mode']",
    "namespaceObject.metadata.uid",
    "workload.kind",
    "workload.replicas",
    "workload.maxReplicas",
    "workload.labels",
    "workload.colour",
    "mesh.requires",
    "mesh.requires[0].name",
    "mesh.waypoint",
    "mesh.waypoint.for",
    "mesh",
    "variables.annotations",
    "variables.nothing",
    "i",
    "pod",
    "true",
    "null",
    "0",
    "-1",
    "1u",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615u",
    "1e308",
    "1e999",
    "0.0",
    "''",
    "'ambient'",
    "'ü😀\\u0000'",
    "b'\\xff'",
    "r'['",
    "[]",
    "{}",
    "{'a': 1, 'a': 2}",
    "{null: 1}",
    "[1, 'a', null, [2.5]]",
    "type(1)",
    "optional.none()",
];

/// What can be made of one operand, which stands for `#`.
const UNARY: &[&str] = &[
    "!#",
    "-#",
    "(#)",
    "[#, #]",
    "{#: #}",
    "has(#)",
    "has(#.a)",
    "#.a",
    "#['a']",
    "#[0]",
    "#[-1]",
    "#[?0]",
    "#.?a",
    "size(#)",
    "int(#)",
    "uint(#)",
    "double(#)",
    "string(#)",
    "bytes(#)",
    "bool(#)",
    "type(#) == string",
    "#.all(i, i == #)",
    "#.exists(i, i.exists(j, j == i))",
    "#.exists_one(i, i)",
    "#.map(i, [i, i])",
    "#.filter(i, i.size() > 0)",
    "#.map(i, #.map(j, #.map(k, k)))",
    "#.reverse()",
    "#.value()",
    "#.hasValue()",
    "math.abs(#)",
    "math.sqrt(#)",
    "math.round(#)",
    "strings.quote(#)",
    "#.trim()",
    "optional.of(#)",
    "optional.ofNonZeroValue(#)",
    "foo(#)",
    "# / 0",
    "# % 0",
    "Pod{a: #}",
    "dyn(#)",
    "#.upperAscii()",
    "#.charAt(#)",
];

/// What can be made of two, `#` and `@`.
const BINARY: &[&str] = &[
    "# + @",
    "# - @",
    "# * @",
    "# / @",
    "# % @",
    "# == @",
    "# != @",
    "# < @",
    "# >= @",
    "# && @",
    "# || @",
    "# in @",
    "# ? @ : #",
    "@ ? # : @",
    "#[@]",
    "#.matches(@)",
    "#.contains(@)",
    "#.substring(@)",
    "#.substring(@, @)",
    "#.slice(@, @)",
    "#.indexOf(@, @)",
    "#.orValue(@)",
    "#.or(@)",
    "math.greatest(#, @)",
    "math.bitShiftLeft(#, @)",
    "math.bitAnd(#, @)",
    "#.map(i, @ ? i : #)",
    "{#: @, @: #}",
    "#.exists(i, @.exists(j, i == j))",
    "#.lastIndexOf(@)",
];

/// What may stand anywhere.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ".?",
    ",",
    "?",
    ":",
    "'",
    "\"",
    "'''",
    "\\",
    "\\u",
    "`",
    "//",
    "\n",
    "\u{0}",
    "\u{feff}",
    "-",
    "!",
    "&&",
    "==",
    " in ",
    "0x",
    "1e999",
    "99999999999999999999",
    "has(",
    ".all(i, ",
    ".map(",
    "ü",
    "((((((((((((((((((((((((((((((((((((((((((((((((((",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// An expression that mostly parses.
fn composed() -> impl Strategy<Value = String> {
    let operand = select(OPERANDS).prop_map(str::to_owned);
    operand.prop_recursive(5, 24, 2, |inner| {
        let unary = (select(UNARY), inner.clone()).prop_map(|(form, one)| form.replace('#', &one));
        let binary = (select(BINARY), inner.clone(), inner).prop_map(|(form, one, other)| {
            let parts = form.split('#').map(|part| part.replace('@', &other));
            parts.collect::<Vec<_>>().join(&one)
        });
        prop_oneof![unary, binary]
    })
}

/// One with pieces put in, or cut.
fn expression() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => select(PIECES).prop_map(str::to_owned), 1 => any::<String>()];
    let change = (any::<Index>(), 0..6_usize, piece);
    let changed = (composed(), vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(text.len() + 1);
            let end = text.len().min(at + cut);
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    });
    prop_oneof![3 => composed(), 1 => changed]
}

/// The bodies of `tests/data/reviews`.
static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reviews");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
});

/// What takes the place of a value.
fn value() -> impl Strategy<Value = Value> {
    let deep = (0..100).fold(json!(null), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("ü\u{0}\n"),
        json!([]),
        json!({}),
        json!({"": null}),
        json!([{}, null]),
        json!({"a/b": 1}),
        json!("ambient"),
        json!("UPDATE"),
        json!("CREATE"),
        json!("Deployment"),
        json!("x".repeat(5000)),
        deep,
        json!({"kind": "Deployment", "metadata": {}, "spec": {"template": {"spec": {}}}}),
        json!({"meshmode.io/mode": "ambient", "istio.io/rev": "", "sidecar.istio.io/inject": 1}),
    ];
    select(values.to_vec())
}

/// A recorded review with values changed or taken out, and then with bytes put in or cut.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let values = vec((any::<Index>(), proptest::option::of(value())), 0..4);
    let bytes: &[&[u8]] = &[
        b"\"", b"{", b"}", b"[", b",", b":", b"\\", b"\\ud800", b"\xff", b"\0", b"1e999", b"null",
        b" ",
    ];
    let change = (any::<Index>(), 0..20_usize, select(bytes));
    let splices = prop_oneof![2 => vec(change.clone(), 0..1), 1 => vec(change, 1..3)];
    (select(RECORDED.clone()), values, splices).prop_map(|(body, values, splices)| {
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        for (at, value) in values {
            replace(&mut review, at, value);
        }
        let mut body = serde_json::to_vec(&review).unwrap();
        for (at, cut, bytes) in splices {
            let at = at.index(body.len() + 1);
            let end = body.len().min(at + cut);
            body.splice(at..end, bytes.iter().copied());
        }
        body
    })
}

/// Puts `value` at one of the places within, or takes out what is there.
fn replace(review: &mut Value, at: Index, value: Option<Value>) {
    let mut places = vec![];
    collect(review, &mut String::new(), &mut places);
    if places.is_empty() {
        return;
    }
    let (parent, key) = at.get(&places);
    match (review.pointer_mut(parent), value) {
        (Some(Value::Object(map)), Some(value)) => drop(map.insert(key.clone(), value)),
        (Some(Value::Object(map)), None) => drop(map.remove(key)),
        (Some(Value::Array(list)), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (Some(Value::Array(list)), None) => drop(list.remove(key.parse().unwrap())),
        (None | Some(_), _) => unreachable!("the places are those of maps and lists"),
    }
}

/// The pointer of each map and list below `value` with each of its keys, but for managed fields.
fn collect(value: &Value, pointer: &mut String, places: &mut Vec<(String, String)>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => (0..).map(|n: usize| n.to_string()).zip(list).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (key, below) in entries
        .into_iter()
        .filter(|(key, _)| key != "managedFields")
    {
        let end = pointer.len();
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        collect(below, pointer, places);
        pointer.truncate(end);
        places.push((pointer.clone(), key));
    }
}

/// Runs `check` on values of `strategy`, as many as `PROPTEST_CASES` says, and counts what it says; of each of
/// `wanted` there must be some.
fn tried<S: Strategy, T: Debug + Ord>(
    strategy: &S,
    wanted: [T; 2],
    check: impl Fn(&S::Value) -> T,
) {
    let seen: RefCell<BTreeMap<T, u32>> = RefCell::default();
    // What fails is put into a table: a seed means something else when the strategy changes.
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let enough = config.cases / 20;
    let result = TestRunner::new(config).run(strategy, |value| {
        *seen.borrow_mut().entry(check(&value)).or_default() += 1;
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let seen = seen.into_inner();
    for wanted in wanted {
        assert!(
            seen.get(&wanted).is_some_and(|count| *count >= enough),
            "{seen:?}"
        );
    }
}

#[test]
fn any_expression_is_refused_or_evaluated() {
    let wanted = [Loaded::Compiled, Loaded::Refused];
    tried(&expression(), wanted, |text| fuzzed::expression(text));
}

#[test]
fn any_body_is_answered_or_no_review() {
    let wanted = [Reviewed::Answered, Reviewed::NotAReview];
    tried(&body(), wanted, |body| fuzzed::review(body));
}

/// Each of 64 variables holds the one before it twice: without a bound the process would be killed.
#[test]
fn variables_do_not_double_without_end() {
    let forms = [
        "[variables.v@, variables.v@]",
        "{1: variables.v@, 2: variables.v@}",
        "[1, 2].map(i, [variables.v@, variables.v@])",
        "true ? [[variables.v@], variables.v@] : []",
    ];
    for form in forms {
        let variables = (1..64).fold("{name: v0, expression: '[1]'}".to_owned(), |all, n: u32| {
            let expression = form.replace('@', &(n - 1).to_string());
            format!("{all}, {{name: v{n}, expression: \"{expression}\"}}")
        });
        let file = format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: none}}\n  variables: [{variables}]\n  rules: [{{name: a, when: size(variables.v63) == 2, mode: none}}]\n"
        );
        let problems = meshmode::config::read(&file).unwrap_err().to_string();
        assert!(problems.contains("read more than"), "{form}: {problems}");
    }
}
