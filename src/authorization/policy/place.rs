//! Names the field of a JSON document at which serde_json stopped reading.
//!
//! serde_json gives a line and a column; whoever wrote the policy in YAML has use for the path only.

/// The longest path that is written in full; those of a policy's own fields have at most eight parts.
const PARTS: usize = 10;

/// The parts of a longer path that are written before its last one.
const FIRST_PARTS: usize = 3;

/// The most characters of one key.
const KEY: usize = 80;

/// One container that is open at the position.
enum Open<'a> {
    Object(Option<&'a str>),
    Array(Option<usize>),
}

/// The path at a position as serde_json counts it: the first line is 1, a column counts bytes and
/// includes the last one read. Empty at the document itself.
pub(super) fn path_at(json: &str, line: usize, column: usize) -> String {
    let end = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>()
        .saturating_add(column)
        .min(json.len());
    render(&open_at(json, end))
}

fn open_at(json: &str, end: usize) -> Vec<Open<'_>> {
    let mut open = Vec::new();
    let mut position = 0;
    while position < end {
        let byte = json.as_bytes()[position];
        if !matches!(byte, b']' | b'}' | b',' | b' ' | b'\t' | b'\r' | b'\n')
            && let Some(Open::Array(index @ None)) = open.last_mut()
        {
            *index = Some(0);
        }
        match byte {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::Array(None)),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Object(key)) => *key = None,
                Some(Open::Array(index)) => *index = index.map(|index| index + 1),
                None => {}
            },
            b'"' => {
                let close = closing_quote(json, position);
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = json.get(position + 1..close);
                }
                position = close;
            }
            _ => {}
        }
        position += 1;
    }
    open
}

/// Where the string that opens here closes; the end of the document when it does not.
fn closing_quote(json: &str, open: usize) -> usize {
    let mut escaped = false;
    for (offset, byte) in json.bytes().enumerate().skip(open + 1) {
        match byte {
            b'"' if !escaped => return offset,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    json.len()
}

fn render(open: &[Open<'_>]) -> String {
    let parts: Vec<_> = open.iter().filter_map(Open::part).collect();
    let path = match parts.as_slice() {
        [first @ .., last] if parts.len() > PARTS => {
            format!("{}…{last}", first[..FIRST_PARTS].concat())
        }
        parts => parts.concat(),
    };
    path.strip_prefix('.').unwrap_or(&path).to_owned()
}

/// The first `limit` characters; an ellipsis counts as one of them.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept = text.chars().take(limit.saturating_sub(1));
    kept.chain(['…']).collect()
}

// === impl Open ===

impl Open<'_> {
    /// `.key` or `[0]`.
    fn part(&self) -> Option<String> {
        match self {
            Self::Object(key) => key.map(|key| format!(".{}", cut(key, KEY))),
            Self::Array(index) => index.map(|index| format!("[{index}]")),
        }
    }
}
