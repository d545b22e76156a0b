//! Any text as an AuthorizationPolicy: judged, or refused.

#![no_main]

#[path = "../../tests/support/parsed.rs"]
#[allow(dead_code, reason = "the other targets have the rest")]
mod parsed;

libfuzzer_sys::fuzz_target!(|text: &str| {
    parsed::policy(text);
});
