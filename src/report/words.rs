//! What an account says, in sentences that each form for people begins with.

use jiff::Timestamp;

use super::figure::{Figure, Piece, Sentence};
use super::numbers::{count, duration, many, money, percent, price};
use crate::savings::Account;
use crate::savings::account::Window;

/// What an account comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// What is possible costs less.
    Saves,
    /// It costs more.
    Loses,
    /// It costs less or more, by the time of day or week.
    Open,
    /// Nothing could be otherwise.
    Nothing,
}

/// Less than a cent is nothing.
const CENT: f64 = 0.01;

// === impl Standing ===

impl Standing {
    /// Of an account.
    pub(super) fn of(account: &Account) -> Self {
        let saving = account.saving;
        let moves = could_be_ambient(account) > 0.0;
        match saving.central {
            central if !moves && central.abs() < CENT => Self::Nothing,
            _ if saving.low <= -CENT && saving.high >= CENT => Self::Open,
            central if central < 0.0 => Self::Loses,
            _ => Self::Saves,
        }
    }
}

/// The one figure and its range.
pub(super) fn lead(account: &Account) -> Sentence {
    let (currency, saving) = (account.currency.as_str(), account.saving);
    let now = Figure::money(currency, "monthly.now", account.monthly.now);
    let moved = moved(account);
    let figure = |field: &str, value: f64, sign: f64| {
        let show = |value: f64| money(currency, value * sign);
        Figure::of(format!("saving.{field}"), Some(value), show)
    };
    let words = Piece::from;
    match Standing::of(account) {
        Standing::Nothing => vec![
            words("The mesh costs "),
            now,
            words(" a month; no sidecar could be ambient, so there is nothing to save."),
        ],
        Standing::Saves => vec![
            words("The mesh costs "),
            now,
            words(" a month; "),
            figure("central", saving.central, 1.0),
            words(" less ("),
            figure("low", saving.low, 1.0),
            words(" to "),
            figure("high", saving.high, 1.0),
            Piece::Words(format!(") {moved}.")),
        ],
        // What is lost most is what is saved least.
        Standing::Loses => vec![
            words("You would lose "),
            figure("central", saving.central, -1.0),
            words(" a month ("),
            figure("high", saving.high, -1.0),
            words(" to "),
            figure("low", saving.low, -1.0),
            Piece::Words(format!(") {moved}: the mesh costs ")),
            now,
            words(" a month now, and would cost "),
            Figure::money(currency, "monthly.possible", account.monthly.possible),
            words("."),
        ],
        Standing::Open => vec![
            words("The mesh costs "),
            now,
            Piece::Words(format!(
                " a month; whether it costs less {moved} is open: from a loss of "
            )),
            figure("low", saving.low, -1.0),
            words(" to a saving of "),
            figure("high", saving.high, 1.0),
            Piece::Words(if saving.central < 0.0 {
                ", as a mean a loss of ".to_owned()
            } else {
                ", as a mean a saving of ".to_owned()
            }),
            figure(
                "central",
                saving.central,
                if saving.central < 0.0 { -1.0 } else { 1.0 },
            ),
            words("."),
        ],
    }
}

/// The lead for a form that has said the one figure already: its range, and both costs.
pub(super) fn range(account: &Account) -> Sentence {
    let (currency, saving) = (account.currency.as_str(), account.saving);
    let (sign, [first, last]) = match Standing::of(account) {
        Standing::Saves => (1.0, [("low", saving.low), ("high", saving.high)]),
        Standing::Loses => (-1.0, [("high", saving.high), ("low", saving.low)]),
        Standing::Open | Standing::Nothing => return lead(account),
    };
    let figure = |(field, value): (&str, f64)| {
        let show = |value: f64| money(currency, value * sign);
        Figure::of(format!("saving.{field}"), Some(value), show)
    };
    let (now, possible) = (account.monthly.now, account.monthly.possible);
    vec![
        figure(first),
        " to ".into(),
        figure(last),
        format!(", {}. The mesh costs ", moved(account)).into(),
        Figure::money(currency, "monthly.now", now),
        " a month now, and would cost ".into(),
        Figure::money(currency, "monthly.possible", possible),
        ".".into(),
    ]
}

/// The one figure alone: what is saved or, where that is said beside it, what is lost.
pub(super) fn central(account: &Account) -> Piece {
    let sign = match Standing::of(account) {
        Standing::Loses => -1.0,
        Standing::Saves | Standing::Open | Standing::Nothing => 1.0,
    };
    let show = |value: f64| money(&account.currency, value * sign);
    Figure::of("saving.central", Some(account.saving.central), show)
}

