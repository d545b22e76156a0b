//! Recorded answers in both forms, and any bytes.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Answers of a real API server (Kubernetes 1.37) to the same watch, in protobuf and in JSON.
#[rustfmt::skip]
const RECORDED: [(&str, &[u8], &str); 3] = [
    ("pods", include_bytes!("../../../../tests/data/watch/pods.pb"), include_str!("../../../../tests/data/watch/pods.jsonl")),
    ("deployments", include_bytes!("../../../../tests/data/watch/deployments.pb"), include_str!("../../../../tests/data/watch/deployments.jsonl")),
    ("expired", include_bytes!("../../../../tests/data/watch/expired.pb"), include_str!("../../../../tests/data/watch/expired.jsonl")),
];

/// What is read of an object's metadata; of its `spec`, `replicas`.
const METADATA: [&str; 7] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "labels",
    "annotations",
    "ownerReferences",
];

/// An event without what nobody reads.
fn narrow(line: &str) -> Value {
    let mut event: Value = serde_json::from_str(line).unwrap();
    let object = event["object"].as_object_mut().unwrap();
    object.remove("status").filter(|status| {
        // Of a Status that is a text.
        let text = status.is_string();
        text && object.insert("status".to_owned(), status.clone()).is_some()
    });
    if object["kind"] == "Status" {
        object.remove("metadata");
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.retain(|field, _| METADATA.contains(&field.as_str()));
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.retain(|field, _| field == "replicas");
    }
    event
}

fn values(json: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(json).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn events_are_those_of_the_same_watch_in_json() {
    for (name, protobuf, json) in RECORDED {
        let mut answer = Answer::events();
        let lines = values(&answer.read(protobuf).unwrap());
        let expected: Vec<Value> = json.lines().map(narrow).collect();
        assert!(!expected.is_empty());
        assert_eq!(lines, expected, "{name}");
        assert_eq!(answer.end().unwrap(), "", "{name}");
    }
}

#[test]
fn an_error_alone_is_an_object() {
    let (_, protobuf, json) = RECORDED[2];
    let event = WatchEvent::decode(&protobuf[LENGTH..]).unwrap();
    let mut answer = Answer::object();
    let raw = event.object.unwrap().raw;
    assert_eq!(answer.read(&raw[..20]).unwrap(), "");
    assert_eq!(answer.read(&raw[20..]).unwrap(), "");
    let status = values(&answer.end().unwrap());
    assert_eq!(status, [narrow(json)["object"].clone()]);
    assert_eq!(answer.end().unwrap(), "", "asked again");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let frame = |event: &WatchEvent| {
        let event = event.encode_to_vec();
        let length = u32::try_from(event.len()).unwrap();
        [&length.to_be_bytes(), &*event].concat()
    };
    let object = |raw: &[u8]| {
        frame(&WatchEvent {
            kind: "ADDED".to_owned(),
            object: Some(super::super::message::RawExtension {
                raw: Bytes::copy_from_slice(raw),
            }),
        })
    };
    let nothing = frame(&WatchEvent::default());
    #[rustfmt::skip]
    let rows: [(&str, &[u8], &str); 6] = [
        ("too long", &[255; 4], "an event of 4294967295 bytes"),
        ("JSON", b"{\"type\":\"ADDED\"}", "an event of 2065855609 bytes"),
        ("no event", &[0, 0, 0, 1, 255], "no protobuf of the Kubernetes API"),
        ("no object", &nothing, "an object without the prefix"),
        ("no prefix", &object(b"K8S\0"), "an object without the prefix"),
        ("no wrapper", &object(b"k8s\0\xff"), "no protobuf of the Kubernetes API"),
    ];
    for (name, data, expected) in rows {
        let error = Answer::events().read(data).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
    let mut cut_off = Answer::events();
    assert_eq!(cut_off.read(&[0, 0, 0, 9, 10]).unwrap(), "");
    let error = cut_off.end().unwrap_err().to_string();
    assert_eq!(
        error,
        "the answer ends within an event, after 5 bytes of it"
    );
}

proptest! {
    #[test]
    fn pieces_are_as_good_as_the_whole(of in 0..RECORDED.len(), size in 1_usize..3000) {
        let (_, protobuf, _) = RECORDED[of];
        let whole = Answer::events().read(protobuf).unwrap();
        let mut answer = Answer::events();
        let pieces: Vec<Bytes> = protobuf.chunks(size).map(|data| answer.read(data).unwrap()).collect();
        prop_assert_eq!(pieces.concat(), whole);
        prop_assert_eq!(answer.end().unwrap(), "");
    }

    #[test]
    fn any_change_ends_in_lines_of_json_or_in_an_error(
        of in 0..RECORDED.len(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut changed = RECORDED[of].1.to_vec();
        let at = at.index(changed.len());
        changed[at] = byte;
        if let Ok(lines) = Answer::events().read(&changed) {
            values(&lines);
        }
    }

    #[test]
    fn any_bytes_end_in_an_error_or_wait_for_more(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut answer = Answer::object();
        answer.read(&data).unwrap();
        drop(answer.end());
        drop(Answer::events().read(&data));
    }
}
