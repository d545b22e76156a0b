//! Charts of bars: scenarios, roles, the shares of the modes, and the namespaces.

use super::chart::{Anchor, Drawing, Scale, WIDTH, most};
use crate::report::figure::{Figure, Piece};
use crate::report::numbers::{count, percent};
use crate::report::page::cut;
use crate::report::tables::{SCENARIOS, role_rows, scenario_costs};
use crate::savings::Account;

/// Room for what a row is called.
const LABEL: f64 = 132.0;
/// Room for the figure at the end of a bar.
const VALUE: f64 = 84.0;
/// A row of one bar.
const ROW: f64 = 36.0;
/// A bar in it.
const BAR: f64 = 20.0;
/// A row of two bars, and one of the two.
const PAIR: f64 = 34.0;
const HALF: f64 = 11.0;
/// From the top of a bar to the line its text stands on.
const BASE: f64 = 15.0;
/// How many characters of a name have room before a bar.
const NAME: usize = 15;

/// A bar.
struct Bar<'a> {
    label: &'a str,
    class: &'a str,
    value: f64,
    figure: Piece,
}

/// What the mesh costs in each scenario.
pub(super) fn scenarios(account: &Account) -> String {
    let rows = SCENARIOS.into_iter().zip(scenario_costs(account));
    let bars: Vec<Bar<'_>> = rows
        .map(|((field, label, _), cost)| Bar {
            label,
            class: match field {
                "now" => "now",
                "possible" => "possible",
                _ => "other",
            },
            value: cost.unwrap_or_default(),
            figure: Figure::money_if(&account.currency, format!("monthly.{field}"), cost),
        })
        .collect();
    drawn(&bars).done(
        "scenarios",
        "Cost of the mesh a month, by scenario",
        "A bar for each scenario. The table beside it has the same figures.",
    )
}

/// What each role costs; native sidecars are in the sidecars.
pub(super) fn roles(account: &Account) -> String {
    let rows = role_rows(account).into_iter();
    let bars: Vec<Bar<'_>> = rows
        .filter(|(field, _, _)| *field != "nativeSidecar")
        .map(|(field, label, of)| Bar {
            label: if field == "gateway" {
                "gateways"
            } else {
                label
            },
            class: if field == "gateway" { "other" } else { "now" },
            value: of.cost,
            figure: Figure::money(&account.currency, format!("roles.{field}.cost"), of.cost),
        })
        .collect();
    drawn(&bars).done(
        "roles",
        "Cost a month now, by role",
        "A bar for each role. Gateways are in no scenario and no saving. The table beside it has the same figures.",
    )
}

fn drawn(bars: &[Bar<'_>]) -> Drawing {
    let mut drawing = Drawing::new(rows_high(bars.len(), ROW));
    let scale = Scale {
        max: most(bars.iter().map(|bar| bar.value)),
        from: LABEL,
        to: WIDTH - VALUE,
    };
    let mut top = 4.0;
    for bar in bars {
        let end = scale.at(bar.value);
        drawing.text(
            "label",
            (LABEL - 10.0, top + BASE),
            Anchor::End,
            &[bar.label.into()],
        );
        drawing.bar(bar.class, (LABEL, top), (end - LABEL, BAR));
        let figure = std::slice::from_ref(&bar.figure);
        drawing.text("value", (end + 8.0, top + BASE), Anchor::Start, figure);
        top += ROW;
    }
    drawing.line("axis", (LABEL, 0.0), (LABEL, top - ROW + BAR + 4.0));
    drawing
}

/// Which part of the Pods is in which mode; nothing where one of both is not known.
pub(super) fn modes(account: &Account) -> Option<String> {
    let (sidecar, ambient) = (account.modes.sidecar, account.modes.ambient?);
    let all = sidecar + ambient;
    if !all.is_finite() || all <= 0.0 || sidecar < 0.0 || ambient < 0.0 {
        return None;
    }
    let mut drawing = Drawing::new(78.0);
    let middle = Scale {
        max: all,
        from: 0.0,
        to: WIDTH,
    }
    .at(sidecar);
    drawing.bar("now", (0.0, 30.0), (middle, 40.0));
    drawing.bar("possible", (middle, 30.0), (WIDTH - middle, 40.0));
    let label = |field: &str, value: f64| {
        let part = percent(value / all);
        let field = format!("modes.{field}");
        vec![
            format!("{field}: {part} (", field = &field["modes.".len()..]).into(),
            Figure::of(field, Some(value), count),
            ")".into(),
        ]
    };
    drawing.text(
        "value",
        (0.0, 20.0),
        Anchor::Start,
        &label("sidecar", sidecar),
    );
    drawing.text(
        "value strong",
        (WIDTH, 20.0),
        Anchor::End,
        &label("ambient", ambient),
    );
    Some(drawing.done(
        "modes",
        "Pods of the mesh by mode",
        "One bar: on the left the part of the Pods that has a sidecar, on the right the ambient part.",
    ))
}

/// Cost now and possible of the first namespaces.
pub(super) fn namespaces(account: &Account, first: usize) -> String {
    let shown = account.namespaces.iter().take(first);
    let mut drawing = Drawing::new(rows_high(shown.len(), PAIR));
    let costs = shown.clone().flat_map(|one| [one.now, one.possible]);
    let scale = Scale {
        max: most(costs),
        from: LABEL,
        to: WIDTH - VALUE,
    };
    let mut top = 4.0;
    for (index, one) in shown.enumerate() {
        let name = cut(&crate::report::page::printable(&one.namespace), NAME);
        drawing.text(
            "label",
            (LABEL - 10.0, top + BASE),
            Anchor::End,
            &[name.into()],
        );
        for (field, value, y) in [
            ("now", one.now, top),
            ("possible", one.possible, top + HALF + 1.0),
        ] {
            let end = scale.at(value);
            drawing.bar(field, (LABEL, y), (end - LABEL, HALF));
            let place = format!("namespaces.{index}.{field}");
            let figure = Figure::money(&account.currency, place, value);
            drawing.text("small", (end + 6.0, y + 9.5), Anchor::Start, &[figure]);
        }
        top += PAIR;
    }
    drawing.line("axis", (LABEL, 0.0), (LABEL, top - PAIR + 2.0 * HALF + 5.0));
    drawing.done(
        "namespaces",
        "Cost a month by namespace, now and possible",
        "Two bars for each namespace: above what it costs now, below what is possible. The table below has all namespaces.",
    )
}

/// The height of so many rows.
fn rows_high(rows: usize, row: f64) -> f64 {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    f64::from(rows).mul_add(row, 4.0)
}
