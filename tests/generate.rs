//! `meshmode generate` as a person or a script runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "support/ran.rs"]
mod ran;

use std::fs;
use std::process::Command;

use ran::Ran;

fn generate(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshmode"));
    command.args(["generate", "admission-policy"]);
    Ran::of(command.args(arguments).env_remove("MESHMODE_CONFIG"), b"")
}

#[test]
fn the_policy_of_the_default_rules() {
    let ran = generate(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out);
    // What it lacks is said to people, too.
    for line in ran.err.lines() {
        let line = line.strip_prefix("meshmode: ").unwrap();
        assert!(ran.out.contains(&format!("# {line}\n")), "{line}");
    }
}

#[test]
fn json_is_a_list_of_the_same_two_objects() {
    let list = generate(&["-o", "json", "--name", "placement.example.com"]).json();
    let [policy, binding] = list["items"].as_array().unwrap().as_slice() else {
        panic!("{list:#}");
    };
    assert_eq!(policy["kind"], "MutatingAdmissionPolicy");
    assert_eq!(policy["metadata"]["name"], "placement.example.com");
    assert_eq!(policy["spec"]["failurePolicy"], "Ignore");
    assert_eq!(binding["kind"], "MutatingAdmissionPolicyBinding");
    assert_eq!(binding["spec"]["policyName"], "placement.example.com");
    let yaml = generate(&["--name", "placement.example.com"]).out;
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    assert_eq!(documents, [policy.clone(), binding.clone()]);
}

#[test]
fn the_failure_policy_is_the_users() {
    let list = generate(&["-o=json", "--failure-policy=fail"]).json();
    assert_eq!(list["items"][0]["spec"]["failurePolicy"], "Fail");
}

#[test]
fn what_is_left_out_is_said_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let text = "apiVersion: meshmode.io/v1alpha1
kind: MeshmodeConfiguration
placement:
  default: {mode: ambient, reason: nothing else}
  rules:
    - {name: named, when: \"request.name == 'web'\", mode: none}
    - {name: all, when: 'true', mode: sidecar, warningExpression: \"'beware'\"}
";
    fs::write(&file, text).unwrap();
    let ran = generate(&["--config", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&[
        "meshmode: left out: rule named: when reads request.name",
        "meshmode: rule all: its warnings are not shown",
    ]);
    assert!(!ran.out.contains("none named"), "{}", ran.out);
}

#[test]
fn wrong_input_is_said_and_nothing_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, "apiVersion: meshmode.io/v1alpha1\nkind: Wrong\n").unwrap();
    let wrong = file.to_str().unwrap();
    for (arguments, code, said) in [
        (&["--config", wrong][..], 2, "config.yaml:2:"),
        (
            &["--config", "/no/such/file"],
            3,
            "cannot read the configuration /no/such/file",
        ),
        (
            &["--name", "Upper_Case"],
            2,
            "lower-case letters, digits, - and .",
        ),
        (&["--name", ""], 2, "lower-case letters, digits, - and ."),
        (&["--failure-policy", "Retry"], 2, "ignore, fail"),
        (&["-o", "toml"], 2, "yaml, json"),
    ] {
        let ran = generate(arguments);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_eq!(ran.out, "", "{ran:?}");
        ran.says(&[said]);
    }
}
