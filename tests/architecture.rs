//! Holds the arrows of design.md: what each part may import, that the pure parts name no IO, and that every
//! file is compiled and says what it is for.
//!
//! It reads the text of the sources, tests inside `src/` excluded. The last test shows that it can fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a helper fails the test by panicking; tables have a row each"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A part, and what it may import with `crate::`. A part of the last column that is not there yet is
/// allowed all the same: its arrows are settled.
const ARROWS: [(&str, &[&str]); 13] = [
    // Pure.
    ("placement", &[]),
    ("authorization", &["placement"]),
    ("savings", &[]),
    ("audit", &["placement", "authorization"]),
    ("report", &["audit", "savings"]),
    // Edges.
    ("cluster", &["placement", "authorization"]),
    (
        "config",
        &["placement", "authorization", "cluster::convert"],
    ),
    ("prometheus", &["savings"]),
    ("tls", &["config::watch"]),
    ("telemetry", &[]),
    (
        "webhook",
        &[
            "placement",
            "authorization",
            "cluster::convert",
            "config",
            "telemetry",
        ],
    ),
    // Roots.
    (
        "commands",
        &[
            "placement",
            "authorization",
            "savings",
            "audit",
            "report",
            "cluster",
            "config",
            "prometheus",
            "tls",
            "telemetry",
            "webhook",
        ],
    ),
    ("main", &["commands"]),
];

const PURE: [&str; 5] = ["placement", "authorization", "savings", "audit", "report"];

/// What reaches the world outside, or waits for it.
const IO: [&str; 30] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::thread",
    "std::process",
    "std::os",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "hyper",
    "axum",
    "kube",
    "k8s_openapi",
    "rustls",
    "tracing",
    "anyhow",
    "clap",
    "async fn",
    "async move",
    "async {",
    ".await",
    "println!",
    "eprintln!",
    "print!",
    "dbg!",
    "include_str!",
    "env!",
];

/// A file below `src/` or `tests/`, by its path from the root.
struct Source {
    path: PathBuf,
    text: String,
}

#[test]
fn imports_point_to_the_left() {
    let mut looked_at = BTreeSet::new();
    let mut wrong = Vec::new();
    for source in compiled("src") {
        let part = source.part();
        if part == "lib" {
            continue;
        }
        let allowed = ARROWS.iter().find(|(name, _)| *name == part);
        let Some((name, allowed)) = allowed else {
            panic!("{}: the part {part} has no line in ARROWS", source.shown());
        };
        looked_at.insert(*name);
        for import in imports(&source.code()) {
            if !allows(part, allowed, &import) {
                wrong.push(format!("{} imports crate::{import}", source.shown()));
            }
        }
    }
    assert_eq!(wrong, [] as [&str; 0]);
    let parts = [
        "placement",
        "authorization",
        "config",
        "webhook",
        "commands",
    ];
    assert!(
        parts.iter().all(|part| looked_at.contains(part)),
        "looked at {looked_at:?} only"
    );
}

