//! Prices: defaults, the preset that is wrong on purpose, and files.

use super::super::measured::{Lease, Node};
use super::super::prices::{Machine, MachinePrices, Pricing, UnitPrices};
use super::super::role::Role;
use super::{Given, near, node, resources};
use crate::savings::Account;

const FILE: &str = "\
apiVersion: meshmode.io/v1alpha1
kind: Pricing
currency: EUR
source: contract of 2026
discount: 0.5
unlisted: {vcpuHour: 0.03, gibHour: 0.004}
machines:
  - {type: m6i.xlarge, hourly: 0.2, spotHourly: 0.06}
  - {type: m6i.xlarge, region: eu, hourly: 0.3, discount: 0.1}
  - {type: c7g.large, hourly: 0.08, discount: 0}
";

fn with(pricing: Pricing, nodes: Vec<Node>) -> Account {
    Given::new(1)
        .with(Role::Sidecar, "shop", "web", &[10.0])
        .measuring(|measured| measured.nodes = nodes)
        .assuming(|assumptions| assumptions.pricing = pricing)
        .account()
}

#[test]
fn the_default_is_open_costs_and_the_preset_warns() {
    let account = with(Pricing::open_cost(), vec![node("m")]);
    assert_eq!(
        (account.prices.vcpu_hour, account.prices.gib_hour),
        (0.031_611, 0.004_237)
    );
    assert!(account.prices.source.starts_with("OpenCost"));
    assert_eq!(
        (account.currency.as_str(), account.warnings.len()),
        ("USD", 0)
    );

    let account = with(Pricing::quoted_m6i(), vec![node("m")]);
    assert_eq!(
        (account.prices.vcpu_hour, account.prices.gib_hour),
        (0.1664, 0.014)
    );
    assert!(account.warnings[0].contains("near the hourly price of a whole 4-vCPU machine"));
}

#[test]
fn a_file_is_read() {
    let Pricing::Machines(read) = Pricing::read("prices.yaml", FILE).unwrap() else {
        panic!("a file has machines");
    };
    let machine = |name: &str, region: Option<&str>, hourly, spot_hourly| Machine {
        instance_type: name.to_owned(),
        region: region.map(str::to_owned),
        hourly,
        spot_hourly,
    };
    let expected = MachinePrices {
        machines: vec![
            machine("m6i.xlarge", None, 0.1, Some(0.06)),
            machine("m6i.xlarge", Some("eu"), 0.3 * 0.9, None),
            machine("c7g.large", None, 0.08, None),
        ],
        unlisted: UnitPrices {
            vcpu_hour: 0.03,
            gib_hour: 0.004,
            currency: "EUR".to_owned(),
            source: "unlisted, file prices.yaml".to_owned(),
            warning: None,
        },
        source: "contract of 2026, file prices.yaml".to_owned(),
    };
    assert_eq!(read, expected);
}

#[test]
fn unit_prices_are_what_the_nodes_cost() {
    let pricing = Pricing::read("prices.yaml", FILE).unwrap();
    let in_us = |lease| Node {
        region: Some("us".to_owned()),
        lease,
        ..node("m6i.xlarge")
    };
    let rows: [(&str, Vec<Node>, f64, &str); 5] = [
        ("its region", vec![node("m6i.xlarge")], 0.27, ""),
        ("another region", vec![in_us(Lease::OnDemand)], 0.1, ""),
        ("spot", vec![in_us(Lease::Spot)], 0.06, ""),
        (
            "spot without a price",
            vec![Node {
                lease: Lease::Spot,
                ..node("c7g.large")
            }],
            0.08,
            "spot capacity without a spot price: the price on demand counts: c7g.large (1)",
        ),
        (
            "not listed",
            vec![node("m6i.xlarge"), node("odd"), node("odd")],
            0.27 + 2.0 * (4.0 * 0.03 + 16.0 * 0.004),
            "not in the prices: they count by vCPU and GiB: odd (2)",
        ),
    ];
    for (name, nodes, hour, warning) in rows {
        let whole: super::Resources = nodes.iter().map(|node| node.allocatable).sum();
        let account = with(pricing.clone(), nodes);
        let prices = &account.prices;
        let found = whole.vcpu * prices.vcpu_hour + whole.gib * prices.gib_hour;
        assert!(near(found, hour), "{name}: {found} of {hour}");
        assert!(
            near(prices.vcpu_hour / prices.gib_hour, 0.031_611 / 0.004_237),
            "{name}"
        );
        let warned = account.warnings.iter().any(|w| w.contains(warning));
        assert!(
            warned || warning.is_empty(),
            "{name}: {:?}",
            account.warnings
        );
        assert!(!warning.is_empty() || account.warnings.is_empty(), "{name}");
    }
}

#[test]
fn without_nodes_the_unlisted_price_counts() {
    let pricing = Pricing::read("prices.yaml", FILE).unwrap();
    let nothing = Node {
        allocatable: resources(0.0, 0.0),
        ..node("m6i.xlarge")
    };
    for nodes in [Vec::new(), vec![nothing]] {
        let account = with(pricing.clone(), nodes);
        assert_eq!(
            (account.prices.vcpu_hour, account.prices.gib_hour),
            (0.03, 0.004)
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_are_shown_at_their_place() {
    let rows = [
        ("not YAML", "a: [", "p.yaml:"),
        (
            "a field too many",
            &FILE.replace("source:", "sources:"),
            "unknown field `sources`",
        ),
        (
            "no price",
            &FILE.replace("hourly: 0.08, ", ""),
            "missing field `hourly`",
        ),
        (
            "text for a number",
            &FILE.replace("0.08", "cheap"),
            "p.yaml:10: ",
        ),
        (
            "another kind",
            &FILE.replace("Pricing", "Prices"),
            "p.yaml:2: kind is \"Prices\"; allowed: Pricing",
        ),
        (
            "another version",
            &FILE.replace("v1alpha1", "v9"),
            "p.yaml:1: apiVersion is",
        ),
        (
            "a currency in words",
            &FILE.replace("EUR", "euro"),
            "p.yaml:3: currency is \"euro\"; allowed: three capital letters",
        ),
        (
            "a price below zero",
            &FILE.replace("0.08", "-0.08"),
            "p.yaml:10: machines[2].hourly is -0.08; allowed: a number from 0",
        ),
        (
            "a price that is no number",
            &FILE.replace("0.08", ".nan"),
            "p.yaml:10: machines[2].hourly is NaN",
        ),
        (
            "percent",
            &FILE.replace("discount: 0.1", "discount: 10"),
            "p.yaml:9: machines[1].discount is 10; allowed: a part from 0 to 1",
        ),
        (
            "a type without a name",
            &FILE.replace("c7g.large", "''"),
            "p.yaml:10: machines[2].type is empty",
        ),
        (
            "twice",
            &FILE.replace("c7g.large", "m6i.xlarge"),
            "p.yaml:10: machines[2] has the type and region of an earlier one (m6i.xlarge)",
        ),
        (
            "another currency without a price for others",
            &FILE.replace("unlisted: {vcpuHour: 0.03, gibHour: 0.004}\n", ""),
            "p.yaml: currency is EUR and there is no field unlisted",
        ),
    ]
    .map(|(name, text, message): (&str, &str, &str)| (name, text.to_owned(), message));
    for (name, text, message) in rows {
        let error = Pricing::read("p.yaml", &text).unwrap_err().to_string();
        assert!(error.contains(message), "{name}: {error}");
    }
}
