//! What is read, and what is refused, is what `serde_json` reads and refuses.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::placement::json::Depth;

/// Reads without the help of `serde_json`.
fn alone<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    Reader::read(text, Plain(std::marker::PhantomData))
}

/// Everything that a review's types ask for.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Sample<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    list: Vec<Raw<'a>>,
    #[serde(borrow)]
    map: Option<BTreeMap<Cow<'a, str>, Raw<'a>>>,
    flag: Option<bool>,
    #[serde(borrow)]
    raw: Option<Raw<'a>>,
}

fn same(text: &str) {
    let expected = serde_json::from_str::<Sample<'_>>(text);
    match (read::<Sample<'_>>(text), &expected) {
        (Ok(read), Ok(expected)) => assert_eq!(read, *expected, "{text}"),
        (Err(read), Err(expected)) => assert_eq!(read.to_string(), expected.to_string(), "{text}"),
        (read, expected) => panic!("{text}: {read:?}, not {expected:?}"),
    }
    if let Some(alone) = alone::<Sample<'_>>(text) {
        let expected = expected.unwrap_or_else(|error| panic!("{text} was read: {error}"));
        assert_eq!(alone, expected, "{text}");
    }
    let raw = serde_json::from_str::<&RawValue>(text).map(RawValue::get);
    assert_eq!(
        read::<Raw<'_>>(text).map(Raw::get).ok(),
        raw.as_deref().ok(),
        "{text}"
    );
    if !skip::has_control(text.as_bytes()) {
        assert_eq!(alone::<Raw<'_>>(text).map(Raw::get), raw.ok(), "{text}");
    }
}

