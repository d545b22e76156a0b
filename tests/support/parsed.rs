//! What must hold for any bytes as a file or a part of a review: the bodies of the fuzz targets in `fuzz/` that parse,
//! and of the tests of `tests/fuzzed.rs`. Each panics where it does not hold.

use std::error::Error;
use std::sync::LazyLock;

use cel::common::types::{CelDouble, CelInt};
use meshmode::authorization::facts::Facts;
use meshmode::authorization::verdict::{Answer, judge};
use meshmode::authorization::{AuthorizationPolicy, Settings, WhyUnknown, enforcement};
use meshmode::authorization::{FactsSource as _, Mesh};
use meshmode::cluster::convert::Opened;
use meshmode::config::{DEFAULT, read, read_bytes};
use meshmode::placement::fuel::Fuel;
use meshmode::placement::json::{Depth, Node};
use meshmode::tls::{CertificatePair, Subjects, Validity, issue, pem};
use meshmode::webhook::review::{self, Parsed};
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether the input was what it should be.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Read {
    /// It was taken.
    Taken,
    /// It was refused, with words.
    Refused,
}

// === the uid of a review ===

/// The uid of `body` is that which others read in it, and the one that an answer would have.
pub(crate) fn uid(body: &[u8]) -> Read {
    let uid = review::uid(body);
    if let (Some(uid), Ok(value)) = (&uid, serde_json::from_slice::<Value>(body)) {
        assert_eq!(value["request"]["uid"], **uid, "the uid of another review");
    }
    match review::parse::<Opened<'_>>(body) {
        Ok(Parsed::Review(request)) => match &uid {
            Some(uid) => assert_eq!(request.uid, *uid),
            // What is no JSON within `managedFields` is passed over by whoever reads only what decisions rest on.
            None => assert!(
                [&b"managedFields"[..], b"\\u"].map(|word| contains(body, word)) != [false; 2]
                    && serde_json::from_slice::<Value>(body).is_err(),
                "read by one alone"
            ),
        },
        Ok(Parsed::Malformed(malformed)) => {
            assert_eq!(Some(&malformed.uid), uid.as_ref());
            assert!(!malformed.error.is_empty());
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Read::Refused;
        }
    }
    Read::Taken
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
}

// === JSON ===

/// `text` is read as `serde_json` reads it, where both do: and each reads what the other does, but for what only a
/// reader of all of it can refuse.
pub(crate) fn json(text: &str) -> Read {
    let ours = Depth::SHALLOW.parse(text);
    let theirs = serde_json::from_str::<Value>(text);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => same(ours, theirs, &Fuel::full()),
        (Ok(_), Err(_)) => {
            let skipped = serde_json::from_str::<&RawValue>(text);
            assert!(skipped.is_ok(), "not JSON, and read: {skipped:?}");
        }
        (Err(error), Ok(theirs)) => {
            let object = theirs.is_object() || theirs.is_null();
            assert!(!object, "an object, and not read: {error}");
        }
        (Err(_), Err(_)) => {}
    }
    ours.map_or(Read::Refused, |_| Read::Taken)
}

fn same(ours: &Node<'_>, theirs: &Value, fuel: &Fuel) {
    match theirs {
        Value::Null => assert!(ours.is_null()),
        Value::Bool(value) => assert_eq!(ours.is_true(), *value),
        Value::Number(number) => same_number(ours, number, fuel),
        Value::String(text) => assert_eq!(ours.as_str(), Some(&**text)),
        Value::Array(theirs) => {
            let ours = ours.as_array().expect("an array");
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(theirs) {
                same(ours, theirs, fuel);
            }
        }
        Value::Object(theirs) => {
            let ours = ours.as_object().expect("an object");
            for key in ours.keys() {
                assert!(theirs.contains_key(key), "{key:?} is no key");
            }
            for (key, theirs) in theirs {
                same(ours.get(key).expect("a key"), theirs, fuel);
            }
        }
    }
}

