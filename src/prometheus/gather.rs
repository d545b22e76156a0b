//! Answers about the slots of the window, one after the other, become sums of each Pod in each slot.

use std::collections::{BTreeMap, HashMap};

use super::answer::{Answer, Labels, Unread};
use super::pods::{PodId, Pods};
use super::queries::Kind;
use super::queries::names::POD_LABELS;
use crate::savings::attribution::{Company, Place};

/// What is asked of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Covered,
    UsageCovered,
    Present(Kind),
    Requests(Kind),
    Cpu,
    MemorySum,
    MemoryCount,
    Owners,
    Alone,
    Labelled,
    Nodes,
}

/// What was gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) pods: Pods,
    pub(super) slots: Vec<SlotSums>,
    /// Whether labels of gateways were seen: then kube-state-metrics exports them, and who has none is no gateway.
    pub(super) labels_told: bool,
    /// Whether other containers are known, so that being alone says something.
    pub(super) others_known: bool,
    /// Whether the use of CPU and memory of any proxy is known.
    pub(super) usage_known: bool,
}

/// What one slot comes to.
#[derive(Debug, Default)]
pub(super) struct SlotSums {
    /// Steps for which kube-state-metrics has data.
    pub(super) covered: f64,
    /// Steps for which cAdvisor has.
    pub(super) usage_covered: f64,
    /// The mean number of nodes.
    pub(super) nodes: Option<f64>,
    pub(super) pods: HashMap<PodId, PodSums>,
}

/// What a Pod's proxy comes to in a slot: sums over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PodSums {
    /// Steps that it was there.
    pub(super) present: f64,
    /// Cores and bytes, as kube-state-metrics has them.
    pub(super) requested: [f64; 2],
    /// Cores.
    pub(super) cpu: Option<f64>,
    /// Bytes.
    pub(super) memory: f64,
    /// Steps that `memory` has.
    pub(super) memory_steps: f64,
}

/// Labels that Istio puts on the Pods of a Gateway.
const OF_GATEWAYS: [&str; 3] = [
    "label_gateway_networking_k8s_io_gateway_class_name",
    "label_gateway_networking_k8s_io_gateway_name",
    "label_gateway_istio_io_managed",
];
static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

// === impl Question ===

impl Question {
    /// In this order: who is present must be known before it is told what was used.
    pub(super) const ALL: [Self; 13] = [
        Self::Covered,
        Self::UsageCovered,
        Self::Present(Kind::Ordinary),
        Self::Present(Kind::Init),
        Self::Requests(Kind::Ordinary),
        Self::Requests(Kind::Init),
        Self::Cpu,
        Self::MemorySum,
        Self::MemoryCount,
        Self::Owners,
        Self::Alone,
        Self::Labelled,
        Self::Nodes,
    ];
}

// === impl Gathered ===

impl Gathered {
    /// Of so many slots. `cluster` is the label that tells clusters apart, where several are counted together.
    pub(super) fn new(slots: usize, cluster: Option<&str>) -> Self {
        Self {
            pods: Pods::new(cluster),
            slots: (0..slots).map(|_| SlotSums::default()).collect(),
            labels_told: false,
            others_known: false,
            usage_known: false,
        }
    }

