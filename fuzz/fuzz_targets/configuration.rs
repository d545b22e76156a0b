//! Any bytes as a configuration: taken, or refused with the place of each mistake.

#![no_main]

#[path = "../../tests/support/parsed.rs"]
#[allow(dead_code, reason = "the other targets have the rest")]
mod parsed;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    parsed::configuration(content);
});
