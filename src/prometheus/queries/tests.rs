//! The texts of the queries: a change of one is to be seen.

use std::time::Duration;

use jiff::Timestamp;

use super::names::NAMES;
use super::*;

fn texts(matchers: &[&str], clusters: Option<&str>) -> Texts {
    let now = Timestamp::from_second(1_796_000_000).unwrap();
    let [week, step] = [604_800, 300].map(Duration::from_secs);
    let grid = Grid::new(now, week, step, 28).unwrap();
    let matchers: Vec<Matcher> = matchers
        .iter()
        .map(|text| Matcher::parse(text).unwrap())
        .collect();
    Texts::new(&grid, &matchers, clusters)
}

fn all(texts: &Texts) -> Vec<(&'static str, String)> {
    vec![
        ("clusters", texts.clusters("cluster")),
        ("present", texts.present(Kind::Ordinary)),
        ("present, init", texts.present(Kind::Init)),
        ("requests", texts.requests(Kind::Ordinary)),
        ("requests, init", texts.requests(Kind::Init)),
        ("cpu", texts.cpu()),
        ("memory", texts.memory("sum_over_time")),
        ("owners", texts.owners()),
        ("owners now", texts.owners_now()),
        ("replica sets", texts.replica_sets()),
        ("alone", texts.alone()),
        ("others", texts.others()),
        ("labelled", texts.labelled()),
        ("nodes", texts.nodes()),
        ("covered", texts.covered()),
        ("covered by any", texts.covered_by_any()),
        ("usage covered", texts.usage_covered()),
        ("usage covered by any", texts.usage_covered_by_any()),
        ("allocatable", texts.allocatable()),
        ("node labels", texts.node_labels()),
        ("node info", texts.node_info()),
        ("placed", texts.placed()),
        ("placed proxies", texts.placed_proxies()),
        ("captured", texts.captured()),
        ("latency", texts.latency()),
        ("names", texts.names(&NAMES, Named::OfProxies)),
        ("rules", texts.rules()),
    ]
}

/// Of a query that changes, somebody should look at what it became.
#[test]
fn as_they_are_sent() {
    let shown: Vec<String> = all(&texts(&["cluster=prod", "namespace!=dev"], None))
        .into_iter()
        .map(|(name, text)| format!("# {name}\n{text}\n"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn each_selector_has_the_matchers() {
    for (name, text) in all(&texts(&["cluster=prod", "namespace!=dev"], None)) {
        if ["rules"].contains(&name) {
            continue;
        }
        // A selector ends with `}`; texts in quotes have none.
        let selectors = text.matches('}').count();
        assert!(selectors > 0, "{name}: {text}");
        let matched = text.matches("cluster=\"prod\"").count();
        assert_eq!(selectors, matched, "{name}: {text}");
        let of_pods = text.matches("namespace!=\"dev\"").count();
        let of_mesh = [
            "nodes",
            "allocatable",
            "node labels",
            "node info",
            "captured",
            "latency",
        ];
        let expected = if of_mesh.contains(&name) {
            0
        } else {
            selectors
        };
        assert_eq!(of_pods, expected, "{name}: {text}");
    }
}

#[test]
fn clusters_that_are_counted_together_are_told_apart() {
    for (name, text) in all(&texts(&[], Some("dc"))) {
        let has_none = ["clusters", "others", "latency", "names", "rules"];
        let is_count = name.contains("covered");
        assert!(
            has_none.contains(&name) || is_count || text.contains("(dc, n"),
            "{name}: {text}"
        );
    }
}

#[test]
fn brackets_are_closed() {
    for clusters in [None, Some("dc")] {
        for (name, text) in all(&texts(&[], clusters)) {
            for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
                assert_eq!(
                    text.matches(open).count(),
                    text.matches(close).count(),
                    "{name}: {text}"
                );
            }
        }
    }
}
