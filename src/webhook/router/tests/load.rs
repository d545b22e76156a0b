//! Too much to do, and too little time: 503s that are counted, while the rest is answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use futures_util::FutureExt as _;

use super::*;
use crate::webhook::body::MAX_BODY_BYTES;
use crate::webhook::load::SMALL;

const LATE: &str = "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"late\"}";
const OVERLOADED: &str =
    "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"overloaded\"}";

fn app_that_takes(body_memory: usize, reviews: usize) -> App {
    let app = app();
    let limits = Limits {
        body_memory,
        reviews,
    };
    App {
        load: Arc::new(Load::new(limits, Arc::clone(&app.metrics))),
        ..app
    }
}

/// Of a Pod whose Deployment is waited for.
fn owned_review() -> String {
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1", "controller": true,
    }]);
    let metadata = json!({"labels": {"pod-template-hash": "5d8f9"}, "ownerReferences": owner});
    pod_review(&pod(&metadata)).to_string()
}

fn review_of(length: usize) -> Bytes {
    let mut body = pod_review(&pod(&json!({}))).to_string().into_bytes();
    body.resize(length.max(body.len()), b' ');
    body.into()
}

fn refused(name: &str, answered: &Answered, text: &str) {
    is_status(name, answered, 503, text);
    assert_eq!(answered.headers[header::RETRY_AFTER], "1", "{name}");
}

#[test]
fn what_alerts_look_at_begins_at_zero() {
    let app = app();
    drop(router(app.clone()));
    let lines = [format!("{LATE} 0"), format!("{OVERLOADED} 0")];
    has_lines(
        &app.metrics.to_text(),
        &lines.each_ref().map(String::as_str),
    );
}

