//! The sections of the page: a heading, a chart, and beside it the table that says the same.

use super::write::{escaped, list, table};
use super::{bars, even, over_time};
use crate::report::Report;
use crate::report::figure::{Figure, Side, Table};
use crate::report::tables;
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
        over_time::trend(account),
        over_time::drift(report),
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
pub(super) fn below(title: &str, chart: Option<String>, rest: &str) -> String {
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
    let note = match even.cost {
        Some(_) => paragraph(
            "note",
            "With more sidecars on a node than this, ztunnel costs less than they do. Waypoints are not in it.",
        ),
        None => String::new(),
    };
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

pub(super) fn folded(title: &str, content: &str) -> String {
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
