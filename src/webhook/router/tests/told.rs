//! What logs and metrics tell.

use std::io::ErrorKind;

use super::*;
use crate::webhook::body::MAX_BODY_BYTES;

#[tokio::test]
async fn a_panic_is_a_500_a_count_and_a_log_line_with_the_uid() {
    let log = Log::start();
    let app = app();
    let router = super::with(app.clone(), fragile, MAX_BODY_TIME);
    let well = pod_review(&pod(&json!({})));
    let bad = but(well.clone(), "namespace", json!("panic"));
    let answered = send(router.clone(), request(MUTATE, bad.to_string())).await;
    is_status("panic", &answered, 500, UID);
    let answered = send(router, request(MUTATE, well.to_string())).await;
    assert_eq!(answered.code, 200, "afterwards");
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_panics_total 1",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"panicked\"} 1",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 1",
        ],
    );
    let text = log.text();
    let line = text
        .lines()
        .find(|line| line.contains("\"ERROR\""))
        .unwrap();
    assert!(line.contains(UID), "{line}");
}

#[tokio::test]
async fn the_log_tells_what_was_done_from_what_would_be() {
    let log = Log::start();
    let left = pod(&json!({"annotations": {"meshmode.io/mode": "leave"}}));
    let rows = [
        (MUTATE, pod(&json!({})), false, "placed a Pod"),
        (MUTATE, pod(&json!({})), true, "placed a Pod"),
        (MUTATE, left.clone(), false, "left a Pod alone"),
        (OBSERVE, pod(&json!({})), true, "would place a Pod"),
        (OBSERVE, left, false, "would leave a Pod alone"),
    ];
    for (index, (path, object, dry_run, message)) in rows.into_iter().enumerate() {
        let review = but(pod_review(&object), "dryRun", json!(dry_run));
        post(path, review.to_string()).await;
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().nth(index).unwrap()).unwrap();
        assert_eq!(
            (&line["message"], &line["dry_run"]),
            (&json!(message), &json!(dry_run)),
            "{path}"
        );
    }
    let policy = policy_review("CREATE", &policy(&json!({}), &http_spec()));
    post(VALIDATE, but(policy, "dryRun", json!(true)).to_string()).await;
    let text = log.text();
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["message"], &line["dry_run"]),
        (&json!("judged a policy"), &json!(true))
    );
}

#[tokio::test]
async fn a_log_line_is_one_line_with_each_field_once() {
    let log = Log::start();
    let evil = "Pod\n2026-11-23T00:00:00Z ERROR forged\u{1b}[31m";
    let object = policy(&json!({}), &http_spec());
    for (path, review) in [
        (MUTATE, pod_review(&pod(&json!({"name": "web"})))),
        (MUTATE, review("", "v1", evil, "CREATE", &Value::Null)),
        (VALIDATE, policy_review("CREATE", &object)),
        (VALIDATE, review("", "v1", evil, "CREATE", &object)),
        (VALIDATE, json!({"kind": evil})),
    ] {
        post(path, review.to_string()).await;
    }
    let text = log.text();
    assert_eq!(text.lines().count(), 5, "{text}");
    for line in text.lines() {
        assert_eq!(line.matches("\"message\":").count(), 1, "{line}");
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_counted_and_logged() {
    let log = Log::start();
    let app = app();
    let router = router(app.clone());
    let stalled = Endless {
        chunk: None,
        pause: None,
    };
    let rows = [
        (
            415,
            Request::post(MUTATE).body(Body::from("{}")).unwrap(),
            "send application/json",
        ),
        (
            413,
            request(MUTATE, vec![b' '; MAX_BODY_BYTES + 1]),
            "7340032 bytes",
        ),
        (
            408,
            request(MUTATE, Body::new(stalled)),
            "not there after 10s",
        ),
        (
            400,
            request(MUTATE, Body::new(Broken(ErrorKind::InvalidInput))),
            "could not be read",
        ),
    ];
    for (index, (code, request, error)) in rows.into_iter().enumerate() {
        assert_eq!(send(router.clone(), request).await.code, code);
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().nth(index).unwrap()).unwrap();
        assert_eq!(
            (&line["level"], &line["code"]),
            (&json!("WARN"), &json!(code)),
            "{line}"
        );
        assert!(line["error"].as_str().unwrap().contains(error), "{line}");
        assert!(
            line["message"]
                .as_str()
                .unwrap()
                .contains("check who sends it"),
            "{line}"
        );
    }
    for kind in [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset] {
        send(router.clone(), request(MUTATE, Body::new(Broken(kind)))).await;
    }
    assert_eq!(
        log.text().lines().count(),
        4,
        "who hung up is no news: {}",
        log.text()
    );
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"rejected\"} 4",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"aborted\"} 2",
            "meshmode_review_duration_seconds_count{task=\"place\"} 4",
        ],
    );
}

#[tokio::test]
async fn every_request_is_counted_once() {
    let app = app();
    let router = router(app.clone());
    let well = pod_review(&pod(&json!({}))).to_string();
    for body in [&well, "{", &well] {
        send(router.clone(), request(MUTATE, body.to_owned())).await;
    }
    send(router.clone(), request(OBSERVE, well)).await;
    let refused = policy_review("CREATE", &policy(&json!({}), &http_spec())).to_string();
    send(router.clone(), request(OBSERVE_POLICIES, refused)).await;
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 2",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"rejected\"} 1",
            "meshmode_reviews_total{task=\"judge\",stance=\"observe\",outcome=\"answered\"} 1",
            "meshmode_placements_total{stance=\"enforce\",mode=\"ambient\",rule=\"default\"} 2",
            "meshmode_placements_total{stance=\"observe\",mode=\"ambient\",rule=\"default\"} 1",
            "meshmode_review_duration_seconds_count{task=\"place\"} 4",
        ],
    );
    assert!(
        metrics.contains("meshmode_verdicts_total{stance=\"observe\",verdict=\"refuse\""),
        "{metrics}"
    );
}
