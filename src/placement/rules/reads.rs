//! What expressions read: roots, and fields of the cluster, themselves or through variables.

use std::collections::{BTreeMap, BTreeSet};

use super::Variable;
use crate::placement::expression::{Expression, Root};
use crate::placement::facts::Fields;

/// What an expression reads, itself or through variables.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    pub(super) roots: BTreeSet<Root>,
    pub(super) fields: Fields,
}

/// What each variable reads, itself or through those before it.
pub(super) fn reads_of(variables: &[Variable]) -> BTreeMap<&str, Reads> {
    let mut reads: BTreeMap<&str, Reads> = BTreeMap::new();
    for variable in variables {
        let read = reads_all(&variable.expression, &reads);
        reads.insert(&variable.name, read);
    }
    reads
}

pub(super) fn reads_all(expression: &Expression, variables: &BTreeMap<&str, Reads>) -> Reads {
    let names = expression.variables().iter();
    let through: Vec<&Reads> = names
        .filter_map(|name| variables.get(name.as_str()))
        .collect();
    let roots = through.iter().flat_map(|reads| &reads.roots);
    let fields = through.iter().flat_map(|reads| reads.fields.iter());
    Reads {
        roots: expression.reads().iter().chain(roots).copied().collect(),
        fields: expression.fields().iter().chain(fields).collect(),
    }
}
