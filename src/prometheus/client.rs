//! Asks a Prometheus, Thanos, Mimir or whoever speaks the same API: queries by POST, answered or told why not.
//!
//! A query is asked again where the server is busy or the connection breaks, a bounded number of times. What is asked and
//! answered can be recorded, and a recording answers instead of a server.
//!
//! Must not: show headers, parameters, or what is in files.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::answer::{Answer, Envelope};
use super::discover::Service;
use super::error::Error;
use super::judge::judge;
pub use super::query::{At, Query};
use super::record::{Recording, Replay};
use super::settings::{Manner, Settings, Verify};
use super::tls::Broken;
use super::transport::{Reply, Transport};

/// Asks one Prometheus.
pub struct Client {
    /// How it is reached; a recording needs no way.
    way: Way,
    address: String,
    headers: HeaderMap,
    params: Vec<(String, String)>,
    timeout: Duration,
    retries: u32,
    backoff: Duration,
    recording: Option<Recording>,
    believing: bool,
}

enum Way {
    Over(Transport),
    Recorded(Replay),
}

/// One more wait than this is no help to somebody who looks on.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// A query that took too long does so again, mostly.
const TRIES_OF_SLOW: u32 = 2;

// === impl Client ===

impl Client {
    /// Asks the one of these settings. Files are read; nothing is sent yet.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn direct(settings: &Settings) -> Result<Self, Error> {
        let transport = Transport::direct(settings)?;
        let address = match &transport {
            Transport::Direct { base, .. } | Transport::Proxied { base, .. } => base.clone(),
        };
        let headers = settings.headers()?;
        let mut this = Self::new(Way::Over(transport), address, headers, &settings.manner);
        this.believing = settings.verify == Verify::No;
        Ok(this)
    }

    /// Asks a service of a cluster through its API server. Nothing is sent yet.
    ///
    /// # Errors
    /// The headers cannot be sent.
    pub fn through(kube: kube::Client, service: &Service, manner: &Manner) -> Result<Self, Error> {
        let transport = Transport::Proxied {
            kube: Box::new(kube),
            base: service.proxy_path(),
        };
        let address = service.to_string();
        let headers = manner.headers()?;
        Ok(Self::new(Way::Over(transport), address, headers, manner))
    }

    /// Answers from a recording that [`Self::recording`] made.
    ///
    /// # Errors
    /// There is none in the folder.
    pub fn replay(folder: &Path) -> Result<Self, Error> {
        let replay = Replay::open(folder)?;
        let address = format!("the recording {}", folder.display());
        let way = Way::Recorded(replay);
        Ok(Self::new(
            way,
            address,
            HeaderMap::new(),
            &Manner::default(),
        ))
    }

    /// Writes each query with its answer into a folder, which is made.
    ///
    /// # Errors
    /// The folder cannot be made, or holds a recording already.
    pub fn recording(mut self, folder: &Path) -> Result<Self, Error> {
        self.recording = Some(Recording::begin(folder)?);
        Ok(self)
    }

    fn new(way: Way, address: String, headers: HeaderMap, manner: &Manner) -> Self {
        Self {
            way,
            address,
            headers,
            params: manner.query_params.clone(),
            timeout: manner.timeout,
            retries: manner.retries,
            backoff: manner.backoff,
            recording: None,
            believing: false,
        }
    }

    /// Where it is, for people: no credentials.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where queries are written to.
    pub(super) const fn record(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// Where answers are read from.
    pub(super) const fn replayed(&self) -> Option<&Replay> {
        match &self.way {
            Way::Over(_) => None,
            Way::Recorded(replay) => Some(replay),
        }
    }

    /// Whether anybody could pretend to be this Prometheus.
    pub(super) const fn believes_everybody(&self) -> bool {
        self.believing
    }

    /// Asks for one time.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn instant(&self, text: &str, at: Timestamp) -> Result<Answer, Error> {
        self.ask(&Query {
            text: text.to_owned(),
            at: At::Instant(at),
        })
        .await
    }

    /// Asks. An answer with warnings is one; see [`Answer::warnings`].
    ///
    /// # Errors
    /// There is no answer, or the server says why not.
    pub async fn ask(&self, query: &Query) -> Result<Answer, Error> {
        let (reply, tries) = match &self.way {
            Way::Recorded(replay) => (replay.reply(query)?, 1),
            Way::Over(transport) => self.try_often(transport, query).await?,
        };
        if let Some(recording) = &self.recording {
            recording.write(query, &reply)?;
        }
        judge(&reply, &self.address, query, tries)
    }

    async fn try_often(&self, transport: &Transport, query: &Query) -> Result<(Reply, u32), Error> {
        let form = self.form(query);
        let mut wait = self.backoff;
        let mut tries = 1;
        loop {
            let tried = transport
                .post(query.at.path(), &self.headers, &form, self.timeout)
                .await;
            match tried {
                Ok(reply) if !self.worth_another(&reply, tries) => return Ok((reply, tries)),
                Err(broken) if !self.worth_mending(&broken, tries) => {
                    return Err(self.broken(transport, broken, tries, query));
                }
                Ok(_) | Err(_) => tokio::time::sleep(wait).await,
            }
            wait = (wait * 2).min(MAX_BACKOFF);
            tries += 1;
        }
    }

    /// Whether the server is busy, and may be less so in a moment. A query that it gave up is as long the next time.
    fn worth_another(&self, reply: &Reply, tries: u32) -> bool {
        let busy = matches!(reply.status, 429 | 502 | 503 | 504);
        busy && tries <= self.retries && !gave_up(&reply.body)
    }

    fn worth_mending(&self, broken: &Broken, tries: u32) -> bool {
        match broken {
            Broken::Cut(_) => tries <= self.retries,
            Broken::TimedOut => tries <= self.retries && tries < TRIES_OF_SLOW,
            Broken::Unreachable(_) | Broken::Tls(..) | Broken::TooLong => false,
        }
    }

    fn broken(&self, transport: &Transport, broken: Broken, tries: u32, query: &Query) -> Error {
        let address = match transport {
            Transport::Direct { .. } => self.address.clone(),
            Transport::Proxied { .. } => format!("the API server before {}", self.address),
        };
        match broken {
            Broken::Unreachable(source) => Error::Unreachable { address, source },
            Broken::Tls(advice, source) => Error::Tls {
                address,
                advice,
                source,
            },
            Broken::Cut(source) => Error::Cut {
                address,
                tries,
                source,
            },
            Broken::TimedOut => Error::Timeout {
                address,
                limit: self.timeout,
                tries,
                query: query.text.clone(),
            },
            Broken::TooLong => Error::TooLarge {
                address,
                detail: "the answer is longer than 256 MiB".to_owned(),
                query: query.text.clone(),
            },
        }
    }

    fn form(&self, query: &Query) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("query", &query.text);
        for (name, value) in query.at.parameters() {
            form.append_pair(name, &value);
        }
        form.append_pair("timeout", &format!("{}s", self.timeout.as_secs().max(1)));
        for (name, value) in &self.params {
            form.append_pair(name, value);
        }
        form.finish()
    }
}

/// Whether the server says that its own time for the query was over.
fn gave_up(body: &Bytes) -> bool {
    Envelope::read(body).is_some_and(|envelope| envelope.error_type.as_deref() == Some("timeout"))
}

#[cfg(test)]
mod tests;
