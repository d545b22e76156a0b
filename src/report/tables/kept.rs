//! Why sidecars stay, by reason.

use std::collections::BTreeMap;

use crate::report::figure::{Side, Table};
use crate::report::numbers::count;
use crate::savings::Account;

/// The reasons, that of most sidecars first.
pub(in crate::report) fn kept(account: &Account) -> Table {
    let mut reasons: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for kept in account.namespaces.iter().flat_map(|one| &one.kept) {
        let (workloads, sidecars) = reasons.entry(&kept.reason).or_default();
        *workloads += 1;
        *sidecars += kept.sidecars;
    }
    let mut reasons: Vec<(&str, (usize, f64))> = reasons.into_iter().collect();
    reasons.sort_by(|(_, (_, one)), (_, (_, other))| other.total_cmp(one));
    let mut table = Table::new(
        "Sidecars that stay, by reason",
        &[
            ("sidecars", Side::Right),
            ("workloads", Side::Right),
            ("reason", Side::Wrapped),
        ],
    );
    for (reason, (workloads, sidecars)) in reasons {
        table.row(vec![
            count(sidecars).into(),
            workloads.to_string().into(),
            reason.into(),
        ]);
    }
    table
}
