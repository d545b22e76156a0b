//! What changed since an older account (`--compare`): the figures side by side, and whether they may be compared at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::numbers::{duration, price};
use crate::savings::Account;
use crate::savings::account::Namespace;

/// What changed since one older account; `drift` of the JSON report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// When the older one was made.
    pub since: Timestamp,
    /// The end of what it looked at.
    pub window_end: Timestamp,
    /// Whether the figures mean the same in both.
    pub comparable: bool,
    /// Why not, or what else to bear in mind.
    pub warnings: Vec<String>,
    /// What the mesh costs a month.
    pub now: Change,
    /// What it would cost if what is possible were done.
    pub possible: Change,
    /// What that saves.
    pub saving: Change,
    /// How many sidecars there are.
    pub sidecars: Change,
    /// Namespaces that came, went or changed, the largest change first.
    pub namespaces: Vec<NamespaceDrift>,
}

/// A figure then and now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// In the older account.
    pub old: f64,
    /// In this one.
    pub new: f64,
    /// How much more it is now; `null` where the two may not be compared.
    pub difference: Option<f64>,
}

/// What changed in a namespace.
#[derive(Clone, Debug, Serialize)]
pub struct NamespaceDrift {
    /// Its name.
    pub namespace: String,
    /// What became of it.
    pub what: Fate,
    /// What its sidecars and waypoints cost a month.
    pub now: Change,
    /// How many sidecars it has.
    pub sidecars: Change,
}

/// What became of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It was not in the older account.
    Came,
    /// It is not in this one.
    Went,
    /// It is in both, with other figures.
    Changed,
}

/// Two figures that differ by less than this part of the larger are the same.
const SAME: f64 = 1e-6;
/// Two windows whose lengths differ by less than this part are as long as each other.
const SAME_LENGTH: f64 = 0.01;

// === impl Drift ===

impl Drift {
    /// What changed from `old` to `new`.
    #[must_use]
    pub fn of(old: &Account, new: &Account) -> Self {
        let mut warnings = differences(old, new);
        let comparable = warnings.is_empty();
        warnings.extend(doubts(old, new));
        let money = |old, new| Change::of(old, new, comparable);
        Self {
            since: old.generated_at,
            window_end: old.window.end,
            comparable,
            now: money(old.monthly.now, new.monthly.now),
            possible: money(old.monthly.possible, new.monthly.possible),
            saving: money(old.saving.central, new.saving.central),
            sidecars: Change::of(old.roles.sidecar.count, new.roles.sidecar.count, true),
            namespaces: namespaces(old, new, comparable),
            warnings,
        }
    }
}

/// Why the figures do not mean the same, one sentence each.
fn differences(old: &Account, new: &Account) -> Vec<String> {
    let mut why = Vec::new();
    let mut differ = |what: &str, before: String, after: String| {
        why.push(format!("not comparable: {what} was {before}, now {after}"));
    };
    if old.cluster != new.cluster {
        let name = |account: &Account| account.cluster.clone().unwrap_or("not named".to_owned());
        differ("the cluster", name(old), name(new));
    }
    if old.basis != new.basis {
        let (before, after) = (old.basis.as_str(), new.basis.as_str());
        differ("the basis", before.to_owned(), after.to_owned());
    }
    if old.currency != new.currency {
        differ("the currency", old.currency.clone(), new.currency.clone());
    }
    for (what, before, after) in [
        (
            "the price of a vCPU-hour",
            old.prices.vcpu_hour,
            new.prices.vcpu_hour,
        ),
        (
            "the price of a GiB-hour",
            old.prices.gib_hour,
            new.prices.gib_hour,
        ),
    ] {
        if !is_same(before, after, SAME) {
            let (before, after) = (price(&old.currency, before), price(&new.currency, after));
            differ(what, before, after);
        }
    }
    if !is_same(old.hours_per_month, new.hours_per_month, SAME) {
        let hours = |account: &Account| format!("{} hours", account.hours_per_month);
        differ("a month", hours(old), hours(new));
    }
    if !is_same(old.window.seconds, new.window.seconds, SAME_LENGTH) {
        let length = |account: &Account| duration(account.window.seconds);
        differ("the length of the window", length(old), length(new));
    }
    why
}

/// What to bear in mind although the figures mean the same.
fn doubts(old: &Account, new: &Account) -> Vec<String> {
    let mut doubts = Vec::new();
    if old.generated_at > new.generated_at {
        doubts.push("the account to compare with is the newer one".to_owned());
    }
    if old.window.start < new.window.end && new.window.start < old.window.end {
        doubts.push("the windows overlap, so a part of the data is in both".to_owned());
    }
    if !old.warnings.is_empty() {
        let count = old.warnings.len();
        doubts.push(format!(
            "the older account has warnings of its own: {count}"
        ));
    }
    doubts
}

fn namespaces(old: &Account, new: &Account, comparable: bool) -> Vec<NamespaceDrift> {
    let mut both: BTreeMap<&str, [Option<&Namespace>; 2]> = BTreeMap::new();
    for (index, account) in [old, new].into_iter().enumerate() {
        for namespace in &account.namespaces {
            both.entry(&namespace.namespace).or_default()[index] = Some(namespace);
        }
    }
    let both = both.into_iter();
    let mut drift: Vec<NamespaceDrift> = both
        .filter_map(|(name, [old, new])| of_namespace(name, old, new, comparable))
        .collect();
    let size = |one: &NamespaceDrift| (one.now.new - one.now.old).abs();
    drift.sort_by(|one, other| size(other).total_cmp(&size(one)));
    drift
}

fn of_namespace(
    name: &str,
    old: Option<&Namespace>,
    new: Option<&Namespace>,
    comparable: bool,
) -> Option<NamespaceDrift> {
    let of = |namespace: Option<&Namespace>| {
        namespace.map_or((0.0, 0.0), |namespace| (namespace.now, namespace.sidecars))
    };
    let ((old_now, old_sidecars), (new_now, new_sidecars)) = (of(old), of(new));
    let what = match (old, new) {
        (None, _) => Fate::Came,
        (Some(_), None) => Fate::Went,
        (Some(_), Some(_))
            if is_same(old_now, new_now, SAME) && is_same(old_sidecars, new_sidecars, SAME) =>
        {
            return None;
        }
        (Some(_), Some(_)) => Fate::Changed,
    };
    Some(NamespaceDrift {
        namespace: name.to_owned(),
        what,
        now: Change::of(old_now, new_now, comparable),
        sidecars: Change::of(old_sidecars, new_sidecars, true),
    })
}

/// Whether two figures differ by less than this part of the larger.
fn is_same(one: f64, other: f64, part: f64) -> bool {
    (one - other).abs() <= part * one.abs().max(other.abs())
}

// === impl Change ===

impl Change {
    fn of(old: f64, new: f64, comparable: bool) -> Self {
        Self {
            old,
            new,
            difference: comparable.then_some(new - old),
        }
    }
}

// === impl Fate ===

impl Fate {
    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Came => "new",
            Self::Went => "gone",
            Self::Changed => "changed",
        }
    }
}
