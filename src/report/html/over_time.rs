//! The sections that show how it was before: over the window, and over the weeks of older reports.

use super::lines::{Chart, Marks, Spot};
use super::sections::{below, folded};
use super::write::{list, table};
use crate::report::Report;
use crate::report::figure::{Figure, Piece, Side, Table};
use crate::report::tables;
use crate::report::words::{date, moment, window};
use crate::savings::Account;

/// The cost over the window.
pub(super) fn trend(account: &Account) -> String {
    let spots = account.trend.iter().enumerate();
    let points: Vec<Spot> = spots
        .map(|(index, point)| Spot {
            when: point.start,
            now: point.now,
            possible: point.possible,
            fields: ["now", "possible"].map(|field| format!("trend.{index}.{field}")),
        })
        .collect();
    let mut figures = Table::new(
        "A month at the rate of each slot",
        &[
            ("from", Side::Left),
            ("now", Side::Right),
            ("possible", Side::Right),
            ("sidecars", Side::Right),
        ],
    );
    for (index, (spot, point)) in points.iter().zip(&account.trend).enumerate() {
        let mut cells = vec![moment(spot.when).into()];
        cells.extend(costs(&account.currency, spot));
        cells.push(Figure::count(
            format!("trend.{index}.sidecars"),
            point.sidecars,
        ));
        figures.row(cells);
    }
    let chart = Chart {
        id: "trend",
        title: "Cost a month over the window, now and possible",
        description: "Two lines over time. Where there is no data the lines are broken. The table below has the figures.",
        currency: &account.currency,
        start: account.window.start,
        end: account.window.end,
        points,
        marks: Marks::Gaps,
    };
    let title = format!("Over the window: {}", window(&account.window));
    below(
        &title,
        chart.drawn(),
        &folded("The figures of the chart", &table(&figures)),
    )
}

/// What changed since older reports; nothing where there are none.
pub(super) fn drift(report: &Report<'_>) -> String {
    if report.drift.is_empty() {
        return String::new();
    }
    let currency = &report.account.currency;
    let mut rest = weeks_table(report);
    for (index, drift) in report.drift.iter().enumerate().rev() {
        rest.push_str(&table(&tables::drift::figures(currency, index, drift)));
        if !drift.warnings.is_empty() {
            rest.push_str(&format!(
                "<div class=\"warnings\">\n{}</div>\n",
                list(&drift.warnings)
            ));
        }
        let namespaces = table(&tables::drift::namespaces(currency, index, drift));
        let title = format!(
            "Namespaces that changed since {}: {}",
            date(drift.since),
            drift.namespaces.len()
        );
        rest.push_str(&folded(&title, &namespaces));
    }
    below("Over the weeks", weeks_chart(report), &rest)
}

/// The older reports that may be compared, and this one.
fn weeks(report: &Report<'_>) -> Vec<Spot> {
    let older = report.drift.iter().enumerate();
    let older = older.filter(|(_, drift)| drift.comparable);
    let mut spots: Vec<Spot> = older
        .map(|(index, drift)| Spot {
            when: drift.window_end,
            now: drift.now.old,
            possible: drift.possible.old,
            fields: ["now", "possible"].map(|field| format!("drift.{index}.{field}.old")),
        })
        .collect();
    let account = report.account;
    spots.push(Spot {
        when: account.window.end,
        now: account.monthly.now,
        possible: account.monthly.possible,
        fields: ["now", "possible"].map(|field| format!("monthly.{field}")),
    });
    spots.sort_by_key(|spot| spot.when);
    spots
}

fn weeks_chart(report: &Report<'_>) -> Option<String> {
    let points = weeks(report);
    let (start, end) = (points.first()?.when, points.last()?.when);
    Chart {
        id: "weeks",
        title: "Cost a month by report, now and possible",
        description: "Two lines with a point for each report, by the end of its window. The table below has the figures.",
        currency: &report.account.currency,
        start,
        end,
        points,
        marks: Marks::Dots,
    }
    .drawn()
}

fn weeks_table(report: &Report<'_>) -> String {
    let mut shown = Table::new(
        "By the end of the window, a month",
        &[
            ("report", Side::Left),
            ("now", Side::Right),
            ("possible", Side::Right),
        ],
    );
    for spot in weeks(report) {
        let mut cells = vec![date(spot.when).into()];
        cells.extend(costs(&report.account.currency, &spot));
        shown.row(cells);
    }
    table(&shown)
}

fn costs(currency: &str, spot: &Spot) -> [Piece; 2] {
    let [now, possible] = spot.fields.clone();
    [
        Figure::money(currency, now, spot.now),
        Figure::money(currency, possible, spot.possible),
    ]
}