/// `serde_json` reads the last binary digit of a fraction fast, not exactly.
fn same_number(ours: &Node<'_>, theirs: &serde_json::Number, fuel: &Fuel) {
    let value = ours.to_val(fuel);
    if let Some(int) = value.as_ref().downcast_ref::<CelInt>() {
        let exact = theirs.as_i64() == Some(*int.inner());
        // -0 is a fraction for `serde_json`.
        let zero = *int.inner() == 0 && theirs.as_f64() == Some(0.0);
        assert!(exact || zero, "{int:?} is not {theirs}");
        return;
    }
    let double = value.as_ref().downcast_ref::<CelDouble>();
    let (ours, theirs) = (
        *double.expect("a number").inner(),
        theirs.as_f64().expect("a number"),
    );
    let near = (ours - theirs).abs() <= ours.abs() * 1e-15;
    assert!(
        near || ours.to_bits() == theirs.to_bits(),
        "{ours:e} is not {theirs:e}"
    );
}

// === the configuration ===

/// `content` as a configuration is taken, or refused with the place of each mistake.
pub(crate) fn configuration(content: &[u8]) -> Read {
    match read_bytes(content) {
        Ok(configuration) => {
            // Whoever takes it asks this first.
            drop(configuration.placement.needing_a_cluster());
            Read::Taken
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a message");
            for problem in problems.iter() {
                let placed = problem.line > 0 && problem.column > 0;
                assert!(placed && !problem.message.is_empty(), "{problem:?}");
                assert!(!problem.message.contains("the parser failed"), "{problem}");
            }
            Read::Refused
        }
    }
}

// === policies ===

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let configuration = read(DEFAULT).expect("has no mistakes");
    configuration.authorization_policies
});

/// `text` as an AuthorizationPolicy is judged in words that a terminal and a log can bear, or is refused.
pub(crate) fn policy(text: &str) -> Read {
    let policy = match AuthorizationPolicy::parse(text) {
        Ok(policy) => policy.in_namespace("shop"),
        Err(malformed) => {
            assert!(!malformed.to_string().is_empty());
            return Read::Refused;
        }
    };
    let facts: Facts = WhyUnknown::NoCluster.facts_for(&policy);
    let verdict = judge(&policy, None, &SETTINGS, &facts);
    let refused = verdict.answer() == Answer::Refuse;
    assert_eq!(refused, verdict.denial().is_some());
    assert_eq!(
        verdict.reason().is_some(),
        verdict.answer() != Answer::Allow
    );
    let updated = judge(&policy, Some(&policy), &SETTINGS, &facts);
    assert_ne!(
        updated.answer(),
        Answer::Refuse,
        "refused although nothing changes"
    );
    drop(enforcement::at_ztunnel(&policy, &Mesh::default()));
    Read::Taken
}

// === PEM ===

static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
    let subjects = Subjects::parse(["127.0.0.1"]).expect("a subject");
    let issued = issue(&subjects, Validity::default(), jiff::Timestamp::UNIX_EPOCH);
    let leaf = issued.expect("certificates").leaf;
    (leaf.cert_pem, leaf.key_pem)
});

/// `bytes` as certificate and as key are taken, or refused without a word of them.
pub(crate) fn pem(bytes: &[u8]) -> Read {
    let (certificate, key) = &*PAIR;
    let read = [
        pem::certificates(bytes)
            .map(drop)
            .map_err(|error| told(&error, bytes)),
        pem::private_key(bytes)
            .map(drop)
            .map_err(|error| told(&error, bytes)),
        pair(bytes, key.as_bytes()).map_err(|error| told(&*error, bytes)),
        pair(certificate.as_bytes(), bytes).map_err(|error| told(&*error, bytes)),
    ];
    match read.into_iter().any(|read| read.is_ok()) {
        true => Read::Taken,
        false => Read::Refused,
    }
}

fn pair(certificate: &[u8], key: &[u8]) -> Result<(), Box<dyn Error>> {
    let pair = CertificatePair::from_pem(certificate, key)?;
    assert!(!pair.chain().is_empty() && !pair.fingerprint().is_empty());
    Ok(())
}

/// An error has words, and they are not those of the file: it may hold a key.
fn told(error: &dyn Error, bytes: &[u8]) {
    let mut said = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(!said.trim().is_empty());
    let base64 = |line: &&str| {
        line.len() >= 24
            && line
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    for line in String::from_utf8_lossy(bytes).lines().filter(base64) {
        assert!(!said.contains(line), "a line of the file is in: {said}");
    }
}
