//! The forms of samples in JSON, read one after the other.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Labels;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The object with the type and the series.
pub(super) struct Data<'s, F>(pub(super) Samples<'s, F>);

/// Gives each sample to a function. The first value that is no number ends it.
pub(super) struct Samples<'s, F> {
    pub(super) each: F,
    pub(super) not_finite: &'s mut Option<(String, String)>,
}

struct Sample<'s, F>(&'s mut F, &'s mut Option<(String, String)>);

struct LabelSet;

/// `[[time, "value"], …]`, each to a function.
struct Points<'s, F>(&'s Labels<'s>, &'s mut F, &'s mut Option<(String, String)>);

type Point<'a> = (f64, Text<'a>);

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> DeserializeSeed<'de> for Data<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&Labels<'_>, f64, f64)> Visitor<'de> for Data<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `result`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut samples = Some(self.0);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match (key.0.as_ref(), samples.take()) {
                ("result", Some(seed)) => map.next_value_seed(seed)?,
                (_, others) => {
                    samples = others;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

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
