//! A line of the log as JSON: `{"timestamp":…,"level":…,` the fields of the event, `"target":…}`.
//!
//! As `tracing_subscriber` has it, with its `flatten_event`, at a quarter of the cost: a line is told of each review, and
//! the crate's makes a map of every field first. Control characters beyond those that JSON escapes are escaped here too
//! (DEL, and U+0080 to U+009F, which terminals take for the start of a command): people read logs in terminals.

use std::fmt::{self, Debug, Write};
use std::time::SystemTime;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as lines of JSON.
pub(crate) struct Json;

/// The fields of an event, on their way into `line`.
struct Fields<'w> {
    line: Writer<'w>,
    written: fmt::Result,
}

/// What is written to it becomes the inside of a JSON string in `line`.
struct Inside<'a, W>(&'a mut W);

// === impl Json ===

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields {
            line,
            written: Ok(()),
        };
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
        write!(fields.line, r#"{{"timestamp":"{now:.6}","level":""#)?;
        fields.line.write_str(metadata.level().as_str())?;
        fields.line.write_char('"')?;
        event.record(&mut fields);
        fields.text("target", metadata.target());
        fields.written?;
        fields.line.write_str("}\n")
    }
}

// === impl Fields ===

impl Fields<'_> {
    /// Writes one field, whose value is written by `value`.
    fn field(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let line = &mut self.line;
        self.written = self.written.and_then(|()| {
            line.write_str(",\"")?;
            // Names are words of our own code: nothing in them is to be escaped.
            line.write_str(name)?;
            line.write_str("\":")?;
            value(line)
        });
    }

    fn text(&mut self, name: &str, text: &str) {
        self.field(name, |line| {
            line.write_char('"')?;
            Inside(line).write_str(text)?;
            line.write_char('"')
        });
    }

    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.field(field.name(), |line| write!(line, "{value}"));
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.plain(field, "null");
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field.name(), |line| {
            line.write_char('"')?;
            write!(Inside(line), "{value:?}")?;
            line.write_char('"')
        });
    }
}

// === impl Inside ===

impl<W: Write> Write for Inside<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Of all of it, without leaving early: that makes vector instructions of it.
        let plain = text
            .bytes()
            .fold(true, |plain, byte| plain & as_it_is(byte));
        if plain {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        match c {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            '\n' => self.0.write_str("\\n"),
            '\r' => self.0.write_str("\\r"),
            '\t' => self.0.write_str("\\t"),
            c if c.is_control() => write!(self.0, "\\u{:04x}", u32::from(c)),
            c => self.0.write_char(c),
        }
    }
}

/// Whether a byte stands in a JSON string for itself, and for nothing else.
const fn as_it_is(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
}

#[cfg(test)]
mod tests;
