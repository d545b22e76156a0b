//! Skips JSON that nobody looks at, and checks it on the way: most of a review is skipped.
//!
//! Accepts what `serde_json` accepts, at twice its speed, and says no more than where a value ends. Whoever
//! wants to know what is wrong asks `serde_json`; a property test holds that the two agree.
//!
//! No text here holds control characters ([`has_control`]): then they need not be looked for in each string,
//! and the only white space is a blank. The API server sends none; what a person has indented is for
//! `serde_json`.
//!
//! [`brackets`] does not even check: it is for what was checked already, and for `managedFields`, up to half of a Pod, that
//! rules have no use for; in a rule that looks there all the same, what is no JSON is null.

use wide::u8x16;

/// So many bytes of a string are looked at together.
const CHUNK: usize = 16;
/// So many bytes are looked at together where only brackets count: a bit for each.
const BLOCK: usize = 64;
/// How deep skipped values may stand in each other: a bit for each. What is deeper is left to `serde_json`.
const MAX_DEPTH: u32 = u64::BITS;

/// Whether there is a control character, white space other than blanks included.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    // Of all of them, without leaving early: that makes vector instructions of it.
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < b' '))
}

/// Where the value ends that begins at `at`; `None` where it is none, or too deep.
pub(super) fn value(bytes: &[u8], at: usize) -> Option<usize> {
    // From the lowest bit: what is open around `at`, 1 for an object and 0 for an array.
    let mut open: u64 = 0;
    let mut depth = 0;
    let (mut byte, mut at) = token(bytes, at)?;
    loop {
        match byte {
            b'"' => at = string(bytes, at + 1)?,
            b'{' | b'[' => {
                let object = byte == b'{';
                (byte, at) = token(bytes, at + 1)?;
                if byte == closing(object) {
                    at += 1;
                } else {
                    open = open << 1 | u64::from(object);
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                    (byte, at) = member(bytes, byte, at, object)?;
                    continue;
                }
            }
            b't' => at = word(bytes, at, b"true")?,
            b'f' => at = word(bytes, at, b"false")?,
            b'n' => at = word(bytes, at, b"null")?,
            _ => at = number(bytes, at)?,
        }
        // Behind a value: what closes, and then the next.
        loop {
            if depth == 0 {
                return Some(at);
            }
            let object = open & 1 == 1;
            (byte, at) = token(bytes, at)?;
            if byte == b',' {
                (byte, at) = token(bytes, at + 1)?;
                (byte, at) = member(bytes, byte, at, object)?;
                break;
            }
            if byte != closing(object) {
                return None;
            }
            at += 1;
            depth -= 1;
            open >>= 1;
        }
    }
}

/// Where the object or array ends that begins at `at`, if it is JSON: only brackets are counted, of either kind, outside of
/// strings. `None` where it does not end. 64 bytes at once, a bit for each (after Langdale and Lemire, "Parsing Gigabytes
/// of JSON per Second", 3.1).
pub(super) fn brackets(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_u32;
    // Of the block before: whether its last byte escapes the next one, and all bits where it ends in a string.
    let (mut escapes, mut inside) = (false, 0_u64);
    loop {
        let block = Block::of(bytes.get(at..)?)?;
        let mut strings = block.quotes & !escaped(block.backslashes, &mut escapes);
        // Each bit becomes the sum of those up to it: set from a quote to the next one.
        for shift in [1, 2, 4, 8, 16, 32] {
            strings ^= strings << shift;
        }
        strings ^= inside;
        inside = 0_u64.wrapping_sub(strings >> 63);
        let (opening, closing) = (block.opening & !strings, block.closing & !strings);
        if closing.count_ones() < depth {
            depth = depth + opening.count_ones() - closing.count_ones();
        } else {
            let mut both = opening | closing;
            while both != 0 {
                let bit = both & both.wrapping_neg();
                both ^= bit;
                if opening & bit != 0 {
                    depth += 1;
                    continue;
                }
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + bit.trailing_zeros() as usize + 1);
                }
            }
        }
        at += BLOCK;
    }
}

/// What stands where in [`BLOCK`] bytes, from the lowest bit.
#[derive(Default)]
struct Block {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Block {
    /// Of the first bytes of `rest`; `None` where there are none.
    fn of(rest: &[u8]) -> Option<Self> {
        let mut short = [b' '; BLOCK];
        let bytes: &[u8; BLOCK] = match rest.first_chunk() {
            Some(bytes) => bytes,
            None if rest.is_empty() => return None,
            None => {
                short[..rest.len()].copy_from_slice(rest);
                &short
            }
        };
        let mut block = Self::default();
        let (chunks, _) = bytes.as_chunks::<CHUNK>();
        for (place, chunk) in chunks.iter().enumerate() {
            let chunk = u8x16::new(*chunk);
            // With this bit `[` is `{` and `]` is `}`.
            let curly = chunk | u8x16::splat(b'{' ^ b'[');
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (place * CHUNK);
            block.quotes |= bits(chunk.simd_eq(u8x16::splat(b'"')));
            block.backslashes |= bits(chunk.simd_eq(u8x16::splat(b'\\')));
            block.opening |= bits(curly.simd_eq(u8x16::splat(b'{')));
            block.closing |= bits(curly.simd_eq(u8x16::splat(b'}')));
        }
        Some(block)
    }
}

/// Which bytes stand behind a backslash that is not escaped itself.
fn escaped(backslashes: u64, escapes: &mut bool) -> u64 {
    let mut escaped = u64::from(std::mem::take(escapes));
    let mut left = backslashes & !escaped;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        escaped |= bit << 1;
        *escapes = bit >> 63 == 1;
        left &= !(bit | bit << 1);
    }
    escaped
}

/// The first byte from `at` that is no blank.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// The first byte from `at` that is no blank, and where it is.
#[inline]
fn token(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let at = space(bytes, at);
    bytes.get(at).map(|byte| (*byte, at))
}

/// What ends an object, or an array.
const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// The first byte of the value of what stands at `at` in an object or an array: in an object a key is before it.
#[inline]
fn member(bytes: &[u8], byte: u8, at: usize, object: bool) -> Option<(u8, usize)> {
    match (object, byte) {
        (false, _) => Some((byte, at)),
        (true, b'"') => match token(bytes, string(bytes, at + 1)?)? {
            (b':', colon) => token(bytes, colon + 1),
            _ => None,
        },
        (true, _) => None,
    }
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

/// The first quote or backslash from `at`, or the end.
#[inline]
pub(super) fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<CHUNK>) {
        let chunk = u8x16::new(*chunk);
        let [quotes, backslashes] = [b'"', b'\\'].map(|byte| chunk.simd_eq(u8x16::splat(byte)));
        match (quotes | backslashes).to_bitmask() {
            0 => at += CHUNK,
            found => return at + found.trailing_zeros() as usize,
        }
    }
    let mut rest = bytes.get(at..).unwrap_or_default().iter();
    at + rest
        .position(|byte| matches!(byte, b'"' | b'\\'))
        .unwrap_or_else(|| bytes.len().saturating_sub(at))
}

/// Behind the escape whose letter is at `at`.
#[cold]
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