#[test]
fn documents_on_the_edge() {
    let documents = [
        ("empty", ""),
        ("space", " "),
        ("nothing in it", "{}"),
        ("spaces", " { \"text\" : \"a\" , \"list\" : [ 1 , 2 ] } "),
        ("comma before the end", "{\"text\":\"a\",}"),
        ("comma first", "{,\"text\":\"a\"}"),
        ("comma alone in a list", "{\"list\":[,]}"),
        ("comma before a list's end", "{\"list\":[1,]}"),
        ("no comma", "{\"text\":\"a\" \"flag\":true}"),
        ("no colon", "{\"text\" \"a\"}"),
        ("key is no string", "{1:2}"),
        ("two of a key", "{\"text\":\"a\",\"text\":\"b\"}"),
        ("trailing", "{} {}"),
        ("form feed after it", "{}\u{c}"),
        ("form feed and a line feed after it", "{}\u{c}\n"),
        ("all of JSON's space after it", "{} \t\r\n"),
        ("wrong bracket", "{\"raw\":[1}]"),
        ("wrong bracket in skipped", "{\"skip\":[{]}}"),
        ("unclosed", "{\"raw\":[1,{\"a\":\"b\"}"),
        ("escapes", r#"{"text":"a\"\\\/\b\f\n\r\té😀"}"#),
        ("escaped key", r#"{"text":"a","raw":{"\u":1}}"#),
        ("lone surrogate read", r#"{"text":"\ud83d"}"#),
        ("lone surrogate skipped", r#"{"skip":"\ud83d"}"#),
        ("unknown escape", r#"{"skip":"\x"}"#),
        ("short escape", r#"{"skip":"\u12"}"#),
        ("escape at the end", "{\"skip\":\"\\"),
        ("control character", "{\"skip\":\"a\nb\"}"),
        (
            "control character after eight",
            "{\"skip\":\"12345678\u{1f}\"}",
        ),
        ("del is none", "{\"skip\":\"\u{7f}\"}"),
        (
            "null",
            "{\"text\":null,\"map\":null,\"flag\":null,\"raw\":null}",
        ),
        ("wrong type", "{\"text\":1}"),
        ("wrong word", "{\"flag\":tru}"),
        ("word with a tail", "{\"skip\":truex}"),
        ("numbers", "{\"list\":[0,-0,1.5,-1e9,1E+2,10.01e-3]}"),
        ("leading zero", "{\"skip\":01}"),
        ("minus alone", "{\"skip\":-}"),
        ("dot without digits", "{\"skip\":1.}"),
        ("exponent without digits", "{\"skip\":1e+}"),
        ("plus", "{\"skip\":+1}"),
        ("NaN", "{\"skip\":NaN}"),
        ("not an object", "[]"),
        ("byte order mark", "\u{feff}{}"),
    ];
    for (_name, text) in documents {
        same(text);
    }
}

#[test]
fn what_is_deeper_than_we_skip_is_read_all_the_same() {
    for depth in 60..70 {
        let mixed = format!(
            "{{\"raw\":{}1{}}}",
            "{\"a\":[".repeat(depth / 2),
            "]}".repeat(depth / 2)
        );
        assert_eq!(read::<Raw<'_>>(&mixed).unwrap().get(), mixed);
        let crossed = mixed.replacen("]}", "}]", 1);
        assert!(read::<Raw<'_>>(&crossed).is_err(), "{crossed}");
        if let Some(alone) = alone::<Raw<'_>>(&mixed) {
            assert_eq!(alone.get(), mixed);
        }
        assert_eq!(alone::<Raw<'_>>(&crossed), None);
    }
    for depth in [62, 63, 64, 65, 127, 128, 129, 200] {
        let text = format!("{{\"raw\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let read: Sample<'_> = read(&text).unwrap();
        assert_eq!(read.raw.unwrap().get().len(), 2 * depth);
        let open = format!("{{\"raw\":{}}}", "[".repeat(depth));
        assert!(super::read::<Sample<'_>>(&open).is_err());
    }
}

/// What ends by its brackets ends there as JSON.
fn ends_by_brackets(text: &str) {
    let bytes = text.as_bytes();
    let begins = bytes.iter().position(|byte| matches!(byte, b'{' | b'['));
    let Some(begin) = begins else { return };
    let end = skip::brackets(bytes, begin);
    if let Some(expected) = skip::value(bytes, begin) {
        assert_eq!(end, Some(expected), "{text}");
    }
    assert!(
        end.is_none_or(|end| text.get(begin..end).is_some()),
        "{text}"
    );
}

#[test]
fn brackets_in_strings_are_none() {
    let rows = [
        ("empty", "{}", Some(2)),
        ("more behind", "[[]]]", Some(4)),
        ("in a string", r#"{"}":"]"}"#, Some(9)),
        ("behind an escaped quote", r#"["\"]"]"#, Some(7)),
        ("behind an escaped backslash", r#"["\\"]"#, Some(6)),
        ("open", "[{}", None),
        ("an open string", r#"["]"#, None),
    ];
    for (name, text, end) in rows {
        assert_eq!(skip::brackets(text.as_bytes(), 0), end, "{name}");
        // At each place of a block, and across two.
        for before in 1..260 {
            let long = format!(
                "[\"{}{}\",{text}]",
                "x".repeat(before % 2),
                "\\\\".repeat(before / 2)
            );
            let all = end.map(|_| long.len());
            if name != "more behind" {
                assert_eq!(skip::brackets(long.as_bytes(), 0), all, "{name}: {long}");
            }
        }
    }
}

#[test]
fn recorded_reviews_are_read_without_help() {
    for review in [
        include_str!("../../../../tests/data/reviews/pod-small.json"),
        include_str!("../../../../tests/data/reviews/pod-usual.json"),
        include_str!("../../../../tests/data/reviews/pod-large.json"),
    ] {
        const METADATA: Depth = Depth::open(&[(
            "metadata",
            Depth::open(&[("labels", Depth::TEXTS), ("managedFields", Depth::Brackets)]),
        )]);
        const REVIEW: Depth = Depth::open(&[("request", Depth::open(&[("object", METADATA)]))]);
        assert!(Reader::read(review, REVIEW).is_some());
        for at in (0..review.len()).step_by(7) {
            same(&review[..at]);
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z\"\\\\\u{0}-\u{1f}]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("text|list|map|flag|raw|[a-z\"\\\\é]{0,9}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document(value in value(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        ends_by_brackets(&text);
        same(&text);
    }

    /// One byte of a document is another one, or missing.
    #[test]
    fn any_damaged_document(value in value(), at in any::<prop::sample::Index>(), byte in "[\\x00-\\x7f]?") {
        let mut text = value.to_string();
        let at = at.index(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(at + 1));
        text.replace_range(at..=at, &byte);
        ends_by_brackets(&text);
        same(&text);
    }

    #[test]
    fn any_text(text in "[\\[\\]{}:,\" 0-9eE+.tfn\\\\a-z-]{0,40}") {
        same(&text);
    }
}
