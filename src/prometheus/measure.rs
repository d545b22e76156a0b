//! The way from a request to what was measured: what is asked, in which order, and what is said of gaps and guesses.

mod given;
mod rest;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use self::given::about;
use super::absent::absent;
use super::answer::{Answer, Unread};
use super::client::{At, Client, Query};
use super::error::{Error, Missing};
use super::fold::{Owners, ReplicaSets, fold};
use super::gather::{Gathered, Question, SlotSums};
use super::grid::Grid;
use super::matcher::{Matcher, is_label};
use super::notes::Notes;
use super::queries::Texts;
use super::record::About;
use super::settings::SettingsError;
use super::{Partial, Request};
use crate::savings::{Basis, Measured};

/// Asks about one window.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) texts: Texts,
    grid: Grid,
    about: About,
    partial: Partial,
    basis: Basis,
    /// The label that tells clusters apart, where several are counted together.
    cluster: Option<String>,
}

/// So many queries are under way at once: a Prometheus evaluates 20 at most, and others ask it, too.
const AT_ONCE: usize = 3;

/// The part of the time with requests for which usage must be known, where nobody asked for it.
const ENOUGH_USAGE: f64 = 0.5;

/// Measures a mesh.
///
/// A recording has a window of its own, which counts.
///
/// # Errors
/// Whatever makes a figure doubtful: see [`Error`].
pub async fn measure(client: &Client, request: &Request) -> Result<Measured, Error> {
    let about = about(client, request)?;
    let pods = request.pods.as_ref();
    let mut notes = Notes::default();
    let asking = Asking::begin(client, request, about, &mut notes).await?;
    let mut gathered = asking.gather(&mut notes).await?;
    asking.mend_coverage(&mut gathered, &mut notes).await?;
    let replica_sets = asking.replica_sets(&mut notes).await?;
    let owners = Owners {
        known: pods,
        replica_sets: &replica_sets,
    };
    let folded = fold(&gathered, owners);
    notes.of_coverage(&gathered, &asking.grid);
    notes.of_pods(&folded, gathered.usage_known, pods.is_some());
    asking.finish(folded, &gathered, owners, notes).await
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
            basis: request.basis,
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
        if !covered || gathered.pods.is_empty() {
            return Err(absent(self, Missing::Containers).await);
        }
        gathered.usage_known = gathered.slots.iter().any(|slot| slot.usage_covered > 0.0);
        match self.basis {
            Basis::Usage | Basis::Max if !gathered.usage_known => {
                return Err(absent(self, Missing::Usage).await);
            }
            Basis::Requests | Basis::Usage | Basis::Max => {}
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
            Question::Nodes => texts.nodes(),
        };
        let at = At::Instant(self.grid.end_of(slot));
        Query { text, at }
    }

    /// Where proxies have no data for a while, others may: then there were no proxies, and it is no gap.
    async fn mend_coverage(&self, gathered: &mut Gathered, notes: &mut Notes) -> Result<(), Error> {
        let steps = self.grid.steps_in_slot();
        let enough = |gathered: &Gathered| {
            let sum = |of: fn(&SlotSums) -> f64| gathered.slots.iter().map(of).sum::<f64>();
            sum(|slot| slot.usage_covered) >= sum(|slot| slot.covered) * ENOUGH_USAGE
        };
        // Its gaps would be gaps of the requests, too: one basis of the whole window rather than three of a part.
        gathered.usage_known &= match self.basis {
            Basis::Requests => enough(gathered),
            Basis::Usage | Basis::Max => true,
        };
        let usage_known = gathered.usage_known;
        for (at, slot) in gathered.slots.iter_mut().enumerate() {
            if slot.covered < steps {
                let found = self.steps(at, self.texts.covered_by_any(), notes).await?;
                slot.covered = slot.covered.max(found);
            }
            if !usage_known {
                // No figure is of usage then: its gaps are none.
                slot.usage_covered = slot.covered;
            } else if slot.usage_covered < steps {
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
        let long = words(Duration::from_secs(self.grid.seconds()));
        format!("{long} before {}", self.grid.end())
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
