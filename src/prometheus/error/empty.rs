//! A Prometheus without what is needed: which metrics are there, and what to do.

use std::fmt;

/// A Prometheus without what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Empty {
    /// Where.
    pub address: String,
    /// What is missing.
    pub what: Missing,
    /// What the metrics' names gave, in the order that people look for them.
    pub metrics: Vec<(&'static str, Presence)>,
    /// Recording rules that are there.
    pub rules: Vec<String>,
    /// As `--matcher` gave them.
    pub matchers: String,
    /// The window in words, such as `12 hours before 2026-10-05T00:00:00Z`.
    pub window: String,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Any container `istio-proxy` in kube-state-metrics.
    Containers,
    /// What they use, of cAdvisor.
    Usage,
}

/// How far a metric is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Not at all.
    Absent,
    /// Not with the matchers.
    NotMatched,
    /// With them, but of no container `istio-proxy`.
    OtherContainers,
    /// It is there.
    Present,
}

// === impl Empty ===

impl Empty {
    fn named(&self, presence: Presence) -> Vec<&'static str> {
        let those = self.metrics.iter().filter(|(_, is)| *is == presence);
        those.map(|(name, _)| *name).collect()
    }

    fn what_to_do(&self) -> &'static str {
        match self.what {
            _ if !self.rules.is_empty() => {
                "There are recording rules alone, which have lost the containers: ask the Prometheus that scrapes \
                 (--prometheus-url), or keep these metrics in the remote write"
            }
            _ if !self.named(Presence::NotMatched).is_empty() => {
                "Without --matcher there is data: check its labels and values"
            }
            Missing::Containers => {
                "Is kube-state-metrics scraped, is this the Prometheus of the mesh's cluster, and does it keep data for as \
                 long as --window?"
            }
            Missing::Usage => {
                "Are the kubelets scraped (/metrics/cadvisor), with the label container kept?"
            }
        }
    }
}

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Missing::Containers => "no container istio-proxy",
            Missing::Usage => "no CPU or memory use of any container istio-proxy",
        };
        write!(f, "{} has {what}", self.address)?;
        if !self.matchers.is_empty() {
            write!(f, " with {}", self.matchers)?;
        }
        write!(f, " in the {}", self.window)?;
        let groups = [
            (Presence::Present, "present"),
            (
                Presence::OtherContainers,
                "present of other containers only",
            ),
            (Presence::NotMatched, "present, but not with --matcher"),
            (Presence::Absent, "absent"),
        ];
        for (presence, words) in groups {
            let names = self.named(presence);
            if !names.is_empty() {
                write!(f, "; {words}: {}", names.join(", "))?;
            }
        }
        if !self.rules.is_empty() {
            write!(f, "; recording rules: {}", self.rules.join(", "))?;
        }
        write!(f, ". {}", self.what_to_do())
    }
}
