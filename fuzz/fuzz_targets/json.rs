//! Any text as an object: read as `serde_json` reads it, where both do.

#![no_main]

#[path = "../../tests/support/parsed.rs"]
#[allow(dead_code, reason = "the other targets have the rest")]
mod parsed;

libfuzzer_sys::fuzz_target!(|text: &str| {
    parsed::json(text);
});
