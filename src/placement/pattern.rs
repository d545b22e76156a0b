//! `matches(text, pattern)` of CEL, with patterns compiled once.
//!
//! The `cel` crate compiles the pattern on every call, which took forty times as long as the rest of a
//! review. Patterns that a configuration writes down are compiled when it is loaded, which also finds those
//! that are no regular expressions.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use cel::common::types::{CelBool, CelString};
use cel::{Env, ExecutionError};
use regex::Regex;

/// The patterns of all configurations loaded so far. A function of an `Env` is a plain `fn` and can keep
/// nothing of its own.
static PATTERNS: RwLock<Option<HashMap<String, Regex>>> = RwLock::new(None);

/// Adds `matches`, as a function and as a member of strings.
///
/// # Errors
/// The environment has it already.
pub fn add_to(env: &mut Env) -> Result<(), cel::DeclarationError> {
    cel::add_overload!(env, fn matches: (CelString<'_>, CelString<'_>) -> Result<CelBool>, id = "matches")?;
    cel::add_member_overload!(env, fn matches: (CelString<'_>, CelString<'_>) -> Result<CelBool>)
}

/// Compiles a pattern that an expression writes down.
///
/// # Errors
/// Why it is no regular expression.
pub fn learn(pattern: &str) -> Result<(), String> {
    let regex = Regex::new(pattern).map_err(|error| in_one_line(&error))?;
    let mut patterns = PATTERNS.write().unwrap_or_else(PoisonError::into_inner);
    patterns
        .get_or_insert_default()
        .insert(pattern.to_owned(), regex);
    Ok(())
}

fn matches(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let (text, pattern) = (text.inner(), pattern.inner());
    let patterns = PATTERNS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = patterns.as_ref().and_then(|patterns| patterns.get(pattern)) {
        return Ok(CelBool::from(regex.is_match(text)));
    }
    match Regex::new(pattern) {
        Ok(regex) => Ok(CelBool::from(regex.is_match(text))),
        Err(error) => Err(ExecutionError::function_error(
            "matches",
            in_one_line(&error),
        )),
    }
}

/// The crate draws the pattern, with a mark below the place, and says in the last line what is wrong.
fn in_one_line(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_same_learnt_or_not() {
        let rows = [
            ("a number", "123", "^[0-9]+$", true),
            ("not anchored", "a1b", "[0-9]", true),
            ("no number", "x", "^[0-9]+$", false),
        ];
        for (name, text, pattern, expected) in rows {
            let (text, pattern) = (CelString::from(text), CelString::from(pattern));
            assert_eq!(
                matches(&text, &pattern),
                Ok(CelBool::from(expected)),
                "{name}, not learnt"
            );
            learn(pattern.inner()).unwrap();
            assert_eq!(
                matches(&text, &pattern),
                Ok(CelBool::from(expected)),
                "{name}, learnt"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        let rows = [
            ("(", "unclosed group"),
            ("a\n{2,1}", "invalid repetition count range"),
            ("(a{1,999}){1,999}", "size limit"),
        ];
        for (pattern, expected) in rows {
            let learnt = learn(pattern).unwrap_err();
            let computed = matches(&CelString::from("x"), &CelString::from(pattern));
            for said in [learnt, computed.unwrap_err().to_string()] {
                assert!(said.contains(expected), "{pattern:?}: {said}");
                assert!(!said.contains('\n'), "{pattern:?}: {said}");
            }
        }
    }
}
