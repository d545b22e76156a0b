//! That the two webhooks which are compared do the same: the Pod of every review gets the same labels and annotations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use json_patch::{Patch, patch};
use serde_json::{Value, json};

use crate::subject::{Running, Site, Subject};

/// Recorded reviews of Pods that rules decide about.
const RECORDED: [&str; 5] = [
    include_str!("../../tests/data/reviews/pod-small.json"),
    include_str!("../../tests/data/reviews/pod-usual.json"),
    include_str!("../../tests/data/reviews/pod-large.json"),
    include_str!("../../tests/data/reviews/pod-no-labels.json"),
    include_str!("../../tests/data/reviews/pod-dry-run.json"),
];

/// Annotations, of which the first review then has one.
const ANNOTATIONS: [(&str, &str); 8] = [
    ("meshmode.io/mode", "ambient"),
    ("meshmode.io/mode", "sidecar"),
    ("meshmode.io/mode", "none"),
    ("mesh.company.com/force-mode", "sidecar"),
    ("deployment.company.com/replicas", "high-scale"),
    ("deployment.company.com/replicas", "+011"),
    ("deployment.company.com/replicas", "10"),
    ("team", "a"),
];

/// Asks both; gives how many reviews they agree on.
pub(crate) fn agree(site: &Site) -> usize {
    let first = RECORDED[0].as_bytes();
    let [ours, theirs] = [Subject::Meshmode, Subject::Go].map(|one| one.start(site, first));
    let reviews = reviews();
    for review in &reviews {
        let [ours, theirs] = [&ours, &theirs].map(|server| created(server, site, review));
        let metadata = &review["request"]["object"]["metadata"];
        assert_ne!(ours, pod_of(review), "meshmode changes {metadata}");
        assert!(
            theirs == ours,
            "they differ about {metadata}:\nGo {}\nmeshmode {}",
            theirs["metadata"],
            ours["metadata"]
        );
    }
    reviews.len()
}

fn reviews() -> Vec<Value> {
    let mut reviews: Vec<Value> = RECORDED.map(json_of).into();
    for (key, value) in ANNOTATIONS {
        let mut review = reviews[0].clone();
        review["request"]["object"]["metadata"]["annotations"] = json!({ key: value });
        reviews.push(review);
    }
    reviews
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The Pod as the API server would make it of the answer.
fn created(server: &Running, site: &Site, review: &Value) -> Value {
    let answer = server.ask(&site.tls, review.to_string().as_bytes());
    let answer = json_of(&answer.expect("an answer"));
    let response = &answer["response"];
    assert_eq!(response["uid"], review["request"]["uid"], "{answer}");
    assert_eq!(response["allowed"], true, "{answer}");
    let operations = STANDARD.decode(response["patch"].as_str().expect("a patch"));
    let operations: Patch =
        serde_json::from_slice(&operations.expect("base64")).expect("a JSON patch");
    let mut pod = pod_of(review);
    patch(&mut pod, &operations).expect("a patch that applies");
    pod
}

fn pod_of(review: &Value) -> Value {
    review["request"]["object"].clone()
}
