//! The namespaces as CSV (RFC 4180), for spreadsheets: which take a text that begins like a formula for one.

use super::page::printable;
use crate::savings::Account;

/// The columns; `docs/roi.md` says what is in them.
const HEAD: [&str; 11] = [
    "namespace",
    "sidecars",
    "couldBeAmbient",
    "now",
    "possible",
    "saving",
    "currency",
    "basis",
    "windowStart",
    "windowEnd",
    "cluster",
];

/// A row a namespace, in the order of the account.
pub(super) fn namespaces(account: &Account) -> String {
    let mut text = line(&HEAD.map(ToOwned::to_owned));
    for one in &account.namespaces {
        text.push_str(&line(&[
            field(&one.namespace),
            number(one.sidecars),
            number(one.could_be_ambient),
            number(one.now),
            number(one.possible),
            number(one.saving),
            field(&account.currency),
            account.basis.as_str().to_owned(),
            account.window.start.to_string(),
            account.window.end.to_string(),
            field(account.cluster.as_deref().unwrap_or_default()),
        ]));
    }
    text
}

fn line(fields: &[String; HEAD.len()]) -> String {
    format!("{}\r\n", fields.join(","))
}

/// Empty where it is none.
fn number(value: f64) -> String {
    if value.is_finite() {
        value.to_string()
    } else {
        String::new()
    }
}

/// A text: cleaned, never a formula, quoted where it must be.
fn field(text: &str) -> String {
    let mut text = printable(text);
    if text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\'']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_text_and_nothing_else() {
        for (name, text, expected) in [
            ("usual", "shop", "shop"),
            ("nothing", "", ""),
            ("a comma", "a,b", "\"a,b\""),
            ("quotes", "a\"b", "\"a\"\"b\""),
            ("lines", "a\r\nb", "a\u{fffd}\u{fffd}b"),
            ("a formula", "=cmd()", "\"'=cmd()\""),
            ("after a space", " =cmd()", "\"' =cmd()\""),
            ("plus", "+1", "\"'+1\""),
            ("minus", "-1", "\"'-1\""),
            ("at", "@SUM(A1)", "\"'@SUM(A1)\""),
            ("wide", "＝cmd()", "\"'＝cmd()\""),
            ("not at its begin", "a=b", "a=b"),
            ("control characters", "a\x1b\tb", "a\u{fffd}\u{fffd}b"),
        ] {
            assert_eq!(field(text), expected, "{name}");
        }
    }
}
