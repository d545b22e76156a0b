//! Skips JSON that nobody looks at, and checks it on the way: most of a review is skipped.
//!
//! Accepts what `serde_json` accepts, at twice its speed, and says no more than where a value ends. Whoever
//! wants to know what is wrong asks `serde_json`; a property test holds that the two agree.
//!
//! No text here holds control characters ([`has_control`]): then they need not be looked for in each string,
//! and the only white space is a blank. The API server sends none; what a person has indented is for
//! `serde_json`.

/// So many bytes of a string are looked at together.
const CHUNK: usize = 16;
/// How deep skipped values may stand in each other: a bit for each. What is deeper is left to `serde_json`.
const MAX_DEPTH: u32 = u128::BITS;

/// Whether there is a control character, white space other than blanks included.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    // Of all of them, without leaving early: that makes vector instructions of it.
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < b' '))
}

/// Where the value ends that begins at `at`; `None` where it is none, or too deep.
pub(super) fn value(bytes: &[u8], mut at: usize) -> Option<usize> {
    // From the lowest bit: what is open around `at`, 1 for an object and 0 for an array.
    let mut open: u128 = 0;
    let mut depth = 0;
    loop {
        at = match *bytes.get(at)? {
            b'"' => string(bytes, at + 1)?,
            b'{' => match space(bytes, at + 1) {
                empty if *bytes.get(empty)? == b'}' => empty + 1,
                first => {
                    open = open << 1 | 1;
                    depth += 1;
                    at = key(bytes, first)?;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                    continue;
                }
            },
            b'[' => match space(bytes, at + 1) {
                empty if *bytes.get(empty)? == b']' => empty + 1,
                first => {
                    open <<= 1;
                    depth += 1;
                    at = first;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                    continue;
                }
            },
            b't' => word(bytes, at, b"true")?,
            b'f' => word(bytes, at, b"false")?,
            b'n' => word(bytes, at, b"null")?,
            _ => number(bytes, at)?,
        };
        loop {
            if depth == 0 {
                return Some(at);
            }
            at = space(bytes, at);
            match (*bytes.get(at)?, open & 1) {
                (b',', 1) => {
                    at = key(bytes, space(bytes, at + 1))?;
                    break;
                }
                (b',', _) => {
                    at = space(bytes, at + 1);
                    break;
                }
                (b'}', 1) | (b']', 0) => {
                    at += 1;
                    depth -= 1;
                    open >>= 1;
                }
                _ => return None,
            }
        }
    }
}

/// The first byte from `at` that is no blank.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// Where the string ends whose text begins at `at`: behind its closing quote.
#[inline]
fn string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = special(bytes, at);
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at = escape(bytes, at + 1)?,
        }
    }
}

/// The colon behind the key that begins at `at`, and the white space around it.
fn key(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let colon = space(bytes, string(bytes, at + 1)?);
    (*bytes.get(colon)? == b':').then(|| space(bytes, colon + 1))
}

/// The first quote or backslash from `at`.
#[inline]
pub(super) fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        match first_special(chunk) {
            Some(index) => return at + index,
            None => at += CHUNK,
        }
    }
    while bytes
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'"' | b'\\'))
    {
        at += 1;
    }
    at
}

/// Without a branch, as most strings are shorter than a chunk: the lowest high bit of the bytes that are zero
/// (<https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>) once quotes, or backslashes, are.
fn first_special(chunk: &[u8; CHUNK]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    let text = u128::from_le_bytes(*chunk);
    let found = |half: u64| {
        let (quotes, backslashes) = (half ^ QUOTES, half ^ BACKSLASHES);
        let quotes = quotes.wrapping_sub(ONES) & !quotes;
        let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
        (quotes | backslashes) & HIGHS
    };
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    let low = found(text as u64);
    let high = found((text >> u64::BITS) as u64);
    let found = u128::from(high) << u64::BITS | u128::from(low);
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// Behind the escape whose letter is at `at`.
fn escape(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = bytes.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then(|| at + word.len())
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut at = match *bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => digits(bytes, at)?,
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = digits(bytes, at + 1 + usize::from(sign))?;
    }
    Some(at)
}

/// Behind the digits at `at`, of which there is at least one.
fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let count = bytes
        .get(at..)?
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (count > 0).then_some(at + count)
}
