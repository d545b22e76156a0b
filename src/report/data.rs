//! The report for programs: JSON and YAML.

use super::Report;
use super::page::is_unprintable;

/// Indented JSON, with the end of a line.
pub(super) fn json(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let mut json = escaped(&serde_json::to_string_pretty(report)?);
    json.push('\n');
    Ok(json)
}

/// The same in YAML. Where a text has what a terminal obeys, in that form of YAML in which it can always be escaped: JSON.
pub(super) fn yaml(report: &Report<'_>) -> Result<String, serde_saphyr::ser::Error> {
    let yaml = serde_saphyr::to_string(report)?;
    if yaml.contains(|c| c != '\n' && is_unprintable(c)) {
        return json(report).map_err(serde::ser::Error::custom);
    }
    Ok(yaml)
}

/// JSON that says the same and talks to no terminal: what is left of control characters, and what turns the direction of
/// writing, stands in texts only, where it can be escaped.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unprintable(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// JSON that says the same within HTML: nothing in it begins or ends an element or a comment.
pub(super) fn within_html(json: &str) -> String {
    json.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}
