//! Prometheus: where a mesh's proxies and nodes become what was measured of them.
//!
//! | file | what is in it |
//! |---|---|
//! | [`settings`] | what flags give: where it is, who asks, and how |
//! | [`discover`] | which one a cluster has |
//! | [`client`] | queries and answers, again where the server is busy |
//! | `transport`, `tls`, `judge` | one exchange; whom it is with; what the reply is |
//! | [`answer`] | the envelope, and samples that are read without copies |
//! | [`record`] | answers in files, and out of them |
//! | [`error`] | why there is no measurement |
//! | `grid`, `matcher`, `queries` | for which times is asked what, in PromQL |
//! | [`mod@measure`] | the way from a request to what was measured |
//! | `gather`, `pods`, `fold` | sums of each Pod in each slot; whose they are; means by workload and role |
//! | `nodes`, `latency` | what is not a proxy's |
//! | `notes` | what is said of gaps and guesses |
//! | `absent` | which metrics there are, where what is needed is missing |

mod absent;
pub mod answer;
pub mod client;
pub mod discover;
pub mod error;
mod fold;
mod gather;
mod grid;
mod judge;
mod latency;
mod matcher;
pub mod measure;
mod nodes;
mod notes;
mod pods;
mod queries;
mod query;
pub mod record;
pub mod settings;
#[cfg(test)]
mod testing;
mod tls;
mod transport;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::client::Client;
pub use self::error::Error;
pub use self::grid::default_step;
pub use self::measure::measure;
pub use self::settings::Settings;
use crate::savings::Basis;
use crate::savings::attribution::Company;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Request {
    /// The end of the window. A recording has its own, which counts.
    pub now: Timestamp,
    /// How long the window is, such as 7 days.
    pub window: Duration,
    /// Between samples; without one [`default_step`].
    pub step: Option<Duration>,
    /// Into how many parts the window is cut, more or less; each is a whole number of steps.
    pub slots: usize,
    /// What every series must have, as `--matcher` gives it: `cluster="prod"`.
    pub matchers: Vec<String>,
    /// The label that tells clusters apart: `cluster`.
    pub cluster_label: String,
    /// What becomes of answers that are not complete.
    pub partial: Partial,
    /// What will be counted: requests do without the use of CPU and memory, which is then a warning.
    pub basis: Basis,
    /// The Pods that the API server has now, where it was asked.
    pub pods: Option<KnownPods>,
}

/// What becomes of answers that are not complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partial {
    /// They are an error.
    #[default]
    Refuse,
    /// They are taken, with a warning.
    Allow,
}

/// The Pods that the API server has now, by namespace and name.
pub type KnownPods = BTreeMap<(String, String), KnownPod>;

/// A Pod that the API server has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownPod {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Kind and name of its controller (`metadata.ownerReferences`), such as `ReplicaSet` and `web-5d4f8c7b9d`.
    pub owner: Option<(String, String)>,
    /// Whether `istio-proxy` is its only ordinary container.
    #[serde(default)]
    pub company: Company,
    /// Whether ztunnel captures it (annotation `ambient.istio.io/redirection: enabled`).
    pub captured: bool,
}
