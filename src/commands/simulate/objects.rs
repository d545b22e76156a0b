//! The objects in files: YAML with one document or several, JSON, and lists of objects in either.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::commands::explain::documents::{values, with_kind};

/// The objects that were read, each with its place.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) places: Vec<String>,
    pub(super) objects: Vec<Value>,
    /// What is wrong with the files themselves.
    pub(super) mistakes: Vec<String>,
}

/// How deep lists may be in lists.
const LISTS: usize = 4;

// === impl Objects ===

impl Objects {
    /// Adds what is in `file`, or on standard input where it is `-`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(&mut self, file: &Path) -> anyhow::Result<()> {
        let (name, content) = content(file)?;
        match values(&name, &content) {
            Err(mistake) => self.mistakes.push(mistake),
            Ok(documents) => {
                for (place, document) in documents {
                    self.add(place, document, LISTS);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, place: String, object: Value, lists: usize) {
        let text = |key| object.get(key).and_then(Value::as_str);
        let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            let problem = "no Kubernetes object: it has no apiVersion, or no kind";
            self.mistakes.push(format!("{place}: {problem}"));
            return;
        };
        let items = object.get("items").and_then(Value::as_array);
        let Some(items) = items.filter(|_| kind.ends_with("List") && lists > 0) else {
            self.places.push(place);
            self.objects.push(object);
            return;
        };
        let of_list = (version, kind.strip_suffix("List").unwrap_or_default());
        for (index, item) in items.iter().enumerate() {
            let place = format!("{place}, items[{index}]");
            self.add(place, with_kind(item, of_list), lists - 1);
        }
    }
}

fn content(file: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if file.as_os_str() == "-" {
        let mut content = Vec::new();
        let mut input = std::io::stdin().lock();
        input
            .read_to_end(&mut content)
            .context("cannot read standard input")?;
        return Ok(("standard input".to_owned(), content));
    }
    let content = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((file.display().to_string(), content))
}
