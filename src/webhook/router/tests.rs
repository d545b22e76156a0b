//! Every promise of the webhook's HTTP, as tables with named rows, through the router as it is served.

#![expect(clippy::too_many_lines, reason = "tables, a row each")]

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use self::bodies::{Broken, Chunks, Endless};
use self::log::Log;
use super::*;
use crate::authorization::WhyUnknown;
use crate::config::DEFAULT;
use crate::placement::facts::NoCluster;
use crate::webhook::load::Limits;
use crate::webhook::testing::{Coming, PATIENCE, Served, active, counted};

mod bodies;
mod cluster;
mod connections;
mod load;
mod log;
mod pods;
mod policies;
mod requests;
mod told;

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";
const MUTATE: &str = "/mutate/pods";
const OBSERVE: &str = "/observe/pods";
const VALIDATE: &str = "/validate/authorizationpolicies";
const WARN: &str = "/warn/authorizationpolicies";
const OBSERVE_POLICIES: &str = "/observe/authorizationpolicies";

/// What came back.
struct Answered {
    code: u16,
    headers: HeaderMap,
    json: Value,
}

fn app() -> App {
    let metrics = Arc::default();
    App {
        configuration: Arc::new(ArcSwap::from_pointee(active(DEFAULT))),
        cluster: Arc::new(NoCluster),
        facts: Arc::new(WhyUnknown::NoCluster),
        load: Arc::new(Load::new(Limits::default(), Arc::clone(&metrics))),
        metrics,
    }
}

async fn send(router: Router, request: Request<Body>) -> Answered {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answered {
        code: parts.status.as_u16(),
        headers: parts.headers,
        json: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

async fn post(path: &str, body: impl Into<Body>) -> Answered {
    send(router(app()), request(path, body)).await
}

fn request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

/// Answers `review`, checking what holds for every answer.
async fn answer(name: &str, path: &str, review: &Value) -> Value {
    let answered = post(path, review.to_string()).await;
    assert_eq!(answered.code, 200, "{name}: {}", answered.json);
    assert_eq!(
        answered.headers[header::CONTENT_TYPE],
        "application/json",
        "{name}"
    );
    let Value::Object(mut envelope) = answered.json else {
        panic!("{name}: no object")
    };
    let response = envelope.remove("response").unwrap();
    let rest = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"});
    assert_eq!(Value::Object(envelope), rest, "{name}");
    assert_eq!(response["uid"], review["request"]["uid"], "{name}");
    assert!(response["allowed"].is_boolean(), "{name}: {response}");
    check_patch(name, &response);
    check_texts(name, &response);
    response
}

/// Both or neither, and a list of operations; never where the object is refused.
fn check_patch(name: &str, response: &Value) {
    let (kind, patch) = (response.get("patchType"), response.get("patch"));
    assert_eq!(kind.is_some(), patch.is_some(), "{name}: {response}");
    if let (Some(kind), Some(patch)) = (kind, patch) {
        assert_eq!(kind, "JSONPatch", "{name}");
        assert_eq!(response["allowed"], true, "{name}");
        let patch = STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let patch: Vec<Value> = serde_json::from_slice(&patch).unwrap();
        assert!(!patch.is_empty(), "{name}: an empty patch is none");
    }
    let refused = response["allowed"] == false;
    assert_eq!(response.get("status").is_some(), refused, "{name}");
    if refused {
        let status = &response["status"];
        assert_eq!(
            (&status["code"], &status["reason"]),
            (&json!(403), &json!("Forbidden"))
        );
        assert_ne!(status["message"].as_str().unwrap(), "", "{name}");
    }
}

/// What the API server does with texts: it drops warnings with control characters, cuts all when they are
/// too many, and drops annotations whose key is no qualified name.
fn check_texts(name: &str, response: &Value) {
    let warnings = response.get("warnings").and_then(Value::as_array);
    for text in warnings
        .into_iter()
        .flatten()
        .map(|text| text.as_str().unwrap())
    {
        assert!(!text.is_empty(), "{name}");
        assert!(text.chars().count() <= 256, "{name}: {text}");
        assert!(!text.contains(char::is_control), "{name}: {text:?}");
    }
    assert!(
        warnings.is_none_or(|warnings| warnings.len() <= 16),
        "{name}"
    );
    let annotations = response.get("auditAnnotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        assert!(
            key.len() <= 63 && key.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{name}: {key}"
        );
        assert!(value.as_str().unwrap().chars().count() <= 1024, "{name}");
    }
}

fn review(group: &str, version: &str, kind: &str, operation: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": "things"},
            "requestKind": {"group": group, "version": version, "kind": kind},
            "name": "",
            "namespace": "shop",
            "operation": operation,
            "userInfo": {"username": "system:admin", "extra": {"a": ["b"]}},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    })
}

