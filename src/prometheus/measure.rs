//! The way from a request to what was measured: what is asked, in which order, and what is said of gaps and guesses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::absent::absent;
use super::answer::{Answer, Unread};
use super::client::{At, Client, Query};
use super::error::{Error, Missing};
use super::fold::{Folded, Owners, ReplicaSets, fold};
use super::gather::{Gathered, Question};
use super::grid::{Grid, default_step};
use super::latency::latency;
use super::matcher::{Matcher, is_label};
use super::nodes::{NodeAnswers, PodAnswers, nodes, placed};
use super::notes::Notes;
use super::queries::Texts;
use super::record::About;
use super::settings::SettingsError;
use super::{KnownPods, Partial, Request};
use crate::savings::Measured;
use crate::savings::measured::{Ambient, MeasuredLatency, Window};

/// Asks about one window.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) texts: Texts,
    grid: Grid,
    about: About,
    partial: Partial,
    /// The label that tells clusters apart, where several are counted together.
    cluster: Option<String>,
}

/// So many queries are under way at once: a Prometheus evaluates 20 at most, and others ask it, too.
const AT_ONCE: usize = 3;
const PODS_FILE: &str = "pods.json";

/// Measures a mesh.
///
/// A recording has a window of its own, and the Pods that the API server had then: they count.
///
/// # Errors
/// Whatever makes a figure doubtful: see [`Error`].
pub async fn measure(client: &Client, request: &Request) -> Result<Measured, Error> {
    let about = about(client, request)?;
    let pods = known_pods(client, request)?;
    let mut notes = Notes::default();
    let asking = Asking::begin(client, request, about, &mut notes).await?;
    let mut gathered = asking.gather(&mut notes).await?;
    asking.mend_coverage(&mut gathered, &mut notes).await?;
    let replica_sets = asking.replica_sets(&mut notes).await?;
    let owners = Owners {
        known: pods.as_ref(),
        replica_sets: &replica_sets,
    };
    let folded = fold(&gathered, owners);
    notes.of_coverage(&gathered, &asking.grid);
    notes.of_pods(&folded, pods.is_some());
    asking.finish(folded, &gathered, owners, notes).await
}

/// What is asked for, or was when it was recorded.
fn about(client: &Client, request: &Request) -> Result<About, Error> {
    if let Some(replay) = client.replayed() {
        return Ok(replay.about().clone());
    }
    let step = request.step.unwrap_or_else(|| default_step(request.window));
    let grid = Grid::new(request.now, request.window, step, request.slots)?;
    let about = About {
        end: grid.end(),
        window_seconds: request.window.as_secs(),
        step_seconds: step.as_secs(),
        slots: request.slots,
        matchers: request.matchers.clone(),
        cluster_label: request.cluster_label.clone(),
    };
    if let Some(record) = client.record() {
        record.about(&about)?;
    }
    Ok(about)
}

/// The Pods that the API server has, or had.
fn known_pods(client: &Client, request: &Request) -> Result<Option<KnownPods>, Error> {
    if let (Some(record), Some(pods)) = (client.record(), &request.pods) {
        let listed: Vec<_> = pods.iter().collect();
        record.file(PODS_FILE, &listed)?;
    }
    match (client.replayed(), &request.pods) {
        (Some(replay), None) => {
            let listed: Option<Vec<_>> = replay.file(PODS_FILE)?;
            Ok(listed.map(|listed| listed.into_iter().collect()))
        }
        (_, pods) => Ok(pods.clone()),
    }
}

// === impl Asking ===

