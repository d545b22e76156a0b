//! Labels of an object in one allocation: caches hold them by the ten thousand.

use std::collections::BTreeMap;

use super::selector;

/// Labels, in the order of their keys. Neither a key nor a value of Kubernetes holds a NUL.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Labels(Box<str>);

impl Labels {
    /// Those of `labels`, which are in the order of their keys, whose key `keep` takes.
    pub fn of<'l>(
        labels: impl Iterator<Item = (&'l str, &'l str)>,
        keep: impl Fn(&str) -> bool,
    ) -> Self {
        let mut text = String::new();
        for (key, value) in labels.filter(|(key, _)| keep(key)) {
            for part in [key, value] {
                text.push_str(part);
                text.push('\0');
            }
        }
        Self(text.into_boxed_str())
    }

    /// All of `labels`.
    pub fn all(labels: Option<&BTreeMap<String, String>>) -> Self {
        let labels = labels.into_iter().flatten();
        Self::of(
            labels.map(|(key, value)| (key.as_str(), value.as_str())),
            |_| true,
        )
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split_terminator('\0');
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As Kubernetes' own libraries want them.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

impl selector::Labels for Labels {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back() {
        let map = BTreeMap::from([
            ("app".to_owned(), "web".to_owned()),
            ("empty".to_owned(), String::new()),
            ("version".to_owned(), "1".to_owned()),
        ]);
        let labels = Labels::all(Some(&map));
        assert_eq!(labels.to_map(), map);
        assert_eq!(labels.get("empty"), Some(""));
        assert_eq!(labels.get("web"), None, "a value is no key");
        let some = Labels::of(labels.iter(), |key| key != "empty");
        assert_eq!(some.iter().count(), 2);
        assert!(Labels::all(None).is_empty());
        assert_eq!(Labels::all(None).get(""), None);
    }
}
