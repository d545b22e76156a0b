//! What takes fuel for a value that a loop hands to another in it: `@scale[value]`, which is true.

use std::fmt;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

use super::weight;
use crate::placement::fuel::Fuel;

/// Takes from this fuel what a value costs beyond its being one.
#[derive(Clone, Copy)]
pub(super) struct Scale<'b>(pub(super) &'b Fuel);

// === impl Scale ===

impl fmt::Debug for Scale<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Val for Scale<'_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_indexer<'x, 'v>(&'x self) -> Option<&'x (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for Scale<'_> {
    fn get<'x, 'v>(&'x self, key: &dyn Val) -> Result<CowVal<'x, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.0.take(weight(key) - 1)?;
        Ok(CowVal::owned(CelBool::from(true)))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}
