//! Matchers as people and shells write them.

use super::*;

#[test]
fn matchers() {
    let rows = [
        ("cluster=\"prod\"", Some("cluster=\"prod\"")),
        ("cluster=prod", Some("cluster=\"prod\"")),
        (" cluster = prod ", Some("cluster=\"prod\"")),
        ("cluster!=\"prod\"", Some("cluster!=\"prod\"")),
        ("cluster=~\"prod-.+|eu\"", Some("cluster=~\"prod-.+|eu\"")),
        ("cluster!~prod", Some("cluster!~\"prod\"")),
        ("cluster=", Some("cluster=\"\"")),
        ("cluster=\"a\\\"b\"", Some("cluster=\"a\\\"b\"")),
        ("cluster=~\"a\\\\.b\"", Some("cluster=~\"a\\\\.b\"")),
        ("cluster=~a\\.b", Some("cluster=~\"a\\\\.b\"")),
        ("cluster=~\"x{2}\"", Some("cluster=~\"x{2}\"")),
        ("a=b=c", Some("a=\"b=c\"")),
        ("cluster", None),
        ("cluster~\"prod\"", None),
        ("cluster!prod", None),
        ("=\"prod\"", None),
        ("1cluster=\"prod\"", None),
        ("cluster=\"prod", None),
        ("cluster=\"a\"} or {x=\"b\"", None),
        ("cluster=a,namespace=b", None),
        ("cluster=\"a\",namespace=\"b\"", None),
    ];
    for (text, expected) in rows {
        let parsed = Matcher::parse(text).ok().map(|matcher| matcher.to_string());
        assert_eq!(parsed.as_deref(), expected, "{text}");
    }
}

#[test]
fn nodes_have_no_namespace() {
    let of_pods = |text| Matcher::parse(text).unwrap().is_of_pods();
    assert!(of_pods("namespace=\"shop\""));
    assert!(!of_pods("cluster=\"prod\""));
}
