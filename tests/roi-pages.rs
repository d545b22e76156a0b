//! The report in HTML as a browser shows it: `make roi-pages`. The figures of the page are those of the JSON report there,
//! too, and what it looks like in the light, in the dark and on paper is left in a folder for somebody to look at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a helper fails the test by panicking; the folder and the browser are told by the environment"
)]

#[path = "support/figures.rs"]
mod figures;
#[path = "report/given.rs"]
mod given;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use figures::{embedded, figures, wrong};
use given::{NAMES, of};

/// How wide a page is looked at: on a desk, and in a hand.
const WIDTHS: [(&str, u32, u32); 2] = [("wide", 1280, 5200), ("narrow", 420, 7600)];

#[test]
fn a_browser_shows_the_figures_of_the_json() {
    let folder = folder();
    for name in NAMES {
        let page = folder.join(format!("{name}.html"));
        fs::write(&page, of(name, |report| report.html().unwrap())).unwrap();
        let shown = browser(&folder, &["--dump-dom"], &page);
        let dom = String::from_utf8(shown).unwrap();
        let json = of(name, |report| report.json().unwrap());
        let json = serde_json::from_str(&json).unwrap();
        let (begin, found) = (fs::read_to_string(&page).unwrap(), figures(&dom));
        assert_eq!(wrong(&found, &json), [] as [&_; 0], "{name}");
        assert_eq!(found.len(), figures(&begin).len(), "{name}");
        assert_eq!(embedded(&dom), json, "{name}");
    }
}

#[test]
fn it_can_be_read_in_the_light_in_the_dark_and_on_paper() {
    let folder = folder();
    for name in NAMES {
        let page = folder.join(format!("{name}-seen.html"));
        fs::write(&page, of(name, |report| report.html().unwrap())).unwrap();
        for (size, width, height) in WIDTHS {
            let seen = ["light", "dark"].map(|scheme| {
                let picture = folder.join(format!("{name}-{size}-{scheme}.png"));
                let dark = u32::from(scheme == "light");
                let flags = [
                    format!("--screenshot={}", picture.display()),
                    format!("--window-size={width},{height}"),
                    format!("--blink-settings=preferredColorScheme={dark}"),
                    "--hide-scrollbars".to_owned(),
                ];
                browser(&folder, &flags.each_ref().map(String::as_str), &page);
                fs::read(picture).unwrap()
            });
            assert_ne!(seen[0], seen[1], "{name}: the dark looks like the light");
        }
        let paper = folder.join(format!("{name}.pdf"));
        let flag = format!("--print-to-pdf={}", paper.display());
        browser(&folder, &[&flag, "--no-pdf-header-footer"], &page);
        assert!(fs::read(paper).unwrap().starts_with(b"%PDF"), "{name}");
        fs::remove_file(page).unwrap();
    }
}

/// Where pages and pictures are left.
fn folder() -> PathBuf {
    let folder = env::var_os("MESHMODE_ROI_PAGES")
        .expect("MESHMODE_ROI_PAGES is a folder; make roi-pages sets it");
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// Runs a browser of its own on a page, and gives what it printed.
fn browser(folder: &Path, flags: &[&str], page: &Path) -> Vec<u8> {
    let profile = tempfile::tempdir_in(folder).unwrap();
    let program = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let output = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium is installed, or CHROMIUM names it");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}
