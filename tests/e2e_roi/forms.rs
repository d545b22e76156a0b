//! What is done with an account: every form of it, recording and replaying, comparing with an older one, and exit code 1 for
//! a pipeline. And a mesh in which ambient costs more.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::clusters::{self, DATA, SPAN};
use super::command::{roi, roi_of_window};
use super::failures::works;
use super::site;
use super::truth::{By, OPENCOST, Truth};
use crate::support::free_port;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::report::{Shown, say};

/// Few sidecars on many nodes: a loss, in words, with the break-even, in every form that people read.
pub(crate) async fn a_loss() -> Shown {
    let cluster = clusters::sparse();
    let truth = Truth::of(&cluster, SPAN, &[]);
    let prometheus = site::prometheus(&[cluster], DATA).await;
    let json = roi_of_window(&prometheus.url(), &["-o", "json"]);
    works(&json);
    let account = json.json();
    let by = By::Requests;
    let lost = truth.now(by, OPENCOST) - truth.possible(by, OPENCOST);
    let saving = account["saving"]["central"].as_f64().unwrap();
    assert!(
        lost < 0.0 && (saving - lost).abs() < 0.01 * lost.abs(),
        "{saving}, truly {lost}"
    );
    // (0.2 vCPU and 0.5 GiB) ÷ (0.1 vCPU and 0.125 GiB), by price.
    let break_even = account["breakEvenSidecarsPerNode"].as_f64().unwrap();
    assert!((break_even - 2.287).abs() < 0.001, "{break_even}");
    let mut shown = 1;
    for form in ["text", "markdown", "html"] {
        let ran = roi_of_window(&prometheus.url(), &["-o", form]);
        works(&ran);
        let text = ran.out.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        assert!(
            has(&["loss", "lose", "costs more", "more than"]),
            "{form}: {}",
            ran.out
        );
        // The break-even, and what is there.
        for figure in ["2.3", "0.3"] {
            assert!(text.contains(figure), "{form}: {}", ran.out);
        }
        if form == "text" {
            say(&indented(&ran.out));
        }
        shown += 1;
    }
    let failing = roi_of_window(&prometheus.url(), &["--fail-under", "0"]);
    assert_eq!(failing.code, Some(1), "{}", failing.err);
    assert_ne!(failing.out, "", "the account is printed all the same");
    let enough = format!("--fail-under={}", (lost - 1.0).floor());
    works(&roi_of_window(&prometheus.url(), &[&enough]));
    Shown::Cases(shown + 2)
}

/// A recording gives the same account without a connection.
pub(crate) async fn replayed(blocks: &Blocks) -> Shown {
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (record, password) = (path("record"), path("password"));
    fs::write(&password, "admin:s3cret-of-ours\n").unwrap();
    let flags = ["--keep-sidecar", "bank", "-o", "json"];
    let secrets = [
        "--basic-auth-file",
        &password,
        "--header",
        "X-Scope-OrgID=tenant-of-ours",
    ];
    let recording = ["--record", &record];
    let live = roi_of_window(
        &prometheus.url(),
        &[&flags[..], &recording, &secrets].concat(),
    );
    works(&live);
    drop(prometheus);
    let window = [
        "--window",
        clusters::WINDOW,
        "--step",
        "5m",
        "--at",
        clusters::AT,
    ];
    let replay = |more: &[&str]| roi(&[&["--replay", &record], &window[..], more].concat());
    let again = replay(&flags);
    works(&again);
    let mut replayed = without_time(&again.json());
    // It says what it is made of, and is else the same.
    let warnings = replayed["warnings"].as_array_mut().unwrap();
    let before = warnings.len();
    warnings.retain(|warning| !warning.as_str().unwrap().contains(&record));
    assert_eq!(warnings.len(), before - 1);
    let live = without_time(&live.json());
    for (key, value) in live.as_object().unwrap() {
        assert_eq!(replayed[key], *value, "{key}");
    }
    // Other prices and another basis are made of the same data.
    let dearer = replay(&[
        "--basis",
        "usage",
        "--price-vcpu-hour",
        "0.063222",
        "-o",
        "json",
    ]);
    works(&dearer);
    assert_eq!(
        dearer.json()["bases"]["requests"]["monthly"]["now"]
            .as_f64()
            .map(f64::is_finite),
        Some(true)
    );
    for file in fs::read_dir(&record).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(file.path()).unwrap();
        let secret = text.contains("of-ours") || text.contains(&password);
        assert!(!secret, "{} holds a secret", file.path().display());
    }
    let nothing = roi(&[&["--replay", &path("nowhere")], &window[..], &flags].concat());
    let another = replay(&["--matcher", "cluster=\"b\""]);
    for (name, ran) in [("no recording", nothing), ("another question", another)] {
        assert_eq!(ran.code, Some(3), "{name}: {ran:?}");
        assert_eq!(ran.out, "", "{name}");
        assert!(ran.err.contains("recording"), "{name}: {}", ran.err);
    }
    let mut files: Vec<_> = fs::read_dir(&record)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    // Of a slot: latency, which is asked for last, an account can do without.
    let of_a_slot = |file: &&std::path::PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        text.contains("sum_over_time")
    };
    let last = files.iter().rfind(of_a_slot).unwrap();
    fs::write(last, "{").unwrap();
    let torn = replay(&flags);
    assert_eq!(
        (torn.code, torn.out.as_str()),
        (Some(3), ""),
        "{}",
        torn.err
    );
    torn.says(&[last.file_name().unwrap().to_str().unwrap()]);
    Shown::Cases(5)
}

