//! What others may write and meshmode repeats: it can neither forge a line of the log, nor speak to a terminal, nor make
//! answers or metrics grow. `docs/threat-model.md` says who these others are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "../benches/support/served.rs"]
#[allow(dead_code, reason = "shared with the benchmark of the server")]
mod served;

use std::fs::{self, File};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use http::Request;
use meshmode::authorization::WhyUnknown;
use meshmode::config::{DEFAULT, read};
use meshmode::placement::facts::NoCluster;
use meshmode::telemetry::metrics::Metrics;
use meshmode::tls::{Overwrite, Subjects, Validity, issue, write};
use meshmode::webhook::active::{Active, Origin};
use meshmode::webhook::load::{Limits, Load};
use meshmode::webhook::router::{App, router};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A forged line, a colour, a bell, a terminal's title in the old form of one byte, a zero.
const EVIL: &str =
    "a\n2026-11-24T00:00:00.000000Z ERROR meshmode: forged\r\u{1b}[31m\u{7}\u{9d}\u{9c}\u{0}\u{7f}";

/// A review of `object`.
fn review(kind: [&str; 3], namespace: &str, name: &str, object: &Value) -> String {
    let [group, version, kind] = kind;
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "0a1b", "kind": {"group": group, "version": version, "kind": kind}, "operation": "CREATE",
            "name": name, "namespace": namespace, "object": object, "dryRun": false,
        },
    })
    .to_string()
}

fn pod(metadata: &Value, text: &str) -> String {
    let object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": text, "image": text}], "priorityClassName": text},
    });
    review(["", "v1", "Pod"], text, text, &object)
}

/// Pods with `text` wherever their author may write, and meshmode looks.
fn pods(text: &str) -> Vec<String> {
    let keys = [
        "meshmode.io/mode",
        "mesh.company.com/force-mode",
        "meshmode.io/placement",
        "meshmode.io/rule",
        "meshmode.io/reason",
        "deployment.company.com/replicas",
        "inject.istio.io/templates",
        "istio.io/dataplane-mode",
        "sidecar.istio.io/inject",
        "istio.io/rev",
        text,
    ];
    let of = |field: &str, key: &str| {
        pod(
            &json!({"name": text, "namespace": text, field: {key: text}}),
            text,
        )
    };
    keys.iter()
        .flat_map(|key| [of("annotations", key), of("labels", key)])
        .collect()
}

/// Policies with `text` wherever their author may write.
fn policies(text: &str) -> Vec<String> {
    let http = json!([{"to": [{"operation": {"methods": [text], "paths": [text]}}]}]);
    let specs = [
        json!({"action": text, "rules": http}),
        json!({"action": "DENY", "rules": http, "selector": {"matchLabels": {text: text}}}),
        json!({"action": "DENY", "rules": http, text: text}),
        json!({"action": "CUSTOM", "provider": {"name": text}, "rules": [{"when": [{"key": text, "values": [text]}]}]}),
        json!({"targetRefs": [{"group": text, "kind": text, "name": text}], "rules": http}),
        json!({"rules": [{"from": [{"source": {"namespaces": [text], "principals": [text]}}]}]}),
        json!({"rules": text}),
    ];
    let annotations = [
        json!({}),
        json!({"istio.io/waypoint-for": text}),
        json!({"meshmode.io/admit": text}),
    ];
    let mut reviews = Vec::new();
    for spec in &specs {
        for annotations in &annotations {
            let metadata = json!({"name": text, "namespace": text, "annotations": annotations});
            let object = json!({
                "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec,
            });
            reviews.push(review(
                ["security.istio.io", "v1", "AuthorizationPolicy"],
                text,
                text,
                &object,
            ));
        }
    }
    reviews
}

fn app() -> App {
    let metrics = Arc::new(Metrics::default());
    App {
        configuration: Arc::new(ArcSwap::from_pointee(Active {
            configuration: read(DEFAULT).unwrap(),
            hash: "5af1".to_owned(),
            origin: Origin::EmbeddedDefault,
        })),
        facts: Arc::new(WhyUnknown::NoCluster),
        cluster: Arc::new(NoCluster),
        load: Arc::new(Load::new(Limits::default(), Arc::clone(&metrics))),
        metrics,
    }
}

