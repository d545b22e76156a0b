//! What all forms for people are made of: sentences and tables, whose figures know their place in the JSON report.
//! Words may be somebody else's: whoever writes them cleans them for the form.

use super::numbers::{self, UNKNOWN};

/// A figure.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Its place in the JSON report, such as `monthly.now` or `namespaces.3.now`.
    pub(super) field: String,
    /// What stands there; none for `null`.
    pub(super) value: Option<f64>,
    /// How people read it.
    pub(super) shown: String,
}

/// A part of a sentence, or a cell of a table.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Ours, or a name.
    Words(String),
    /// A figure of the JSON report.
    Figure(Figure),
}

/// What is said, piece by piece.
pub(super) type Sentence = Vec<Piece>;

/// A table. Each row has a cell for each column.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// What it shows.
    pub(super) title: String,
    /// Its columns.
    pub(super) columns: Vec<Column>,
    /// Its rows.
    pub(super) rows: Vec<Row>,
    /// How many rows there are besides.
    pub(super) more: usize,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// What is in it.
    pub(super) name: &'static str,
    /// Where.
    pub(super) side: Side,
}

/// Where the cells of a column stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
    /// Long words: where there is no room, in a line of their own below the row.
    Below,
    /// Long words of the last column, on several lines.
    Wrapped,
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// One a column.
    pub(super) cells: Vec<Piece>,
    /// What it is to the others.
    pub(super) kind: RowKind,
}

/// What a row is to the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RowKind {
    /// One of them.
    Usual,
    /// A part of the one before, which has it.
    Part,
}

// === impl Figure ===

impl Figure {
    /// Money a month.
    pub(super) fn money(currency: &str, field: impl Into<String>, value: f64) -> Piece {
        Self::of(field, Some(value), |value| numbers::money(currency, value))
    }

    /// Money a month, where it is known.
    pub(super) fn money_if(currency: &str, field: impl Into<String>, value: Option<f64>) -> Piece {
        Self::of(field, value, |value| numbers::money(currency, value))
    }

    /// How many.
    pub(super) fn count(field: impl Into<String>, value: f64) -> Piece {
        Self::of(field, Some(value), numbers::count)
    }

    /// How many, where it is known.
    pub(super) fn count_if(field: impl Into<String>, value: Option<f64>) -> Piece {
        Self::of(field, value, numbers::count)
    }

    /// Cores, GiB or milliseconds.
    pub(super) fn decimal(field: impl Into<String>, value: f64) -> Piece {
        Self::of(field, Some(value), numbers::decimal)
    }

    /// The same, where it is known.
    pub(super) fn decimal_if(field: impl Into<String>, value: Option<f64>) -> Piece {
        Self::of(field, value, numbers::decimal)
    }

    /// Shown in a way of its own.
    pub(super) fn of(
        field: impl Into<String>,
        value: Option<f64>,
        show: impl FnOnce(f64) -> String,
    ) -> Piece {
        // JSON has no NaN and no infinity: they stand there as `null`.
        let value = value.filter(|value| value.is_finite());
        Piece::Figure(Self {
            field: field.into(),
            value,
            shown: value.map_or_else(|| UNKNOWN.to_owned(), show),
        })
    }
}

// === impl Piece ===

impl Piece {
    /// Words.
    pub(super) fn words(words: impl Into<String>) -> Self {
        Self::Words(words.into())
    }

    /// As it is read; words as they are given.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Words(words) => words,
            Self::Figure(figure) => &figure.shown,
        }
    }
}

impl From<&str> for Piece {
    fn from(words: &str) -> Self {
        Self::words(words)
    }
}

impl From<String> for Piece {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

/// A sentence without its figures' places.
pub(super) fn plain(sentence: &[Piece]) -> String {
    sentence.iter().map(Piece::shown).collect()
}

// === impl Table ===

impl Table {
    pub(super) fn new(title: impl Into<String>, columns: &[(&'static str, Side)]) -> Self {
        let columns = columns.iter();
        Self {
            title: title.into(),
            columns: columns.map(|&(name, side)| Column { name, side }).collect(),
            rows: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn row(&mut self, cells: Vec<Piece>) {
        let kind = RowKind::Usual;
        self.rows.push(Row { cells, kind });
    }

    /// A part of the row before.
    pub(super) fn part(&mut self, cells: Vec<Piece>) {
        let kind = RowKind::Part;
        self.rows.push(Row { cells, kind });
    }

    /// With so many rows at most.
    pub(super) fn first(mut self, most: usize) -> Self {
        self.more += self.rows.len().saturating_sub(most);
        self.rows.truncate(most);
        self
    }
}
