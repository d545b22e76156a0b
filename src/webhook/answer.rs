//! `AdmissionReview` responses of `admission.k8s.io/v1`, as the API server demands them
//! (`plugin/webhook/request/admissionreview.go`, `VerifyAdmissionResponse`).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::placement::Mode;
use crate::placement::text::write_string;

/// What is answered to one review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The uid of the review.
    pub uid: Cow<'a, str>,
    /// Whether the object may be stored, and how changed.
    pub outcome: Outcome,
    /// Shown to whoever sent the object; cleaned and cut when written.
    pub warnings: Vec<String>,
    /// Recorded in the API server's audit log, below the name of the webhook.
    pub audit: Vec<(&'static str, Cow<'a, str>)>,
}

/// Whether the object may be stored, and how changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it is.
    Allowed,
    /// With this JSON patch, the text of a list of operations.
    Patched(Vec<u8>),
    /// Not.
    Refused {
        /// Why, and what to do.
        message: String,
    },
}

/// In place of a rule or a reason, where nothing was decided.
pub const NOT_ASKED: &str = "not-asked";

/// The text of every answer up to its uid.
const HEAD: &str =
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"#;
/// The longest warning, in characters: the API server cuts to this when all together exceed 4096
/// (`endpoints/filters/warning.go`).
const MAX_WARNING: usize = 256;
/// The most warnings: 16 of 256 characters are the API server's 4096.
const MAX_WARNINGS: usize = 16;
/// The longest value of an audit annotation, in characters.
const MAX_AUDIT: usize = 1024;
/// The most lines of a refusal, and the longest of them: what was written into an object may be in it.
const MAX_LINES: usize = 200;
const MAX_LINE: usize = 1024;

// === impl Answer ===

impl<'a> Answer<'a> {
    /// An answer that changes nothing.
    pub fn allowed(uid: Cow<'a, str>) -> Self {
        Self {
            uid,
            outcome: Outcome::Allowed,
            warnings: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// The audit annotations of a placement, or of none.
    pub fn placement(
        mode: Mode,
        rule: &'a str,
        reason: Cow<'a, str>,
    ) -> Vec<(&'static str, Cow<'a, str>)> {
        vec![
            ("placement", Cow::Borrowed(mode.as_str())),
            ("rule", Cow::Borrowed(rule)),
            ("reason", reason),
        ]
    }

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        let mut writer = Writer {
            json: Vec::with_capacity(1792),
        };
        writer.json.extend_from_slice(HEAD.as_bytes());
        write_string(&mut writer.json, &self.uid);
        let allowed: &[u8] = match self.outcome {
            Outcome::Allowed | Outcome::Patched(_) => b",\"allowed\":true",
            Outcome::Refused { .. } => b",\"allowed\":false",
        };
        writer.json.extend_from_slice(allowed);
        match &self.outcome {
            Outcome::Allowed => {}
            Outcome::Patched(patch) => writer.patch(patch),
            Outcome::Refused { message } => writer.refusal(message),
        }
        writer.warnings(&self.warnings);
        writer.audit(&self.audit);
        writer.json.extend_from_slice(b"}}");
        writer.json
    }
}

/// Writes the members of `response`, one after the other.
struct Writer {
    json: Vec<u8>,
}

impl Writer {
    fn patch(&mut self, patch: &[u8]) {
        self.json
            .extend_from_slice(b",\"patchType\":\"JSONPatch\",\"patch\":\"");
        let start = self.json.len();
        let length = base64::encoded_len(patch.len(), true).unwrap_or_default();
        self.json.resize(start + length, b'=');
        // The room is that of the encoded patch.
        drop(STANDARD.encode_slice(patch, &mut self.json[start..]));
        self.json.push(b'"');
    }

    fn refusal(&mut self, message: &str) {
        self.json
            .extend_from_slice(b",\"status\":{\"code\":403,\"reason\":\"Forbidden\",\"message\":");
        write_string(&mut self.json, &clean_lines(message));
        self.json.push(b'}');
    }

    fn warnings(&mut self, texts: &[String]) {
        let mut before = &b",\"warnings\":["[..];
        for text in texts.iter().take(MAX_WARNINGS) {
            self.json.extend_from_slice(before);
            write_string(&mut self.json, &clean(text, MAX_WARNING));
            before = b",";
        }
        self.json
            .extend_from_slice(if texts.is_empty() { b"" } else { b"]" });
    }

    fn audit(&mut self, entries: &[(&'static str, Cow<'_, str>)]) {
        let mut before = &b",\"auditAnnotations\":{"[..];
        for (key, value) in entries {
            self.json.extend_from_slice(before);
            write_string(&mut self.json, key);
            self.json.push(b':');
            write_string(&mut self.json, &clean(value, MAX_AUDIT));
            before = b",";
        }
        self.json
            .extend_from_slice(if entries.is_empty() { b"" } else { b"}" });
    }
}

/// The lines of `text`, each [`clean`]: a terminal shows them as they are.
fn clean_lines(text: &str) -> String {
    let lines = text.lines().take(MAX_LINES);
    let lines: Vec<Cow<'_, str>> = lines.map(|line| clean(line, MAX_LINE)).collect();
    lines.join("\n")
}

/// `text` on one line, without control characters (a warning with one is dropped by the API server), and
/// of at most `max` characters.
pub fn clean(text: &str, max: usize) -> Cow<'_, str> {
    let plain = |byte: u8| (b' '..0x7f).contains(&byte);
    if text.len() <= max && text.bytes().fold(true, |all, byte| all & plain(byte)) {
        return Cow::Borrowed(text);
    }
    let fits = text.len() <= max || text.chars().count() <= max;
    if fits && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut cleaned: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(if fits { max } else { max - 1 })
        .collect();
    if !fits {
        cleaned.push('…');
    }
    Cow::Owned(cleaned)
}
