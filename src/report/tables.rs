//! What an account has, as tables: the same for each form, but for how many rows it shows.

use super::figure::{Figure, Piece, Side, Table};
use super::numbers::{change, decimal};
use crate::savings::Account;
use crate::savings::account::{LatencyKind, OfRole};

pub(super) mod drift;
pub(super) mod kept;

/// What a field of the scenarios is called for people, and what it means.
pub(super) const SCENARIOS: [(&str, &str, &str); 4] = [
    ("now", "now", "as it is"),
    ("possible", "possible", "each workload ambient that can be"),
    ("allSidecar", "all sidecar", "no ztunnel, no waypoints"),
    (
        "allAmbient",
        "all ambient",
        "also what has to keep its sidecar",
    ),
];

/// The cost of a scenario, where it is known; in the order of [`SCENARIOS`].
pub(super) const fn scenario_costs(account: &Account) -> [Option<f64>; 4] {
    let monthly = account.monthly;
    [
        Some(monthly.now),
        Some(monthly.possible),
        monthly.all_sidecar,
        Some(monthly.all_ambient),
    ]
}

/// What the mesh costs in each scenario.
pub(super) fn scenarios(account: &Account) -> Table {
    let mut table = Table::new(
        "Scenarios, a month",
        &[
            ("scenario", Side::Left),
            ("cost", Side::Right),
            ("against now", Side::Right),
            ("what that is", Side::Left),
        ],
    );
    let currency = account.currency.as_str();
    for ((field, name, what), cost) in SCENARIOS.into_iter().zip(scenario_costs(account)) {
        let against = match (field, cost) {
            ("now", _) | (_, None) => String::new(),
            (_, Some(cost)) => change(currency, cost - account.monthly.now),
        };
        table.row(vec![
            name.into(),
            Figure::money_if(currency, format!("monthly.{field}"), cost),
            against.into(),
            what.into(),
        ]);
    }
    table
}

/// The same figures on each basis.
pub(super) fn bases(account: &Account) -> Table {
    let mut table = Table::new(
        "On each basis, a month",
        &[
            ("basis", Side::Left),
            ("now", Side::Right),
            ("possible", Side::Right),
            ("saving", Side::Right),
            ("low", Side::Right),
            ("high", Side::Right),
        ],
    );
    for (basis, on) in &account.bases {
        let name = basis.as_str();
        let money = |field: &str, value: f64| {
            Figure::money(&account.currency, format!("bases.{name}.{field}"), value)
        };
        table.row(vec![
            name.into(),
            money("monthly.now", on.monthly.now),
            money("monthly.possible", on.monthly.possible),
            money("saving.central", on.saving.central),
            money("saving.low", on.saving.low),
            money("saving.high", on.saving.high),
        ]);
    }
    table
}

/// The roles: field, name, what it has, and whether it is a part of the one before.
pub(super) const fn role_rows(account: &Account) -> [(&'static str, &'static str, OfRole); 5] {
    let roles = &account.roles;
    [
        ("sidecar", "sidecars", roles.sidecar),
        ("nativeSidecar", "of these native", roles.native_sidecar),
        ("waypoint", "waypoints", roles.waypoint),
        ("ztunnel", "ztunnel", roles.ztunnel),
        ("gateway", "gateways, in no saving", roles.gateway),
    ]
}

/// By role, as it is now.
pub(super) fn roles(account: &Account) -> Table {
    let mut table = Table::new(
        "By role, now",
        &[
            ("role", Side::Left),
            ("how many", Side::Right),
            ("vCPU", Side::Right),
            ("GiB", Side::Right),
            ("cost", Side::Right),
        ],
    );
    for (field, name, of) in role_rows(account) {
        let at = |what: &str| format!("roles.{field}.{what}");
        let cells = vec![
            name.into(),
            Figure::count(at("count"), of.count),
            Figure::decimal(at("vcpu"), of.vcpu),
            Figure::decimal(at("gib"), of.gib),
            Figure::money(&account.currency, at("cost"), of.cost),
        ];
        match field {
            "nativeSidecar" => table.part(cells),
            _ => table.row(cells),
        }
    }
    table
}

