//! Whatever is packed, nothing is lost and no bin is too full.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::resources::Resources;
use super::{Bin, Item, Packed, fits, more_bins, pack};

fn resources() -> impl Strategy<Value = Resources> {
    (0_u32..40, 0_u32..40).prop_map(|(vcpu, gib)| Resources {
        vcpu: f64::from(vcpu) / 10.0,
        gib: f64::from(gib) / 10.0,
    })
}

fn cluster() -> impl Strategy<Value = (Vec<Bin>, Vec<Item>, Vec<usize>)> {
    (1_usize..8).prop_flat_map(|count| {
        let bin = (resources(), prop::bool::weighted(0.1)).prop_map(|(room, stays)| Bin {
            room: room * 2.0,
            stays,
        });
        let item = (proptest::option::weighted(0.9, 0..count), resources())
            .prop_map(|(bin, requests)| Item { bin, requests });
        let crowded = proptest::sample::subsequence((0..count).collect::<Vec<_>>(), 0..=count);
        (vec(bin, count), vec(item, 0..30), crowded)
    })
}

fn free(bins: &[Bin], items: &[Item], at: &[Option<usize>]) -> Vec<Resources> {
    let mut free: Vec<Resources> = bins.iter().map(|bin| bin.room).collect();
    for (item, bin) in items.iter().zip(at) {
        if let Some(bin) = bin {
            free[*bin] = free[*bin] - item.requests;
        }
    }
    free
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn nothing_is_lost_and_no_bin_is_fuller_than_it_may((bins, items, crowded) in cluster()) {
        let Packed { bins: at, emptied, too_full } = pack(&bins, &items, &crowded, &[]);
        let before: Vec<Option<usize>> = items.iter().map(|item| item.bin).collect();
        let (before, after) = (free(&bins, &items, &before), free(&bins, &items, &at));
        let mut still = 0;
        for bin in 0..bins.len() {
            let fits_now = fits(Resources::NONE, after[bin]);
            prop_assert!(fits_now || !fits(Resources::NONE, before[bin]), "bin {bin} was made too full");
            still += usize::from(crowded.contains(&bin) && !fits_now && !emptied.contains(&bin));
        }
        prop_assert!(still <= too_full);
        for bin in &emptied {
            prop_assert!(!bins[*bin].stays, "bin {bin} was to stay");
            prop_assert!(!at.contains(&Some(*bin)), "bin {bin} is not empty");
        }
        prop_assert!(emptied.len() < bins.len());
        for ((item, to), index) in items.iter().zip(&at).zip(0..) {
            let moved_out = item.bin.is_some_and(|from| crowded.contains(&from));
            prop_assert!(to.is_some() || item.bin.is_none() || moved_out, "item {index} is lost");
        }
    }

    #[test]
    fn more_bins_hold_what_is_left_over(left_over in vec(resources(), 0..30)) {
        let room = Resources { vcpu: 3.0, gib: 3.0 };
        let (count, too_large) = more_bins(room, &left_over);
        let fitting: Vec<Resources> = left_over.iter().copied().filter(|r| fits(*r, room)).collect();
        prop_assert_eq!(too_large, left_over.len() - fitting.len());
        let whole: Resources = fitting.iter().copied().sum();
        let least = (whole.vcpu / 3.0).max(whole.gib / 3.0);
        prop_assert!(count as f64 >= least - 1e-6 && count <= fitting.len());
    }
}

fn cores(cores: f64) -> Resources {
    Resources {
        vcpu: cores,
        gib: 0.0,
    }
}

fn bins(count: usize, room: f64) -> Vec<Bin> {
    let bin = Bin {
        room: cores(room),
        stays: false,
    };
    vec![bin; count]
}

fn items(items: &[(usize, f64)]) -> Vec<Item> {
    let items = items.iter();
    items
        .map(|(bin, requests)| Item {
            bin: Some(*bin),
            requests: cores(*requests),
        })
        .collect()
}

#[test]
fn the_emptiest_goes_first_unless_another_is_named() {
    let (bins, items) = (bins(3, 4.0), items(&[(0, 2.5), (1, 2.0), (2, 1.5)]));
    let packed = pack(&bins, &items, &[], &[]);
    assert_eq!(packed.emptied, [2], "then 2.0 fits nowhere");
    assert_eq!(packed.bins, [Some(0), Some(1), Some(0)]);
    let packed = pack(&bins, &items, &[], &[1]);
    assert_eq!(packed.emptied, [1], "then 3.5 fits nowhere");
}

/// First fit is not monotone, so nothing promises that fewer Pods empty as many nodes. Found by a search.
#[test]
fn fewer_pods_may_empty_fewer_nodes() {
    let (bins, all) = (
        bins(5, 10.0),
        items(&[(3, 2.0), (1, 5.0), (0, 6.0), (4, 3.0), (4, 1.0), (4, 3.0)]),
    );
    assert_eq!(pack(&bins, &all, &[], &[]).emptied.len(), 3);
    let mut fewer = all;
    fewer.remove(4);
    assert_eq!(pack(&bins, &fewer, &[], &[]).emptied.len(), 2);
}
