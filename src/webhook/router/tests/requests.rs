//! Requests that are none for an API server to send, each refused with its code.

use super::*;
use crate::webhook::body::MAX_BODY_BYTES;

#[tokio::test]
async fn a_body_that_is_no_review_is_a_400_that_says_why() {
    let well = pod_review(&pod(&json!({})));
    let envelope = |field: &str, value: Value| {
        let mut review = well.clone();
        review[field] = value;
        review.to_string().into_bytes()
    };
    let no_uid = but(well.clone(), "uid", Value::Null);
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "line 1 column 0"),
        ("a word", b"hello".to_vec(), "line 1 column 1"),
        (
            "cut off",
            b"{\n  \"kind\": \"AdmissionReview\",\n  \"requ".to_vec(),
            "line 3 column",
        ),
        (
            "two",
            [well.to_string(), well.to_string()].concat().into_bytes(),
            "column",
        ),
        (
            "not UTF-8",
            b"{\"kind\": \"\xff\"}".to_vec(),
            "UTF-8 at byte 10",
        ),
        ("a byte order mark", "\u{feff}{}".into(), "line 1 column 1"),
        (
            "a list",
            b"[]".to_vec(),
            "the body is not an AdmissionReview: invalid type: sequence, expected an AdmissionReview at",
        ),
        (
            "a list of a request's values",
            envelope("request", json!(["uid", null])),
            "invalid type: sequence, expected the request of an AdmissionReview at",
        ),
        (
            "null",
            b"null".to_vec(),
            "the body is not an AdmissionReview",
        ),
        (
            "a string",
            b"\"x\"".to_vec(),
            "invalid type: string \"x\", expected an AdmissionReview at",
        ),
        ("an empty object", b"{}".to_vec(), "apiVersion"),
        (
            "v1beta1",
            envelope("apiVersion", json!("admission.k8s.io/v1beta1")),
            "admissionReviewVersions: [v1]",
        ),
        (
            "another kind",
            envelope("kind", json!("Pod")),
            "Pod of admission.k8s.io/v1",
        ),
        (
            "request is missing",
            b"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}".to_vec(),
            "no request",
        ),
        (
            "request is null",
            envelope("request", Value::Null),
            "no request",
        ),
        (
            "request is a list",
            envelope("request", json!([])),
            "line 1",
        ),
        ("uid is null", no_uid.to_string().into_bytes(), "line 1"),
        (
            "kind is endless",
            envelope("kind", json!("x".repeat(1 << 20))),
            "meshmode: xxx",
        ),
        (
            "deep",
            [b"[".repeat(1 << 20), b"]".repeat(1 << 20)].concat(),
            "line 1",
        ),
    ];
    for (name, body, text) in rows {
        for path in [MUTATE, VALIDATE] {
            is_status(name, &post(path, body.clone()).await, 400, text);
        }
    }
}

#[tokio::test]
async fn other_requests_are_refused_with_their_code() {
    let body = || pod_review(&pod(&json!({}))).to_string();
    for (path, _) in ROUTES {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let request = Request::builder().method(method).uri(path);
            let answered = send(router(app()), request.body(Body::empty()).unwrap()).await;
            is_status(path, &answered, 405, method);
            assert_eq!(answered.headers[header::ALLOW], "POST", "{method} {path}");
        }
    }
    for path in [
        "/",
        "/mutate/",
        "/mutate/pods/",
        "/Mutate",
        "/metrics",
        "/validate/%70ods",
    ] {
        let answered = post(path, body()).await;
        is_status(path, &answered, 404, path);
        for (route, _) in ROUTES {
            is_status(path, &answered, 404, route);
        }
    }
    for content_type in [
        "",
        "text/plain",
        "application/yaml",
        "application/jsonx",
        "multipart/json",
        "\u{fffd}",
    ] {
        let request = Request::post(MUTATE)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body()))
            .unwrap();
        is_status(
            content_type,
            &send(router(app()), request).await,
            415,
            "application/json",
        );
    }
    let none = Request::post(MUTATE).body(Body::from(body())).unwrap();
    is_status("none", &send(router(app()), none).await, 415, "none");
    for content_type in [
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; a=b",
    ] {
        let mut request = request("/mutate/pods?timeout=5s", body());
        let value = HeaderValue::from_static(content_type);
        request.headers_mut().insert(header::CONTENT_TYPE, value);
        assert_eq!(
            send(router(app()), request).await.code,
            200,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_a_413_and_one_at_the_limit_is_read() {
    let review = pod_review(&pod(&json!({}))).to_string();
    let padded = |length: usize| {
        let mut body = review.clone().into_bytes();
        body.resize(length, b' ');
        Bytes::from(body)
    };
    let at_the_limit = post(MUTATE, padded(MAX_BODY_BYTES)).await;
    assert_eq!(at_the_limit.code, 200, "{}", at_the_limit.json);
    let above = padded(MAX_BODY_BYTES + 1);
    is_status(
        "whole",
        &post(MUTATE, above.clone()).await,
        413,
        "7340032 bytes",
    );
    let chunks = above.chunks(1 << 16).map(Bytes::copy_from_slice).collect();
    is_status(
        "chunked",
        &post(MUTATE, Body::new(Chunks(chunks))).await,
        413,
        "7340032 bytes",
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_a_408() {
    let every_second = || Some(tokio::time::interval(Duration::from_secs(1)));
    let chunk = |text: &'static [u8]| Some(Bytes::from_static(text));
    for (name, chunk, pause) in [
        ("nothing at all", None, None),
        ("half a body", chunk(b"{"), None),
        ("a byte a second", chunk(b" "), every_second()),
    ] {
        let start = tokio::time::Instant::now();
        let answered = post(MUTATE, Body::new(Endless { chunk, pause }));
        let answered = tokio::time::timeout(Duration::from_secs(60), answered).await;
        let answered = answered.unwrap_or_else(|_| panic!("{name}: still waiting"));
        is_status(name, &answered, 408, "10s");
        assert_eq!(start.elapsed().as_secs(), 10, "{name}");
    }
}
