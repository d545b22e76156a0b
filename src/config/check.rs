//! Checks a file against the table of fields, and collects everything that is wrong with its form.

use super::fields::{Field, Presence, Shape, duration};
use super::problem::{Problem, Problems};
use super::tree::{Node, Value};

/// The most characters of a Kubernetes name or label value.
const MAX_NAME: usize = 63;

/// Checks that `node`, found at `path`, is a section of `fields`.
pub(crate) fn section(node: &Node, path: &str, fields: &[Field], problems: &mut Problems) {
    let Value::Map(entries) = &node.value else {
        return problems.add(
            node,
            path,
            format!("is {}; allowed: a map of {}", node.value, names(fields)),
        );
    };
    for (index, (key, value)) in entries.iter().enumerate() {
        let other = key.value.to_string();
        let name = key.text().unwrap_or(&other);
        let below = join(path, name);
        if entries[..index]
            .iter()
            .any(|(earlier, _)| earlier.text() == Some(name))
        {
            problems.add(key, &below, "is there twice; leave one".to_owned());
        }
        match fields.iter().find(|field| field.name == name) {
            Some(field) => shape(value, &below, &field.shape, problems),
            None => problems.add(
                key,
                &below,
                format!("is an unknown field; allowed: {}", names(fields)),
            ),
        }
    }
    let required = fields
        .iter()
        .filter(|field| field.presence == Presence::Required);
    for field in required.filter(|field| node.get(field.name).is_none()) {
        problems.add(node, &join(path, field.name), "is missing".to_owned());
    }
}

fn shape(node: &Node, path: &str, shape: &Shape, problems: &mut Problems) {
    match shape {
        Shape::Section(fields) => section(node, path, fields, problems),
        Shape::List(fields, most) => list(node, path, fields, *most, problems),
        Shape::Labels => labels(node, path, problems),
        Shape::Texts => texts(node, path, problems),
        Shape::Count => count(node, path, problems),
        Shape::Object => object(node, path, problems),
        Shape::SomeOf(texts) => some_of(node, path, texts, problems),
        Shape::TextOrTexts => text_or_texts(node, path, problems),
        Shape::Constant(text) => one_of(node, path, &[text], problems),
        Shape::OneOf(texts) => one_of(node, path, texts, problems),
        Shape::Bool if node.bool().is_some() => {}
        Shape::Bool => {
            problems.add(
                node,
                path,
                format!("is {}; allowed: true, false", node.value),
            );
        }
        Shape::Duration(most) => {
            if node.text().and_then(|text| duration(text, *most)).is_none() {
                let message = format!(
                    "is {}; allowed: milliseconds or seconds up to {most}ms, such as 50ms",
                    node.value
                );
                problems.add(node, path, message);
            }
        }
        Shape::Text | Shape::Expression => {
            text(node, path, problems, "a text", |text| !text.is_empty())
        }
        Shape::Name => text(
            node,
            path,
            problems,
            "lower-case letters, digits and dashes, at most 63",
            is_name,
        ),
        Shape::Identifier => text(
            node,
            path,
            problems,
            "letters, digits and underscores, not beginning with a digit",
            is_identifier,
        ),
    }
}

fn list(node: &Node, path: &str, fields: &[Field], most: usize, problems: &mut Problems) {
    let Value::List(elements) = &node.value else {
        return problems.add(node, path, format!("is {}; allowed: a list", node.value));
    };
    if elements.len() > most {
        let message = format!("has {} entries; allowed are {most}", elements.len());
        problems.add(node, path, message);
    }
    for (index, element) in elements.iter().enumerate() {
        section(element, &format!("{path}[{index}]"), fields, problems);
    }
}

fn object(node: &Node, path: &str, problems: &mut Problems) {
    if !matches!(node.value, Value::Map(_)) {
        problems.add(node, path, format!("is {}; allowed: a map", node.value));
    }
}

