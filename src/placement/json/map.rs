//! An [`Object`] as a CEL map, which hands out its values as they are read.

use std::fmt;

use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{CelInt, CelString, Kind, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

use super::{Node, Object};
use crate::placement::fuel::Fuel;
use crate::placement::operators;

/// An [`Object`] as a CEL map.
#[derive(Clone, Copy)]
pub(super) struct ObjectRef<'b, 'a> {
    pub(super) object: &'b Object<'a>,
    pub(super) fuel: &'b Fuel,
}

// === impl ObjectRef ===

impl fmt::Debug for ObjectRef<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl Val for ObjectRef<'_, '_> {
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
        Box::new(*self)
    }
}

impl ObjectRef<'_, '_> {
    /// What all keys cost.
    fn keys(&self) -> usize {
        let keys = self.object.keys();
        keys.map(|key| 1 + Fuel::of_text(key.len())).sum()
    }

    /// What looking for a key costs: it is compared with all of them.
    fn search(&self) -> usize {
        1 + self.object.entries.len() / 16
    }
}

impl Container for ObjectRef<'_, '_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        self.fuel.take(self.search())?;
        Ok(key
            .downcast_ref::<CelString<'_>>()
            .is_some_and(|key| self.object.get(key.inner()).is_some()))
    }
}

impl Indexer for ObjectRef<'_, '_> {
    fn get<'x, 'v>(&'x self, key: &dyn Val) -> Result<CowVal<'x, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name =
            key.downcast_ref::<CelString<'_>>()
                .ok_or_else(|| ExecutionError::UnexpectedType {
                    got: key.get_type().name().to_owned(),
                    want: "string".to_owned(),
                })?;
        let node = self
            .object
            .get(name.inner())
            .ok_or_else(|| ExecutionError::no_such_key(name.inner()))?;
        self.fuel.take(self.search() + node.weight())?;
        Ok(node.to_val(self.fuel))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for ObjectRef<'_, '_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.object.entries.len()).unwrap_or(i64::MAX))
    }
}

impl Zeroer for ObjectRef<'_, '_> {
    fn is_zero_value(&self) -> bool {
        self.object.is_empty()
    }
}

impl Iterable for ObjectRef<'_, '_> {
    fn iter<'x, 'v>(&'x self) -> Box<dyn traits::Iterator<'x, 'v> + 'x>
    where
        Self: 'v,
    {
        // An iterator cannot fail: without fuel it yields nothing, and whoever evaluates asks `is_spent`.
        let spent = self.fuel.take(self.keys()).is_err();
        let entries: &[_] = if spent { &[] } else { &self.object.entries };
        Box::new(Keys(entries.iter()))
    }
}

struct Keys<'x, 'a>(std::slice::Iter<'x, (CelString<'a>, Node<'a>)>);

impl<'x, 'v, 'a: 'v> traits::Iterator<'x, 'v> for Keys<'x, 'a> {
    fn next(&mut self) -> Option<&'x (dyn Val + 'v)> {
        self.0.next().map(|(key, _)| key as &(dyn Val + 'v))
    }
}