/// Everything with `text` in it, each to its route: the responses.
async fn answers(app: &App, text: &str) -> Vec<Value> {
    let of_kind = || review([text; 3], text, text, &json!({}));
    let pods = pods(text).into_iter().chain([of_kind()]);
    let pods = pods.map(|pod| ("/mutate/pods", pod));
    let policies = policies(text).into_iter().chain([of_kind()]);
    let policies = policies.map(|policy| ("/validate/authorizationpolicies", policy));
    let mut answers = Vec::new();
    for (path, body) in pods.chain(policies) {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let response = router(app.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let answer: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        answers.push(answer["response"].clone());
    }
    answers
}

/// The texts in `value`, with where they are.
fn texts(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((at.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, at, found)),
        Value::Object(map) => {
            for (key, item) in map {
                found.push((at.to_owned(), key.clone()));
                texts(item, key, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a person sees in a terminal, and what an audit log keeps: `kubectl` prints both as they are.
#[tokio::test]
async fn answers_are_plain_and_short_whatever_is_written() {
    let long = "x".repeat(1 << 18);
    for text in [EVIL, &long, ""] {
        for answer in answers(&app(), text).await {
            let mut found = Vec::new();
            texts(&answer, "response", &mut found);
            for (at, found) in found.iter().filter(|(at, _)| at != "patch") {
                let lines = found.replace('\n', if at == "message" { "" } else { "\n" });
                assert!(!lines.contains(char::is_control), "{at}: {lines:?}");
                assert!(found.len() < 16 << 10, "{at} has {} bytes", found.len());
            }
            let whole = answer.to_string().len() - answer["patch"].to_string().len();
            assert!(whole < 32 << 10, "{whole} bytes: {answer:#}");
        }
    }
}

/// The names of all samples, with their labels.
fn series(app: &App) -> Vec<String> {
    let text = app.metrics.to_text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned());
    series.collect()
}

#[tokio::test]
async fn metrics_do_not_grow_with_what_is_written() {
    let app = app();
    answers(&app, "one").await;
    let before = series(&app);
    for text in [
        "two",
        EVIL,
        "{}",
        "\"} 1\nmeshmode_panics_total 9",
        "ambient ",
    ] {
        answers(&app, text).await;
    }
    assert_eq!(series(&app), before);
}

/// The log of the real program, as text for people: one line for each thing that happened, each with its time.
#[test]
fn no_line_of_the_log_is_forged() {
    let folder = tempfile::tempdir().unwrap();
    let subjects = Subjects::parse(["127.0.0.1"]).unwrap();
    let issued = issue(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap();
    write(folder.path(), &issued, Overwrite::Refuse).unwrap();
    let tls = served::client(&issued.authority.cert_pem);
    for format in ["text", "json"] {
        let path = folder.path().join(format);
        let log = File::create(&path).unwrap();
        let flags = ["--cluster=off", "--log-format", format, "--log-level=debug"];
        let server = served::Server::start_logging(folder.path(), &flags, log.into());
        let mut stream = served::connect(server.webhook, &tls).unwrap();
        let kinds = review([EVIL, EVIL, EVIL], EVIL, EVIL, &json!({}));
        for body in pods(EVIL).iter().chain([&kinds]) {
            served::send(&mut stream, "/mutate/pods", body.as_bytes()).unwrap();
        }
        for body in policies(EVIL).iter().chain([&kinds]) {
            let path = "/validate/authorizationpolicies";
            served::send(&mut stream, path, body.as_bytes()).unwrap();
        }
        // No review at all: the message repeats it.
        let wrong = json!({"apiVersion": EVIL, "kind": EVIL, "request": {"uid": EVIL}}).to_string();
        assert!(served::send(&mut stream, "/mutate/pods", wrong.as_bytes()).is_err());
        drop(server);
        let log = fs::read_to_string(&path).unwrap();
        let mut reviews = 0;
        for line in log.lines() {
            let whole = match format {
                "json" => serde_json::from_str::<Value>(line).is_ok(),
                _ => {
                    line.starts_with("20") && line.contains(" meshmode::")
                        || line.contains(" hyper")
                }
            };
            assert!(whole, "{format}: {line:?}");
            assert!(!line.contains(char::is_control), "{format}: {line:?}");
            assert!(!line.starts_with("2026-11-24T00:00:00.000000Z"), "{line:?}");
            reviews += usize::from(line.contains("uid"));
        }
        assert!(reviews > 40, "{reviews} lines about reviews only:\n{log}");
    }
}
