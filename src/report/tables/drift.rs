//! What changed since an older account, as tables.

use crate::report::compare::{Change, Drift};
use crate::report::figure::{Figure, Piece, Side, Table};
use crate::report::numbers::{change, count, count_change, money};
use crate::report::words::date;

/// What the figures are shown as.
#[derive(Clone, Copy)]
enum Unit<'a> {
    Money(&'a str),
    Count,
}

/// The figures then and now; `index` is that of the older account.
pub(in crate::report) fn figures(currency: &str, index: usize, drift: &Drift) -> Table {
    let mut table = Table::new(
        format!("Since {}", date(drift.since)),
        &[
            ("", Side::Left),
            ("then", Side::Right),
            ("now", Side::Right),
            ("change", Side::Right),
        ],
    );
    let money = Unit::Money(currency);
    for (field, name, unit, of) in [
        ("now", "cost of the mesh, a month", money, drift.now),
        ("possible", "possible, a month", money, drift.possible),
        ("saving", "saving, a month", money, drift.saving),
        ("sidecars", "sidecars", Unit::Count, drift.sidecars),
    ] {
        let mut cells = vec![Piece::from(name)];
        cells.extend(of_change(&format!("drift.{index}.{field}"), unit, of));
        table.row(cells);
    }
    table
}

/// Namespaces that came, went or changed.
pub(in crate::report) fn namespaces(currency: &str, index: usize, drift: &Drift) -> Table {
    let mut table = Table::new(
        format!("Namespaces since {}, cost a month", date(drift.since)),
        &[
            ("namespace", Side::Left),
            ("", Side::Left),
            ("then", Side::Right),
            ("now", Side::Right),
            ("change", Side::Right),
        ],
    );
    for (at, one) in drift.namespaces.iter().enumerate() {
        let mut cells = vec![one.namespace.clone().into(), one.what.as_str().into()];
        let field = format!("drift.{index}.namespaces.{at}.now");
        cells.extend(of_change(&field, Unit::Money(currency), one.now));
        table.row(cells);
    }
    table
}

fn of_change(field: &str, unit: Unit<'_>, of: Change) -> [Piece; 3] {
    let show = |value: f64| match unit {
        Unit::Money(currency) => money(currency, value),
        Unit::Count => count(value),
    };
    let difference = match of.difference {
        None => Piece::from("-"),
        Some(_) => Figure::of(
            format!("{field}.difference"),
            of.difference,
            |value| match unit {
                Unit::Money(currency) => change(currency, value),
                Unit::Count => count_change(value),
            },
        ),
    };
    [
        Figure::of(format!("{field}.old"), Some(of.old), show),
        Figure::of(format!("{field}.new"), Some(of.new), show),
        difference,
    ]
}
