//! What expressions see of JSON is what it says.

use cel::common::types::{CelBool, MAP_TYPE};
use cel::{Context, Value as Cel};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::placement::expression::rewrite::CHARGE;
use crate::placement::expression::{ENVIRONMENT, Expression};

/// What `source` gives with `object`, which is `text`, as meshmode evaluates it.
fn lazily(source: &str, text: &str) -> Result<Cel, String> {
    let node = Depth::SHALLOW.parse(text).expect("an object");
    let fuel = Fuel::full();
    let value = node.to_val(&fuel).into_owned();
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.add_variable_as_val("object", value);
    for written in 1..9 {
        context.add_variable_as_val(format!("{CHARGE}{written}"), Box::new(CelBool::from(true)));
    }
    let expression =
        Expression::compile::<&str>(source, &[]).unwrap_or_else(|e| panic!("{source}: {e:?}"));
    let result = Cel::resolve_val(expression.ast(), &context).map_err(|e| e.to_string())?;
    Cel::try_from(result.as_ref()).map_err(|e| e.to_string())
}

/// The same by the crate alone: all of the object converted, the expression as it was parsed.
fn plainly(source: &str, text: &str) -> Result<Cel, String> {
    let object: Value = serde_json::from_str(text).unwrap();
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.add_variable("object", &object).unwrap();
    let ast = ENVIRONMENT.parser().parse(source).unwrap();
    let result = Cel::resolve_val(&ast, &context).map_err(|e| e.to_string())?;
    Cel::try_from(result.as_ref()).map_err(|e| e.to_string())
}

