//! Any bytes as a certificate and as a key: taken, or refused without a word of them.

#![no_main]

#[path = "../../tests/support/parsed.rs"]
#[allow(dead_code, reason = "the other targets have the rest")]
mod parsed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsed::pem(bytes);
});
