//! What was found out, for people and programs. Pure: an account goes in, a text comes out.
//!
//! | file | what is in it |
//! |---|---|
//! | `text` | for a terminal of 80 columns; `page` is what it is written on |
//! | `markdown` | for pull requests |
//! | `html` | one page for a browser or a printer, with charts |
//! | `data`, `csv` | for programs: JSON, YAML, and the namespaces as CSV |
//! | [`compare`] | what changed since older accounts |
//! | `words`, `tables` | what the forms for people say, of what `figure` has |
//! | `numbers` | how figures are read |
//!
//! Names are from metrics, which anybody may have written: each form cleans them, and escapes what means something in it.

pub mod compare;
mod csv;
mod data;
mod figure;
mod html;
mod markdown;
mod numbers;
pub(crate) mod page;
mod tables;
mod text;
mod words;

use serde::Serialize;

pub use compare::Drift;
pub use page::Colour;

use crate::savings::Account;

/// An account, and what changed since older ones: as JSON the members of the account, and `drift` beside them.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The account.
    #[serde(flatten)]
    pub account: &'a Account,
    /// What changed since each older account, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

// === impl Report ===

impl<'a> Report<'a> {
    /// Of an account, compared with older ones.
    #[must_use]
    pub fn new(account: &'a Account, older: &[Account]) -> Self {
        let mut drift: Vec<Drift> = older.iter().map(|old| Drift::of(old, account)).collect();
        drift.sort_by_key(|drift| (drift.window_end, drift.since));
        Self { account, drift }
    }

    /// For a terminal of 80 columns.
    #[must_use]
    pub fn text(&self, colour: Colour) -> String {
        text::page(self, colour)
    }

    /// Indented JSON, as `docs/roi.schema.json` says.
    ///
    /// # Errors
    /// None that is known: all keys are texts.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        data::json(self)
    }

    /// The JSON as YAML.
    ///
    /// # Errors
    /// None that is known.
    pub fn yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        data::yaml(self)
    }

    /// The namespaces as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        csv::namespaces(self.account)
    }

    /// One page for a browser or a printer.
    ///
    /// # Errors
    /// As [`Report::json`], which is in the page.
    pub fn html(&self) -> Result<String, serde_json::Error> {
        html::page(self)
    }

    /// For a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }
}
