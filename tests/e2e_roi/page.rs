//! The page of a real account in a real browser: every figure in it is the JSON's. What it looks like is `make roi-pages`'.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::command::{roi, roi_of_window};
use super::failures::works;
use crate::figures::{embedded, figures, wrong};
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::report::{Shown, say};

/// Figures that people look for.
const FIRST: [&str; 5] = [
    "monthly.now",
    "monthly.possible",
    "saving.central",
    "roles.sidecar.cost",
    "roles.ztunnel.cost",
];

/// Figures in the page equal those of the JSON.
pub(crate) async fn shows_the_figures(blocks: &Blocks) -> Shown {
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("record");
    let record = record.to_str().unwrap();
    let url = prometheus.url();
    works(&roi_of_window(&url, &["--record", record]));
    // Both of the same answers: a Prometheus that is asked again adds up in another order.
    let [json, html] = ["json", "html"]
        .map(|form| roi(&["--keep-sidecar", "bank", "--replay", record, "-o", form]));
    works(&json);
    works(&html);
    let page = folder.path().join("roi.html");
    fs::write(&page, &html.out).unwrap();
    let dom = tokio::task::block_in_place(|| shown(&page, &folder.path().join("profile")));
    let shown = figures(&dom);
    let mut account = json.json();
    assert_eq!(wrong(&shown, &account), [] as [&_; 0]);
    for field in FIRST {
        let is_there = shown.iter().any(|figure| figure.field == field);
        assert!(is_there, "{field} is not in the page");
    }
    // Two runs, at two times.
    let mut within = embedded(&dom);
    for account in [&mut account, &mut within] {
        account["generatedAt"] = Value::Null;
    }
    assert_eq!(within, account);
    say(&format!("    {} figures in the page\n", shown.len()));
    Shown::Cases(shown.len())
}

/// The DOM, once the page is loaded.
fn shown(page: &Path, profile: &Path) -> String {
    let program = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        // Nothing is to be loaded: what tries to fails.
        .args(["--proxy-server=127.0.0.1:9", "--no-first-run"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()));
    let output = command.output();
    let output = output.expect("chromium is installed, or CHROMIUM names it");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
