//! A query and its times.

use std::time::Duration;

use jiff::Timestamp;

/// One query, and for which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// In PromQL.
    pub text: String,
    /// When.
    pub at: At,
}

/// The times of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// One.
    Instant(Timestamp),
    /// Many, both ends included.
    Range {
        /// The first.
        start: Timestamp,
        /// The last, at most.
        end: Timestamp,
        /// Between them, in whole seconds.
        step: Duration,
    },
}

// === impl At ===

impl At {
    /// The path of the API.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Instant(_) => "/api/v1/query",
            Self::Range { .. } => "/api/v1/query_range",
        }
    }

    /// The parameters that say when.
    pub(super) fn parameters(self) -> Vec<(&'static str, String)> {
        let seconds = |at: Timestamp| at.as_second().to_string();
        match self {
            Self::Instant(at) => vec![("time", seconds(at))],
            Self::Range { start, end, step } => vec![
                ("start", seconds(start)),
                ("end", seconds(end)),
                ("step", step.as_secs().to_string()),
            ],
        }
    }

    /// The same with dates.
    pub(super) fn for_people(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Instant(at) => vec![("time", at.to_string())],
            Self::Range { start, end, step } => vec![
                ("start", start.to_string()),
                ("end", end.to_string()),
                ("step", format!("{} s", step.as_secs())),
            ],
        }
    }
}
