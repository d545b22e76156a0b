//! Any bytes as a review: the uid that an answer to it would have is the review's.

#![no_main]

#[path = "../../tests/support/parsed.rs"]
#[allow(dead_code, reason = "the other targets have the rest")]
mod parsed;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    parsed::uid(body);
});