const OBJECT: &str = r#"{
    "a": {"b": {"c": 1, "d": [1, 2, {"e": "f"}]}, "x/y": "z", "nil": null, "empty": {}},
    "list": [{"name": "n1", "on": true}, {"name": "n2", "on": false}],
    "text": "t\u00e4\ud83d\ude00\"\\", "half": 1.5, "big": 9223372036854775807, "labels": {"app": "web"},
    "none": [], "nested": [[1], [2, 3]], "size": 3
}"#;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn expressions_mean_what_plain_cel_means() {
    let rows = [
        "object.a.b.c",
        "object.?a.b.hasValue()",
        "object.?a.?b.hasValue()",
        "object['a']['b'].c",
        "object.a['b'].c == 1",
        "object.a.b.d[2].e",
        "object.a['x/y']",
        "has(object.a)",
        "has(object.a.b)",
        "has(object.a.no)",
        "has(object.a.b.d)",
        "has(object.a.nil)",
        "has(object.no.x)",
        "object.no",
        "object.a.no.x",
        "object.a.b.c.d",
        "object.text.x",
        "object.list.x",
        "object.?a.?no.?x",
        "object.?a.no.x",
        "object.?no.a.b.hasValue()",
        "object.?a.?b.?c.orValue(7)",
        "object.?a.?b.?no.orValue(7)",
        "object.a[?'b'].?c.orValue(7)",
        "object.?list[0].name.orValue('')",
        "object.?list[?9].?name.orValue('x')",
        "object.list[?1].name.value()",
        "object.a.size()",
        "size(object.a)",
        "size(object.list)",
        "object.text.size()",
        "object.a.empty == {}",
        "'b' in object.a",
        "'no' in object.a",
        "1 in object.a.b.d",
        "{'e': 'f'} in object.a.b.d",
        "1 in object.a",
        "object.list.exists(l, l.on)",
        "object.list.all(l, l.on)",
        "object.list.exists_one(l, l.on)",
        "object.list.map(l, l.name)",
        "object.list.filter(l, !l.on).size()",
        "object.labels.all(k, object.labels[k] == 'web')",
        "object.labels.exists(k, k == 'app')",
        "object.labels.map(k, k + object.labels[k])",
        "object.nested.all(l, l.all(n, n > 0))",
        "object.labels == {'app': 'web'}",
        "{'app': 'web'} == object.labels",
        "object.labels != {'app': 'x'}",
        "{'app': 'web', 'x': 'y'} == object.labels",
        "object.labels == object.a",
        "object.a == object.a",
        "object == object",
        "object.a.b == {'c': 1, 'd': [1, 2, {'e': 'f'}]}",
        "{'c': 1, 'd': [1, 2, {'e': 'f'}]} == object.a.b",
        "object.a.b.d == [1, 2, {'e': 'f'}]",
        "[1, 2, {'e': 'f'}] == object.a.b.d",
        "object.list[0] == {'name': 'n1', 'on': true}",
        "object.labels == null",
        "null == object.a.nil",
        "object.a.nil == null",
        "object.labels == 1",
        "object.labels == [1]",
        "object.half == 1.5",
        "object.half > 1.0",
        "object.big",
        "object.a.b.c == 1.0",
        "object.big + 1",
        "object.text + '!'",
        "type(object) == map",
        "type(object.list) == list",
        "type(object.half) == double",
        "type(object.a.nil)  == null_type",
        "object.a.b.c in [1, 2]",
        "object.list[0].name in ['n1']",
        "object.none == []",
        "[] == object.none",
        "object.none.all(x, false)",
        "optional.ofNonZeroValue(object.a.empty).hasValue()",
        "optional.of(object.a.b).value().c",
        "dyn(object.labels) == {'app': 'web'}",
        "object.list.map(l, l).size()",
        "true ? object.a.b.c : 0",
        "object.size",
        "object.list + [1] == object.list",
        "{'x': object.labels}.x.app",
        "[object.labels][0].app",
    ];
    let mut differences = Vec::new();
    for source in rows {
        let (ours, theirs) = (lazily(source, OBJECT), plainly(source, OBJECT));
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            (Err(_), Err(_)) => true,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        if !same {
            differences.push(format!("{source}: {ours:?}, plainly {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Maps made in an expression, compared with one of the object: whoever stands on the left is asked.
#[test]
fn maps_are_equal_from_either_side() {
    let rows = [
        "object.labels == (true ? {'app': 'web'} : {})",
        "{'x': {'app': 'web'}} == {'x': object.labels}",
        "[{'app': 'web'}] == [object.labels]",
        "{'app': 'web'} in [object.labels]",
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .filter(|source| lazily(source, OBJECT) != Ok(Cel::Bool(true)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The crate's own maps know only their like, and are asked where they stand on the left.
#[test]
fn maps_of_both_kinds_are_compared() {
    let rows = [
        "(true ? {'app': 'web'} : {}) == object.labels",
        "[{'app': 'web'}].exists(m, m == object.labels)",
        "optional.of({'app': 'web'}).value() == object.labels",
        "object.labels in [{'app': 'web'}]",
        "{'x': object.labels} == {'x': {'app': 'web'}}",
        "[object.labels] == [{'app': 'web'}]",
        "[object.labels] != [{'app': 'db'}]",
        "!(object.labels in [{'app': 'db'}, {}, 'app'])",
        "{'app': 'web', 'x': 1} != object.labels",
    ];
    for source in rows {
        assert_eq!(lazily(source, OBJECT), Ok(Cel::Bool(true)), "{source}");
    }
}

#[test]
fn numbers() {
    let rows = [
        ("0", json!(0)),
        ("-7", json!(-7)),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808.0)),
        ("18446744073709551615", json!(18_446_744_073_709_551_615.0)),
        ("1e3", json!(1000.0)),
        ("1.0", json!(1.0)),
        ("-0.5E-2", json!(-0.005)),
    ];
    for (text, value) in rows {
        let document = format!("{{\"n\":{text}}}");
        let node = Depth::SHALLOW.parse(&document).map(Node::into_object);
        let object = node.unwrap().unwrap();
        let fuel = Fuel::full();
        assert_eq!(value_of(object.get("n").unwrap(), &fuel), value, "{text}");
    }
}

/// JSON that Kubernetes does not write: kept apart, and nothing fails.
#[test]
fn strings_that_unicode_does_not_have() {
    let node = Depth::SHALLOW
        .parse(r#"{"s": "a\ud800b", "t": "\u0000\u20ac"}"#)
        .unwrap();
    let object = node.as_object().unwrap();
    assert_eq!(object.get("s").unwrap().as_str(), Some("a\\ud800b"));
    assert_eq!(object.get("t").unwrap().as_str(), Some("\0€"));
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    let text = r#"{"labels": {"a": 1, "b": 2, "a": 3}}"#;
    assert_eq!(lazily("object.labels.a == 3", text), Ok(Cel::Bool(true)));
    // No API server sends one, so the keys are not compared with each other: both are listed.
    assert_eq!(lazily("object.labels.size()", text), Ok(Cel::Int(3)));
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "{",
        "[]",
        "1",
        "\"x\"",
        "{\"a\":}",
        "{} x",
        "{'a':1}",
        "{\"a\" 1}",
    ] {
        assert!(Depth::SHALLOW.parse(text).is_err(), "{text}");
    }
    assert!(Depth::SHALLOW.parse("null").unwrap().is_null());
}

#[test]
fn fuel_is_spent_once() {
    let fuel = Fuel::full();
    assert!(fuel.take(499_999).is_ok() && !fuel.is_spent());
    assert!(fuel.take(2).is_err() && fuel.is_spent());
    assert!(fuel.take(1).is_err());
    let node = Depth::SHALLOW.parse(r#"{"l": [1, 2]}"#).unwrap();
    let value = node.to_val(&fuel);
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.add_variable_as_val("object", value.into_owned());
    // An exhausted map has no keys: true, which is why `is_spent` is asked afterwards.
    let all = Expression::compile::<&str>("object.all(k, false)", &[]).unwrap();
    let result = Cel::resolve_val(all.ast(), &context).unwrap();
    assert!(result.downcast_ref::<CelBool>().is_some() && fuel.is_spent());
}

/// `node` as `serde_json` would have it, through CEL's own interfaces.
fn value_of(node: &Node<'_>, fuel: &Fuel) -> Value {
    from_val(node.to_val(fuel).as_ref())
}

fn from_val(value: &dyn Val) -> Value {
    if let (Some(indexer), Some(iterable), true) = (
        value.as_indexer(),
        value.as_iterable(),
        *value.get_type() == MAP_TYPE,
    ) {
        let mut keys = iterable.iter();
        let mut map = serde_json::Map::new();
        while let Some(key) = keys.next() {
            let name = key
                .downcast_ref::<CelString<'_>>()
                .unwrap()
                .inner()
                .to_owned();
            map.insert(name, from_val(indexer.get(key).unwrap().as_ref()));
        }
        return Value::Object(map);
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list
            .inner()
            .iter()
            .map(|item| from_val(item.as_ref()))
            .collect();
    }
    if let Some(value) = value.downcast_ref::<CelBool>() {
        return json!(*value.inner());
    }
    if let Some(value) = value.downcast_ref::<CelInt>() {
        return json!(*value.inner());
    }
    if let Some(value) = value.downcast_ref::<CelDouble>() {
        return json!(*value.inner());
    }
    if let Some(value) = value.downcast_ref::<CelString<'_>>() {
        return json!(value.inner());
    }
    assert!(value.downcast_ref::<CelNull>().is_some(), "{value:?}");
    Value::Null
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no other", |f| f.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_is_seen_as_it_is(map in prop::collection::btree_map(any::<String>(), any_json(), 0..6), pretty: bool) {
        let object = Value::Object(map.into_iter().collect());
        let text = if pretty { format!("{object:#}") } else { object.to_string() };
        let node = Depth::SHALLOW.parse(&text).unwrap();
        let fuel = Fuel::full();
        prop_assert_eq!(&value_of(&node, &fuel), &object);
        // Escaped: every character as \u.
        let escaped: String = text.chars().map(|c| if c.is_ascii() { c.to_string() } else {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }).collect();
        let again = Depth::SHALLOW.parse(&escaped).unwrap();
        prop_assert_eq!(value_of(&again, &fuel), object);
        prop_assert!(node.to_val(&fuel).equals(again.to_val(&fuel).as_ref()));
    }
}
