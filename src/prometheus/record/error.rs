//! Why a recording cannot be written or read.

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The folder or a file in it.
    #[error("cannot write the recording {}: check that --record names a folder that may be written", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two recordings in one folder would be mixed.
    #[error("{} holds a recording already: give --record another folder, or empty it", .0.display())]
    Exists(PathBuf),
    /// Nothing is there.
    #[error("cannot read the recording {}: check that --replay names a folder that --record made", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that is no recording, or was changed.
    #[error("{} is no file of a recording that can be read: record anew", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It is of other series.
    #[error(
        "the recording {} was made with {recorded}, and what else --matcher names is not in it: leave --matcher out, or record \
         anew", folder.display()
    )]
    OtherMatchers {
        /// Which recording.
        folder: PathBuf,
        /// With what it was made.
        recorded: String,
    },
    /// What is asked was not recorded.
    #[error(
        "the recording {} has no answer to a query that these flags ask; it was made with {recorded}: give the same, or record \
         anew; the query was, for {when}: {query}", folder.display()
    )]
    Missing {
        /// Which recording.
        folder: PathBuf,
        /// With what it was made.
        recorded: String,
        /// For which time.
        when: String,
        /// Which.
        query: String,
    },
}
