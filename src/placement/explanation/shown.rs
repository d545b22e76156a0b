//! A value of an expression as JSON for people, cut where it is long.

use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelUInt, Kind};
use cel::common::value::Val;

use crate::placement::text::write_string;

/// The most characters that are shown of a value.
const MOST: usize = 200;
/// How deep it is shown.
const MAX_DEPTH: u8 = 16;

/// `value` as JSON.
pub(super) fn json(value: &dyn Val) -> String {
    let mut json = Vec::new();
    write(&mut json, value, MAX_DEPTH);
    let text = String::from_utf8_lossy(&json);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// Writes `value`, as far as it will be shown.
fn write(json: &mut Vec<u8>, value: &dyn Val, depth: u8) {
    // A character has four bytes at most.
    let full = json.len() > 4 * MOST || depth == 0;
    let kind = value.get_type().kind();
    if full {
        json.extend_from_slice("…".as_bytes());
    } else if kind == Kind::List {
        list(json, value, depth - 1);
    } else if kind == Kind::Map {
        map(json, value, depth - 1);
    } else {
        scalar(json, value);
    }
}

fn scalar(json: &mut Vec<u8>, value: &dyn Val) {
    let text = value.downcast_ref::<CelString<'_>>();
    if let Some(text) = text {
        return write_string(json, text.inner());
    }
    let bool = value
        .downcast_ref::<CelBool>()
        .map(|bool| bool.inner().to_string());
    let int = || {
        value
            .downcast_ref::<CelInt>()
            .map(|int| int.inner().to_string())
    };
    let uint = || {
        value
            .downcast_ref::<CelUInt>()
            .map(|uint| uint.inner().to_string())
    };
    let double = || {
        value
            .downcast_ref::<CelDouble>()
            .map(|double| double.inner().to_string())
    };
    let null = || (value.get_type().kind() == Kind::NullType).then(|| "null".to_owned());
    match bool
        .or_else(int)
        .or_else(uint)
        .or_else(double)
        .or_else(null)
    {
        Some(text) => json.extend_from_slice(text.as_bytes()),
        // Optional values, types and their like have no JSON.
        None => write_string(json, value.get_type().name()),
    }
}

fn list(json: &mut Vec<u8>, value: &dyn Val, depth: u8) {
    json.push(b'[');
    if let Some(elements) = value.as_iterable() {
        let mut elements = elements.iter();
        let mut first = true;
        while let Some(element) = elements.next().filter(|_| json.len() <= 4 * MOST) {
            separate(json, &mut first);
            write(json, element, depth);
        }
    }
    json.push(b']');
}

/// In the order of the keys: the crate's own maps have none.
fn map(json: &mut Vec<u8>, value: &dyn Val, depth: u8) {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    if let (Some(keys), Some(values)) = (value.as_iterable(), value.as_indexer()) {
        let (mut keys, mut written) = (keys.iter(), json.len());
        while let Some(key) = keys.next().filter(|_| written <= 4 * MOST) {
            let mut entry = Vec::new();
            scalar(&mut entry, key);
            entry.push(b':');
            match values.get(key) {
                Ok(value) => write(&mut entry, &*value, depth),
                Err(_) => entry.extend_from_slice(b"null"),
            }
            written += entry.len();
            entries.push(entry);
        }
    }
    entries.sort_unstable();
    json.push(b'{');
    json.extend_from_slice(&entries.join(&b','));
    json.push(b'}');
}

fn separate(json: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        json.push(b',');
    }
}
