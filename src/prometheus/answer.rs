//! What the API answers: an envelope, and samples that are read without a copy of their labels.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview>

mod forms;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeSeed as _;
use serde_json::value::RawValue;

use self::forms::{Data, Samples};

/// An answer to one query that succeeded.
#[derive(Debug)]
pub struct Answer {
    /// The member `data` of the envelope.
    data: Bytes,
    /// What is missing in it.
    pub warnings: Vec<String>,
    /// What somebody should know who wrote the query.
    pub infos: Vec<String>,
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    pub(super) status: String,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    pub(super) error_type: Option<String>,
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    #[serde(default)]
    pub(super) infos: Vec<String>,
}

/// The labels of one series.
#[derive(Debug, Default)]
pub struct Labels<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Why samples could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It has another form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A value is no number.
    #[error("{series} is {value}")]
    NotFinite {
        /// Its labels.
        series: String,
        /// As it came.
        value: String,
    },
}

// === impl Envelope ===

impl<'a> Envelope<'a> {
    /// Of a body; none where it is another form. As text, so that not each string in it is looked at for UTF-8 again.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        serde_json::from_str(text).ok()
    }
}

// === impl Answer ===

impl Answer {
    /// Of an envelope that says success, in `body`.
    pub(super) fn of(body: &Bytes, envelope: Envelope<'_>) -> Self {
        let data = envelope
            .data
            .map(|data| body.slice_ref(data.get().as_bytes()));
        Self {
            data: data.unwrap_or_default(),
            warnings: envelope.warnings,
            infos: envelope.infos,
        }
    }

    /// Gives every sample with its labels and time (seconds since 1970) to `each`: one a series of an instant query,
    /// many of a range query.
    ///
    /// # Errors
    /// The answer has another form, or a value is NaN or infinite; `each` was called for those before.
    pub fn samples(&self, each: impl FnMut(&Labels<'_>, f64, f64)) -> Result<(), Unread> {
        if self.data.is_empty() {
            return Ok(());
        }
        let mut not_finite = None;
        let seed = Data(Samples {
            each,
            not_finite: &mut not_finite,
        });
        // It was text in the envelope.
        let text = std::str::from_utf8(&self.data).unwrap_or_default();
        let read = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
        match not_finite {
            Some((series, value)) => Err(Unread::NotFinite { series, value }),
            None => Ok(read?),
        }
    }
}

// === impl Labels ===

impl Labels<'_> {
    /// The value of one; empty where it is not there, as in PromQL.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(label, _)| label == name);
        found.map_or("", |(_, value)| value)
    }

    /// The first of these that has a value.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        let mut values = names.iter().map(|name| self.value(name));
        values.find(|value| !value.is_empty())
    }
}

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests;
