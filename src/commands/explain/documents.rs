//! The objects in files: YAML with one document or several, JSON, and lists of objects in either.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use serde_saphyr::{Budget, Options, Spanned};

use crate::commands::complain;
use crate::config::tree::in_words;

/// One object to be explained.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::commands) struct Document {
    /// Where it is from: `policies.yaml:12: document 2`; for a cluster `namespace/name`.
    pub(in crate::commands) place: String,
    /// The object.
    pub(in crate::commands) json: String,
}

/// What a file has.
#[derive(Debug, Default, Eq, PartialEq)]
pub(in crate::commands) struct Found {
    /// The objects to be explained.
    pub(in crate::commands) objects: Vec<Document>,
    /// What is none: `ConfigMap istio-system/istio`.
    pub(in crate::commands) others: Vec<String>,
    /// What is wrong, each with its place.
    pub(in crate::commands) mistakes: Vec<String>,
}

/// Whether an object is to be explained.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Sort {
    /// It is.
    Wanted,
    /// It is of another kind.
    Other,
    /// It should be, and this is wrong with it.
    Mistake(String),
}

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// How deep lists may be in lists.
const LISTS: usize = 4;

/// Reads a file, or standard input where it is `-`, and says on standard error what is passed over. A file without any
/// `wanted` object is a mistake, as it hardly is the one that was meant.
///
/// # Errors
/// It cannot be read. What is wrong with what is in it is in [`Found::mistakes`].
pub(super) fn from_file(
    file: &Path,
    wanted: &str,
    sort: fn(&Value) -> Sort,
) -> anyhow::Result<Found> {
    let mut found = read(file, sort)?;
    let name = file.display();
    if !found.others.is_empty() {
        let others = found.others.join(", ");
        complain(&format!("{name}: passed over {others}"));
    }
    if found.objects.is_empty() && found.mistakes.is_empty() {
        let mistake = format!("{name}: there is no {wanted} in it");
        found.mistakes.push(mistake);
    }
    Ok(found)
}

/// Reads a file, or standard input where it is `-`.
///
/// # Errors
/// It cannot be read. What is wrong with what is in it is in [`Found::mistakes`].
fn read(file: &Path, sort: fn(&Value) -> Sort) -> anyhow::Result<Found> {
    if file.as_os_str() == STANDARD_INPUT {
        let mut content = Vec::new();
        let mut input = std::io::stdin().lock();
        input
            .read_to_end(&mut content)
            .context("cannot read standard input")?;
        return Ok(found("standard input", &content, sort));
    }
    let content = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(found(&file.display().to_string(), &content, sort))
}

/// What is in a file of this name and content.
fn found(name: &str, content: &[u8], sort: fn(&Value) -> Sort) -> Found {
    let mut found = Found::default();
    match values(name, content) {
        Err(mistake) => found.mistakes.push(mistake),
        Ok(documents) => {
            for (place, document) in documents {
                found.add(&place, &document, LISTS, sort);
            }
        }
    }
    found
}

/// Each document with its place, or what is wrong with the file.
pub(in crate::commands) fn values(
    name: &str,
    content: &[u8],
) -> Result<Vec<(String, Value)>, String> {
    let text = std::str::from_utf8(content).map_err(|_| format!("{name}: is not UTF-8"))?;
    // YAML has no tabs, and JSON may: what is JSON is read as that.
    let json: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect();
    if let Ok(documents) = json {
        let documents = (1..).zip(documents);
        return Ok(documents
            .map(|(index, document)| (format!("{name}: document {index}"), document))
            .collect());
    }
    let read = serde_saphyr::from_multiple_with_options(text, options(text));
    let documents: Vec<Spanned<Value>> = read.map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        format!("{name}:{line}: is not YAML: {}", in_words(&error))
    })?;
    let documents = (1..).zip(documents);
    let placed = documents.map(|(index, document)| {
        let line = document.referenced.line().max(1);
        (format!("{name}:{line}: document {index}"), document.value)
    });
    Ok(placed.collect())
}

/// Lets all objects of a large cluster be read. What stands in `text` has no more nodes than bytes, and at most two
/// events for each; only what aliases multiply may breach that.
fn options(text: &str) -> Options {
    let (usual, written) = (Budget::default(), text.len());
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: usual.max_documents.max(written),
            max_nodes: usual.max_nodes.max(written),
            max_events: usual.max_events.max(2 * written),
            max_total_scalar_bytes: usual.max_total_scalar_bytes.max(written),
        },
    }
}

// === impl Found ===

