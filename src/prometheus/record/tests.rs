//! A recording is written, read, and has no secret in it.

use std::time::Duration;

use super::*;
use crate::prometheus::client::At;

fn about() -> About {
    About {
        end: Timestamp::from_second(1_796_000_100).unwrap(),
        window_seconds: 3_600,
        step_seconds: 300,
        slots: 12,
        matchers: vec!["cluster=\"prod\"".to_owned()],
        cluster_label: "cluster".to_owned(),
    }
}

fn query(text: &str, at: i64) -> Query {
    Query {
        text: text.to_owned(),
        at: At::Instant(Timestamp::from_second(at).unwrap()),
    }
}

fn reply(status: u16, body: &'static str) -> Reply {
    Reply {
        status,
        hint: None,
        body: Bytes::from_static(body.as_bytes()),
    }
}

#[test]
fn what_was_asked_is_answered_again() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::begin(folder.path()).unwrap();
    recording.about(&about()).unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    let range = Query {
        text: "up".to_owned(),
        at: At::Range {
            start: at(1),
            end: at(2),
            step: Duration::from_secs(1),
        },
    };
    let asked = [
        (
            query("up", 1),
            reply(200, r#"{"status":"success","data":1.50}"#),
        ),
        (
            query("up", 2),
            reply(200, r#"{"status":"success","data":2}"#),
        ),
        (range, reply(422, r#"{"status":"error"}"#)),
        (query("down", 1), reply(502, "<html>")),
    ];
    for (query, reply) in &asked {
        recording.write(query, reply).unwrap();
    }
    let replay = Replay::open(folder.path()).unwrap();
    assert_eq!(replay.about(&[]).unwrap(), &about());
    let other = replay.about(&["cluster=\"dev\"".to_owned()]).unwrap_err();
    assert!(other.to_string().contains("leave --matcher out"), "{other}");
    for (query, reply) in &asked {
        let found = replay.reply(query).unwrap();
        assert_eq!(
            (found.status, &found.body),
            (reply.status, &reply.body),
            "{query:?}"
        );
    }
    let missing = replay
        .reply(&query("up{x=\"y\"}", 1))
        .unwrap_err()
        .to_string();
    let made_with = "--window 3600s --step 300s, 12 slots --matcher cluster=\"prod\"";
    assert!(
        missing.contains("the query was, for time 1970-01-01T00:00:01Z: up{x=\"y\"}"),
        "{missing}"
    );
    assert!(missing.contains(made_with), "{missing}");
}

#[test]
fn a_file_can_be_read_by_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::begin(folder.path()).unwrap();
    let asked = query("sum(up)", 1_796_000_100);
    recording
        .write(&asked, &reply(200, r#"{"status":"success"}"#))
        .unwrap();
    let name = format!("0001-{}.json", hash(&asked));
    let text = fs::read_to_string(folder.path().join(&name)).unwrap();
    assert_eq!(
        text,
        r#"{
  "path": "/api/v1/query",
  "query": "sum(up)",
  "time": "2026-11-30T00:55:00Z",
  "status": 200,
  "answer": {"status":"success"}
}
"#
    );
    // The hash is of the query and its time, and the same in every version.
    assert_eq!(name, "0001-9232851d5b52550f.json");
}

#[test]
fn two_recordings_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    Recording::begin(folder.path())
        .unwrap()
        .about(&about())
        .unwrap();
    let error = Recording::begin(folder.path()).unwrap_err();
    assert!(matches!(error, RecordError::Exists(_)), "{error}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = Replay::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("--record made"), "{message}");
    fs::write(folder.path().join(ABOUT), "{}").unwrap();
    let message = Replay::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("record anew"), "{message}");
}
