//! A recording: each query with its answer, a file each that a person can read, and answers out of them without a server.
//!
//! A file is named `NUMBER-HASH.json`: the number says in which order was asked, the hash is of query and time. There is
//! nothing in it of headers, parameters or files of credentials.

mod error;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::error::RecordError;
use super::client::Query;
use super::transport::Reply;

/// Is written.
#[derive(Debug)]
pub struct Recording {
    folder: PathBuf,
    next: AtomicUsize,
}

/// Is read.
#[derive(Debug)]
pub struct Replay {
    folder: PathBuf,
    files: HashMap<String, PathBuf>,
    about: About,
}

/// What was asked for, without which the queries would not be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The end of the window.
    pub end: Timestamp,
    /// Its length in seconds.
    pub window_seconds: u64,
    /// Between samples, in seconds.
    pub step_seconds: u64,
    /// How many slots it is cut into.
    pub slots: usize,
    /// As `--matcher` gave them.
    pub matchers: Vec<String>,
    /// The label that tells clusters apart.
    pub cluster_label: String,
}

/// A file. What people look for first stands first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    path: &'a str,
    query: &'a str,
    #[serde(flatten)]
    at: BTreeMap<&'a str, String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Read {
    query: String,
    status: u16,
    answer: Option<Box<RawValue>>,
    text: Option<String>,
}

/// What the recording is about.
const ABOUT: &str = "recording.json";

// === impl Recording ===

impl Recording {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made, or holds a recording.
    pub(super) fn begin(folder: &Path) -> Result<Self, RecordError> {
        let this = Self {
            folder: folder.to_owned(),
            next: AtomicUsize::new(1),
        };
        fs::create_dir_all(folder).map_err(|source| unwritten(folder, source))?;
        if folder.join(ABOUT).exists() {
            return Err(RecordError::Exists(folder.to_owned()));
        }
        Ok(this)
    }

    /// Writes what is asked for.
    pub(super) fn about(&self, about: &About) -> Result<(), RecordError> {
        self.file(ABOUT, about)
    }

    fn file(&self, name: &str, content: &impl Serialize) -> Result<(), RecordError> {
        let path = self.folder.join(name);
        let mut text =
            serde_json::to_string_pretty(content).map_err(|source| RecordError::Form {
                path: path.clone(),
                source,
            })?;
        text.push('\n');
        fs::write(&path, text).map_err(|source| unwritten(&path, source))
    }

    /// Writes one query with its answer.
    pub(super) fn write(&self, query: &Query, reply: &Reply) -> Result<(), RecordError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let answer: Option<&RawValue> = serde_json::from_slice(&reply.body).ok();
        let text = match answer {
            Some(_) => None,
            None => Some(String::from_utf8_lossy(&reply.body).into_owned()),
        };
        let written = Written {
            path: query.at.path(),
            query: &query.text,
            at: query.at.for_people().into_iter().collect(),
            status: reply.status,
            answer,
            text,
        };
        self.file(&format!("{number:04}-{}.json", hash(query)), &written)
    }
}

// === impl Replay ===

impl Replay {
    /// Looks at which queries there are.
    ///
    /// # Errors
    /// The folder is no recording.
    pub(super) fn open(folder: &Path) -> Result<Self, RecordError> {
        let about = read(&folder.join(ABOUT))?;
        let unread = |source| RecordError::Read {
            path: folder.to_owned(),
            source,
        };
        let mut files = HashMap::new();
        for entry in fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some((_, hash)) = stem.and_then(|stem| stem.split_once('-')) {
                files.insert(hash.to_owned(), path);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            files,
            about,
        })
    }

    /// With what it was made.
    ///
    /// # Errors
    /// Matchers are asked for, and others were when it was made.
    pub(super) fn about(&self, matchers: &[String]) -> Result<&About, RecordError> {
        if matchers.is_empty() || matchers == self.about.matchers {
            return Ok(&self.about);
        }
        Err(RecordError::OtherMatchers {
            folder: self.folder.clone(),
            recorded: self.about.to_string(),
        })
    }

    /// The reply to a query.
    pub(super) fn reply(&self, query: &Query) -> Result<Reply, RecordError> {
        let path = self
            .files
            .get(&hash(query))
            .ok_or_else(|| self.missing(query))?;
        let found: Read = read(path)?;
        if found.query != query.text {
            return Err(self.missing(query));
        }
        let body = match (found.answer, found.text) {
            (Some(answer), _) => Bytes::from(String::from(Box::<str>::from(answer))),
            (None, text) => Bytes::from(text.unwrap_or_default()),
        };
        Ok(Reply {
            status: found.status,
            hint: None,
            body,
        })
    }

    fn missing(&self, query: &Query) -> RecordError {
        let when: Vec<String> = query
            .at
            .for_people()
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        RecordError::Missing {
            folder: self.folder.clone(),
            recorded: self.about.to_string(),
            when: when.join(", "),
            query: query.text.clone(),
        }
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            window_seconds,
            step_seconds,
            slots,
            ..
        } = self;
        write!(
            f,
            "--window {window_seconds}s --step {step_seconds}s, {slots} slots"
        )?;
        for matcher in &self.matchers {
            write!(f, " --matcher {matcher}")?;
        }
        Ok(())
    }
}

fn unwritten(path: &Path, source: io::Error) -> RecordError {
    RecordError::Write {
        path: path.to_owned(),
        source,
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, RecordError> {
    let bytes = fs::read(path).map_err(|source| RecordError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| RecordError::Form {
        path: path.to_owned(),
        source,
    })
}

/// FNV-1a of what is asked: the same in every version, and the query is compared besides.
fn hash(query: &Query) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(query.at.path());
    add(&query.text);
    for (name, value) in query.at.parameters() {
        add(name);
        add(&value);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
