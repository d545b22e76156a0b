//! Any text as an expression of a rule: refused with messages, or evaluated without a panic.

#![no_main]

#[path = "../../tests/support/fuzzed.rs"]
#[allow(dead_code, reason = "the other target has the rest")]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|text: &str| {
    fuzzed::expression(text);
});
