//! `AdmissionReview` responses of `admission.k8s.io/v1`, as the API server demands them
//! (`plugin/webhook/request/admissionreview.go`, `VerifyAdmissionResponse`).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::review::{API_VERSION, KIND};

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

/// The longest warning, in characters: the API server cuts to this when all together exceed 4096
/// (`endpoints/filters/warning.go`).
const MAX_WARNING: usize = 256;
/// The most warnings: 16 of 256 characters are the API server's 4096.
const MAX_WARNINGS: usize = 16;
/// The longest value of an audit annotation, in characters.
const MAX_AUDIT: usize = 1024;

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

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(1536);
        // Writing strings into memory cannot fail.
        drop(serde_json::to_writer(&mut json, &Envelope::of(self)));
        json
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Audit::is_empty")]
    audit_annotations: Audit<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    reason: &'static str,
    message: &'a str,
}

struct Audit<'a>(&'a [(&'static str, Cow<'a, str>)]);

impl<'a> Envelope<'a> {
    fn of(answer: &'a Answer<'_>) -> Self {
        let (allowed, status, patch) = match &answer.outcome {
            Outcome::Allowed => (true, None, None),
            Outcome::Patched(patch) => (true, None, Some(STANDARD.encode(patch))),
            Outcome::Refused { message } => (
                false,
                Some(Status {
                    code: 403,
                    reason: "Forbidden",
                    message,
                }),
                None,
            ),
        };
        Self {
            api_version: API_VERSION,
            kind: KIND,
            response: Response {
                uid: &answer.uid,
                allowed,
                status,
                patch_type: patch.is_some().then_some("JSONPatch"),
                patch,
                warnings: warnings(&answer.warnings),
                audit_annotations: Audit(&answer.audit),
            },
        }
    }
}

impl Audit<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Audit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(key, value)| (*key, clean(value, MAX_AUDIT))),
        )
    }
}

fn warnings(texts: &[String]) -> Vec<Cow<'_, str>> {
    texts
        .iter()
        .take(MAX_WARNINGS)
        .map(|text| clean(text, MAX_WARNING))
        .collect()
}

/// `text` on one line, without control characters (a warning with one is dropped by the API server), and
/// of at most `max` characters.
pub fn clean(text: &str, max: usize) -> Cow<'_, str> {
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
