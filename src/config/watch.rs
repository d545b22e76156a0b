//! Watches a fixed list of files by their content.
//!
//! For: noticing a new certificate or configuration in a volume that the kubelet keeps. The kubelet
//! replaces such a volume by renaming a symlink (`..data`) over another: the paths never change,
//! the files behind them do, and a file system watch on a file dies without a word after the first
//! swap. So every tick reads all files and compares bytes.
//!
//! Promises: one report per change, of the content or of the error; after an error the next content
//! is reported even if it is what it was before, so that a caller can clear its alarm.
//!
//! Must not: understand the content, log, or watch by file system events. Reads block the thread:
//! mounted ConfigMaps and Secrets are small and in memory. Two files of one volume may be read at
//! different ages when a swap falls between them: who needs them to fit together checks that, and
//! the next tick sees the rest.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

/// Polls the content of `N` files.
pub struct ContentWatch<const N: usize> {
    paths: [PathBuf; N],
    seen: Seen<N>,
}

/// Why the files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Typical cause: a volume that is not mounted, or a file of another user.
    #[error("cannot read {}: check that it exists and that meshmode's user may read it", path.display())]
    Unreadable {
        /// The first file that could not be read.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Typical cause: the path of another file, such as a log or a device.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes: check that the path is the right one", path.display())]
    TooLarge {
        /// The first file that is too large.
        path: PathBuf,
    },
}

/// What the last reading gave.
enum Seen<const N: usize> {
    Nothing,
    Content([Vec<u8>; N]),
    Failure(PathBuf, Option<io::ErrorKind>),
}

/// A ConfigMap or Secret holds at most 1 MiB.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// An interval of zero would be a busy loop (and a panic in tokio).
const MIN_INTERVAL: Duration = Duration::from_millis(1);

// === impl ContentWatch ===

impl<const N: usize> ContentWatch<N> {
    /// Watches these files; nothing is read yet, so the first reading is always news.
    #[must_use]
    pub fn new(paths: [PathBuf; N]) -> Self {
        Self {
            paths,
            seen: Seen::Nothing,
        }
    }

    /// Reads all files, whether or not they changed, and remembers what it saw: for the first load,
    /// so that the loop that follows reports only what changed since.
    ///
    /// # Errors
    /// The first file that cannot be read, or is too large.
    pub fn read(&mut self) -> Result<[Vec<u8>; N], ReadError> {
        let reading = self.read_files();
        self.seen = Seen::of(&reading);
        reading
    }

    /// Reads all files; `None` when this reading, of content or of an error, is as the last one.
    pub fn poll(&mut self) -> Option<Result<[Vec<u8>; N], ReadError>> {
        let reading = self.read_files();
        if self.seen.is(&reading) {
            return None;
        }
        self.seen = Seen::of(&reading);
        Some(reading)
    }

    /// Polls at once and then every `interval`, handing each change to `on_change`. Never ends by
    /// itself; dropping the future stops it.
    pub async fn run(
        mut self,
        interval: Duration,
        mut on_change: impl FnMut(Result<[Vec<u8>; N], ReadError>),
    ) -> Infallible {
        loop {
            on_change(self.changed(interval).await);
        }
    }

    /// The next change: polls at once and then every `interval`. Dropping the future loses nothing.
    pub async fn changed(&mut self, interval: Duration) -> Result<[Vec<u8>; N], ReadError> {
        let mut ticks = ticks(interval);
        loop {
            ticks.tick().await;
            if let Some(change) = self.poll() {
                return change;
            }
        }
    }

    fn read_files(&self) -> Result<[Vec<u8>; N], ReadError> {
        let mut contents = [const { Vec::new() }; N];
        for (path, content) in self.paths.iter().zip(&mut contents) {
            *content = read_file(path)?;
        }
        Ok(contents)
    }
}

impl<const N: usize> fmt::Debug for ContentWatch<N> {
    /// Shows the paths only: the content may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentWatch")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

// === impl Seen ===

impl<const N: usize> Seen<N> {
    fn of(reading: &Result<[Vec<u8>; N], ReadError>) -> Self {
        match reading {
            Ok(contents) => Self::Content(contents.clone()),
            Err(error) => Self::Failure(error.path().to_owned(), error.kind()),
        }
    }

    fn is(&self, reading: &Result<[Vec<u8>; N], ReadError>) -> bool {
        match (self, reading) {
            (Self::Content(seen), Ok(contents)) => seen == contents,
            (Self::Failure(path, kind), Err(error)) => {
                path == error.path() && *kind == error.kind()
            }
            (Self::Nothing, _) | (Self::Content(_), Err(_)) | (Self::Failure(..), Ok(_)) => false,
        }
    }
}

// === impl ReadError ===

impl ReadError {
    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::TooLarge { path } => path,
        }
    }

    fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Unreadable { source, .. } => Some(source.kind()),
            Self::TooLarge { .. } => None,
        }
    }
}

/// Ticks at once and then every `interval`, never to catch up with those that were missed.
#[must_use]
pub fn ticks(interval: Duration) -> Interval {
    let mut ticks = tokio::time::interval(interval.max(MIN_INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn read_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content))
        .map_err(|source| ReadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

#[cfg(test)]
pub(crate) mod kubelet;

#[cfg(test)]
mod tests;
