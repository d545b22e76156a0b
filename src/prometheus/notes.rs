//! What somebody must know who believes the figures: gaps, guesses, and what the server said.

use std::collections::BTreeSet;

use super::client::Client;
use super::error::Error;
use super::fold::Folded;
use super::gather::Gathered;
use super::grid::Grid;
use super::matcher::Matcher;
use super::record::About;
use crate::savings::measured::Node;

/// Warnings, each once, in the order in which they came up.
#[derive(Debug, Default)]
pub(super) struct Notes {
    all: Vec<String>,
    of_server: BTreeSet<String>,
}

/// Less of the window than this is worth a warning.
const ENOUGH: f64 = 0.95;
/// More of the proxies than this without requests or use are worth one.
const TOO_MANY: f64 = 0.01;
/// So many remarks of the server are shown.
const SHOWN: usize = 10;

// === impl Notes ===

impl Notes {
    fn add(&mut self, note: String) {
        if !self.all.contains(&note) {
            self.all.push(note);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.all
    }

    pub(super) fn of_client(&mut self, client: &Client, about: &About) {
        if client.believes_everybody() {
            self.add(format!(
                "the certificate of {} was not verified: anybody between could have made these figures up",
                client.address()
            ));
        }
        if client.replayed().is_some() {
            self.add(format!(
                "answered from {}, made with {about}",
                client.address()
            ));
        }
    }

    pub(super) fn of_matchers(&mut self, matchers: &[Matcher]) {
        for matcher in matchers.iter().filter(|matcher| matcher.is_of_pods()) {
            self.add(format!(
                "--matcher {matcher} leaves out Pods of the mesh: ztunnel, waypoints and gateways count only as far as it \
                 matches them"
            ));
        }
    }

    pub(super) fn of_clusters(&mut self, clusters: &BTreeSet<String>) {
        let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
        self.add(format!(
            "several clusters are counted as one mesh: {}",
            names.join(", ")
        ));
    }

    /// What the server remarks on a query.
    pub(super) fn of_server(&mut self, infos: &[String]) {
        for info in infos {
            if self.of_server.len() < SHOWN && self.of_server.insert(info.clone()) {
                self.add(format!("Prometheus remarks: {info}"));
            }
        }
    }

    pub(super) fn of_partial(&mut self, warnings: &[String]) {
        for warning in warnings {
            if self.of_server.len() < SHOWN && self.of_server.insert(warning.clone()) {
                self.add(format!(
                    "the answers are not complete, and taken with --allow-partial: {warning}"
                ));
            }
        }
    }

    pub(super) fn skipped(&mut self, what: &str, error: &Error) {
        self.add(format!("{what} is left out: {error}"));
    }

    /// How much of the window has data.
    pub(super) fn of_coverage(&mut self, gathered: &Gathered, grid: &Grid) {
        let steps = grid.steps_in_slot();
        let mean = |of: &dyn Fn(&super::gather::SlotSums) -> f64| {
            let all: f64 = gathered
                .slots
                .iter()
                .map(|slot| (of(slot) / steps).min(1.0))
                .sum();
            all / f64::from(u32::try_from(gathered.slots.len()).unwrap_or(u32::MAX)).max(1.0)
        };
        let mut sources = vec![("kube-state-metrics", mean(&|slot| slot.covered))];
        if gathered.usage_known {
            let usage = mean(&|slot| slot.usage_covered);
            sources.push(("cAdvisor (the kubelets)", usage));
        } else {
            self.add(
                "little or no CPU use of proxies is in cAdvisor (container_cpu_usage_seconds_total): the basis requests does \
                 without, the bases usage and max are left out"
                    .to_owned(),
            );
        }
        for (source, part) in sources {
            if part < ENOUGH {
                self.add(format!(
                    "{source} has data for {:.0} % of the window: the means are of that time alone",
                    part * 100.0
                ));
            }
        }
    }

    /// What is not known of Pods.
    pub(super) fn of_pods(&mut self, folded: &Folded, usage_known: bool, asked_api: bool) {
        let lacks = [
            (
                folded.without_requests,
                "have no request for CPU or memory, and are 0 on the basis requests",
            ),
            (
                if usage_known {
                    folded.without_usage
                } else {
                    0.0
                },
                "have no usage in cAdvisor, and are 0 on the basis usage",
            ),
        ];
        for (part, what) in lacks {
            if part > TOO_MANY {
                self.add(format!("{:.0} % of the proxies {what}", part * 100.0));
            }
        }
        if folded.guessed > 0 {
            let advice = if asked_api {
                "they are gone, and nothing of their workloads is left"
            } else {
                "the labels tell it surely: give access to the API server, or let kube-state-metrics export them \
                 (--metric-labels-allowlist=pods=[gateway.networking.k8s.io/gateway-class-name,gateway.istio.io/managed])"
            };
            self.add(format!(
                "{} Pods are waypoints or gateways by their containers and names alone; {advice}",
                folded.guessed
            ));
        }
    }

    pub(super) fn of_nodes(&mut self, nodes: &[Node]) {
        let unknown = nodes.iter().filter(|node| node.instance_type.is_none());
        match (nodes.len(), unknown.count()) {
            (0, _) => self.add(
                "no nodes are known at the end of the window (kube_node_status_allocatable): nothing is said of nodes \
                 that could go"
                    .to_owned(),
            ),
            (_, 0) => {}
            (all, unknown) => self.add(format!(
                "the instance type of {unknown} of {all} nodes is not known: let kube-state-metrics export it \
                 (--metric-labels-allowlist=nodes=[node.kubernetes.io/instance-type,topology.kubernetes.io/region])"
            )),
        }
    }
}