/// What belongs beside the lead: the break-even, and what is saved already.
pub(super) fn beside(account: &Account) -> Vec<Sentence> {
    let sentences = [break_even(account), already(account)];
    sentences.into_iter().flatten().collect()
}

/// The break-even, and where the mesh is.
fn break_even(account: &Account) -> Option<Sentence> {
    let even = &account.break_even;
    let cost = even.cost?;
    let mut sentence = vec![
        "For ztunnel to pay, a node needs more than ".into(),
        Figure::of("breakEven.cost", Some(cost), |cost| many(cost, "sidecar")),
    ];
    let Some(here) = even.sidecars_per_node else {
        sentence.push("; how many there are here is not known.".into());
        return Some(sentence);
    };
    sentence.push("; here are ".into());
    sentence.push(Figure::count("breakEven.sidecarsPerNode", here));
    let could = even.nodes.filter(|nodes| *nodes > 0.0);
    let could = could.map(|nodes| could_be_ambient(account) / nodes);
    let is_loss = account.saving.central < 0.0;
    sentence.push(match could.filter(|_| is_loss && here > cost) {
        // Enough sidecars, and a loss all the same: too few of them can go, or waypoints cost the rest.
        Some(could) => format!(
            ", of which {} could go; waypoints cost extra.",
            count(could)
        )
        .into(),
        None => " (waypoints aside).".into(),
    });
    Some(sentence)
}

/// What the part of the mesh that is ambient saves already.
fn already(account: &Account) -> Option<Sentence> {
    let all = account.monthly.all_sidecar?;
    let (currency, now) = (&account.currency, account.monthly.now);
    let difference = all - now;
    if account.roles.ztunnel.count <= 0.0 || difference.abs() < CENT {
        return None;
    }
    let word = if difference > 0.0 { "less" } else { "more" };
    Some(vec![
        format!(
            "As it is, the mesh costs {} {word} than with a sidecar in each Pod (",
            money(currency, difference.abs())
        )
        .into(),
        Figure::money(currency, "monthly.allSidecar", all),
        ").".into(),
    ])
}

fn moved(account: &Account) -> String {
    let could = count(could_be_ambient(account));
    let of = many(account.roles.sidecar.count, "sidecar");
    format!("if {could} of {of} were ambient")
}

/// Sidecars that could be gone.
pub(super) fn could_be_ambient(account: &Account) -> f64 {
    let namespaces = account.namespaces.iter();
    namespaces.map(|namespace| namespace.could_be_ambient).sum()
}

/// Which mesh, when, and by what it is counted.
pub(super) fn scope(account: &Account) -> String {
    let cluster = account.cluster.as_deref();
    let cluster = cluster.map_or(String::new(), |cluster| format!("{cluster}, "));
    format!(
        "{cluster}{}, by {}",
        window(&account.window),
        account.basis.as_str()
    )
}

/// `23 Nov 2026 to 30 Nov 2026 (7 days)`.
pub(super) fn window(window: &Window) -> String {
    format!(
        "{} to {} ({})",
        date(window.start),
        date(window.end),
        duration(window.seconds)
    )
}

/// `30 Nov 2026`, in UTC.
pub(super) fn date(when: Timestamp) -> String {
    when.strftime("%-d %b %Y").to_string()
}

/// `30 Nov 2026 23:00 UTC`.
pub(super) fn moment(when: Timestamp) -> String {
    when.strftime("%-d %b %Y %H:%M UTC").to_string()
}

/// Where the figures are from: data, prices, version.
pub(super) fn provenance(account: &Account) -> Vec<Sentence> {
    let (prices, currency) = (&account.prices, account.currency.as_str());
    let shown = |value: f64| price(currency, value);
    vec![
        vec![
            "Prices: ".into(),
            Figure::of("prices.vcpuHour", Some(prices.vcpu_hour), shown),
            " a vCPU-hour and ".into(),
            Figure::of("prices.gibHour", Some(prices.gib_hour), shown),
            " a GiB-hour, ".into(),
            Figure::count("hoursPerMonth", account.hours_per_month),
            " hours a month. ".into(),
            prices.source.clone().into(),
        ],
        vec![
            format!("Data: {}, ", window(&account.window)).into(),
            Figure::of("window.coverage", Some(account.window.coverage), percent),
            " of it with samples, each of ".into(),
            Figure::of(
                "window.stepSeconds",
                Some(account.window.step_seconds),
                duration,
            ),
            ".".into(),
        ],
        vec![
            format!(
                "Made by meshmode {} on {}.",
                account.version,
                moment(account.generated_at)
            )
            .into(),
        ],
    ]
}
