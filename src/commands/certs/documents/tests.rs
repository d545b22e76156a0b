//! What is written can be read, and says no key where something is wrong.

use super::*;
use crate::tls::{Subjects, Validity};

fn kept() -> Kept {
    let subjects = Subjects::parse(["meshmode.mesh.svc"]).unwrap();
    Kept::first(&subjects, Validity::default(), jiff::Timestamp::now()).unwrap()
}

const PLACE: Place<'static> = Place {
    namespace: "mesh",
    authority: KeyIn::Secret,
    webhooks: Webhooks::ClusterWide,
};

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

#[test]
fn what_is_written_can_be_read() {
    let kept = kept();
    let text = write(&kept, PLACE).unwrap();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": documents(&text)});
    for text in [text, list.to_string()] {
        let read = read(&text, KeyIn::Secret).unwrap();
        assert_eq!(read.bundle_pem, kept.bundle_pem);
        assert_eq!(read.authority.key_pem, kept.authority.key_pem);
        assert_eq!(read.authority.cert_pem, kept.authority.cert_pem);
        assert_eq!(
            (read.cert_pem, read.key_pem),
            (kept.cert_pem.clone(), kept.key_pem.clone())
        );
    }
}

#[test]
fn the_key_of_the_ca_is_where_it_is_asked_for() {
    let kept = kept();
    let authority = KeyIn::File(&kept.authority.key_pem);
    let text = write(&kept, Place { authority, ..PLACE }).unwrap();
    let key = STANDARD.encode(&kept.authority.key_pem);
    assert!(!text.contains(&key) && !text.contains(AUTHORITY));
    let read = read(&text, authority).unwrap();
    assert_eq!(read.authority.key_pem, kept.authority.key_pem);
}

#[test]
fn every_webhook_of_the_manifests_is_to_believe_it() {
    let manifest = |folder: &str, kind: &str| {
        let name = kind.to_lowercase();
        let root = env!("CARGO_MANIFEST_DIR");
        let path = format!("{root}/manifests/{folder}/{name}.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let mut names: Vec<String> = Vec::new();
        for document in documents(&text) {
            let webhooks = document["webhooks"].as_array().unwrap();
            names.extend(
                webhooks
                    .iter()
                    .map(|w| w["name"].as_str().unwrap().to_owned()),
            );
        }
        names
    };
    for (webhooks, folders) in [
        (Webhooks::Base, vec!["base"]),
        (
            Webhooks::ClusterWide,
            vec!["base", "components/cluster-wide"],
        ),
    ] {
        let text = write(&kept(), Place { webhooks, ..PLACE }).unwrap();
        for (kind, _, _) in WEBHOOKS {
            let written = documents(&text);
            let written = written.iter().find(|object| object["kind"] == kind);
            let written = written.unwrap()["webhooks"].as_array().unwrap();
            let named = written
                .iter()
                .map(|w| w["name"].as_str().unwrap().to_owned());
            let expected: Vec<_> = folders.iter().flat_map(|f| manifest(f, kind)).collect();
            assert_eq!(named.collect::<Vec<_>>(), expected, "{kind}");
        }
    }
}

#[test]
fn no_error_shows_what_is_in_a_secret() {
    let kept = kept();
    let text = write(&kept, PLACE).unwrap();
    let secret = STANDARD.encode(&kept.key_pem);
    // Beyond the head, which all keys have.
    let one = secret.get(120..160).unwrap();
    let rows = [
        ("no YAML", text.replace("data:", "data: ["), "no YAML"),
        (
            "no Secret",
            text.replace(SERVED, "other"),
            "meshmode-tls is not there",
        ),
        (
            "no CA",
            text.replace(AUTHORITY, "other"),
            "meshmode-ca is not there",
        ),
        ("no key", text.replace("tls.key", "other"), "has no tls.key"),
        (
            "no base64",
            text.replace(one, "!!"),
            "tls.key of Secret meshmode-tls is no base64",
        ),
        ("nothing", String::new(), "meshmode-tls is not there"),
    ];
    for (name, text, expected) in rows {
        let error = format!("{:?}", read(&text, KeyIn::Secret).unwrap_err());
        assert!(error.contains(expected), "{name}: {error}");
        assert!(!error.contains(&secret[100..120]), "{name}: {error}");
    }
}
