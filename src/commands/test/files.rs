//! The files with rule tests: found, read, checked, each with the rules that it asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::case::{self, Case, text};
use super::format::{FILE, KIND};
use crate::commands::complain;
use crate::config::tree::{self, Node};
use crate::config::{Configuration, DEFAULT, Problems, check, read_bytes};

/// A file with its cases.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) file: String,
    pub(super) configuration: Arc<Configuration>,
    pub(super) cases: Vec<Case>,
}

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) suites: Vec<Suite>,
    /// What is wrong, each with its place.
    pub(super) mistakes: Vec<String>,
    /// By the path of each configuration its content; nothing where it could not be read.
    pub(super) configurations: BTreeMap<PathBuf, Option<Vec<u8>>>,
    read: BTreeMap<Option<PathBuf>, Option<Arc<Configuration>>>,
}

/// What files in a folder end with.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The files that `paths` name, and those in folders, in order.
///
/// # Errors
/// A path cannot be read.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).with_context(|| cannot_read(path))?;
        if metadata.is_dir() {
            below(path, &mut found)?;
        } else {
            found.push(Found::Named(path.clone()));
        }
    }
    Ok(found)
}

/// How a file came to be looked at.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Found {
    /// Somebody named it: it must have tests.
    Named(PathBuf),
    /// It is in a folder, which may have other files.
    InFolder(PathBuf),
}

fn below(folder: &Path, found: &mut Vec<Found>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| cannot_read(folder))?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let mut entries = entries.with_context(|| cannot_read(folder))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // The kubelet's own folders in a volume, and everybody's .git.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Links to folders are not followed: they may lead back here.
        let kind = entry.file_type().with_context(|| cannot_read(&path))?;
        let ending = path.extension().and_then(std::ffi::OsStr::to_str);
        if kind.is_dir() {
            below(&path, found)?;
        } else if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            found.push(Found::InFolder(path));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

// === impl Loaded ===

impl Loaded {
    /// Reads all that `files` have; `default` is the configuration of those that name none, and without
    /// it the embedded one is.
    ///
    /// # Errors
    /// A file or a configuration cannot be read.
    pub(super) fn read(&mut self, files: &[Found], default: Option<&Path>) -> anyhow::Result<()> {
        let mut passed_over = Vec::new();
        for found in files {
            let path = found.path();
            let content = std::fs::read(path).with_context(|| cannot_read(path))?;
            let name = path.display().to_string();
            let Ok(text) = std::str::from_utf8(&content) else {
                self.mistakes.push(format!("{name}: is not UTF-8"));
                continue;
            };
            match found {
                Found::InFolder(_) if !text.contains(KIND) => passed_over.push(name),
                Found::InFolder(_) | Found::Named(_) => self.file(path, text, default)?,
            }
        }
        if !passed_over.is_empty() {
            let files = passed_over.join(", ");
            complain(&format!("passed over what has no {KIND}: {files}"));
        }
        if self.suites.is_empty() && self.mistakes.is_empty() {
            let mistake = format!("there is no file with kind: {KIND}");
            self.mistakes.push(mistake);
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, text: &str, default: Option<&Path>) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let node = match tree::read(text) {
            Ok(node) => node,
            Err(error) => {
                let (line, column) = (error.place.line, error.place.column);
                let message = error.message;
                let mistake = format!("{name}:{line}:{column}: is not YAML: {message}");
                self.mistakes.push(mistake);
                return Ok(());
            }
        };
        let mut problems = Problems::default();
        check::section(&node, "", FILE, &mut problems);
        let cases = if problems.is_empty() {
            cases(&node, &mut problems)
        } else {
            Vec::new()
        };
        let problems = problems.sorted();
        let said = problems.iter().map(|problem| format!("{name}:{problem}"));
        self.mistakes.extend(said);
        // The folder of the file, as whoever wrote it knows no other.
        let folder = path.parent().unwrap_or(Path::new(""));
        let named = case::text(&node, "configuration").map(|named| folder.join(named));
        let configuration = self.configuration(named.or_else(|| default.map(Path::to_owned)))?;
        if let Some(configuration) = configuration {
            self.suites.push(Suite {
                file: name,
                configuration,
                cases,
            });
        }
        Ok(())
    }

    /// The configuration in this file, or the embedded default; its mistakes are said once.
    fn configuration(
        &mut self,
        file: Option<PathBuf>,
    ) -> anyhow::Result<Option<Arc<Configuration>>> {
        if let Some(known) = self.read.get(&file) {
            return Ok(known.clone());
        }
        let content = match &file {
            None => DEFAULT.as_bytes().to_vec(),
            Some(path) => {
                let content = std::fs::read(path);
                let kept = content.as_ref().ok().cloned();
                self.configurations.insert(path.clone(), kept);
                content
                    .with_context(|| format!("cannot read the configuration {}", path.display()))?
            }
        };
        let name = file
            .as_deref()
            .map_or("the embedded default".into(), Path::to_string_lossy);
        let configuration = match read_bytes(&content) {
            Ok(configuration) => Some(Arc::new(configuration)),
            Err(problems) => {
                let said = problems.iter().map(|problem| format!("{name}:{problem}"));
                self.mistakes.extend(said);
                None
            }
        };
        self.read.insert(file, configuration.clone());
        Ok(configuration)
    }
}

fn cases(file: &Node, problems: &mut Problems) -> Vec<Case> {
    let nodes = file.get("cases").map(Node::elements).unwrap_or_default();
    if let (Some(list), true) = (file.get("cases"), nodes.is_empty()) {
        problems.add(list, "cases", "is empty; add a case".to_owned());
    }
    let mut cases = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let path = format!("cases[{index}]");
        let name = text(node, "name").unwrap_or_default();
        if nodes[..index]
            .iter()
            .any(|earlier| text(earlier, "name") == Some(name))
        {
            let at = node.get("name").unwrap_or(node);
            let message = format!("{name:?} is the name of an earlier case; names are unique");
            problems.add(at, &check::join(&path, "name"), message);
        }
        cases.extend(case::read(node, &path, problems));
    }
    cases
}

// === impl Found ===

impl Found {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::InFolder(path) => path,
        }
    }
}
