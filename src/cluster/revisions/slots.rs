//! Values with a small number each, so that what points to one takes four bytes.

/// The number of a value.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Slot(u32);

/// The values; numbers of those that are gone are given again.
#[derive(Debug)]
pub(super) struct Slots<V> {
    values: Vec<Option<V>>,
    free: Vec<Slot>,
}

// === impl Slots ===

impl<V> Default for Slots<V> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<V> Slots<V> {
    pub(super) fn add(&mut self, value: V) -> Slot {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.values.get_mut(slot.0 as usize)
        {
            *place = Some(value);
            return slot;
        }
        // A cluster has fewer Pods than that, by far; were it more, the last would be one.
        let slot = Slot(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Some(value));
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&V> {
        self.values.get(slot.0 as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut V> {
        self.values.get_mut(slot.0 as usize)?.as_mut()
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<V> {
        let gone = self.values.get_mut(slot.0 as usize)?.take();
        if gone.is_some() {
            self.free.push(slot);
        }
        gone
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten()
    }
}