impl Found {
    /// All that is in another one, too.
    pub(super) fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.others.extend(other.others);
        self.mistakes.extend(other.mistakes);
    }

    fn add(&mut self, place: &str, document: &Value, lists: usize, sort: fn(&Value) -> Sort) {
        let text = |pointer| document.pointer(pointer).and_then(Value::as_str);
        let (Some(version), Some(kind)) = (text("/apiVersion"), text("/kind")) else {
            let problem = "no Kubernetes object: it has no apiVersion, or no kind";
            self.mistakes.push(format!("{place}: {problem}"));
            return;
        };
        let items = document.get("items").and_then(Value::as_array);
        if let Some(items) = items.filter(|_| kind.ends_with("List") && lists > 0) {
            let of_list = (version, kind.strip_suffix("List").unwrap_or_default());
            for (index, item) in items.iter().enumerate() {
                let place = format!("{place}, items[{index}]");
                self.add(&place, &with_kind(item, of_list), lists - 1, sort);
            }
            return;
        }
        match sort(document) {
            Sort::Wanted => self.objects.push(Document {
                place: place.to_owned(),
                json: document.to_string(),
            }),
            Sort::Mistake(mistake) => self.mistakes.push(format!("{place}: {mistake}")),
            Sort::Other => self.others.push(shown(kind, document)),
        }
    }
}

/// The items of an API server's own list do not say what they are, as their list does.
pub(in crate::commands) fn with_kind(item: &Value, (version, kind): (&str, &str)) -> Value {
    let mut item = item.clone();
    if let (Value::Object(fields), false) = (&mut item, kind.is_empty()) {
        for (field, value) in [("apiVersion", version), ("kind", kind)] {
            fields.entry(field).or_insert_with(|| value.into());
        }
    }
    item
}

fn shown(kind: &str, document: &Value) -> String {
    let text = |pointer| document.pointer(pointer).and_then(Value::as_str);
    match (text("/metadata/namespace"), text("/metadata/name")) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::explain::policy::sort;

    const POLICY: &str =
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n";

    fn places(text: &str) -> Vec<String> {
        let found = found("f", text.as_bytes(), sort);
        assert_eq!(found.mistakes, [] as [&str; 0], "{text}");
        found.objects.into_iter().map(|one| one.place).collect()
    }

    #[test]
    fn policies_are_found_wherever_they_are() {
        let in_list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- apiVersion: security.istio.io/v1beta1\n  kind: AuthorizationPolicy\n";
        let of_server = r#"{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicyList", "items": [{"metadata": {}}]}"#;
        let two = format!("{POLICY}---\n---\n# nothing\n---\n{POLICY}");
        let rows: [(&str, &str, &[&str]); 6] = [
            ("one", POLICY, &["f:1: document 1"]),
            ("two", &two, &["f:1: document 1", "f:8: document 2"]),
            ("a list", in_list, &["f:1: document 1, items[1]"]),
            ("of an API server", of_server, &["f: document 1, items[0]"]),
            ("nothing", "", &[]),
            ("comments", "# a\n---\n# b\n", &[]),
        ];
        for (name, text, expected) in rows {
            assert_eq!(places(text), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_policy_is_passed_over_by_name() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: a}\n---\n\
                    apiVersion: policy.linkerd.io/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {name: c}\n";
        let found = found("f", text.as_bytes(), sort);
        assert_eq!(found.others, ["Service a/b", "AuthorizationPolicy c"]);
        assert!(found.objects.is_empty() && found.mistakes.is_empty());
    }

    /// `kubectl get pods -A -o yaml` of a large cluster; and ten lines that stand for 9 to the 11th nodes.
    #[test]
    fn as_much_is_read_as_is_written() {
        let items = "- {kind: Pod, apiVersion: v1, x: [1, 2, 3, 4, 5, 6, 7, 8]}\n".repeat(20_000);
        let list = format!("# all\napiVersion: v1\nkind: List\nitems:\n{items}");
        let documents = format!("---\n{POLICY}").repeat(2000);
        for (name, text, objects) in [("a list", list, 20_000), ("documents", documents, 2000)] {
            let found = found("f", text.as_bytes(), |_| Sort::Wanted);
            assert_eq!(found.mistakes, [] as [&str; 0], "{name}");
            assert_eq!(found.objects.len(), objects, "{name}");
        }
        let bomb = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
            let aliases = [format!("*a{}", n - 1), ", ".to_owned()].concat().repeat(9);
            format!("{text}a{n}: &a{n} [{aliases}]\n")
        });
        let mistakes = found("f", bomb.as_bytes(), sort).mistakes;
        assert!(
            mistakes[0].contains("is not YAML: YAML document too large or too complex"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_mistake_with_its_place() {
        let rows: [(&str, &[u8], &str); 6] = [
            (
                "a repeated key",
                b"kind: a\nkind: b\n",
                "f:2: is not YAML: duplicate mapping key `kind` is not allowed here at line 2",
            ),
            ("bytes", b"\xff", "f: is not UTF-8"),
            ("YAML", b"a: b\nc: [\n", "f:"),
            (
                "a text",
                b"hello\n",
                "f:1: document 1: no Kubernetes object",
            ),
            (
                "no kind",
                b"apiVersion: v1\n",
                "f:1: document 1: no Kubernetes object",
            ),
            (
                "an old version",
                b"apiVersion: security.istio.io/v1alpha1\nkind: AuthorizationPolicy\n",
                "f:1: document 1: apiVersion: security.istio.io/v1alpha1",
            ),
        ];
        for (name, content, expected) in rows {
            let mistakes = found("f", content, sort).mistakes;
            assert!(
                mistakes.len() == 1 && mistakes[0].starts_with(expected),
                "{name}: {mistakes:?}"
            );
        }
    }
}