    /// The labels of a Pod of which none was seen, where that says something.
    pub(super) fn no_labels(&self) -> Option<&'static BTreeMap<String, String>> {
        self.labels_told.then_some(&NO_LABELS)
    }

    /// Takes the answer to a question about a slot.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn take(
        &mut self,
        question: Question,
        slot: usize,
        answer: &Answer,
    ) -> Result<(), Unread> {
        let Self {
            pods,
            slots,
            labels_told,
            ..
        } = self;
        let Some(sums) = slots.get_mut(slot) else {
            return Ok(());
        };
        answer.samples(|labels, _, value| match question {
            Question::Covered => sums.covered = sums.covered.max(value),
            Question::UsageCovered => sums.usage_covered = sums.usage_covered.max(value),
            Question::Nodes => sums.nodes = Some(value),
            Question::Present(kind) => {
                if let Some(pod) = sums.of(pods, labels, kind) {
                    pod.present = pod.present.max(value);
                }
            }
            Question::Requests(kind) => {
                let at = usize::from(labels.value("resource") == "memory");
                if let Some(pod) = sums.of(pods, labels, kind)
                    && let Some(requested) = pod.requested.get_mut(at)
                {
                    *requested += value;
                }
            }
            Question::Cpu => sums.share(pods, labels, value, |pod, value| {
                pod.cpu = Some(pod.cpu.unwrap_or(0.0) + value);
            }),
            Question::MemorySum => {
                sums.share(pods, labels, value, |pod, value| pod.memory += value);
            }
            Question::MemoryCount => {
                sums.share_steps(pods, labels, value);
            }
            Question::Owners => {
                if let Some(id) = pods.known(labels) {
                    pods.owned(id, labels.value("owner_kind"), labels.value("owner_name"));
                }
            }
            Question::Alone => {
                let pod = pods.known(labels).and_then(|id| pods.get(id));
                if let Some(pod) = pod {
                    pod.company = Company::Alone;
                }
            }
            Question::Labelled => {
                *labels_told |= labels.first(&OF_GATEWAYS).is_some();
                let pod = pods.known(labels).and_then(|id| pods.get(id));
                if let Some(pod) = pod {
                    pod.labels = Some(as_labels(labels));
                }
            }
        })
    }
}

/// The labels of a Pod as the API server has them.
fn as_labels(labels: &Labels<'_>) -> BTreeMap<String, String> {
    let all = POD_LABELS.into_iter();
    let given = all.filter(|(metric, _)| !labels.value(metric).is_empty());
    given
        .map(|(metric, label)| (label.to_owned(), labels.value(metric).to_owned()))
        .collect()
}

// === impl SlotSums ===

impl SlotSums {
    fn of(&mut self, pods: &mut Pods, labels: &Labels<'_>, kind: Kind) -> Option<&mut PodSums> {
        let id = pods.of(labels)?;
        if kind == Kind::Init
            && let Some(pod) = pods.get(id)
        {
            pod.place = Place::InitContainer;
        }
        Some(self.pods.entry(id).or_default())
    }

    /// Adds what a container used to its Pod. Where that may be one of several of the same name, each has a part by how long
    /// it was there.
    fn share(
        &mut self,
        pods: &mut Pods,
        labels: &Labels<'_>,
        value: f64,
        mut add: impl FnMut(&mut PodSums, f64),
    ) {
        let those = self.of_container(pods, labels);
        let all: f64 = those.iter().map(|(_, present)| present).sum();
        let equal = 1.0 / f64::from(u32::try_from(those.len()).unwrap_or(1)).max(1.0);
        for (id, present) in those {
            let part = if all > 0.0 { present / all } else { equal };
            add(self.pods.entry(id).or_default(), value * part);
        }
    }

    /// The steps of a container's memory are shared as its memory is.
    fn share_steps(&mut self, pods: &mut Pods, labels: &Labels<'_>, value: f64) {
        self.share(pods, labels, value, |pod, value| pod.memory_steps += value);
    }

    /// Those Pods that a container may be of, and how long they were there in this slot.
    fn of_container(&self, pods: &mut Pods, labels: &Labels<'_>) -> Vec<(PodId, f64)> {
        let those = pods.of_container(labels);
        let present = |id: &PodId| self.pods.get(id).map_or(0.0, |pod| pod.present);
        let here: Vec<(PodId, f64)> = those.iter().map(|id| (*id, present(id))).collect();
        // Of those of its name that were not there in this slot it is none, if one was.
        if here.iter().any(|(_, present)| *present > 0.0) {
            here.into_iter()
                .filter(|(_, present)| *present > 0.0)
                .collect()
        } else {
            // The last one that is known.
            here.into_iter().next_back().into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests;
