//! [`Labels`] as a CEL map, which hands out its values as they are read.

use std::fmt;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{CelInt, CelString, Kind, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

use crate::placement::fuel::Fuel;
use crate::placement::labels::Labels;
use crate::placement::operators;

/// [`Labels`] as a CEL map.
#[derive(Clone)]
pub(super) struct LabelsRef<'b> {
    labels: &'b Labels,
    fuel: &'b Fuel,
    /// For iteration, which hands out references.
    keys: OnceLock<Vec<CelString<'b>>>,
}

// === impl LabelsRef ===

impl<'b> LabelsRef<'b> {
    pub(super) fn new(labels: &'b Labels, fuel: &'b Fuel) -> Self {
        let keys = OnceLock::new();
        Self { labels, fuel, keys }
    }

    fn keys(&self) -> &[CelString<'b>] {
        let keys = || self.labels.iter().map(|(key, _)| CelString::from(key));
        self.keys.get_or_init(|| keys().collect())
    }

    /// The value, and what looking for it costs: it is compared with all keys before it.
    fn find(&self, key: &str) -> Result<Option<&'b str>, ExecutionError> {
        let mut compared = 0;
        let found = self.labels.iter().find(|(known, _)| {
            compared += 1;
            *known == key
        });
        let value = found.map(|(_, value)| value);
        let text = value.map_or(0, |value| Fuel::of_text(value.len()));
        self.fuel.take(1 + compared / 16 + text)?;
        Ok(value)
    }
}

impl fmt::Debug for LabelsRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.labels.iter().map(|(key, _)| key))
            .finish()
    }
}

impl Val for LabelsRef<'_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'x, 'v>(&'x self) -> Option<&'x (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'x, 'v>(&'x self) -> Option<&'x (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    /// Equal to any map with the same keys and equal values.
    fn equals(&self, other: &dyn Val) -> bool {
        other.get_type().kind() == Kind::Map && operators::equal(self, other).unwrap_or(false)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Self::new(self.labels, self.fuel))
    }
}

impl Container for LabelsRef<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        let Some(key) = key.downcast_ref::<CelString<'_>>() else {
            return Ok(false);
        };
        self.find(key.inner()).map(|found| found.is_some())
    }
}

impl Indexer for LabelsRef<'_> {
    fn get<'x, 'v>(&'x self, key: &dyn Val) -> Result<CowVal<'x, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = name_of(key)?;
        let value = self.find(name)?;
        let value = value.ok_or_else(|| ExecutionError::no_such_key(name))?;
        Ok(CowVal::owned(CelString::from(value)))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for LabelsRef<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.labels.iter().count()).unwrap_or(i64::MAX))
    }
}

impl Zeroer for LabelsRef<'_> {
    fn is_zero_value(&self) -> bool {
        self.labels.is_empty()
    }
}

impl Iterable for LabelsRef<'_> {
    fn iter<'x, 'v>(&'x self) -> Box<dyn traits::Iterator<'x, 'v> + 'x>
    where
        Self: 'v,
    {
        let keys = self.keys();
        // An iterator cannot fail: without fuel it yields nothing, and whoever evaluates asks `is_spent`.
        let spent = self.fuel.take(keys.len()).is_err();
        Box::new(Keys(if spent { &[] } else { keys }.iter()))
    }
}

struct Keys<'x, 'b>(std::slice::Iter<'x, CelString<'b>>);

impl<'x, 'v, 'b: 'v> traits::Iterator<'x, 'v> for Keys<'x, 'b> {
    fn next(&mut self) -> Option<&'x (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}

/// The key of a map of ours, which is a string.
pub(super) fn name_of(key: &dyn Val) -> Result<&str, ExecutionError> {
    let name = key.downcast_ref::<CelString<'_>>();
    name.map(|name| name.inner())
        .ok_or_else(|| ExecutionError::UnexpectedType {
            got: key.get_type().name().to_owned(),
            want: "string".to_owned(),
        })
}
