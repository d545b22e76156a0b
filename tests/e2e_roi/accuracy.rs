//! Every figure of the report, within 1 % of what the model says, on each basis; and beside it what the usual script makes
//! of the same data.

use std::fmt::Write as _;

use serde_json::Value;

use super::clusters::{DATA, END, Row, SPAN, WINDOW, rows};
use super::command::roi_of_window;
use super::model::{Part, Size};
use super::site;
use super::truth::{By, OPENCOST, Truth};
use crate::support::prometheus::Prometheus;
use crate::support::report::{Shown, say};

/// How far a figure may be off, of the truth.
const OFF: f64 = 0.01;
const GIB: f64 = 1_073_741_824.0;

/// A figure that is compared.
struct Figure {
    name: String,
    truth: f64,
    ours: f64,
    /// What 1 % is of: the truth itself, or of a difference the larger part of it.
    of: f64,
}

pub(crate) async fn holds() -> Shown {
    let mut table = format!(
        "    {:<29} {:<9} {:>9} {:>17} {:>18} | {:>9} {:>17} {:>18}\n",
        "", "basis", "true now", "ours", "naive", "saving", "ours", "naive"
    );
    let (mut wrong, mut figures) = (Vec::new(), 0);
    for row in rows() {
        let prometheus = site::prometheus(&row.clusters, DATA).await;
        let truth = Truth::of(&row.counted, SPAN, row.keep);
        for by in By::ALL {
            let account = account(&row, &prometheus, by);
            let compared = compare(&truth, &account, by);
            let naive = naive(&prometheus, by).await;
            table += &line(&row, by, &compared, naive);
            figures += compared.len();
            let off = compared.iter().filter(|figure| !figure.holds());
            wrong.extend(off.map(|figure| format!("{}, {}: {figure}", row.name, by.as_str())));
        }
    }
    say(&table);
    assert!(
        wrong.is_empty(),
        "{} of {figures} figures:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Shown::Cases(figures)
}

fn account(row: &Row, prometheus: &Prometheus, by: By) -> Value {
    let mut flags = vec!["--basis", by.as_str(), "-o", "json"];
    flags.extend(row.flags);
    flags.extend(
        row.keep
            .iter()
            .flat_map(|namespace| ["--keep-sidecar", namespace]),
    );
    let ran = roi_of_window(&prometheus.url(), &flags);
    assert_eq!(ran.code, Some(0), "{}: {}", row.name, ran.err);
    ran.json()
}

/// All figures that a model has a truth for.
fn compare(truth: &Truth, account: &Value, by: By) -> Vec<Figure> {
    let number = |pointer: &str| {
        account
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    let figure = |name: &str, truth: f64| Figure {
        name: name.to_owned(),
        truth,
        ours: number(name),
        of: truth,
    };
    let now = truth.now(by, OPENCOST);
    let mut figures = vec![
        figure("/monthly/now", now),
        figure("/monthly/possible", truth.possible(by, OPENCOST)),
        figure("/monthly/allAmbient", truth.all_ambient(by, OPENCOST)),
        figure("/window/coverage", truth.scraped),
        Figure {
            of: now,
            ..figure("/saving/central", now - truth.possible(by, OPENCOST))
        },
        figure("/modes/sidecar", truth.sidecars().count),
    ];
    figures.extend(
        truth
            .all_sidecar(by, OPENCOST)
            .map(|all| figure("/monthly/allSidecar", all)),
    );
    let on_basis = format!("/bases/{}/monthly/now", by.as_str());
    figures.push(figure(&on_basis, now));
    let roles = [
        ("sidecar", truth.sidecars()),
        ("nativeSidecar", truth.role(Part::NativeSidecar)),
        ("waypoint", truth.role(Part::Waypoint)),
        ("gateway", truth.role(Part::Gateway)),
        ("ztunnel", truth.role(Part::Ztunnel)),
    ];
    for (role, mean) in roles {
        let Size { vcpu, gib } = mean.by(by);
        let of_role = [
            ("count", mean.count),
            ("vcpu", vcpu),
            ("gib", gib),
            ("cost", OPENCOST.month(mean.by(by))),
        ];
        figures
            .extend(of_role.map(|(what, truth)| figure(&format!("/roles/{role}/{what}"), truth)));
    }
    figures
}

/// What people do: add up the containers of that name, and believe that ambient costs 5 % of it.
async fn naive(prometheus: &Prometheus, by: By) -> f64 {
    let ask = async |query: &str| {
        let query = query.replace("WINDOW", WINDOW);
        prometheus.ask(&query, END).await.unwrap_or_default()
    };
    let requests = Size::new(
        ask(r#"sum(avg_over_time(kube_pod_container_resource_requests{container="istio-proxy",resource="cpu"}[WINDOW]))"#).await,
        ask(r#"sum(avg_over_time(kube_pod_container_resource_requests{container="istio-proxy",resource="memory"}[WINDOW]))"#).await / GIB,
    );
    let usage = Size::new(
        ask(r#"sum(rate(container_cpu_usage_seconds_total{container="istio-proxy"}[WINDOW]))"#).await,
        ask(r#"sum(avg_over_time(container_memory_working_set_bytes{container="istio-proxy"}[WINDOW]))"#).await / GIB,
    );
    OPENCOST.month(match by {
        By::Requests => requests,
        By::Usage => usage,
        By::Max => Size::new(requests.vcpu.max(usage.vcpu), requests.gib.max(usage.gib)),
    })
}

fn line(row: &Row, by: By, figures: &[Figure], naive: f64) -> String {
    let of = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap();
    let (now, saving) = (of("/monthly/now"), of("/saving/central"));
    let off = |value: f64, figure: &Figure| 100.0 * (value - figure.truth) / figure.of;
    let mut line = String::new();
    let _ = writeln!(
        line,
        "    {:<29} {:<9} {:>9.2} {:>9.2} {:>+6.2}% {:>9.2} {:>+7.1}% | {:>9.2} {:>9.2} {:>+6.2}% {:>9.2} {:>+7.1}%",
        row.name,
        by.as_str(),
        now.truth,
        now.ours,
        off(now.ours, now),
        naive,
        off(naive, now),
        saving.truth,
        saving.ours,
        off(saving.ours, saving),
        0.95 * naive,
        off(0.95 * naive, saving),
    );
    line
}

// === impl Figure ===

impl Figure {
    fn holds(&self) -> bool {
        (self.ours - self.truth).abs() <= OFF * self.of.abs() + 1e-9
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            truth,
            ours,
            of,
        } = self;
        let off = 100.0 * (ours - truth) / of;
        write!(f, "{name} is {ours:.6}, and truly {truth:.6} ({off:+.2} %)")
    }
}
