//! What is known of one kind of objects with namespaces: a name of a namespace is there once, and is looked up
//! without being copied.

use std::collections::BTreeMap;

use super::convert::object::Watched;
use super::table::{Change, Generation};

/// Objects by namespace and name. While all of them are listed anew, those of before stay.
#[derive(Debug)]
pub struct Namespaced<V> {
    namespaces: BTreeMap<Box<str>, Named<V>>,
    count: usize,
    generation: Generation,
}

/// The objects of a namespace by name, with the list that each was last in.
type Named<V> = BTreeMap<Box<str>, (Generation, V)>;

// === impl Namespaced ===

impl<V> Default for Namespaced<V> {
    fn default() -> Self {
        Self {
            namespaces: BTreeMap::new(),
            count: 0,
            generation: 0,
        }
    }
}

impl<V> Namespaced<V> {
    /// Takes a change in; an object that `convert` makes nothing of is as good as gone.
    pub fn apply<S>(
        &mut self,
        change: Change<'_, Watched<S>>,
        convert: impl Fn(&Watched<S>) -> Option<V>,
    ) {
        match change {
            Change::Begin => self.generation = self.generation.wrapping_add(1),
            Change::Put(object) => self.put(object, convert(object)),
            Change::Remove(object) => self.put(object, None),
            Change::End => self.end(),
        }
    }

    /// The object of this name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&V> {
        let (_, value) = self.namespaces.get(namespace)?.get(name)?;
        Some(value)
    }

    /// Those of one namespace, by name.
    pub fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&str, &V)> {
        let all = self.namespaces.get(namespace).into_iter().flatten();
        all.map(|(name, (_, value))| (&**name, value))
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    fn put<S>(&mut self, object: &Watched<S>, value: Option<V>) {
        let metadata = &object.metadata;
        let (Some(namespace), Some(name)) =
            (metadata.namespace.as_deref(), metadata.name.as_deref())
        else {
            return;
        };
        match (value, self.namespaces.get_mut(namespace)) {
            (Some(value), Some(known)) => {
                let before = known.insert(name.into(), (self.generation, value));
                self.count += usize::from(before.is_none());
            }
            (Some(value), None) => {
                let first = BTreeMap::from([(name.into(), (self.generation, value))]);
                self.namespaces.insert(namespace.into(), first);
                self.count += 1;
            }
            (None, Some(known)) => {
                self.count -= usize::from(known.remove(name).is_some());
                if known.is_empty() {
                    self.namespaces.remove(namespace);
                }
            }
            (None, None) => {}
        }
    }

    fn end(&mut self) {
        let now = self.generation;
        for known in self.namespaces.values_mut() {
            known.retain(|_, (generation, _)| *generation == now);
        }
        self.namespaces.retain(|_, known| !known.is_empty());
        self.count = self.namespaces.values().map(BTreeMap::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cluster::convert::object::Nothing;

    fn object(namespace: &str, name: &str, says: &str) -> Watched<Nothing> {
        let json =
            json!({"metadata": {"namespace": namespace, "name": name, "labels": {"says": says}}});
        serde_json::from_value(json).unwrap()
    }

    /// What its label says; nothing where that is `nothing`.
    fn says(object: &Watched<Nothing>) -> Option<String> {
        let says = object.metadata.labels.as_ref()?.get("says")?;
        (says != "nothing").then(|| says.clone())
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Put(usize, &'static str),
        Remove(usize),
        List(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6_usize, prop::sample::select(vec!["a", "b", "nothing"]))
                .prop_map(|(index, says)| Step::Put(index, says)),
            (0..6_usize).prop_map(Step::Remove),
            any::<u8>().prop_map(Step::List),
        ]
    }

    proptest! {
        /// As a plain map would have it.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec(step(), 0..40)) {
            let names = ["n/a", "n/b", "n/c", "m/a", "m/b", "o/a"].map(|name| name.split_once('/').unwrap());
            let mut kept = Namespaced::default();
            let mut model: BTreeMap<(&str, &str), &str> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Put(index, text) => {
                        let (namespace, name) = names[index];
                        kept.apply(Change::Put(&object(namespace, name, text)), says);
                        if text == "nothing" {
                            model.remove(&names[index]);
                        } else {
                            model.insert(names[index], text);
                        }
                    }
                    Step::Remove(index) => {
                        let (namespace, name) = names[index];
                        kept.apply(Change::Remove(&object(namespace, name, "a")), says);
                        model.remove(&names[index]);
                    }
                    Step::List(bits) => {
                        let listed = |index: usize| bits & (1 << index) != 0;
                        kept.apply(Change::Begin, says);
                        model.clear();
                        for (index, (namespace, name)) in names.into_iter().enumerate() {
                            if listed(index) {
                                kept.apply(Change::Put(&object(namespace, name, "listed")), says);
                                model.insert((namespace, name), "listed");
                            }
                        }
                        kept.apply(Change::End, says);
                    }
                }
                prop_assert_eq!(kept.count(), model.len());
                let namespaces: BTreeSet<_> = names.iter().map(|(namespace, _)| *namespace).collect();
                let seen: BTreeMap<_, _> = namespaces
                    .into_iter()
                    .flat_map(|namespace| kept.of_namespace(namespace).map(move |(name, says)| ((namespace, name), says.as_str())))
                    .collect();
                prop_assert_eq!(&seen, &model);
            }
        }
    }
}
