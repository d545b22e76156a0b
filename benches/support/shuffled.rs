//! The order of a round.

/// In another order each round, the same each time.
pub(crate) fn shuffled<T, const N: usize>(mut items: [T; N], round: usize) -> [T; N] {
    // splitmix64, to swap each with one before it.
    let mut state = round;
    for last in (1..N).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        items.swap(last, (mixed ^ (mixed >> 31)) % (last + 1));
    }
    items
}
