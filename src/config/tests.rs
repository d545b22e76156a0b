//! The embedded default.

use super::*;

#[test]
fn the_default_has_no_mistakes() {
    let result = read(DEFAULT);
    assert!(result.is_ok(), "{}", result.unwrap_err());
}
