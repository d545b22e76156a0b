//! From what was measured and assumed to the account.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, Modes, OnBasis, Point, Window};
use super::assumptions::Assumptions;
use super::break_even::break_even;
use super::breakdown;
use super::latency::latency;
use super::measured::{self, Measured};
use super::mesh::Mesh;
use super::nodes::nodes;
use super::resources::{Amount, Basis};
use super::scenario::{self, Scenarios, Tariff};
use super::unusable::{self, Unusable};
use super::wording;

/// The account of a mesh.
///
/// # Errors
/// The first figure that cannot be, or that nothing was measured: no account is made of that.
pub fn account(measured: &Measured, assumptions: &Assumptions) -> Result<Account, Unusable> {
    unusable::check(measured, assumptions)?;
    let mesh = Mesh::new(measured, assumptions)?;
    let prices = assumptions.pricing.resolve(&measured.nodes);
    let tariff = Tariff::new(&prices.unit, assumptions.hours_per_month);
    let slots = scenario::of_slots(&mesh);
    let on = |basis| scenario::on(&mesh, &slots, basis, tariff);
    let bases: BTreeMap<Basis, OnBasis> = measured.bases.iter().map(|&b| (b, on(b))).collect();
    let basis = assumptions.basis;
    let OnBasis { monthly, saving } = on(basis);
    let break_even = break_even(&mesh, basis, tariff);
    let roles = breakdown::roles(&mesh, basis, tariff);
    Ok(Account {
        version: assumptions.version.clone(),
        generated_at: assumptions.generated_at,
        cluster: assumptions.cluster.clone(),
        currency: prices.currency.clone(),
        hours_per_month: assumptions.hours_per_month,
        window: window(&measured.window, &mesh),
        basis,
        monthly,
        saving,
        bases,
        break_even_sidecars_per_node: break_even.cost,
        break_even,
        roles,
        modes: Modes {
            sidecar: mesh.mean.sidecars().count,
            ambient: mesh.ambient(),
        },
        namespaces: breakdown::namespaces(&mesh, basis, tariff),
        nodes: nodes(&mesh, scenario::freed(&mesh, &slots), &prices),
        trend: trend(&mesh, &slots, basis, tariff),
        latency: latency(&measured.latency),
        assumptions: wording::assumptions(&mesh, &prices),
        left_out: wording::left_out(&roles, &prices.currency),
        warnings: wording::warnings(&mesh, &prices),
        prices: prices.unit,
    })
}

fn window(window: &measured::Window, mesh: &Mesh<'_>) -> Window {
    let coverage: f64 = window.coverage.iter().sum();
    Window {
        start: window.start,
        end: window.end,
        seconds: length(window),
        step_seconds: window.step,
        coverage: coverage / mesh.slots.len() as f64,
    }
}

/// In seconds.
fn length(window: &measured::Window) -> f64 {
    window.end.duration_since(window.start).as_secs_f64()
}

fn trend(mesh: &Mesh<'_>, slots: &[Scenarios], basis: Basis, tariff: Tariff) -> Vec<Point> {
    let cost = |amount: &Amount| tariff.month(amount.on(basis));
    let window = &mesh.measured.window;
    let points: Vec<Point> = slots
        .iter()
        .zip(&mesh.slots)
        .enumerate()
        .map(|(index, (scenarios, sums))| Point {
            start: begin(window, index),
            now: cost(&scenarios.now),
            possible: cost(&scenarios.possible),
            sidecars: sums.sidecars().count,
        })
        .collect();
    mesh.weights.with_data(&points).collect()
}

/// When a slot began.
fn begin(window: &measured::Window, slot: usize) -> Timestamp {
    let passed = length(window) * slot as f64 / window.slots() as f64;
    let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
    window.start.checked_add(passed).unwrap_or(window.start)
}