/// The same figures in every form.
pub(crate) async fn every_form(blocks: &Blocks) -> Shown {
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let url = prometheus.url();
    let of = |form: &str| {
        let ran = roi_of_window(&url, &["-o", form]);
        works(&ran);
        ran.out
    };
    let json: Value = serde_json::from_str(&of("json")).unwrap();
    let yaml: Value = serde_saphyr::from_str(&of("yaml")).unwrap();
    alike(&yaml["monthly"], &json["monthly"]);
    alike(&yaml["roles"], &json["roles"]);
    let now = format!("{:.2}", json["monthly"]["now"].as_f64().unwrap());
    let saving = format!("{:.2}", json["saving"]["central"].as_f64().unwrap().abs());
    for form in ["text", "markdown", "html"] {
        let text = of(form).replace(',', "");
        assert!(text.contains(&now), "{form} has not {now}: {text}");
        assert!(text.contains(&saving), "{form} has not {saving}: {text}");
    }
    let html = of("html");
    for reach in [
        "src=\"http",
        "href=\"http://127",
        "@import",
        "url(http",
        "<link",
    ] {
        assert!(!html.contains(reach), "the page loads something: {reach}");
    }
    let csv = of("csv");
    let lines: Vec<_> = csv.lines().collect();
    let columns = lines[0].split(',').count();
    assert!(columns > 1 && lines.len() > 2, "{csv}");
    say(&indented(&of("text")));
    compared(&url, &json);
    Shown::Cases(7)
}

/// An older account beside it.
fn compared(url: &str, json: &Value) {
    let folder = TempDir::new().unwrap();
    let old = folder.path().join("old.json");
    let mut older = json.clone();
    let now = json["monthly"]["now"].as_f64().unwrap();
    older["monthly"]["now"] = (now + 100.0).into();
    fs::write(&old, older.to_string()).unwrap();
    let old = old.to_str().unwrap();
    let ran = roi_of_window(url, &["--compare", old]);
    works(&ran);
    assert!(ran.out.contains("-$100"), "{}", ran.out);
    let nowhere = format!("{old}.nowhere");
    let missing = roi_of_window(url, &["--compare", &nowhere]);
    assert_eq!(
        (missing.code, missing.out.as_str()),
        (Some(2), ""),
        "{}",
        missing.err
    );
    missing.says(&[&nowhere]);
    // Asked for a port that nobody listens on: what is wrong with the file is said before.
    let before = roi_of_window(
        &format!("http://127.0.0.1:{}", free_port()),
        &["--compare", &nowhere],
    );
    assert_eq!(before.code, Some(2), "{}", before.err);
}

/// The same to the twelfth digit: that is how far parsers of numbers agree.
#[track_caller]
fn alike(one: &Value, other: &Value) {
    let (one, other) = (leaves(one), leaves(other));
    assert_eq!(one.len(), other.len());
    for (a, b) in one.iter().zip(&other) {
        assert!((a - b).abs() <= 1e-12 * a.abs(), "{a} and {b}");
    }
}

/// All numbers.
fn leaves(value: &Value) -> Vec<f64> {
    match value {
        Value::Object(all) => all.values().flat_map(leaves).collect(),
        Value::Number(number) => number.as_f64().into_iter().collect(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::String(_) => Vec::new(),
    }
}

/// When it was made is another time each time.
fn without_time(account: &Value) -> Value {
    let mut account = account.clone();
    account.as_object_mut().unwrap().remove("generatedAt");
    account
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    | {line}\n")).collect()
}
