//! What the API answers: an envelope, and samples that are read without a copy of their labels.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview>

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// An answer to one query that succeeded.
#[derive(Debug)]
pub struct Answer {
    body: Bytes,
    /// What is missing in it.
    pub warnings: Vec<String>,
    /// What somebody should know who wrote the query.
    pub infos: Vec<String>,
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    pub(super) status: Cow<'a, str>,
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

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

/// Gives each sample to a function. The first value that is no number ends it.
struct Samples<'s, F> {
    each: F,
    not_finite: &'s mut Option<(String, String)>,
}

struct Sample<'s, F>(&'s mut F, &'s mut Option<(String, String)>);

struct LabelSet;

/// `[[time, "value"], …]`, each to a function.
struct Points<'s, F>(&'s Labels<'s>, &'s mut F, &'s mut Option<(String, String)>);

type Point<'a> = (f64, Text<'a>);

// === impl Answer ===

impl Answer {
    /// Of a body whose envelope says success.
    pub(super) fn of(body: Bytes, warnings: Vec<String>, infos: Vec<String>) -> Self {
        Self {
            body,
            warnings,
            infos,
        }
    }

    /// Gives every sample with its labels and time (seconds since 1970) to `each`: one a series of an instant query,
    /// many of a range query.
    ///
    /// # Errors
    /// The answer has another form, or a value is NaN or infinite; `each` was called for those before.
    pub fn samples(&self, each: impl FnMut(&Labels<'_>, f64, f64)) -> Result<(), Unread> {
        let envelope: Envelope<'_> = serde_json::from_slice(&self.body)?;
        let data = envelope.data.map_or("{\"result\":[]}", RawValue::get);
        let data: Data<'_> = serde_json::from_str(data)?;
        let mut not_finite = None;
        let seed = Samples {
            each,
            not_finite: &mut not_finite,
        };
        let read = seed.deserialize(&mut serde_json::Deserializer::from_str(data.result.get()));
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

// === the forms ===

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> DeserializeSeed<'de> for Samples<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> Visitor<'de> for Samples<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series (resultType vector or matrix)")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut all: A) -> Result<(), A::Error> {
        while all
            .next_element_seed(Sample(&mut self.each, self.not_finite))?
            .is_some()
        {}
        Ok(())
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> DeserializeSeed<'de> for Sample<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> Visitor<'de> for Sample<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series with `metric`, and `value` or `values`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(each, not_finite) = self;
        let mut labels = None;
        // Every server writes the labels first; of one that does not, values would be nobody's.
        let early = || A::Error::custom("a series has values before its labels");
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                "metric" => labels = Some(map.next_value_seed(LabelSet)?),
                "value" => {
                    let point: Point<'_> = map.next_value()?;
                    let labels = labels.as_ref().ok_or_else(early)?;
                    give(labels, &point, each, not_finite).map_err(A::Error::custom)?;
                }
                "values" => {
                    let labels = labels.as_ref().ok_or_else(early)?;
                    map.next_value_seed(Points(labels, each, not_finite))?;
                }
                other => return Err(A::Error::custom(format!("a series has `{other}`"))),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for LabelSet {
    type Value = Labels<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Labels<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelSet {
    type Value = Labels<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels<'de>, A::Error> {
        let mut labels = Vec::with_capacity(8);
        while let Some((Text(name), Text(value))) = map.next_entry()? {
            labels.push((name, value));
        }
        Ok(Labels(labels))
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> DeserializeSeed<'de> for Points<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> Visitor<'de> for Points<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pairs of a time and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(point) = all.next_element::<Point<'de>>()? {
            give(self.0, &point, self.1, self.2).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Gives one on, if it is a number.
fn give(
    labels: &Labels<'_>,
    (time, Text(value)): &Point<'_>,
    each: &mut impl FnMut(&Labels<'_>, f64, f64),
    not_finite: &mut Option<(String, String)>,
) -> Result<(), String> {
    let number: f64 = value
        .parse()
        .map_err(|_| format!("the value {value:?} is no number"))?;
    if !number.is_finite() {
        *not_finite = Some((labels.to_string(), value.to_string()));
        return Err("a value is not finite".to_owned());
    }
    each(labels, *time, number);
    Ok(())
}

#[cfg(test)]
mod tests;
