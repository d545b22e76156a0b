//! How each rule answers for one Pod, for people: all of them, also those behind the one that decides.

mod paths;
mod shown;

use super::evaluation::{Evaluator, NoValue};
use super::mode::Mode;
use super::rules::{DEFAULT, Given, Rule};

/// A rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'r> {
    /// Its name; [`super::rules::DEFAULT`] for the last.
    pub rule: &'r str,
    /// What it says.
    pub answer: Answer,
    /// What its expressions looked at, in the order in which they stand there, each once.
    pub read: Vec<Read>,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its condition holds, and it gives this mode.
    Held(Mode),
    /// Its condition does not hold.
    DidNotHold,
    /// Its condition holds, and what it gives is no mode: the value, and what is allowed.
    NoMode(String),
    /// A fact is missing: which, and why.
    Unknown(String),
    /// It cannot be evaluated on this Pod.
    Failed(String),
    /// It is not asked: it reads facts of a cluster, and there is none.
    Off,
}

/// A value that an expression looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// As it stands in the expression: `object.metadata.labels['app']`, `variables.replicas`.
    pub path: String,
    /// Its value as JSON, cut where it is long; nothing where it is not there.
    pub value: Option<String>,
}

// === impl Answer ===

impl Answer {
    /// The word in JSON, and for people.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::DidNotHold => "did-not-hold",
            Self::NoMode(_) => "no-mode",
            Self::Unknown(_) => "unknown",
            Self::Failed(_) => "failed",
            Self::Off => "off",
        }
    }

    /// Why, where that is not in the word.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::NoMode(why) | Self::Unknown(why) | Self::Failed(why) => Some(why),
            Self::Held(_) | Self::DidNotHold | Self::Off => None,
        }
    }
}

// === impl Asked ===

/// What `rule` says; without evaluator it is off.
pub(super) fn rule<'r>(rule: &'r Rule, evaluator: Option<&Evaluator<'_, '_, '_, '_>>) -> Asked<'r> {
    let given = evaluator.map(|evaluator| rule.evaluate(evaluator, &mut Vec::new()));
    let answer = match given {
        None => Answer::Off,
        Some(Ok(Given::Nothing)) => Answer::DidNotHold,
        Some(Ok(Given::Mode(mode))) => Answer::Held(mode),
        Some(Ok(Given::NoMode(what))) => Answer::NoMode(what.to_string()),
        Some(Err(NoValue::Unknown(what))) => Answer::Unknown(what),
        Some(Err(NoValue::Missing(cause) | NoValue::Failed(cause))) => Answer::Failed(cause),
    };
    Asked {
        rule: &rule.name,
        answer,
        read: Vec::new(),
    }
}

/// What decides when no rule does.
pub(super) fn default(mode: Mode) -> Asked<'static> {
    Asked {
        rule: DEFAULT,
        answer: Answer::Held(mode),
        read: Vec::new(),
    }
}

/// What the expressions of `rule` look at.
pub(super) fn read(rule: &Rule, evaluator: &Evaluator<'_, '_, '_, '_>) -> Vec<Read> {
    let mut read: Vec<Read> = Vec::new();
    for expression in rule.expressions() {
        for path in paths::of(expression.ast()) {
            if read.iter().any(|known| known.path == path.text) {
                continue;
            }
            let value = evaluator.part(&path.expression).ok();
            read.push(Read {
                path: path.text,
                value: value.map(|value| shown::json(&*value)),
            });
        }
    }
    read
}
