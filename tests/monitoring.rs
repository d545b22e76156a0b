//! The alert rules of `manifests/monitoring`, as far as Rust can tell: the metrics that they read are there from the
//! start, and each alert says what it is for and has its section in `docs/alerts.md`. When they fire is asked of
//! promtool (`make monitoring`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use meshmode::authorization::WhyUnknown;
use meshmode::config::{DEFAULT, read};
use meshmode::placement::facts::NoCluster;
use meshmode::telemetry::metrics::{Metrics, Outcome, Served};
use meshmode::webhook::active::{Active, Origin};
use meshmode::webhook::load::{Limits, Load};
use meshmode::webhook::router::{App, router};
use serde_json::Value;

/// The file at `path`, from the root.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// All alert rules.
fn alerts() -> Vec<Value> {
    let rules: Value = serde_saphyr::from_str(&file("manifests/monitoring/rules.yaml")).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let alerts: Vec<Value> = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .cloned()
        .collect();
    assert!(alerts.len() > 10, "there are {} only", alerts.len());
    alerts
}

/// The names of samples in `text`, which is OpenMetrics; of histograms also the name that people use.
fn samples(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let named = types.flat_map(|line| {
        let (name, kind) = line.split_once(' ').unwrap();
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["", "_bucket", "_count", "_sum"],
            "info" => &["_info"],
            other => panic!("{name} is a {other}"),
        };
        ends.iter().map(move |end| format!("{name}{end}"))
    });
    named.collect()
}

/// The names in `text` that begin as ours do.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("meshmode_")).collect()
}

/// A process that has begun to serve, and where `used` also to watch a cluster and to decide.
fn metrics(used: Use) -> BTreeSet<String> {
    let metrics = Arc::new(Metrics::default());
    drop(router(App {
        configuration: Arc::new(ArcSwap::from_pointee(Active {
            configuration: read(DEFAULT).unwrap(),
            hash: String::new(),
            origin: Origin::EmbeddedDefault,
        })),
        facts: Arc::new(WhyUnknown::NoCluster),
        cluster: Arc::new(NoCluster),
        load: Arc::new(Load::new(Limits::default(), Arc::clone(&metrics))),
        metrics: Arc::clone(&metrics),
    }));
    match used {
        Use::None => {}
        Use::All => {
            let served = Served {
                task: "place",
                stance: "enforce",
            };
            metrics.served(served, Outcome::Answered, Duration::ZERO);
            metrics.placed("enforce", "ambient", "default");
            metrics.judged("enforce", "allow", "none");
            metrics.waited_for_owner("seen", Duration::ZERO);
            metrics.watch_went_over("pods", "following", ["following"]);
            metrics.objects("pods", 1);
            metrics.not_behind("pods");
            metrics.clients_can_be_refused(["expired"]);
            metrics.checked("certificate", "ok", ["ok"]);
            metrics.ca_bundle_mismatches(0);
            metrics.count_unplaced_by(|| Some([("enabled", 0), ("observe", 0), ("other", 0)]));
        }
    }
    samples(&metrics.to_text())
}

/// What a process has done.
#[derive(Clone, Copy)]
enum Use {
    None,
    All,
}

/// A name that was changed is an alert that never fires.
#[test]
fn each_metric_that_is_named_is_there() {
    let samples = metrics(Use::All);
    for (path, at_least) in [
        ("manifests/monitoring/rules.yaml", 10),
        ("tests/monitoring/rules.test.yaml", 10),
        ("docs/alerts.md", 1),
        ("README.md", 10),
    ] {
        let text = file(path);
        let names = names(&text);
        assert!(names.len() >= at_least, "{path} has {names:?} only");
        for name in names {
            assert!(
                samples.contains(name),
                "{path} has {name}; there are {samples:#?}"
            );
        }
    }
}

/// `increase()` does not see a first sample: what it is asked of must be there before it happens.
#[test]
fn each_counter_of_an_alert_begins_at_zero() {
    let samples = metrics(Use::None);
    let mut looked_at = 0;
    for alert in alerts() {
        let expression = alert["expr"].as_str().unwrap();
        for counted in expression.split("increase(").skip(1) {
            for name in names(counted.split(')').next().unwrap()) {
                assert!(
                    samples.contains(name),
                    "{name} is not there; there are {samples:#?}"
                );
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 3, "looked at {looked_at} only");
}

#[test]
fn each_alert_says_what_it_is_for() {
    let page = file("docs/alerts.md");
    let mut sections: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    for alert in alerts() {
        let text = |pointer: &str| {
            let value = alert.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_else(|| panic!("no {pointer} in {alert:#}"))
        };
        let name = text("/alert");
        assert!(name.starts_with("Meshmode"), "{name}");
        let severity = text("/labels/severity");
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        let summary = text("/annotations/summary");
        assert!(
            summary.ends_with('.') && !summary.contains("{{"),
            "{name}: {summary}"
        );
        let description = text("/annotations/description");
        assert!(description.len() > 100, "{name}: {description}");
        assert!(
            sections.remove(name),
            "{name} has no section in docs/alerts.md"
        );
    }
    assert_eq!(sections, BTreeSet::new(), "these are no alerts any more");
}

#[test]
fn the_operators_object_has_the_same_rules() {
    let rules: Value = serde_saphyr::from_str(&file("manifests/monitoring/rules.yaml")).unwrap();
    let object: Value =
        serde_saphyr::from_str(&file("manifests/monitoring/prometheusrule.yaml")).unwrap();
    assert_eq!(object["spec"], rules, "run `make monitoring-write`");
    assert_eq!(object["kind"], "PrometheusRule");
}