fn count(node: &Node, path: &str, problems: &mut Problems) {
    if node.number().is_none_or(|number| number < 0) {
        let message = format!("is {}; allowed: a whole number of at least 0", node.value);
        problems.add(node, path, message);
    }
}

fn texts(node: &Node, path: &str, problems: &mut Problems) {
    object(node, path, problems);
    for (key, value) in node.entries() {
        if value.text().is_none() {
            let message = format!("is {}; allowed: a text{}", value.value, remedy(value));
            problems.add(value, &join(path, key), message);
        }
    }
}

fn some_of(node: &Node, path: &str, texts: &[&str], problems: &mut Problems) {
    let Value::List(elements) = &node.value else {
        let allowed = texts.join(", ");
        let message = format!("is {}; allowed: a list of {allowed}", node.value);
        return problems.add(node, path, message);
    };
    for (index, element) in elements.iter().enumerate() {
        one_of(element, &format!("{path}[{index}]"), texts, problems);
    }
}

fn text_or_texts(node: &Node, path: &str, problems: &mut Problems) {
    let Value::List(elements) = &node.value else {
        return text(node, path, problems, "a text, or a list of texts", |text| {
            !text.is_empty()
        });
    };
    for (index, element) in elements.iter().enumerate() {
        let path = format!("{path}[{index}]");
        text(element, &path, problems, "a text", |text| !text.is_empty());
    }
}

fn one_of(node: &Node, path: &str, texts: &[&str], problems: &mut Problems) {
    if !node.text().is_some_and(|text| texts.contains(&text)) {
        problems.add(
            node,
            path,
            format!("is {}; allowed: {}", node.value, texts.join(", ")),
        );
    }
}

fn text(node: &Node, path: &str, problems: &mut Problems, allowed: &str, fits: fn(&str) -> bool) {
    if !node.text().is_some_and(fits) {
        problems.add(node, path, format!("is {}; allowed: {allowed}", node.value));
    }
}

fn labels(node: &Node, path: &str, problems: &mut Problems) {
    let Value::Map(entries) = &node.value else {
        return problems.add(
            node,
            path,
            format!("is {}; allowed: a map of labels", node.value),
        );
    };
    for (key, value) in entries {
        let name = key.text().unwrap_or_default();
        if !is_label_key(name) {
            problems.add(
                key,
                path,
                format!(
                    "{} is no label key; allowed: PREFIX/NAME or NAME",
                    key.value
                ),
            );
        }
        if !value.text().is_some_and(is_label_value) {
            let remedy = remedy(value);
            problems.add(
                value,
                &join(path, name),
                format!(
                    "is {}; allowed: letters, digits, '-', '_' and '.', at most 63{remedy}",
                    value.value
                ),
            );
        }
    }
}

/// For a scalar that YAML does not take for a text.
fn remedy(value: &Node) -> &'static str {
    match value.value {
        Value::Other(_) => " (put it in quotes)",
        Value::Null | Value::Text(_) | Value::List(_) | Value::Map(_) => "",
    }
}

/// `path.name`, without the dot at the top.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn names(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|field| field.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let bounded = |text: &str| !text.starts_with('-') && !text.ends_with('-');
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(allowed) && bounded(text)
}

fn is_identifier(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text
        .rsplit_once('/')
        .map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let subdomain = |prefix: &str| prefix.len() <= 253 && prefix.split('.').all(is_name);
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(subdomain)
}

fn is_label_value(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let bounded = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= MAX_NAME
        && text.chars().all(allowed)
        && bounded(text.chars().next())
        && bounded(text.chars().last())
}

impl Problems {
    /// Adds a problem of the value `node`, which stands at `path`.
    pub(crate) fn add(&mut self, node: &Node, path: &str, message: String) {
        self.push(Problem {
            line: node.place.line,
            column: node.place.column,
            field: path.to_owned(),
            message,
        });
    }
}
