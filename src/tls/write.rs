//! Issued certificates as files: `ca.crt`, `ca.key`, `tls.crt`, `tls.key`.
//!
//! Promises: a key is never readable by others, not even for a moment; nothing that exists is
//! replaced unless asked for, and then each file whole or not at all; when one file exists and may not
//! be replaced, none is written.
//!
//! Must not: issue.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::issue::{Issued, Leaf};

/// What to do with files that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Write nothing at all.
    Refuse,
    /// Replace them.
    Force,
}

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something is there, be it a symlink to nowhere.
    #[error("{} exists already: choose another place, or replace it (`--force`, where the command has it)", path.display())]
    Exists {
        /// The first target that exists.
        path: PathBuf,
    },
    /// The folder is not there and cannot be made.
    #[error("cannot make the folder {}: check its parents", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: check the folder's permissions and the space left", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// One file to write.
struct Target<'a> {
    path: PathBuf,
    content: &'a str,
    mode: u32,
}

/// Everybody may read a certificate.
const CERTIFICATE_MODE: u32 = 0o644;

/// Only the owner may read a key.
const KEY_MODE: u32 = 0o600;

/// Writes CA and leaf into `folder`, which is made if it is not there, and gives the paths written.
///
/// # Errors
/// A file that exists (nothing is written then), or a file system that refuses.
pub fn write(
    folder: &Path,
    issued: &Issued,
    overwrite: Overwrite,
) -> Result<Vec<PathBuf>, WriteError> {
    let authority = &issued.authority;
    let [leaf_cert, leaf_key] = leaf_targets(folder, &issued.leaf);
    let targets = [
        Target::new(folder, "ca.crt", &authority.cert_pem, CERTIFICATE_MODE),
        Target::new(folder, "ca.key", &authority.key_pem, KEY_MODE),
        leaf_cert,
        leaf_key,
    ];
    write_targets(folder, &targets, overwrite)
}

/// Writes a leaf alone, for one that was renewed; otherwise as [`write()`].
///
/// # Errors
/// As [`write()`].
pub fn write_leaf(
    folder: &Path,
    leaf: &Leaf,
    overwrite: Overwrite,
) -> Result<Vec<PathBuf>, WriteError> {
    write_targets(folder, &leaf_targets(folder, leaf), overwrite)
}

/// Writes a key alone, where there is no file yet.
///
/// # Errors
/// The file exists, or the file system refuses.
pub fn write_key(path: &Path, key_pem: &str) -> Result<(), WriteError> {
    let target = Target {
        path: path.to_owned(),
        content: key_pem,
        mode: KEY_MODE,
    };
    target.create()
}

fn leaf_targets<'a>(folder: &Path, leaf: &'a Leaf) -> [Target<'a>; 2] {
    [
        Target::new(folder, "tls.crt", &leaf.cert_pem, CERTIFICATE_MODE),
        Target::new(folder, "tls.key", &leaf.key_pem, KEY_MODE),
    ]
}

fn write_targets(
    folder: &Path,
    targets: &[Target<'_>],
    overwrite: Overwrite,
) -> Result<Vec<PathBuf>, WriteError> {
    fs::create_dir_all(folder).map_err(|source| WriteError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    match overwrite {
        Overwrite::Refuse => create_all(targets)?,
        Overwrite::Force => targets.iter().try_for_each(Target::replace)?,
    }
    Ok(targets.iter().map(|target| target.path.clone()).collect())
}

fn create_all(targets: &[Target<'_>]) -> Result<(), WriteError> {
    if let Some(there) = targets.iter().find(|target| target.is_there()) {
        return Err(there.exists());
    }
    for (index, target) in targets.iter().enumerate() {
        if let Err(error) = target.create() {
            targets.iter().take(index).for_each(Target::remove);
            return Err(error);
        }
    }
    Ok(())
}

// === impl Target ===

impl<'a> Target<'a> {
    fn new(folder: &Path, name: &str, content: &'a str, mode: u32) -> Self {
        Self {
            path: folder.join(name),
            content,
            mode,
        }
    }

    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Fails if something has come to be there.
    fn create(&self) -> Result<(), WriteError> {
        self.write_new(&self.path).map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                return self.exists();
            }
            self.failed(source)
        })
    }

    /// Writes beside the target, then renames over it: a reader sees the old file or the new one.
    fn replace(&self) -> Result<(), WriteError> {
        let beside = self.path.with_added_extension("new");
        let _left_by_a_run_that_died = fs::remove_file(&beside);
        self.write_new(&beside)
            .and_then(|()| fs::rename(&beside, &self.path))
            .map_err(|source| {
                let _nothing_to_add_to_the_error = fs::remove_file(&beside);
                self.failed(source)
            })
    }

    fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(self.mode)
            .open(path)?;
        self.fill(file).inspect_err(|_| {
            let _nothing_to_add_to_the_error = fs::remove_file(path);
        })
    }

    fn fill(&self, mut file: File) -> io::Result<()> {
        file.write_all(self.content.as_bytes())?;
        file.sync_all()
    }

    fn remove(&self) {
        let _nothing_to_add_to_the_error = fs::remove_file(&self.path);
    }

    fn exists(&self) -> WriteError {
        WriteError::Exists {
            path: self.path.clone(),
        }
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::File {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests;
