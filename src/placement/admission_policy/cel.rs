//! Texts of CEL.

use std::fmt::Write;

/// A literal of `text`.
pub(super) fn text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => literal.extend(['\\', c]),
            c if c.is_control() => {
                // Writing into a text does not fail.
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// `source` as an operand; a comment at its end must not swallow the bracket.
pub(super) fn brackets(source: &str) -> String {
    let end = if source.contains("//") { "\n" } else { "" };
    format!("({}{end})", source.trim())
}

/// A list literal of expressions.
pub(super) fn list(elements: impl Iterator<Item = String>) -> String {
    let elements: Vec<String> = elements.collect();
    format!("[{}]", elements.join(", "))
}

/// A map literal: texts to expressions.
pub(super) fn map<'k>(entries: impl Iterator<Item = (&'k str, String)>) -> String {
    let entries: Vec<String> = entries
        .map(|(key, value)| format!("{}: {value}", text(key)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}
