//! The corpus of `fuzz/`: what fuzzing begins with, and what it once found, holds in each `cargo test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "support/fuzzed.rs"]
mod fuzzed;
#[path = "support/parsed.rs"]
mod parsed;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of `folder`, from the root, in their order.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Calls `check` with each of the `target`'s corpus, and says which failed; a fuzz target of text gets text only.
fn each<T>(target: &str, check: impl Fn(&[u8]) -> T) {
    let files = files(&format!("fuzz/corpus/{target}"));
    assert!(!files.is_empty(), "no corpus for {target}");
    for file in files {
        let content = fs::read(&file).unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&content)));
        assert!(outcome.is_ok(), "{} fails, see above", file.display());
    }
}

fn text<T>(content: &[u8], check: impl Fn(&str) -> T) -> Option<T> {
    std::str::from_utf8(content).ok().map(check)
}

#[test]
fn configurations() {
    each("configuration", parsed::configuration);
}

#[test]
fn expressions() {
    each("expression", |content| text(content, fuzzed::expression));
}

#[test]
fn json() {
    each("json", |content| text(content, parsed::json));
}

#[test]
fn pem() {
    each("pem", parsed::pem);
}

#[test]
fn policies() {
    each("policy", |content| text(content, parsed::policy));
}

#[test]
fn reviews() {
    each("review", fuzzed::review);
}

#[test]
fn uids() {
    each("uid", parsed::uid);
}

/// What is no folder there, or has no fuzz target, is never looked at.
#[test]
fn each_target_has_its_corpus() {
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let targets: Vec<String> = files("fuzz/fuzz_targets").iter().map(name).collect();
    let corpora: Vec<String> = files("fuzz/corpus").iter().map(name).collect();
    assert_eq!(targets, corpora);
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/run.sh"));
    for target in targets {
        assert!(
            script.as_ref().unwrap().contains(&format!("[{target}]=")),
            "{target}"
        );
    }
}
