//! The outcome for a CI system: JUnit's XML, a suite for each file. Pure.

use std::fmt::Write;

use super::judge::{Difference, Judged, Relation};

/// The document.
pub(super) fn document(judged: &[Judged]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut suites = String::new();
    for cases in judged.chunk_by(|one, next| one.file == next.file) {
        suites.push_str(&suite(cases));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"meshmode\" {}>", counts(judged));
    xml.push_str(&suites);
    xml.push_str("</testsuites>\n");
    xml
}

fn counts(cases: &[Judged]) -> String {
    let failures = cases.iter().filter(|case| !case.passed).count();
    format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"0\"",
        cases.len()
    )
}

fn suite(cases: &[Judged]) -> String {
    let file = escaped(cases.first().map_or("", |case| &case.file));
    let mut xml = format!(
        "  <testsuite name=\"{file}\" {} skipped=\"0\">\n",
        counts(cases)
    );
    for case in cases {
        let (name, line) = (escaped(&case.name), case.line);
        let head = format!(
            "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\""
        );
        xml.push_str(&head);
        if case.passed {
            xml.push_str("/>\n");
        } else {
            xml.push_str(&format!(">\n{}    </testcase>\n", failure(case)));
        }
    }
    xml.push_str("  </testsuite>\n");
    xml
}

fn failure(case: &Judged) -> String {
    let lines: Vec<String> = case.differences.iter().map(line).collect();
    let message = escaped(&lines.join("; "));
    let mut text = lines.join("\n");
    let _ = write!(text, "\nreason: {}", case.reason);
    for warning in &case.warnings {
        let _ = write!(text, "\nwarning: {warning}");
    }
    for rule in &case.rules {
        let _ = write!(text, "\nrule {}: {}", rule.name, rule.result);
        let why = rule.mode.or(rule.error.as_deref());
        let _ = why.map(|why| write!(text, ": {why}"));
    }
    let text = escaped_text(&text);
    format!("      <failure type=\"difference\" message=\"{message}\">{text}</failure>\n")
}

fn line(difference: &Difference) -> String {
    let listed = |values: &[String]| match values {
        [] => "nothing".to_owned(),
        values => values.join(" | "),
    };
    let (field, expected) = (&difference.field, listed(&difference.expected));
    let got = listed(&difference.got);
    match difference.relation {
        Relation::Equal => format!("{field}: expected {expected}, got {got}"),
        Relation::Contains => format!("{field}: expected a text with {expected}, got {got}"),
    }
}

/// For an attribute: a reader would make a space of a line break.
fn escaped(text: &str) -> String {
    let text = escaped_text(text).replace('"', "&quot;");
    text.replace('\n', "&#10;").replace('\t', "&#9;")
}

/// For text: what XML 1.0 has no place for is replaced.
fn escaped_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_stays_text() {
        let rows = [
            (
                "a < b && c > \"d\"",
                "a &lt; b &amp;&amp; c &gt; &quot;d&quot;",
            ),
            ("]]>", "]]&gt;"),
            ("one\ntwo\tthree\r", "one&#10;two&#9;three&#13;"),
            ("\u{1b}[31m\u{0}\u{ffff}", "\u{fffd}[31m\u{fffd}\u{fffd}"),
            ("ü 日本", "ü 日本"),
        ];
        for (text, expected) in rows {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
