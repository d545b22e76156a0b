//! What `--matcher` gives: a label matcher of PromQL, with or without the quotes that a shell takes away.

use super::settings::SettingsError;

/// A label and what its value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Matcher {
    pub(super) label: String,
    operator: &'static str,
    value: String,
}

const OPERATORS: [&str; 4] = ["=~", "!~", "!=", "="];
/// Labels that some of what is asked does not have: nodes and ztunnel's own metrics are of no namespace that people mean.
const OF_PODS: [&str; 3] = ["namespace", "pod", "container"];

// === impl Matcher ===

impl Matcher {
    /// # Errors
    /// It is none.
    pub(super) fn parse(text: &str) -> Result<Self, SettingsError> {
        let wrong = || SettingsError::Matcher(text.to_owned());
        let at = text.find(['=', '!']).ok_or_else(wrong)?;
        let (label, rest) = text.split_at(at);
        let (label, rest) = (label.trim(), rest.trim());
        let operator = OPERATORS.into_iter().find(|known| rest.starts_with(known));
        let operator = operator.ok_or_else(wrong)?;
        let value = rest.get(operator.len()..).unwrap_or_default().trim();
        if !is_label(label) {
            return Err(wrong());
        }
        let value = unquoted(value).ok_or_else(wrong)?;
        Ok(Self {
            label: label.to_owned(),
            operator,
            value,
        })
    }

    /// Whether series that are not of Pods have the label, too.
    pub(super) fn is_of_pods(&self) -> bool {
        OF_PODS.contains(&self.label.as_str())
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(
            f,
            "{}{}\"{}\"",
            self.label,
            self.operator,
            value.replace('\n', "\\n")
        )
    }
}

pub(super) fn is_label(name: &str) -> bool {
    let mut chars = name.chars();
    let begins = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    begins && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value without quotes; `None` where one is missing, or where there are more matchers behind it.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        let stray = value.contains(['"', ',']);
        return (!stray).then(|| value.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut unquoted = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'n' => unquoted.push('\n'),
                c @ ('\\' | '"') => unquoted.push(c),
                // Escapes of a regular expression need two of them in PromQL; what people mean is clear.
                other => unquoted.extend(['\\', other]),
            },
            c => unquoted.push(c),
        }
    }
    Some(unquoted)
}

#[cfg(test)]
mod tests;
