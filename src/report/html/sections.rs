//! The sections of the page: a heading, a chart, and beside it the table that says the same.

use super::lines::{Chart, Marks, Spot};
use super::write::{escaped, list, table};
use super::{bars, even};
use crate::report::Report;
use crate::report::figure::{Figure, Side, Table};
use crate::report::tables;
use crate::report::words::{date, moment, window};
use crate::savings::Account;

/// Namespaces in the chart; the table has all.
const NAMESPACES: usize = 15;

/// All of them.
pub(super) fn all(report: &Report<'_>) -> Vec<String> {
    let account = report.account;
    vec![
        beside(
            "A month in each scenario",
            Some(bars::scenarios(account)),
            &table(&tables::scenarios(account)),
        ),
        beside(
            "Pods by mode",
            bars::modes(account),
            &table(&modes(account)),
        ),
        beside(
            "Cost by role",
            Some(bars::roles(account)),
            &table(&tables::roles(account)),
        ),
        break_even(account),
        namespaces(account),
        trend(account),
        drift(report),
        nodes(account),
        latency(account),
        beside("On each basis", None, &table(&tables::bases(account))),
        listed("Assumptions", &account.assumptions),
        listed("Left out", &account.left_out),
    ]
}

/// A section with its table beside the chart, where the page is wide enough.
fn beside(title: &str, chart: Option<String>, table: &str) -> String {
    let chart = chart.map(|chart| format!("<div class=\"chart\">{chart}</div>\n"));
    let chart = chart.unwrap_or_default();
    let class = if chart.is_empty() {
        ""
    } else {
        " class=\"beside\""
    };
    section(
        title,
        &format!("<div{class}>\n{chart}<div>{table}</div>\n</div>\n"),
    )
}

/// A section with its table below the chart.
fn below(title: &str, chart: Option<String>, rest: &str) -> String {
    section(title, &format!("{}{rest}", chart.unwrap_or_default()))
}

fn section(title: &str, content: &str) -> String {
    format!(
        "<section>\n<h2>{}</h2>\n{content}</section>\n",
        escaped(title)
    )
}

fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<p class=\"{class}\">{}</p>\n", escaped(text))
}

/// A list of sentences; nothing where there are none.
fn listed(title: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    section(title, &list(sentences))
}

fn modes(account: &Account) -> Table {
    let mut table = Table::new(
        "Pods of the mesh, as a mean",
        &[("mode", Side::Left), ("Pods", Side::Right)],
    );
    let modes = &account.modes;
    table.row(vec![
        "sidecar".into(),
        Figure::count("modes.sidecar", modes.sidecar),
    ]);
    table.row(vec![
        "ambient".into(),
        Figure::count_if("modes.ambient", modes.ambient),
    ]);
    table
}

fn break_even(account: &Account) -> String {
    let even = &account.break_even;
    let mut shown = Table::new(
        "Break-even: sidecars on a node",
        &[("", Side::Left), ("", Side::Right)],
    );
    let money = |field: &str, value: f64| {
        Figure::money(&account.currency, format!("breakEven.{field}"), value)
    };
    for (name, figure) in [
        ("by cost", Figure::count_if("breakEven.cost", even.cost)),
        (
            "by vCPU alone",
            Figure::count_if("breakEven.vcpu", even.vcpu),
        ),
        (
            "by memory alone",
            Figure::count_if("breakEven.gib", even.gib),
        ),
        (
            "in this mesh",
            Figure::count_if("breakEven.sidecarsPerNode", even.sidecars_per_node),
        ),
        (
            "nodes for ztunnel",
            Figure::count_if("breakEven.nodes", even.nodes),
        ),
        ("a sidecar, a month", money("sidecar", even.sidecar)),
        ("a ztunnel, a month", money("ztunnel", even.ztunnel)),
    ] {
        shown.row(vec![name.into(), figure]);
    }
    let note = paragraph(
        "note",
        "With more sidecars on a node than this, ztunnel costs less than they do. Waypoints are not in it.",
    );
    beside(
        "Break-even",
        even::drawn(account),
        &format!("{}{note}", table(&shown)),
    )
}

fn namespaces(account: &Account) -> String {
    if account.namespaces.is_empty() {
        return String::new();
    }
    let more = account.namespaces.len().saturating_sub(NAMESPACES);
    let more = match more {
        0 => String::new(),
        more => paragraph(
            "note",
            &format!("The chart has the first {NAMESPACES}; {more} more are in the table."),
        ),
    };
    let key = "<p class=\"key\"><span class=\"now\"></span> now <span class=\"possible\"></span> possible</p>\n";
    let chart = format!(
        "{key}<div class=\"chart\">{}</div>\n",
        bars::namespaces(account, NAMESPACES)
    );
    let all = table(&tables::namespaces(account));
    let kept = table(&tables::kept::kept(account));
    below(
        "Cost by namespace",
        Some(chart),
        &format!("{more}{all}{kept}"),
    )
}

// === over time ===

fn trend(account: &Account) -> String {
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

fn drift(report: &Report<'_>) -> String {
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

fn costs(currency: &str, spot: &Spot) -> [crate::report::figure::Piece; 2] {
    let [now, possible] = spot.fields.clone();
    [
        Figure::money(currency, now, spot.now),
        Figure::money(currency, possible, spot.possible),
    ]
}

fn folded(title: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<details>\n<summary>{}</summary>\n{content}</details>\n",
        escaped(title)
    )
}

// === what is no chart ===

fn nodes(account: &Account) -> String {
    let said = "A reservation that is freed is money only once nodes go away.";
    let text = format!("{}{}", paragraph("", said), table(&tables::nodes(account)));
    section(
        "Nodes",
        &format!("{text}{}", paragraph("note", &account.nodes.note)),
    )
}

fn latency(account: &Account) -> String {
    if account.latency.is_empty() {
        return String::new();
    }
    let said = "For information: an estimate is of another mesh than this, and no latency is counted as a saving.";
    section(
        "Latency",
        &format!(
            "{}{}",
            paragraph("", said),
            table(&tables::latency(account))
        ),
    )
}