#[test]
fn the_pure_parts_name_no_io() {
    let pure: Vec<Source> = compiled("src")
        .into_iter()
        .filter(|source| PURE.contains(&source.part()))
        .collect();
    assert!(pure.len() > 10, "looked at {} files only", pure.len());
    let wrong: Vec<String> = pure
        .iter()
        .flat_map(|source| {
            io_in(&source.code())
                .into_iter()
                .map(|(line, name)| format!("{}:{line} names {name}", source.shown()))
        })
        .collect();
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn every_file_is_compiled() {
    let mut roots = vec![root().join("src/lib.rs"), root().join("src/main.rs")];
    roots.extend(
        all_files("tests")
            .into_iter()
            .filter(|path| path.parent() == Some(&root().join("tests"))),
    );
    let mut reached = BTreeSet::new();
    for root in roots {
        reach(&root, &module_folder(&root, true), &mut reached);
    }
    let there: BTreeSet<PathBuf> = ["src", "tests"].into_iter().flat_map(all_files).collect();
    assert!(there.len() > 40, "found {} files only", there.len());
    let unreached: Vec<&PathBuf> = there.difference(&reached).collect();
    assert_eq!(
        unreached,
        [] as [&PathBuf; 0],
        "no `mod` leads to these: nobody compiles them"
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let files: Vec<Source> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(sources)
        .collect();
    assert!(files.len() > 40, "found {} files only", files.len());
    let silent: Vec<String> = files
        .iter()
        .filter(|source| !source.text.starts_with("//! ") && !source.is_empty())
        .map(Source::shown)
        .collect();
    assert_eq!(silent, [] as [&str; 0], "these do not open with `//! `");
}

#[test]
fn the_scanner_can_fail() {
    let bad = "//! std::fs in a comment is none\n\
               use crate::{config, webhook::route::{ROUTES, Route}, tls as t};\n\
               fn f() { crate::commands::run(); } // crate::telemetry in a comment is none\n\
               use std::{fs, net::{IpAddr, TcpStream}};\n\
               const TEXT: &str = \"tokio\";\n\
               async fn g() { std::thread::yield_now() }\n\
               #[cfg(test)]\nmod tests { use crate::cluster; }\n";
    let code = code(bad);
    let found: Vec<String> = imports(&code).into_iter().collect();
    assert_eq!(
        found,
        [
            "commands::run",
            "config",
            "tls",
            "webhook::route::ROUTES",
            "webhook::route::Route"
        ]
    );
    let io: Vec<(usize, &str)> = io_in(&code);
    assert_eq!(
        io,
        [
            (4, "std::fs"),
            (4, "std::net"),
            (6, "std::thread"),
            (6, "async fn")
        ]
    );
    for (part, import, expected) in [
        ("webhook", "config::Configuration", true),
        ("webhook", "cluster::convert::Opened", true),
        ("webhook", "cluster::watch", false),
        ("webhook", "configuration", false),
        ("webhook", "commands::run", false),
        ("tls", "config::read", false),
        ("tls", "tls::pem", true),
        ("telemetry", "webhook::route::Route", false),
        ("placement", "config", false),
    ] {
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == part).unwrap();
        assert_eq!(
            allows(part, allowed, import),
            expected,
            "{part} -> {import}"
        );
    }
}

// === what may be imported ===

fn allows(part: &str, allowed: &[&str], import: &str) -> bool {
    let below = |whole: &str| {
        import
            .strip_prefix(whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    below(part) || allowed.iter().any(|allowed| below(allowed))
}

/// The paths after `crate::`, and after `meshmode::` in the program.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in ["crate::", "meshmode::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(is_in_name) {
                expand("", &code[at + start.len()..], &mut found);
            }
        }
    }
    found
}

/// Adds the paths of a use tree, `a::{b, c::{d, e}}`, and returns what follows it.
fn expand<'c>(prefix: &str, tree: &'c str, found: &mut BTreeSet<String>) -> &'c str {
    let end = tree
        .find(|c: char| !is_in_name(c) && c != ':')
        .unwrap_or(tree.len());
    let (path, rest) = tree.split_at(end);
    let whole = format!("{prefix}{path}");
    let Some(mut rest) = rest.strip_prefix('{') else {
        let whole = whole.trim_end_matches(':');
        found.insert(whole.to_owned());
        return rest;
    };
    loop {
        rest = expand(&whole, rest.trim_start(), found);
        rest = rest.trim_start_matches(|c| c != ',' && c != '}');
        match rest.split_at_checked(1) {
            Some((",", after)) if after.trim_start().starts_with('}') => {
                return after.trim_start().get(1..).unwrap_or_default();
            }
            Some((",", after)) => rest = after,
            Some((_, after)) => return after,
            None => return "",
        }
    }
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names of [`IO`] in `code`, with their lines; `use std::{fs, net::…}` counts as both.
fn io_in(code: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut seen = text.to_owned();
        for (at, _) in text.match_indices("std::{") {
            let mut paths = BTreeSet::new();
            expand("std::", &text[at + "std::".len()..], &mut paths);
            for path in paths {
                seen.push_str(&format!(" {path}"));
            }
        }
        found.extend(
            IO.into_iter()
                .filter(|name| names(&seen, name))
                .map(|name| (line, name)),
        );
    }
    found
}

/// Whether `name` stands in `code` as a whole word.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        let ends = name.chars().next_back().is_some_and(is_in_name);
        let begins = name.chars().next().is_some_and(is_in_name);
        let cut_before = begins && before.is_some_and(is_in_name);
        let cut_after = ends && after.is_some_and(is_in_name);
        !cut_before && !cut_after
    })
}

