//! Any bytes as a review: answered by each route as the API server wants it, or no review.

#![no_main]

#[path = "../../tests/support/fuzzed.rs"]
#[allow(dead_code, reason = "the other target has the rest")]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    fuzzed::review(body);
});