/// By namespace, in the order of the account.
pub(super) fn namespaces(account: &Account) -> Table {
    let mut table = Table::new(
        "By namespace, a month",
        &[
            ("namespace", Side::Left),
            ("sidecars", Side::Right),
            ("could go", Side::Right),
            ("now", Side::Right),
            ("possible", Side::Right),
            ("saving", Side::Right),
        ],
    );
    for (index, one) in account.namespaces.iter().enumerate() {
        let at = |what: &str| format!("namespaces.{index}.{what}");
        let money = |what: &str, value: f64| Figure::money(&account.currency, at(what), value);
        table.row(vec![
            one.namespace.clone().into(),
            Figure::count(at("sidecars"), one.sidecars),
            Figure::count(at("couldBeAmbient"), one.could_be_ambient),
            money("now", one.now),
            money("possible", one.possible),
            money("saving", one.saving),
        ]);
    }
    table
}

/// What becomes of nodes: what is freed, and apart from it what is realised.
pub(super) fn nodes(account: &Account) -> Table {
    let nodes = &account.nodes;
    let mut table = Table::new("Nodes", &[("", Side::Left), ("", Side::Right)]);
    let whole = |count: Option<usize>| count.map(|count| count as f64);
    let freed = |field: &str, value: f64, unit: &str| {
        Figure::of(format!("nodes.{field}"), Some(value), |value| {
            format!("{} {unit}", decimal(value))
        })
    };
    for (name, figure) in [
        (
            "CPU reserved less, if what is possible were done",
            freed("freedVcpu", nodes.freed_vcpu, "vCPU"),
        ),
        (
            "memory reserved less",
            freed("freedGib", nodes.freed_gib, "GiB"),
        ),
        (
            "nodes there are",
            Figure::count_if("nodes.count", whole(nodes.count)),
        ),
        (
            "that could be emptied as it is, by closer packing",
            Figure::count_if("nodes.removableNow", whole(nodes.removable_now)),
        ),
        (
            "that could be emptied if what is possible were done",
            Figure::count_if("nodes.removablePossible", whole(nodes.removable_possible)),
        ),
    ] {
        table.row(vec![name.into(), figure]);
    }
    for (index, one) in nodes.removable.iter().enumerate() {
        let at = |what: &str| format!("nodes.removable.{index}.{what}");
        table.part(vec![
            format!("{} × {}, a month each", one.count, one.instance_type).into(),
            Figure::money(&account.currency, at("monthly"), one.monthly),
        ]);
    }
    let realised = match nodes.realised {
        Some(amount) if amount < 0.0 => "realised a month: nodes would have to be added",
        Some(_) | None => "realised a month, once these nodes are gone",
    };
    table.row(vec![
        realised.into(),
        Figure::money_if(&account.currency, "nodes.realised", nodes.realised),
    ]);
    table
}

/// What is known of latency.
pub(super) fn latency(account: &Account) -> Table {
    let mut table = Table::new(
        "Latency, which is no saving",
        &[
            ("path", Side::Left),
            ("what it is", Side::Left),
            ("p50 ms", Side::Right),
            ("high ms", Side::Right),
            ("which", Side::Left),
            ("source", Side::Below),
        ],
    );
    for (index, one) in account.latency.iter().enumerate() {
        let at = |what: &str| format!("latency.{index}.{what}");
        let kind = match one.kind {
            LatencyKind::Published => "estimate",
            LatencyKind::Measured => "measured",
        };
        let which = one.high_percentile;
        table.row(vec![
            one.path.clone().into(),
            kind.into(),
            Figure::decimal_if(at("p50"), one.p50),
            Figure::decimal_if(at("high"), one.high),
            which.map_or(Piece::from(""), |_| {
                Figure::of(at("highPercentile"), which, percentile)
            }),
            one.source.clone().into(),
        ]);
    }
    table
}

/// `p99.9`, whether it is given as 99.9 or as 0.999.
fn percentile(value: f64) -> String {
    let value = if value <= 1.0 { value * 100.0 } else { value };
    let digits = format!("{value:.2}");
    format!("p{}", digits.trim_end_matches('0').trim_end_matches('.'))
}
