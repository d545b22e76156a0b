//! Lines are JSON, whatever is told, and as `tracing_subscriber` has them.

use std::cell::RefCell;
use std::io;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Here;

impl io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| io::Write::write(logged, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line that `tell` makes.
fn line(tell: impl FnOnce()) -> String {
    let layer = tracing_subscriber::fmt::layer().with_writer(|| Here);
    let registry = tracing_subscriber::registry().with(layer.event_format(Json).boxed());
    LOGGED.take();
    tracing::subscriber::with_default(registry, tell);
    String::from_utf8(LOGGED.take()).unwrap()
}

#[test]
fn every_kind_of_value_has_its_form() {
    let error = io::Error::other("the \"disk\"");
    let line = line(|| {
        tracing::warn!(
            text = "a\tb",
            yes = true,
            count = 7_u64,
            below = -7_i64,
            half = 0.5,
            endless = f64::INFINITY,
            none = None::<u8>,
            debug = ?["x"],
            display = %"y",
            error = &error as &(dyn std::error::Error + 'static),
            "said {}",
            1
        );
    });
    assert!(line.ends_with("}\n"), "{line}");
    let mut value: Value = serde_json::from_str(&line).unwrap();
    let timestamp = value.as_object_mut().unwrap().remove("timestamp").unwrap();
    let timestamp = timestamp.as_str().unwrap();
    assert_eq!(timestamp.len(), "2026-11-30T12:00:00.123456Z".len());
    let age = Timestamp::now().duration_since(timestamp.parse().unwrap());
    assert!(age.as_secs().abs() < 60, "{timestamp}");
    let expected = json!({
        "level": "WARN", "message": "said 1", "target": "meshmode::telemetry::logs::json::tests",
        "text": "a\tb", "yes": true, "count": 7, "below": -7, "half": 0.5, "endless": null,
        "debug": "[\"x\"]", "display": "y", "error": "the \"disk\"",
    });
    assert_eq!(value, expected);
}

#[test]
fn what_terminals_obey_is_escaped() {
    let line = line(|| tracing::info!(text = "a\u{1b}[2J\u{7f}\u{9d}0;x\u{9c}ü🦀\u{2028}", "said"));
    let expected = r#""text":"a\u001b[2J\u007f\u009d0;x\u009cü🦀"#;
    assert!(line.contains(expected), "{line}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_back(text: String, message: String) {
        let line = line(|| tracing::info!(text, debug = ?text, "{message}"));
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(!line.trim_end_matches('\n').contains(char::is_control));
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&value["text"], &json!(text));
        prop_assert_eq!(&value["debug"], &json!(format!("{text:?}")));
        prop_assert_eq!(&value["message"], &json!(message));
    }
}
