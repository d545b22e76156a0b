//! What is asked beside the proxies, and the end of the way: nodes, ambient Pods, latency.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Asking;
use crate::prometheus::KnownPods;
use crate::prometheus::client::{At, Query};
use crate::prometheus::error::Error;
use crate::prometheus::fold::{Folded, Owners};
use crate::prometheus::gather::Gathered;
use crate::prometheus::latency::latency;
use crate::prometheus::nodes::{NodeAnswers, PodAnswers, nodes, placed};
use crate::prometheus::notes::Notes;
use crate::savings::measured::{Ambient, MeasuredLatency, Window};
use crate::savings::{Basis, Measured};

impl Asking<'_> {
    /// Asks what is not of proxies, and puts all together.
    pub(super) async fn finish(
        &self,
        folded: Folded,
        gathered: &Gathered,
        owners: Owners<'_>,
        mut notes: Notes,
    ) -> Result<Measured, Error> {
        let cluster = self.cluster.as_deref();
        let now = |text: String| self.at_end(text);
        let (allocatable, labels, info) = (
            self.answer(&now(self.texts.allocatable()), &mut notes)
                .await?,
            self.answer(&now(self.texts.node_labels()), &mut notes)
                .await?,
            self.answer(&now(self.texts.node_info()), &mut notes)
                .await?,
        );
        let of_nodes = NodeAnswers {
            allocatable,
            labels,
            info,
        };
        let unread = |error| self.unread(error, &now(self.texts.allocatable()));
        let nodes = nodes(&of_nodes, cluster).map_err(unread)?;
        let of_pods = PodAnswers {
            placed: self.answer(&now(self.texts.placed()), &mut notes).await?,
            proxies: self
                .answer(&now(self.texts.placed_proxies()), &mut notes)
                .await?,
            owners: self
                .answer(&now(self.texts.owners_now()), &mut notes)
                .await?,
        };
        let unread = |error| self.unread(error, &now(self.texts.placed()));
        let pods = placed(&of_pods, &nodes, &folded.proxies, owners, cluster).map_err(unread)?;
        notes.of_nodes(&nodes.all);
        let ambient = self.ambient(owners.known, &mut notes).await;
        let latency = self.latency(&mut notes).await;
        Ok(Measured {
            bases: if gathered.usage_known {
                &Basis::ALL
            } else {
                &[Basis::Requests]
            },
            window: self.measured_window(gathered),
            proxies: folded.proxies,
            nodes: nodes.all,
            node_counts: node_counts(gathered),
            pods,
            ambient,
            latency,
            evidence: folded.evidence,
            warnings: notes.into_warnings(),
        })
    }

    fn measured_window(&self, gathered: &Gathered) -> Window {
        let steps = self.grid.steps_in_slot();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a step of 2^52 seconds is longer than any window"
        )]
        let step = self.grid.step() as f64;
        Window {
            start: self.grid.start(),
            end: self.grid.end(),
            step,
            coverage: gathered
                .slots
                .iter()
                .map(|slot| slot.coverage(steps))
                .collect(),
        }
    }

    /// How many Pods ztunnel captures. Without it there is an account all the same.
    async fn ambient(&self, known: Option<&KnownPods>, notes: &mut Notes) -> Ambient {
        if let Some(known) = known {
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            for ((namespace, _), pod) in known {
                *counts.entry(namespace.clone()).or_default() += f64::from(u8::from(pod.captured));
            }
            counts.retain(|_, count| *count > 0.0);
            return Ambient::ByNamespace(counts);
        }
        match self.captured(notes).await {
            Ok(Some(count)) => Ambient::InAll(count),
            Ok(None) => Ambient::Unknown(
                "the metric workload_manager_active_proxy_count of ztunnel is not there: scrape port 15020 of its Pods"
                    .to_owned(),
            ),
            Err(error) => {
                notes.skipped("how many Pods ztunnel captures", &error);
                Ambient::Unknown("its metric could not be read".to_owned())
            }
        }
    }

    async fn captured(&self, notes: &mut Notes) -> Result<Option<f64>, Error> {
        let step = Duration::from_secs(self.grid.step());
        let query = Query {
            text: self.texts.captured(),
            at: At::Range {
                start: self.grid.first(),
                end: self.grid.end(),
                step,
            },
        };
        let answer = self.answer(&query, notes).await?;
        let (mut sum, mut steps) = (0.0, 0.0);
        let read = answer.samples(|_, _, value| {
            sum += value;
            steps += 1.0;
        });
        read.map_err(|error| self.unread(error, &query))?;
        Ok((steps > 0.0).then(|| sum / steps))
    }

    /// What Envoys measured. Its series are many; a Prometheus that gives them up has an account all the same.
    async fn latency(&self, notes: &mut Notes) -> Vec<MeasuredLatency> {
        let query = self.at_end(self.texts.latency());
        let measured = self
            .answer(&query, notes)
            .await
            .and_then(|answer| latency(&answer).map_err(|error| self.unread(error, &query)));
        measured.unwrap_or_else(|error| {
            notes.skipped("latency", &error);
            Vec::new()
        })
    }
}

/// The mean number of nodes of each slot; none where a slot that counts has none.
fn node_counts(gathered: &Gathered) -> Vec<f64> {
    let slots = gathered.slots.iter();
    let counts = slots.map(|slot| match slot.nodes {
        None if slot.covered > 0.0 => None,
        counted => Some(counted.unwrap_or(0.0)),
    });
    counts.collect::<Option<_>>().unwrap_or_default()
}
