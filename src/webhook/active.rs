//! The configuration in service, and how it is told from any other.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::answer::Answer;
use crate::config::Configuration;

/// A configuration with its hash. It is swapped as a whole when its file changes.
#[derive(Debug)]
pub struct Active {
    /// The configuration.
    pub configuration: Configuration,
    /// SHA-256 of what it was read from, in lower-case hexadecimal, as `sha256sum` prints it.
    pub hash: String,
    /// What it was read from.
    pub origin: Origin,
}

/// What a configuration is read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A file, which is read again when it changes.
    File,
    /// The program itself.
    EmbeddedDefault,
}

// === impl Active ===

impl Active {
    /// The answer says by which configuration it came about.
    pub fn sign(&self, answer: &mut Answer<'_>) {
        let hash = Cow::Owned(self.hash.clone());
        answer.audit.push(("configuration", hash));
    }

    /// For people and their scripts, on the second port.
    pub fn to_json(&self) -> Value {
        json!({"hash": self.hash, "source": self.origin.as_str()})
    }
}

// === impl Origin ===

impl Origin {
    /// The words in logs, metrics and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::EmbeddedDefault => "embedded default",
        }
    }
}
