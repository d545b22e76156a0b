//! The grammar of the annotation `istio.io/waypoint-for`:
//!
//! ```text
//! value = "service" | "workload" | "all" | "none" | entry *( "," entry )
//! entry = ( "serviceaccount" | "service" | "gateway" ) ":" NAMESPACE "/" NAME
//! ```
//!
//! White space around an entry is skipped. An error names the column, in characters and from 1.

use std::fmt;

use super::names::{BadName, NameRule};
use super::{Named, NamedKind, WaypointFor};

/// What the annotation may say, for errors.
pub const ALLOWED: &str = "service, workload, all, none, or a comma-separated list of \
     serviceaccount:NAMESPACE/NAME, service:NAMESPACE/NAME, gateway:NAMESPACE/NAME";

/// Why a value of the annotation cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct MalformedAnnotation {
    /// Where, in characters and from 1.
    pub column: usize,
    /// What.
    pub problem: Problem,
}

/// What is wrong at that column.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The value is empty, or two commas follow each other, or one is at the end.
    #[error("nothing is written here; allowed: {ALLOWED}")]
    Empty,
    /// A word without `:` that is none of the four.
    #[error("{0:?} is not known; allowed: {ALLOWED}")]
    UnknownWord(String),
    /// One of the four words, in a list.
    #[error("{0} stands alone or not at all: a list has KIND:NAMESPACE/NAME in each entry")]
    WordInList(String),
    /// What stands before the `:`.
    #[error("{0:?} is no kind; allowed: serviceaccount, service, gateway")]
    UnknownKind(String),
    /// An entry has no `/`: `gateway:name`.
    #[error("a '/' is missing; allowed: {}:NAMESPACE/NAME", .0.as_str())]
    NoSlash(NamedKind),
    /// `gateway:/name` or `gateway:namespace/`.
    #[error("the {} is missing; allowed: {}", .0, .1.allowed())]
    NoName(Part, NameRule),
    /// A character that may not stand there.
    #[error("{character:?} may not stand here in a {part}; allowed: {}", .rule.allowed())]
    Character {
        /// The character.
        character: char,
        /// What it is in.
        part: Part,
        /// What would be right.
        rule: NameRule,
    },
    /// More characters than the API server allows; the column is that of the first too many.
    #[error("the {} is too long; allowed: {} characters", .0, .1.limit())]
    TooLong(Part, NameRule),
}

/// One half of NAMESPACE/NAME.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Before the `/`.
    Namespace,
    /// After it.
    Name,
}

/// A piece of the value, with the column it begins at.
#[derive(Clone, Copy)]
struct Piece<'a> {
    column: usize,
    text: &'a str,
}

/// Reads a value.
pub(super) fn parse(value: &str) -> Result<WaypointFor<'_>, MalformedAnnotation> {
    let pieces = pieces(value);
    if let [only] = pieces.as_slice()
        && let Some(word) = word(only.text)
    {
        return Ok(word);
    }
    let named: Result<_, _> = pieces.into_iter().map(entry).collect();
    Ok(WaypointFor::Named(named?))
}

/// What stands between the commas, without white space around it.
fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut column = 1;
    let mut pieces = Vec::new();
    for text in value.split(',') {
        pieces.push(Piece { column, text }.trimmed());
        column += text.chars().count() + 1;
    }
    pieces
}

fn word(text: &str) -> Option<WaypointFor<'static>> {
    match text {
        "service" => Some(WaypointFor::Service),
        "workload" => Some(WaypointFor::Workload),
        "all" => Some(WaypointFor::All),
        "none" => Some(WaypointFor::None),
        _ => None,
    }
}

fn entry(piece: Piece<'_>) -> Result<Named<'_>, MalformedAnnotation> {
    if piece.text.is_empty() {
        return Err(piece.error(Problem::Empty));
    }
    let Some((kind, place)) = piece.split(':') else {
        return Err(piece.error(word(piece.text).map_or_else(
            || Problem::UnknownWord(excerpt(piece.text)),
            |word| Problem::WordInList(word.to_string()),
        )));
    };
    let Some(kind) = NamedKind::ALL.into_iter().find(|k| k.as_str() == kind.text) else {
        return Err(kind.error(Problem::UnknownKind(excerpt(kind.text))));
    };
    let Some((namespace, name)) = place.split('/') else {
        return Err(place.at_its_end().error(Problem::NoSlash(kind)));
    };
    namespace.check(Part::Namespace, NameRule::Label)?;
    name.check(Part::Name, kind.name_rule())?;
    Ok(Named {
        kind,
        namespace: namespace.text,
        name: name.text,
    })
}

/// A text of somebody else, short enough for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}

/// Characters of somebody else's text in a message.
const EXCERPT: usize = 40;

// === impl Piece ===

impl<'a> Piece<'a> {
    fn trimmed(self) -> Self {
        let text = self.text.trim_start();
        let skipped = self.text[..self.text.len() - text.len()].chars().count();
        Self {
            column: self.column + skipped,
            text: text.trim_end(),
        }
    }

    fn split(self, at: char) -> Option<(Self, Self)> {
        let (before, after) = self.text.split_once(at)?;
        let after = Self {
            column: self.column + before.chars().count() + 1,
            text: after,
        };
        let before = Self {
            text: before,
            ..self
        };
        Some((before, after))
    }

    fn at_its_end(self) -> Self {
        let column = self.column + self.text.chars().count();
        Self { column, ..self }
    }

    fn error(self, problem: Problem) -> MalformedAnnotation {
        MalformedAnnotation {
            column: self.column,
            problem,
        }
    }

    fn check(self, part: Part, rule: NameRule) -> Result<(), MalformedAnnotation> {
        let Err(bad) = rule.check(self.text) else {
            return Ok(());
        };
        let (offset, problem) = match bad {
            BadName::Empty => (0, Problem::NoName(part, rule)),
            BadName::TooLong => (rule.limit(), Problem::TooLong(part, rule)),
            BadName::Character(offset, character) => (
                offset,
                Problem::Character {
                    character,
                    part,
                    rule,
                },
            ),
        };
        Err(MalformedAnnotation {
            column: self.column + offset,
            problem,
        })
    }
}

// === impl NamedKind ===

impl NamedKind {
    fn name_rule(self) -> NameRule {
        match self {
            Self::Service => NameRule::Label,
            Self::ServiceAccount | Self::Gateway => NameRule::Subdomain,
        }
    }
}

// === impl Part ===

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Namespace => "namespace",
            Self::Name => "name",
        })
    }
}