fn pod_review(object: &Value) -> Value {
    review("", "v1", "Pod", "CREATE", object)
}

fn pod(metadata: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    })
}

fn policy_review(operation: &str, object: &Value) -> Value {
    review(
        "security.istio.io",
        "v1",
        "AuthorizationPolicy",
        operation,
        object,
    )
}

fn policy(annotations: &Value, spec: &Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "p", "namespace": "shop", "annotations": annotations},
        "spec": spec,
    })
}

/// Needs a waypoint: an HTTP attribute.
fn http_spec() -> Value {
    json!({"action": "ALLOW", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]})
}

fn but(mut review: Value, field: &str, value: Value) -> Value {
    review["request"][field] = value;
    review
}

/// Messages are for people, who know no types of ours.
#[track_caller]
fn no_rust(name: &str, text: &str) {
    for leak in [
        "struct",
        "Envelope",
        "GroupVersionKind",
        "OnlyUid",
        "must be there",
    ] {
        assert!(!text.contains(leak), "{name}: {text}");
    }
}

fn warnings(response: &Value) -> String {
    let all = response.get("warnings").and_then(Value::as_array);
    let texts = all.into_iter().flatten().map(|text| text.as_str().unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn has_lines(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            metrics.lines().any(|found| found == *line),
            "{line} is not in\n{metrics}"
        );
    }
}

/// A `Status` with this code, as the API server writes them, whose message has `text`.
#[track_caller]
fn is_status(name: &str, answered: &Answered, code: u16, text: &str) {
    assert_eq!(answered.code, code, "{name}: {}", answered.json);
    assert_eq!(
        answered.headers[header::CONTENT_TYPE],
        "application/json",
        "{name}"
    );
    let status = &answered.json;
    assert_eq!(
        (
            &status["kind"],
            &status["apiVersion"],
            &status["status"],
            &status["code"]
        ),
        (
            &json!("Status"),
            &json!("v1"),
            &json!("Failure"),
            &json!(code)
        ),
        "{name}"
    );
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(text), "{name}: {message}");
    no_rust(name, message);
    assert!(
        message.chars().count() < 2000,
        "{name}: {} characters",
        message.len()
    );
}

/// Panics on a review whose namespace is `panic`.
fn fragile(app: &App, route: Route, body: &[u8], attempt: Attempt) -> Result<Decided, NotAReview> {
    assert!(
        !String::from_utf8_lossy(body).contains("\"panic\""),
        "a test panics"
    );
    decide(app, route, body, attempt)
}

const OWNED: &str =
    "{name: big, when: workload.replicas > 10, mode: none, reason: it is big, onUnknown: next}";

/// An app with a rule that reads the workload, in this cluster.
fn app_in(cluster: &Arc<Coming>) -> App {
    let text = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  ownerWait: 40ms\n  rules:\n  - {OWNED}\n  default: {{mode: ambient, reason: a test}}\n"
    );
    App {
        configuration: Arc::new(ArcSwap::from_pointee(active(&text))),
        cluster: cluster.clone(),
        ..app()
    }
}