impl<'a> Asking<'a> {
    /// Looks first whose data there is.
    async fn begin(
        client: &'a Client,
        request: &Request,
        about: About,
        notes: &mut Notes,
    ) -> Result<Self, Error> {
        let (window, step) = (about.window_seconds, about.step_seconds);
        let [window, step] = [window, step].map(Duration::from_secs);
        let grid = Grid::new(about.end, window, step, about.slots)?;
        let parsed = about.matchers.iter().map(|text| Matcher::parse(text));
        let matchers: Vec<Matcher> = parsed.collect::<Result<_, _>>()?;
        let label = about.cluster_label.clone();
        if !is_label(&label) {
            return Err(SettingsError::ClusterLabel(label).into());
        }
        notes.of_client(client, &about);
        notes.of_matchers(&matchers);
        let mut this = Self {
            client,
            texts: Texts::new(&grid, &matchers, None),
            grid,
            about,
            partial: request.partial,
            cluster: None,
        };
        let clusters = this.clusters(&label, notes).await?;
        if clusters.len() > 1 {
            if !matchers.iter().any(|matcher| matcher.label == label) {
                let values = clusters.into_iter().collect();
                return Err(Error::SeveralClusters { label, values });
            }
            notes.of_clusters(&clusters);
            this.texts = Texts::new(&this.grid, &matchers, Some(&label));
            this.cluster = Some(label);
        }
        Ok(this)
    }

    async fn clusters(&self, label: &str, notes: &mut Notes) -> Result<BTreeSet<String>, Error> {
        let query = self.at_end(self.texts.clusters(label));
        let answer = self.answer(&query, notes).await?;
        let mut values = BTreeSet::new();
        answer
            .samples(|labels, _, _| {
                let value = labels.value(label);
                let shown = if value.is_empty() { "(none)" } else { value };
                values.insert(shown.to_owned());
            })
            .map_err(|error| self.unread(error, &query))?;
        Ok(values)
    }

    /// Asks everything about every slot, a few queries at once, and takes the answers in order.
    async fn gather(&self, notes: &mut Notes) -> Result<Gathered, Error> {
        let slots = self.grid.slots();
        let mut gathered = Gathered::new(slots, self.cluster.as_deref());
        let all = (0..slots).flat_map(|slot| Question::ALL.map(|question| (slot, question)));
        let asked = all.map(|(slot, question)| async move {
            let query = self.about_slot(slot, question);
            let answer = self.client.ask(&query).await;
            (slot, question, query, answer)
        });
        let mut answers = stream::iter(asked).buffered(AT_ONCE);
        while let Some((slot, question, query, answer)) = answers.next().await {
            let answer = self.accept(answer?, &query, notes)?;
            gathered
                .take(question, slot, &answer)
                .map_err(|error| self.unread(error, &query))?;
        }
        let covered = gathered.slots.iter().any(|slot| slot.covered > 0.0);
        let used = gathered.slots.iter().any(|slot| slot.usage_covered > 0.0);
        if !covered || gathered.pods.is_empty() {
            return Err(absent(self, Missing::Containers).await);
        }
        if !used {
            return Err(absent(self, Missing::Usage).await);
        }
        let others = self
            .answer(&self.at_end(self.texts.others()), notes)
            .await?;
        others
            .samples(|_, _, count| gathered.others_known |= count > 0.0)
            .map_err(|error| self.unread(error, &self.at_end(self.texts.others())))?;
        Ok(gathered)
    }

    fn about_slot(&self, slot: usize, question: Question) -> Query {
        let texts = &self.texts;
        let text = match question {
            Question::Covered => texts.covered(),
            Question::UsageCovered => texts.usage_covered(),
            Question::Present(kind) => texts.present(kind),
            Question::Requests(kind) => texts.requests(kind),
            Question::Cpu => texts.cpu(),
            Question::MemorySum => texts.memory("sum_over_time"),
            Question::MemoryCount => texts.memory("count_over_time"),
            Question::Owners => texts.owners(),
            Question::Alone => texts.alone(),
            Question::Labelled => texts.labelled(),
        };
        let at = At::Instant(self.grid.end_of(slot));
        Query { text, at }
    }

