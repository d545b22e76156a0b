//! A line of the log as JSON: `{"timestamp":…,"level":…,` the fields of the event, `"target":…}`.
//!
//! As `tracing_subscriber` has it with its `flatten_event`, but without spans, which we have none of, at a quarter of the
//! cost: a line is told of each review. Control characters beyond those that JSON escapes are escaped here too
//! (DEL, and U+0080 to U+009F, which terminals take for the start of a command): people read logs in terminals.

use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as lines of JSON.
pub(crate) struct Json;

/// The fields of an event, on their way into a line. Writing into memory cannot fail.
struct Fields(String);

/// What is written to it becomes the inside of a JSON string in a line.
struct Inside<'a>(&'a mut String);

/// Room for a usual line.
const LINE: usize = 640;

// === impl Json ===

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields(String::with_capacity(LINE));
        let now = Timestamp::now();
        write!(fields.0, r#"{{"timestamp":"{now:.6}","level":""#)?;
        fields.0.push_str(metadata.level().as_str());
        fields.0.push('"');
        event.record(&mut fields);
        fields.text("target", metadata.target());
        fields.0.push_str("}\n");
        writer.write_str(&fields.0)
    }
}

// === impl Fields ===

impl Fields {
    /// Begins one field.
    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        Inside(&mut self.0).text(name);
        self.0.push_str("\":");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.0.push('"');
        Inside(&mut self.0).text(text);
        self.0.push('"');
    }

    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field.name());
        let _always = write!(self.0, "{value}");
    }
}

impl Visit for Fields {
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
        self.name(field.name());
        self.0.push('"');
        let _always = write!(Inside(&mut self.0), "{value:?}");
        self.0.push('"');
    }
}

// === impl Inside ===

impl Inside<'_> {
    fn text(&mut self, text: &str) {
        // Of all of it, without leaving early: that makes vector instructions of it.
        let plain = text
            .bytes()
            .fold(true, |plain, byte| plain & as_it_is(byte));
        if plain {
            self.0.push_str(text);
        } else {
            text.chars().for_each(|c| self.char(c));
        }
    }

    fn char(&mut self, c: char) {
        match c {
            '"' => self.0.push_str("\\\""),
            '\\' => self.0.push_str("\\\\"),
            '\n' => self.0.push_str("\\n"),
            '\r' => self.0.push_str("\\r"),
            '\t' => self.0.push_str("\\t"),
            c if c.is_control() => {
                let _always = write!(self.0, "\\u{:04x}", u32::from(c));
            }
            c => self.0.push(c),
        }
    }
}

impl Write for Inside<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// Whether a byte stands in a JSON string for itself, and for nothing else.
const fn as_it_is(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
}

#[cfg(test)]
mod tests;
