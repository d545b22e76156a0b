//! What is known of one kind of objects, kept through a new list of all of them.

use std::collections::BTreeMap;

use crate::authorization::facts::ObjectName;

/// What a watch says. A list of all objects is between `Begin` and `End`.
#[derive(Debug)]
pub enum Change<'o, O> {
    /// All objects there are will follow.
    Begin,
    /// This one is there.
    Put(&'o O),
    /// This one is gone.
    Remove(&'o O),
    /// Those that were not put since [`Change::Begin`] are gone.
    End,
}

/// Objects by name. While all of them are listed anew, those of before stay.
#[derive(Debug)]
pub struct Table<K, V> {
    entries: BTreeMap<K, (Generation, V)>,
    generation: Generation,
}

/// Counts lists.
pub type Generation = u32;

// === impl Change ===

// Derived, these would ask it of the objects too.
impl<O> Copy for Change<'_, O> {}

impl<O> Clone for Change<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

// === impl Table ===

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            generation: 0,
        }
    }
}

impl<K: Ord, V> Table<K, V> {
    /// Takes a change in; `convert` may find nothing in an object that could be used.
    pub fn apply<O>(&mut self, change: Change<'_, O>, convert: impl Fn(&O) -> Option<(K, V)>) {
        match change {
            Change::Begin => self.generation = self.generation.wrapping_add(1),
            Change::Put(object) => {
                if let Some((key, value)) = convert(object) {
                    self.entries.insert(key, (self.generation, value));
                }
            }
            Change::Remove(object) => {
                if let Some((key, _)) = convert(object) {
                    self.entries.remove(&key);
                }
            }
            Change::End => {
                let now = self.generation;
                self.entries.retain(|_, (generation, _)| *generation == now);
            }
        }
    }

    /// The same where an object may come to nothing, by which the one of before is gone.
    pub fn apply_some<O>(
        &mut self,
        change: Change<'_, O>,
        convert: impl Fn(&O) -> Option<(K, Option<V>)>,
    ) {
        let change = match change {
            Change::Put(object) => match convert(object) {
                Some((_, None)) => Change::Remove(object),
                Some((_, Some(_))) | None => Change::Put(object),
            },
            Change::Begin | Change::Remove(_) | Change::End => change,
        };
        if let Change::Remove(object) = change {
            if let Some((key, _)) = convert(object) {
                self.entries.remove(&key);
            }
            return;
        }
        self.apply(change, |object| {
            let (key, value) = convert(object)?;
            Some((key, value?))
        });
    }

    /// The object of this name.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, (_, value))| (key, value))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

impl<V> Table<ObjectName, V> {
    /// Those of one namespace.
    pub fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&ObjectName, &V)> {
        self.entries
            .range(ObjectName::new(namespace, "")..)
            .take_while(move |(name, _)| name.namespace == namespace)
            .map(|(name, (_, value))| (name, value))
    }
}