#[tokio::test]
async fn a_body_that_there_is_no_memory_for_is_a_503() {
    let app = app_that_takes(1 << 20, 1);
    let router = router(app.clone());
    let chunked = |length| {
        let body = review_of(length);
        Body::new(Chunks(
            body.chunks(1 << 14).map(Bytes::copy_from_slice).collect(),
        ))
    };
    for (name, length, code) in [
        ("small", 1, 200),
        ("as much as large ones get", 3 << 18, 200),
        ("more", (3 << 18) + 1, 503),
        ("the largest", MAX_BODY_BYTES, 503),
        ("small, afterwards", 1, 200),
    ] {
        let sent = request(MUTATE, chunked(length));
        let grown = send(router.clone(), sent).await;
        let mut sent = request(MUTATE, review_of(length));
        let announced = HeaderValue::from(review_of(length).len());
        sent.headers_mut().insert(header::CONTENT_LENGTH, announced);
        let announced = send(router.clone(), sent).await;
        for answered in [grown, announced] {
            if code == 503 {
                refused(name, &answered, "--max-body-memory");
            }
            assert_eq!(answered.code, code, "{name}: {}", answered.json);
        }
    }
    let lines = [
        &*format!("{OVERLOADED} 4"),
        "meshmode_overloads_total{cause=\"body-memory\"} 4",
        "meshmode_overloads_total{cause=\"reviews\"} 0",
        "meshmode_body_memory_bytes 0",
    ];
    has_lines(&app.metrics.to_text(), &lines);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_answered_soon_also_where_it_never_comes() {
    let app = app_that_takes(1 << 20, 1);
    let stalled = Endless {
        chunk: Some(Bytes::from_static(b"{")),
        pause: None,
    };
    let mut sent = request(MUTATE, Body::new(stalled));
    let announced = HeaderValue::from(MAX_BODY_BYTES);
    sent.headers_mut().insert(header::CONTENT_LENGTH, announced);
    let start = tokio::time::Instant::now();
    let answered = send(router(app), sent).await;
    refused("stalled", &answered, "--max-body-memory");
    assert!(
        start.elapsed() <= Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_review_too_many_is_a_503() {
    let coming = Arc::new(Coming::after(Duration::from_secs(1)));
    let app = App {
        load: app_that_takes(1 << 20, 1).load,
        ..app_in(&coming)
    };
    let router = router(app.clone());
    let waits = send(router.clone(), request(MUTATE, owned_review()));
    let other = async {
        // The first is polled first, and waits for its Deployment.
        send(router.clone(), request(MUTATE, review_of(0))).await
    };
    let (waits, other) = tokio::join!(waits, other);
    assert_eq!(waits.code, 200, "{}", waits.json);
    refused("one more", &other, "--max-reviews");
    let after = send(router, request(MUTATE, review_of(0))).await;
    assert_eq!(after.code, 200, "{}", after.json);
    has_lines(&app.metrics.to_text(), &[&format!("{OVERLOADED} 1")]);
}

#[tokio::test(start_paused = true)]
async fn a_review_out_of_time_is_a_503_before_the_api_server_gives_up() {
    let every_second = || Some(tokio::time::interval(Duration::from_secs(1)));
    for (name, path, seconds) in [
        ("3 s", "/mutate/pods?timeout=3s", 2),
        ("10 s", "/mutate/pods?timeout=10s", 9),
    ] {
        let app = app();
        let slow = Endless {
            chunk: Some(Bytes::from_static(b" ")),
            pause: every_second(),
        };
        let start = tokio::time::Instant::now();
        let answered = send(router(app.clone()), request(path, Body::new(slow))).await;
        is_status(name, &answered, 503, "no time left");
        assert!(start.elapsed() < Duration::from_secs(seconds), "{name}");
        has_lines(&app.metrics.to_text(), &[&format!("{LATE} 1")]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_when_the_time_is_over() {
    let app = app();
    let sent = request("/mutate/pods?timeout=0s", review_of(0));
    let over = send(router(app.clone()), sent).await;
    is_status("no time at all", &over, 503, "no time left");
    let metrics = app.metrics.to_text();
    has_lines(&metrics, &[&format!("{LATE} 1")]);
    assert!(!metrics.contains("meshmode_placements_total{"), "{metrics}");
}

/// The request for a review that is large.
fn large() -> Request<Body> {
    request(MUTATE, review_of(SMALL + 1))
}

/// What takes longer never ends.
const DEADLINE: Duration = Duration::from_secs(30);

/// Opened by one thread for another.
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    const fn closed() -> Self {
        Self {
            is_open: Mutex::new(false),
            opened: Condvar::new(),
        }
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Waits for it, with this thread.
    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        let waited = self
            .opened
            .wait_timeout_while(is_open, DEADLINE, |is_open| !*is_open);
        assert!(!waited.unwrap().1.timed_out(), "nobody opens the gate");
    }
}

#[tokio::test]
async fn a_large_review_keeps_no_small_one_waiting() {
    static SMALL_ONE: Gate = Gate::closed();
    let router = with(
        app(),
        |app, route, body, attempt| {
            if body.len() > SMALL {
                SMALL_ONE.pass();
            } else {
                SMALL_ONE.open();
            }
            decide(app, route, body, attempt)
        },
        MAX_BODY_TIME,
    );
    // This is one thread, and the large one is polled first.
    let large = send(router.clone(), large());
    let small = send(router, request(MUTATE, review_of(SMALL)));
    let (large, small) = tokio::join!(large, small);
    assert_eq!((large.code, small.code), (200, 200), "{}", large.json);
}

#[tokio::test]
async fn large_reviews_are_decided_one_after_the_other() {
    static DECIDED: AtomicUsize = AtomicUsize::new(0);
    let router = with(
        app(),
        |app, route, body, attempt| {
            assert_eq!(DECIDED.fetch_add(1, Ordering::AcqRel), 0);
            // Long enough for another one to be there, if it could.
            std::thread::sleep(Duration::from_millis(10));
            let decided = decide(app, route, body, attempt);
            DECIDED.fetch_sub(1, Ordering::AcqRel);
            decided
        },
        MAX_BODY_TIME,
    );
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let review = large();
        sent.spawn(send(router.clone(), review));
    }
    for answered in sent.join_all().await {
        assert_eq!(answered.code, 200, "{}", answered.json);
    }
}

#[tokio::test]
async fn a_large_review_whose_turn_does_not_come_in_time_is_a_503() {
    static LATE_ONE: Gate = Gate::closed();
    let app = app();
    let router = with(
        app.clone(),
        |app, route, body, attempt| {
            LATE_ONE.pass();
            decide(app, route, body, attempt)
        },
        MAX_BODY_TIME,
    );
    let first = send(router.clone(), large());
    let late = async {
        let sent = request("/mutate/pods?timeout=1s", review_of(SMALL + 1));
        let late = send(router.clone(), sent).await;
        LATE_ONE.open();
        late
    };
    let (first, late) = tokio::join!(first, late);
    assert_eq!(first.code, 200, "{}", first.json);
    is_status("late", &late, 503, "no time left");
    has_a_turn(&router, "after one that was late").await;
    has_lines(&app.metrics.to_text(), &[&format!("{LATE} 1")]);
}

async fn has_a_turn(router: &Router, when: &str) {
    let sent = request("/mutate/pods?timeout=30s", review_of(SMALL + 1));
    let answered = send(router.clone(), sent).await;
    assert_eq!(answered.code, 200, "{when}: {}", answered.json);
}

#[tokio::test]
async fn a_turn_ends_whatever_becomes_of_its_review() {
    static BEGUN: Gate = Gate::closed();
    static DROPPED: Gate = Gate::closed();
    let router = with(
        app(),
        |app, route, body, attempt| {
            BEGUN.open();
            DROPPED.pass();
            fragile(app, route, body, attempt)
        },
        MAX_BODY_TIME,
    );
    let mut decided = Box::pin(send(router.clone(), large()));
    let mut waits = Box::pin(send(router.clone(), large()));
    assert!(futures_util::poll!(&mut decided).is_pending());
    assert!(futures_util::poll!(&mut waits).is_pending());
    BEGUN.pass();
    drop((decided, waits));
    DROPPED.open();
    has_a_turn(&router, "after two whose clients have gone").await;
    let mut bad = but(pod_review(&pod(&json!({}))), "namespace", json!("panic")).to_string();
    bad.push_str(&" ".repeat(SMALL));
    let panicked = send(router.clone(), request(MUTATE, bad)).await;
    is_status("panic", &panicked, 500, UID);
    has_a_turn(&router, "after a panic").await;
}

#[tokio::test]
async fn large_reviews_that_wait_take_no_place() {
    static SMALL_ONE: Gate = Gate::closed();
    let app = app_that_takes(64 << 20, 2);
    let router = with(
        app.clone(),
        |app, route, body, attempt| {
            if body.len() > SMALL {
                SMALL_ONE.pass();
            }
            decide(app, route, body, attempt)
        },
        MAX_BODY_TIME,
    );
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..4 {
        sent.spawn(send(router.clone(), large()));
    }
    while app.load.turn().now_or_never().is_some() {
        tokio::task::yield_now().await;
    }
    let small = send(router.clone(), request(MUTATE, review_of(0))).await;
    SMALL_ONE.open();
    assert_eq!(small.code, 200, "{}", small.json);
    for answered in sent.join_all().await {
        assert_eq!(answered.code, 200, "{}", answered.json);
    }
}
