//! Label sets of metrics: the names are fixed, and so is what may be a value.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

/// Label names with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labels<const N: usize>(pub(super) [(&'static str, Value); N]);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Fixed(&'static str),
    Rule(String),
    Hash(String),
}

pub(super) fn fixed(name: &'static str, value: &'static str) -> (&'static str, Value) {
    (name, Value::Fixed(value))
}

// === impl Labels ===

/// The names are the same for all of a metric: only the values tell its sets apart.
impl<const N: usize> Hash for Labels<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (_, value) in &self.0 {
            value.hash(state);
        }
    }
}

impl<const N: usize> EncodeLabelSet for Labels<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, value) in &self.0 {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut text = key.encode_label_value()?;
            match value {
                Value::Fixed(value) => text.write_str(value)?,
                Value::Rule(value) | Value::Hash(value) => text.write_str(value)?,
            }
            text.finish()?;
        }
        Ok(())
    }
}
