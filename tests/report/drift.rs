//! What changed since an older account, and when that must not be said.

use meshmode::report::Colour;
use meshmode::report::Report;
use meshmode::report::compare::{Drift, Fate};
use meshmode::savings::{Account, Basis};

use crate::given::{account, older};

#[test]
fn what_differs_between_two_accounts_makes_them_not_comparable() {
    type Row = (&'static str, fn(&mut Account), &'static str);
    let rows: [Row; 7] = [
        (
            "cluster",
            |old| old.cluster = None,
            "the cluster was not named, now prod-eu",
        ),
        (
            "basis",
            |old| old.basis = Basis::Usage,
            "the basis was usage, now requests",
        ),
        (
            "currency",
            |old| old.currency = "EUR".to_owned(),
            "the currency was EUR, now USD",
        ),
        (
            "vCPU",
            |old| old.prices.vcpu_hour = 0.05,
            "a vCPU-hour was $0.05, now $0.031611",
        ),
        (
            "GiB",
            |old| old.prices.gib_hour = 0.05,
            "a GiB-hour was $0.05, now $0.004237",
        ),
        (
            "hours",
            |old| old.hours_per_month = 720.0,
            "a month was 720 hours, now 730 hours",
        ),
        (
            "window",
            |old| old.window.seconds = 86_400.0 * 30.0,
            "the window was 30 days, now 7 days",
        ),
    ];
    let new = account("saving");
    for (name, change, why) in rows {
        let mut old = account("older-1");
        assert!(Drift::of(&old, &new).comparable, "{name}: before");
        change(&mut old);
        let drift = Drift::of(&old, &new);
        assert!(!drift.comparable, "{name}");
        assert!(
            drift.warnings.iter().any(|warning| warning.contains(why)),
            "{name}: {:?}",
            drift.warnings
        );
        assert_eq!(drift.now.difference, None, "{name}: no difference of money");
        assert!(
            drift.sidecars.difference.is_some(),
            "{name}: sidecars can be counted all the same"
        );
        let text = Report::new(&new, &[old]).text(Colour::None);
        assert!(text.contains("not comparable"), "{name}: {text}");
    }
}

#[test]
fn where_the_source_of_the_same_prices_is_named_otherwise_they_are_the_same() {
    let (mut old, new) = (account("older-1"), account("saving"));
    old.prices.source = "elsewhere".to_owned();
    old.window.seconds += 300.0;
    assert!(Drift::of(&old, &new).comparable);
}

#[test]
fn namespaces_came_went_and_changed() {
    let drift = Drift::of(&account("older-1"), &account("saving"));
    let fates: Vec<(&str, Fate)> = drift
        .namespaces
        .iter()
        .map(|one| (one.namespace.as_str(), one.what))
        .collect();
    assert_eq!(
        fates,
        [
            ("shipping", Fate::Came),
            ("legacy", Fate::Went),
            ("recommendations", Fate::Changed),
            ("checkout", Fate::Changed),
        ]
    );
    let same = Drift::of(&account("saving"), &account("saving"));
    assert!(same.namespaces.is_empty(), "{:?}", same.namespaces);
    assert_eq!(same.now.difference, Some(0.0));
}

#[test]
fn what_else_to_bear_in_mind_is_said() {
    let (mut old, new) = (account("older-1"), account("saving"));
    old.warnings.push("a gap".to_owned());
    old.window.end = new.window.end;
    let drift = Drift::of(&old, &new);
    assert!(drift.comparable);
    for word in ["overlap", "warnings of its own"] {
        assert!(
            drift.warnings.iter().any(|warning| warning.contains(word)),
            "{word}: {:?}",
            drift.warnings
        );
    }
    let turned = Drift::of(&new, &old);
    assert!(
        turned
            .warnings
            .iter()
            .any(|warning| warning.contains("newer")),
        "{:?}",
        turned.warnings
    );
}

#[test]
fn the_oldest_comes_first_whatever_the_order() {
    let new = account("saving");
    let report = Report::new(&new, &older());
    let ends: Vec<_> = report.drift.iter().map(|drift| drift.window_end).collect();
    assert_eq!(ends.len(), 3);
    assert!(ends.is_sorted(), "{ends:?}");
}
