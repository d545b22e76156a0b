//! The break-even curve: what sidecars cost on a node, and what ztunnel does, against the number of sidecars.

use super::chart::{Anchor, Drawing, Scale, WIDTH, most, ticks};
use crate::report::figure::{Figure, Piece};
use crate::report::numbers::{count, round_money};
use crate::savings::Account;

const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 90.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 230.0;
const HEIGHT: f64 = 278.0;

/// The drawing; nothing where a sidecar costs nothing, or nobody knows what.
pub(super) fn drawn(account: &Account) -> Option<String> {
    let even = &account.break_even;
    let cost = even.cost.filter(|cost| cost.is_finite() && *cost > 0.0)?;
    let here = even.sidecars_per_node.filter(|here| *here >= 0.0);
    let sidecars = ticks(most([2.0 * cost, 1.2 * here.unwrap_or_default()]));
    let x = Scale {
        max: most(sidecars.iter().copied()),
        from: LEFT,
        to: RIGHT,
    };
    let amounts = ticks(most([even.sidecar * x.max, 1.2 * even.ztunnel]));
    let y = Scale {
        max: most(amounts.iter().copied()),
        from: BOTTOM,
        to: TOP,
    };
    let mut drawing = Drawing::new(HEIGHT);
    axes(
        &account.currency,
        (&sidecars, x),
        (&amounts, y),
        &mut drawing,
    );
    let (mark, level) = (x.at(cost), y.at(even.ztunnel));
    drawing.path(
        "line now",
        &[(LEFT, BOTTOM), (RIGHT, y.at(even.sidecar * x.max))],
    );
    drawing.path("line possible", &[(LEFT, level), (RIGHT, level)]);
    names(account, level, y.at(even.sidecar * x.max), &mut drawing);
    drawing.line("mark", (mark, TOP - 8.0), (mark, BOTTOM));
    drawing.dot("even", (mark, level));
    let label = ["break-even ".into(), Figure::count("breakEven.cost", cost)];
    said(mark, TOP - 14.0, &label, &mut drawing);
    if let Some(here) = here {
        let at = x.at(here);
        drawing.line("mark here", (at, TOP - 26.0), (at, BOTTOM));
        drawing.dot("here", (at, y.at(even.sidecar * here)));
        let label = [
            "this mesh ".into(),
            Figure::count("breakEven.sidecarsPerNode", here),
        ];
        said(at, TOP - 32.0, &label, &mut drawing);
    }
    Some(drawing.done(
        "break-even",
        "Cost of a node a month, against the sidecars on it",
        "A rising line for sidecars and a level one for ztunnel. Where they cross is the break-even: on the right of it \
         ambient is cheaper, waypoints aside.",
    ))
}

fn axes(
    currency: &str,
    (sidecars, x): (&[f64], Scale),
    (amounts, y): (&[f64], Scale),
    drawing: &mut Drawing,
) {
    for amount in amounts {
        let at = y.at(*amount);
        drawing.line(
            if *amount > 0.0 { "grid" } else { "axis" },
            (LEFT, at),
            (RIGHT, at),
        );
        let amount = round_money(currency, *amount);
        drawing.text(
            "tick",
            (LEFT - 8.0, at + 4.0),
            Anchor::End,
            &[amount.into()],
        );
    }
    for many in sidecars {
        let at = x.at(*many);
        drawing.line("axis", (at, BOTTOM), (at, BOTTOM + 4.0));
        drawing.text(
            "tick",
            (at, BOTTOM + 20.0),
            Anchor::Middle,
            &[count(*many).into()],
        );
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    drawing.text(
        "tick",
        (middle, BOTTOM + 42.0),
        Anchor::Middle,
        &["sidecars on a node".into()],
    );
}

/// What each line is, at its end.
fn names(account: &Account, level: f64, sidecars: f64, drawing: &mut Drawing) {
    let even = &account.break_even;
    let money = |field: &str, value: f64| {
        Figure::money(&account.currency, format!("breakEven.{field}"), value)
    };
    let at = RIGHT + 10.0;
    let rising: [Piece; 2] = [money("sidecar", even.sidecar), " each".into()];
    let apart = if (level - sidecars).abs() < 34.0 {
        20.0
    } else {
        0.0
    };
    drawing.text(
        "name now",
        (at, sidecars + 4.0 - apart),
        Anchor::Start,
        &["sidecars".into()],
    );
    drawing.text(
        "tick",
        (at, sidecars + 20.0 - apart),
        Anchor::Start,
        &rising,
    );
    drawing.text(
        "name possible",
        (at, level + 4.0 + apart),
        Anchor::Start,
        &["ztunnel".into()],
    );
    let level_text = [money("ztunnel", even.ztunnel)];
    drawing.text(
        "tick",
        (at, level + 20.0 + apart),
        Anchor::Start,
        &level_text,
    );
}

/// A label at a mark, on the side that has room.
fn said(at: f64, y: f64, label: &[Piece], drawing: &mut Drawing) {
    let (x, anchor) = if at > f64::midpoint(LEFT, RIGHT) {
        (at - 6.0, Anchor::End)
    } else {
        (at + 6.0, Anchor::Start)
    };
    drawing.text("value", (x, y + 4.0), anchor, label);
}