    /// Where proxies have no data for a while, others may: then there were no proxies, and it is no gap.
    async fn mend_coverage(&self, gathered: &mut Gathered, notes: &mut Notes) -> Result<(), Error> {
        let steps = self.grid.steps_in_slot();
        for (at, slot) in gathered.slots.iter_mut().enumerate() {
            if slot.covered < steps {
                let found = self.steps(at, self.texts.covered_by_any(), notes).await?;
                slot.covered = slot.covered.max(found);
            }
            if slot.usage_covered < steps {
                let text = self.texts.usage_covered_by_any();
                let found = self.steps(at, text, notes).await?;
                slot.usage_covered = slot.usage_covered.max(found);
            }
        }
        Ok(())
    }

    /// The one number of an answer; 0 where there is none.
    async fn steps(&self, slot: usize, text: String, notes: &mut Notes) -> Result<f64, Error> {
        let at = At::Instant(self.grid.end_of(slot));
        let query = Query { text, at };
        let answer = self.answer(&query, notes).await?;
        let mut most = 0.0_f64;
        let read = answer.samples(|_, _, value| most = most.max(value));
        read.map_err(|error| self.unread(error, &query))?;
        Ok(most)
    }

    async fn replica_sets(&self, notes: &mut Notes) -> Result<ReplicaSets, Error> {
        let query = self.at_end(self.texts.replica_sets());
        let answer = self.answer(&query, notes).await?;
        let mut found = ReplicaSets::new();
        let read = answer.samples(|labels, _, _| {
            let value = |name: &str| labels.value(name).to_owned();
            let owner = (value("owner_kind"), value("owner_name"));
            found.insert((value("namespace"), value("replicaset")), owner);
        });
        read.map_err(|error| self.unread(error, &query))?;
        Ok(found)
    }

    /// Asks what is not of proxies, and puts all together.
    async fn finish(
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
            window: self.measured_window(gathered),
            proxies: folded.proxies,
            nodes: nodes.all,
            node_counts: Vec::new(),
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

    /// The values of the label `metric`.
    pub(super) async fn names(&self, text: String) -> Result<BTreeSet<String>, Error> {
        let query = self.at_end(text);
        let answer = self.client.ask(&query).await?;
        let mut names = BTreeSet::new();
        let read = answer.samples(|labels, _, _| {
            names.insert(labels.value("metric").to_owned());
        });
        read.map_err(|error| self.unread(error, &query))?;
        Ok(names)
    }

    pub(super) fn matchers(&self) -> String {
        let all = self.about.matchers.iter();
        let all: Vec<String> = all.map(|matcher| format!("--matcher {matcher}")).collect();
        all.join(" ")
    }

    pub(super) fn window(&self) -> String {
        words(Duration::from_secs(self.grid.seconds()))
    }

    fn at_end(&self, text: String) -> Query {
        let at = At::Instant(self.grid.end());
        Query { text, at }
    }

    async fn answer(&self, query: &Query, notes: &mut Notes) -> Result<Answer, Error> {
        let answer = self.client.ask(query).await?;
        self.accept(answer, query, notes)
    }

    /// Takes an answer that is complete, or is to be taken as it is.
    fn accept(&self, answer: Answer, query: &Query, notes: &mut Notes) -> Result<Answer, Error> {
        notes.of_server(&answer.infos);
        if answer.warnings.is_empty() {
            return Ok(answer);
        }
        match self.partial {
            Partial::Refuse => Err(Error::Partial {
                warnings: answer.warnings,
                query: query.text.clone(),
            }),
            Partial::Allow => {
                notes.of_partial(&answer.warnings);
                Ok(answer)
            }
        }
    }

    fn unread(&self, error: Unread, query: &Query) -> Error {
        match error {
            Unread::Form(source) => Error::Form {
                address: self.client.address().to_owned(),
                source: Box::new(source),
                query: query.text.clone(),
            },
            Unread::NotFinite { series, value } => Error::NotFinite {
                series,
                value,
                query: query.text.clone(),
            },
        }
    }
}

/// Such as `7 days`.
fn words(window: Duration) -> String {
    let seconds = window.as_secs();
    for (name, length) in [("days", 86_400), ("hours", 3_600), ("minutes", 60)] {
        if seconds.is_multiple_of(length) && seconds > length {
            return format!("{} {name}", seconds / length);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests;
