//! The page in HTML: its figures are those of the JSON report, for any account, and no name is more than text.

use std::collections::BTreeSet;

use meshmode::report::Report;
use meshmode::savings::Account;
use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

use crate::figures::{embedded, figures, wrong};
use crate::given::{NAMES, account, of};

/// What no page may let out of its place.
const HOSTILE: &str = "<x-evil a='b' c=\"d\"></script><!-- ]]> &lt; \u{1b}[31m\u{202e}";

#[test]
fn each_figure_is_what_the_json_says() {
    for name in NAMES {
        let (page, json) = of(name, |report| {
            (report.html().unwrap(), report.json().unwrap())
        });
        let json: Value = serde_json::from_str(&json).unwrap();
        let shown = figures(&page);
        assert_eq!(wrong(&shown, &json), [] as [&_; 0], "{name}");
        assert_eq!(embedded(&page), json, "{name}");
        let fields: BTreeSet<&str> = shown.iter().map(|one| one.field.as_str()).collect();
        for field in [
            "monthly.now",
            "monthly.possible",
            "monthly.allSidecar",
            "monthly.allAmbient",
            "saving.low",
            "saving.central",
            "saving.high",
            "bases.usage.monthly.now",
            "breakEven.cost",
            "breakEven.sidecarsPerNode",
            "roles.ztunnel.cost",
            "roles.gateway.count",
            "modes.ambient",
            "namespaces.0.now",
            "namespaces.1.saving",
            "nodes.freedVcpu",
            "nodes.realised",
            "trend.0.now",
            "prices.vcpuHour",
            "window.coverage",
        ] {
            assert!(fields.contains(field), "{name}: {field} is nowhere");
        }
    }
}

#[test]
fn a_wrong_figure_is_found() {
    let (page, json) = of("saving", |report| {
        (report.html().unwrap(), report.json().unwrap())
    });
    let mut json: Value = serde_json::from_str(&json).unwrap();
    json["monthly"]["now"] = 1.0.into();
    let shown = figures(&page);
    let wrong = wrong(&shown, &json);
    assert!(!wrong.is_empty());
    assert!(wrong.iter().all(|one| one.field == "monthly.now"));
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let page = of("hostile", |report| report.html().unwrap());
    let (markup, _) = page.split_once("<script").unwrap();
    for attribute in [
        " src=",
        " href=",
        "url(",
        "@import",
        " onload=",
        " onerror=",
        "javascript:",
    ] {
        let tag = Regex::new(&format!("<[^>]*{}", regex::escape(attribute))).unwrap();
        assert!(!tag.is_match(markup), "{attribute}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    assert_eq!(page.matches("<!").count(), 1, "the document type alone");
    assert!(page.contains("default-src 'none'"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_figures_of_any_account_are_those_of_its_json(
        numbers in vec(number(), 1..40),
        names in vec(".{0,40}", 1..20),
        given in 0..NAMES.len(),
    ) {
        let account = changed(NAMES[given], &numbers, &names);
        let older = changed("older-1", &numbers[numbers.len() / 2..], &names);
        let report = Report::new(&account, &[older]);
        let page = report.html().unwrap();
        let json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        let shown = figures(&page);
        prop_assert_eq!(wrong(&shown, &json), [] as [&_; 0]);
        prop_assert_eq!(embedded(&page), json);
        prop_assert!(!Regex::new("<[^>]*x-evil").unwrap().is_match(&page.replace("\n", "")));
        prop_assert_eq!(page.matches("<script").count(), 1);
        prop_assert!(!page.contains("NaN") && !page.contains("inf\""));
        // The other forms have to be written, too.
        for text in [report.markdown(), report.text(meshmode::report::Colour::None), report.csv()] {
            prop_assert!(!text.contains(['\u{1b}', '\u{202e}']), "{}", text);
        }
        prop_assert!(!report.markdown().contains("<x-evil"));
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        -1e6..1e6,
        0.0..0.02,
        any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()),
    ]
}

/// The account with these numbers and names instead of its own.
fn changed(name: &str, numbers: &[f64], names: &[String]) -> Account {
    let mut json = serde_json::to_value(account(name)).unwrap();
    let (mut numbers, mut names) = (numbers.iter().cycle(), names.iter().cycle());
    change("", &mut json, &mut numbers, &mut names);
    serde_json::from_value(json).unwrap()
}

fn change<'a>(
    key: &str,
    json: &mut Value,
    numbers: &mut impl Iterator<Item = &'a f64>,
    names: &mut impl Iterator<Item = &'a String>,
) {
    match json {
        Value::Number(number) if number.is_f64() => *json = Value::from(*numbers.next().unwrap()),
        Value::String(_) if ["generatedAt", "start", "end", "basis", "kind"].contains(&key) => {}
        Value::String(text) => *text = format!("{}{HOSTILE}", names.next().unwrap()),
        Value::Array(all) => {
            for one in all {
                change(key, one, numbers, names);
            }
        }
        Value::Object(all) => {
            for (key, one) in all {
                change(key, one, numbers, names);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