/// `text` without comments, texts, and the modules of tests, on the same lines.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        code.push_str(&without_texts(line));
        code.push('\n');
    }
    code
}

fn without_texts(line: &str) -> String {
    let mut kept = String::new();
    let mut in_text = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_text => drop(chars.next()),
            '\'' if !in_text && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => in_text = !in_text,
            '/' if !in_text && chars.peek() == Some(&'/') => break,
            _ if in_text => {}
            c => kept.push(c),
        }
    }
    kept
}

// === the files ===

impl Source {
    /// The part of a file below `src/`: the first folder, or the file itself.
    fn part(&self) -> &str {
        let mut below = self.path.strip_prefix("src").unwrap().components();
        let first = below.next().unwrap().as_os_str().to_str().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn code(&self) -> String {
        code(&self.text)
    }

    /// Whether there is nothing yet to say something about.
    fn is_empty(&self) -> bool {
        matches!(self.text.trim(), "" | "fn main() {}")
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sources below `folder` that are in the program: no tests, and nothing that only tests compile.
fn compiled(folder: &str) -> Vec<Source> {
    let all = sources(folder);
    let only_tests = test_modules(&all);
    all.into_iter()
        .filter(|source| !only_tests.iter().any(|path| source.path.starts_with(path)))
        .collect()
}

/// The files and folders of the modules below `#[cfg(test)]`.
fn test_modules(sources: &[Source]) -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for source in sources {
        let is_root = matches!(source.part(), "lib" | "main");
        let folder = module_folder(&source.path, is_root);
        let mut lines = source.text.lines();
        while let Some(line) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                continue;
            }
            if let Some(name) = lines.next().and_then(declared) {
                modules.push(folder.join(name));
                modules.push(folder.join(format!("{name}.rs")));
            }
        }
    }
    modules
}

fn sources(folder: &str) -> Vec<Source> {
    all_files(folder)
        .into_iter()
        .map(|path| Source {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().to_owned(),
        })
        .collect()
}

fn all_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Where the modules that `file` declares are.
fn module_folder(file: &Path, is_root: bool) -> PathBuf {
    let folder = file.parent().unwrap();
    if is_root || file.ends_with("mod.rs") {
        return folder.to_owned();
    }
    folder.join(file.file_stem().unwrap())
}

/// Follows every `mod NAME;` from `file`.
fn reach(file: &Path, folder: &Path, reached: &mut BTreeSet<PathBuf>) {
    if !reached.insert(file.to_owned()) {
        return;
    }
    let text = fs::read_to_string(file).unwrap();
    // The folder of the module that a line stands in: `mod NAME {` opens one, `}` at the margin closes it.
    let mut inside = folder.to_owned();
    let mut elsewhere = None;
    for line in text.lines() {
        if let Some(name) = opened(line) {
            inside = folder.join(name);
        } else if line == "}" {
            folder.clone_into(&mut inside);
        }
        let path = line.strip_prefix("#[path = \"");
        elsewhere = path.and_then(|path| path.strip_suffix("\"]")).or(elsewhere);
        let Some(name) = declared(line) else { continue };
        let candidates = match elsewhere.take() {
            // Beside the file, not in the folder of its module.
            Some(path) => vec![file.parent().unwrap().join(path).canonicalize().unwrap()],
            None => vec![
                inside.join(format!("{name}.rs")),
                inside.join(name).join("mod.rs"),
            ],
        };
        let found = candidates.iter().find(|path| path.exists());
        let found = found.unwrap_or_else(|| panic!("{}: no file for mod {name}", file.display()));
        reach(found, &module_folder(found, false), reached);
    }
}

/// The name in `mod NAME {` at the margin.
fn opened(line: &str) -> Option<&str> {
    line.strip_prefix("mod ")?.strip_suffix(" {")
}

/// The name in `mod NAME;`, whatever its visibility.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let (visibility, rest) = line.split_once("mod ")?;
    let visible = visibility.is_empty() || visibility.starts_with("pub");
    let name = rest.strip_suffix(';')?;
    (visible && name.chars().all(is_in_name)).then_some(name)
}

#[test]
fn the_table_has_each_part_once() {
    let names: BTreeMap<&str, usize> =
        ARROWS.iter().fold(BTreeMap::new(), |mut names, (name, _)| {
            *names.entry(*name).or_default() += 1;
            names
        });
    assert!(names.values().all(|count| *count == 1), "{names:?}");
}
