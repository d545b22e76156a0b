//! Which nodes can be emptied: Pods moved to where others leave room, largest first, each to the first node that has it.
//!
//! Pods stay where they are unless their node is emptied, as when an autoscaler consolidates: the answer is one that can be
//! reached from here, and not the fewest nodes that there could be. Room is never less than nothing: a node that is too full
//! to begin with gets nothing more.

use super::resources::Resources;

/// What sums of decimal fractions may be off by, in cores and GiB.
const SLACK: f64 = 1e-6;

/// A node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin {
    /// For Pods that can move: less what goes with the node.
    pub(super) room: Resources,
    /// Whether something on it can neither move nor go with it.
    pub(super) stays: bool,
}

/// A Pod that can move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Where it is, by the place of the bin; nowhere yet where there is none.
    pub(super) bin: Option<usize>,
    /// What it reserves.
    pub(super) requests: Resources,
}

/// Where everything is in the end.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// The bin of each item; none where no bin has room.
    pub(super) bins: Vec<Option<usize>>,
    /// The bins that were emptied, in that order.
    pub(super) emptied: Vec<usize>,
    /// How many of the crowded bins are still too full: by an item that no bin has room for.
    pub(super) too_full: usize,
}

/// Bins and items on the way.
struct Packing<'p> {
    bins: &'p [Bin],
    items: &'p [Item],
    /// The bin of each item.
    at: Vec<Option<usize>>,
    /// What is left in each bin.
    free: Vec<Resources>,
    open: Vec<bool>,
    /// The larger item of two that differ; largest first.
    by_size: Vec<usize>,
    /// The fullest bin first.
    targets: Vec<usize>,
}

/// Empties as many bins as it can, those of `first` before others, then the emptiest; at least one stays. In bins of
/// `crowded` that are too full, items make place.
pub(super) fn pack(bins: &[Bin], items: &[Item], crowded: &[usize], first: &[usize]) -> Packed {
    let mut packing = Packing::new(bins, items);
    for bin in crowded {
        packing.make_place(*bin);
    }
    packing.place_homeless();
    let too_full = crowded.iter().filter(|bin| packing.is_too_full(**bin));
    let too_full = too_full.count();
    let others = packing.targets.clone();
    let others = others.iter().rev().filter(|bin| !first.contains(bin));
    let order: Vec<usize> = first.iter().chain(others).copied().collect();
    let mut emptied = Vec::new();
    for bin in order {
        let last = emptied.len() + 1 >= bins.len();
        if !last && !bins[bin].stays && packing.empty(bin) {
            emptied.push(bin);
        }
    }
    Packed {
        bins: packing.at,
        emptied,
        too_full,
    }
}

/// How many bins of this room hold what is left over, and how many of these no such bin can hold.
pub(super) fn more_bins(room: Resources, left_over: &[Resources]) -> (usize, usize) {
    let (mut free, mut too_large): (Vec<Resources>, usize) = (Vec::new(), 0);
    for requests in left_over {
        let first = free.iter_mut().find(|free| fits(*requests, **free));
        match first {
            Some(free) => *free = *free - *requests,
            None if fits(*requests, room) => free.push(room - *requests),
            None => too_large += 1,
        }
    }
    (free.len(), too_large)
}

fn fits(requests: Resources, free: Resources) -> bool {
    requests.vcpu <= free.vcpu + SLACK && requests.gib <= free.gib + SLACK
}

/// The larger part of the two dimensions that this is of `whole`; a whole of nothing is full.
fn share(of: Resources, whole: Resources) -> f64 {
    let part = |of: f64, whole: f64| match (of > 0.0, whole > 0.0) {
        (false, true | false) => 0.0,
        (true, true) => of / whole,
        (true, false) => f64::MAX,
    };
    part(of.vcpu, whole.vcpu).max(part(of.gib, whole.gib))
}

// === impl Packing ===

impl<'p> Packing<'p> {
    fn new(bins: &'p [Bin], items: &'p [Item]) -> Self {
        let mut used = vec![Resources::NONE; bins.len()];
        for item in items {
            if let Some(bin) = item.bin {
                used[bin] += item.requests;
            }
        }
        let room: Resources = bins.iter().map(|bin| bin.room).sum();
        let mut by_size: Vec<usize> = (0..items.len()).collect();
        let size = |item: usize| share(items[item].requests, room);
        by_size.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        let mut targets: Vec<usize> = (0..bins.len()).collect();
        let full = |bin: usize| share(used[bin], bins[bin].room);
        targets.sort_by(|a, b| full(*b).total_cmp(&full(*a)));
        let both = bins.iter().zip(&used);
        Self {
            bins,
            items,
            at: items.iter().map(|item| item.bin).collect(),
            free: both.map(|(bin, used)| bin.room - *used).collect(),
            open: vec![true; bins.len()],
            by_size,
            targets,
        }
    }

    /// The items of a bin, the largest first.
    fn on(&self, bin: usize) -> Vec<usize> {
        let items = self.by_size.iter().copied();
        items.filter(|item| self.at[*item] == Some(bin)).collect()
    }

    /// Takes items out until the bin is not too full: the smallest that is enough, or else the largest. One that fits in
    /// no bin at all is left where it is.
    fn make_place(&mut self, bin: usize) {
        let mut on = self.on(bin);
        on.retain(|item| {
            let requests = self.items[*item].requests;
            self.bins.iter().any(|bin| fits(requests, bin.room))
        });
        while self.is_too_full(bin) && !on.is_empty() {
            let enough =
                |item: &usize| fits(Resources::NONE, self.free[bin] + self.items[*item].requests);
            let index = on.iter().rposition(enough).unwrap_or_default();
            let item = on.remove(index);
            self.free[bin] += self.items[item].requests;
            self.at[item] = None;
        }
    }

    fn is_too_full(&self, bin: usize) -> bool {
        !fits(Resources::NONE, self.free[bin])
    }

    /// Finds bins for what has none.
    fn place_homeless(&mut self) {
        let homeless: Vec<usize> = self
            .by_size
            .iter()
            .copied()
            .filter(|item| self.at[*item].is_none())
            .collect();
        for item in homeless {
            if let Some(bin) = self.first_with_room(item, None) {
                self.put(item, bin);
            }
        }
    }

    /// Moves all items of a bin elsewhere, or none.
    fn empty(&mut self, bin: usize) -> bool {
        let items = self.on(bin);
        for (moved, item) in items.iter().enumerate() {
            let Some(target) = self.first_with_room(*item, Some(bin)) else {
                for item in &items[..moved] {
                    self.put(*item, bin);
                }
                return false;
            };
            self.put(*item, target);
        }
        self.open[bin] = false;
        true
    }

    fn first_with_room(&self, item: usize, but: Option<usize>) -> Option<usize> {
        let requests = self.items[item].requests;
        let targets = self.targets.iter().copied();
        targets
            .filter(|bin| self.open[*bin] && Some(*bin) != but)
            .find(|bin| fits(requests, self.free[*bin]))
    }

    fn put(&mut self, item: usize, bin: usize) {
        let requests = self.items[item].requests;
        if let Some(from) = self.at[item] {
            self.free[from] += requests;
        }
        self.free[bin] = self.free[bin] - requests;
        self.at[item] = Some(bin);
    }
}

#[cfg(test)]
mod tests;
