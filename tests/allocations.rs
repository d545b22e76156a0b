//! How often a review allocates: a count, and so a test, unlike the time it takes.

use meshmode::config::{DEFAULT, read};
use meshmode::webhook::mutate;
use meshmode::webhook::stance::Stance;

/// The most allocations from the bytes of a review to those of its answer.
const MOST: u64 = 60;

#[test]
fn a_review_allocates_little() {
    let configuration = read(DEFAULT).expect("the default has no mistakes");
    let rows: [(&str, &[u8]); 3] = [
        ("small", include_bytes!("data/reviews/pod-small.json")),
        ("usual", include_bytes!("data/reviews/pod-usual.json")),
        ("large", include_bytes!("data/reviews/pod-large.json")),
    ];
    for (name, body) in rows {
        let answer = || {
            let placed = mutate::answer(body, &configuration.placement, Stance::Enforce);
            placed.expect("a recorded review").answer.to_json()
        };
        // The first one fills what is made once.
        let json = answer();
        assert!(
            json.windows(9).any(|part| part == b"\"patch\":\""),
            "{name} is patched"
        );
        let counted = allocation_counter::measure(|| drop(answer()));
        assert!(
            counted.count_total < MOST,
            "{name}: {} allocations, {} bytes at most",
            counted.count_total,
            counted.bytes_max
        );
    }
}
