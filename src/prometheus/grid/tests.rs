//! Windows, steps and slots.

use proptest::prelude::*;

use super::*;

const DAY: u64 = 86_400;

fn grid(window: u64, step: u64, slots: usize) -> Grid {
    let now = Timestamp::from_second(1_796_000_123).unwrap();
    let [window, step] = [window, step].map(Duration::from_secs);
    Grid::new(now, window, step, slots).unwrap()
}

#[test]
fn steps_by_default() {
    let rows = [
        ("an hour", 3_600, 300),
        ("a week", 7 * DAY, 300),
        ("a little more", 7 * DAY + 1, 600),
        ("two weeks", 14 * DAY, 600),
        ("30 days", 30 * DAY, 1_800),
        ("a year", 365 * DAY, 21_600),
        ("for ever", 36_500 * DAY, 36_500 * DAY / 2_016 + 1),
    ];
    for (name, window, expected) in rows {
        let step = default_step(Duration::from_secs(window));
        assert_eq!(step.as_secs(), expected, "{name}");
    }
}

#[test]
fn slots() {
    let rows = [
        (
            "a week: quarters of a day",
            7 * DAY,
            300,
            28,
            (28, 6 * 3_600),
        ),
        ("30 days: days", 30 * DAY, 1_800, 28, (30, DAY)),
        ("a day: hours", DAY, 300, 28, (24, 3_600)),
        ("no more than steps", 3_600, 300, 28, (12, 300)),
        ("one step", 300, 300, 28, (1, 300)),
        ("one slot", 7 * DAY, 300, 1, (1, 7 * DAY)),
        (
            "a prime of steps: it begins later",
            31 * 300,
            300,
            10,
            (10, 900),
        ),
    ];
    for (name, window, step, slots, (expected, length)) in rows {
        let grid = grid(window, step, slots);
        assert_eq!(
            (grid.slots(), grid.slot_seconds()),
            (expected, length),
            "{name}"
        );
    }
}

#[test]
fn what_is_shorter_than_a_step_is_refused() {
    let now = Timestamp::from_second(1_796_000_000).unwrap();
    for (window, step) in [(299, 300), (300, 0), (0, 300)] {
        let [window, step] = [window, step].map(Duration::from_secs);
        assert!(
            Grid::new(now, window, step, 28).is_err(),
            "{window:?} {step:?}"
        );
    }
}

#[test]
fn ranges() {
    let week = grid(7 * DAY, 300, 28);
    assert_eq!(week.slot_range(), "[21599s:300s]");
    assert_eq!(week.rate_range(), "[300s]");
    assert_eq!(week.coarse_range(), "[604800s:21600s]");
    let short = grid(3_600, 60, 12);
    assert_eq!(short.rate_range(), "[300s]");
    assert_eq!(grid(30 * DAY, 1_800, 28).rate_range(), "[1800s]");
}

proptest! {
    #[test]
    fn slots_fill_the_window(window in 1_u64..100_000, step in 1_u64..2_000, slots in 0_usize..100) {
        prop_assume!(window >= step);
        let grid = grid(window, step, slots);
        prop_assert!(grid.seconds() <= window);
        prop_assert!(grid.slots() >= 1);
        // What is left out at the begin is less than a step for each slot.
        prop_assert!(window - grid.seconds() < step * (grid.slots() as u64 + 1));
        let ends: Vec<i64> = (0..grid.slots()).map(|slot| grid.end_of(slot).as_second()).collect();
        let length = grid.slot_seconds() as i64;
        prop_assert_eq!(ends[0] - length, grid.start().as_second());
        prop_assert!(ends.windows(2).all(|pair| pair[1] - pair[0] == length));
        prop_assert_eq!(*ends.last().unwrap(), grid.end().as_second());
        prop_assert!(ends.iter().all(|end| end % step as i64 == 0));
    }
}
