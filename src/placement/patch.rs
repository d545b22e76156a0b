//! The JSON patch (RFC 6902) that carries out a placement.
//!
//! It always applies: a patch that does not is an error that no `failurePolicy` forgives (Kubernetes,
//! `mutating/dispatcher.go`). Only `add` is used: a whole map where there is none, else one key at a time;
//! no key of somebody else is touched.

use super::decide::{Action, Placement, RECORD};
use super::facts::{Pod, StringMap};
use super::text::{write_pointer_token, write_string};

/// The patch for `pod`, as the JSON text of a list of operations; nothing where there is nothing to change.
pub fn patch(pod: &Pod<'_>, placement: &Placement<'_>) -> Option<Vec<u8>> {
    let Action::Apply(labels) = placement.action else {
        return None;
    };
    let mut writer = Writer {
        json: Vec::with_capacity(640),
    };
    let labels = labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    writer.map("/metadata/labels", pod.labels(), labels, Existing::Kept);
    let record = RECORD.into_iter().zip(placement.record());
    writer.map(
        "/metadata/annotations",
        pod.annotations(),
        record,
        Existing::Overwritten,
    );
    writer.finish()
}

/// What becomes of a key that is there with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    /// It is somebody else's.
    Kept,
    /// It is ours, whoever wrote it.
    Overwritten,
}

/// Writes operations as JSON text.
struct Writer {
    json: Vec<u8>,
}

impl Writer {
    /// Sets `entries` in the map at `path`, of which `present` is the present state.
    fn map<'e>(
        &mut self,
        path: &str,
        present: StringMap<'_, '_>,
        entries: impl Iterator<Item = (&'e str, &'e str)>,
        existing: Existing,
    ) {
        match present {
            StringMap::Missing => self.whole_map(path, entries),
            StringMap::Present(_) => {
                for (key, value) in entries {
                    match present.get(key) {
                        Some(theirs) if theirs == value || existing == Existing::Kept => {}
                        Some(_) | None => self.add(path, key, value),
                    }
                }
            }
        }
    }

    fn whole_map<'e>(&mut self, path: &str, entries: impl Iterator<Item = (&'e str, &'e str)>) {
        let mut entries = entries.peekable();
        if entries.peek().is_none() {
            return;
        }
        self.operation(path.as_bytes());
        self.json.extend_from_slice(b"\",\"value\":{");
        for (index, (key, value)) in entries.enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            write_string(&mut self.json, key);
            self.json.push(b':');
            write_string(&mut self.json, value);
        }
        self.json.extend_from_slice(b"}}");
    }

    fn add(&mut self, path: &str, key: &str, value: &str) {
        self.operation(path.as_bytes());
        self.json.push(b'/');
        write_pointer_token(&mut self.json, key);
        self.json.extend_from_slice(b"\",\"value\":");
        write_string(&mut self.json, value);
        self.json.push(b'}');
    }

    /// Begins an operation, up to the end of `path` inside its quotes.
    fn operation(&mut self, path: &[u8]) {
        self.json
            .extend_from_slice(if self.json.is_empty() { b"[" } else { b"," });
        self.json.extend_from_slice(b"{\"op\":\"add\",\"path\":\"");
        self.json.extend_from_slice(path);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.json.is_empty() {
            return None;
        }
        self.json.push(b']');
        Some(self.json)
    }
}
