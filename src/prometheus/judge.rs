//! What a reply is: an answer, or an error that says what to do.

use super::answer::{Answer, Envelope};
use super::client::Query;
use super::error::Error;
use super::transport::Reply;

/// What an API server says of itself (`meta/v1.Status`).
#[derive(serde::Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
}

/// What the servers' limits are called: of Prometheus (`query processing would load too many samples into memory`), and of
/// Thanos and Mimir (`exceeded`, `limit`).
const LIMITS: [&str; 5] = ["too many", "exceed", "limit", "too large", "max-"];
/// So much of what a server says is shown.
const SHOWN: usize = 300;

/// Judges the last reply to a query.
///
/// # Errors
/// It is no answer.
pub(super) fn judge(
    reply: &Reply,
    address: &str,
    query: &Query,
    tries: u32,
) -> Result<Answer, Error> {
    if let Some(error) = of_api_server(reply, address) {
        return Err(error);
    }
    let Some(envelope) = Envelope::read(&reply.body) else {
        return Err(foreign(reply, address, query, tries));
    };
    if reply.status == 200 && envelope.status == "success" {
        return Ok(Answer::of(&reply.body, envelope));
    }
    let detail = shown(envelope.error.as_deref().unwrap_or("no reason given"));
    let gave_up = envelope.error_type.as_deref() == Some("timeout");
    Err(refused(reply, address, query, tries, detail, gave_up))
}

/// What has no envelope, or an empty one.
fn foreign(reply: &Reply, address: &str, query: &Query, tries: u32) -> Error {
    match reply.status {
        200..=299 | 404 | 405 | 406 | 410 => not_prometheus(reply, address),
        300..=399 => not_prometheus(reply, address),
        400 if !said(reply).contains("query") => not_prometheus(reply, address),
        _ => refused(reply, address, query, tries, said(reply), false),
    }
}

fn not_prometheus(reply: &Reply, address: &str) -> Error {
    let what = match (&reply.hint, reply.status) {
        (Some(to), 300..=399) => format!(
            "HTTP {} sends to {to}, which may be a page to log in at",
            reply.status
        ),
        (_, 200) => format!("an answer in another form: {}", said(reply)),
        (_, status) => format!("HTTP {status}: {}", said(reply)),
    };
    Error::NotPrometheus {
        address: address.to_owned(),
        what,
    }
}

fn refused(
    reply: &Reply,
    address: &str,
    query: &Query,
    tries: u32,
    detail: String,
    gave_up: bool,
) -> Error {
    let (address, status) = (address.to_owned(), reply.status);
    let query = query.text.clone();
    match status {
        401 => Error::Unauthorized {
            address,
            challenge: reply.hint.as_ref().map_or_else(String::new, |scheme| {
                format!(" (it asks for the scheme {scheme})")
            }),
        },
        403 => Error::Forbidden {
            address,
            detail: format!(" ({detail})"),
        },
        400 | 413 | 422 | 500 if status == 413 || over_a_limit(&detail) => Error::TooLarge {
            address,
            detail,
            query,
        },
        _ if gave_up => Error::TooLarge {
            address,
            detail,
            query,
        },
        400 => Error::BadQuery {
            address,
            detail,
            query,
        },
        422 => Error::NotEvaluated {
            address,
            detail,
            query,
        },
        429 | 502 | 503 | 504 => Error::Busy {
            address,
            status,
            detail,
            tries,
            query,
        },
        _ => Error::Failed {
            address,
            status,
            detail,
            query,
        },
    }
}

fn over_a_limit(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    LIMITS.iter().any(|words| detail.contains(words))
}

/// What the API server says, if it is it that answers, and not the Prometheus.
fn of_api_server(reply: &Reply, address: &str) -> Option<Error> {
    if reply.status == 200 {
        return None;
    }
    let said: Status = serde_json::from_slice(&reply.body).ok()?;
    if said.kind != "Status" {
        return None;
    }
    let address = address.to_owned();
    let detail = match said.message.as_str() {
        "" => format!("HTTP {}", reply.status),
        message => shown(message),
    };
    Some(match reply.status {
        401 | 403 => Error::ProxyForbidden { address, detail },
        _ => Error::ProxyFailed { address, detail },
    })
}

/// The beginning of a body, for people.
fn said(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let text = text.trim();
    let begin = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    if text.is_empty() {
        "no text".to_owned()
    } else if begin.starts_with("<!doctype html") || begin.starts_with("<html") {
        "a page of HTML".to_owned()
    } else {
        shown(text)
    }
}

/// A text of a server, in one line and not too long.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
