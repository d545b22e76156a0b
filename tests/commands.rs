//! The commands as a person or a script runs them: the real program, its exit code, what is data (standard
//! output) and what is said about it (standard error).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a helper fails the test by panicking; tables have a row each"
)]

#[path = "support/ran.rs"]
mod ran;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ran::Ran;
use serde_json::{Value, json};

fn meshmode(arguments: &[&str]) -> Ran {
    meshmode_with(arguments, b"")
}

fn meshmode_with(arguments: &[&str], input: &[u8]) -> Ran {
    Ran::of(&mut command(arguments), input)
}

/// The program without the settings of whoever runs the tests.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshmode"));
    command.args(arguments).env_remove("MESHMODE_CONFIG");
    command
}

fn pod_review(annotations: &Value) -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"generateName": "web-", "annotations": annotations},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
        },
    })
    .to_string()
    .into_bytes()
}

fn refused_policy_review() -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-2", "operation": "CREATE", "namespace": "shop", "name": "get-only",
            "kind": {"group": "security.istio.io", "version": "v1", "kind": "AuthorizationPolicy"},
            "object": {
                "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
                "metadata": {"name": "get-only", "namespace": "shop"},
                "spec": {"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]},
            },
        },
    })
    .to_string()
    .into_bytes()
}

impl Ran {
    /// Ended with `code`; data only where that is 0, words only where it is not.
    #[track_caller]
    fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        if code == 0 {
            assert_eq!(self.err, "", "{self:?}");
        } else {
            assert_eq!(self.out, "", "{self:?}");
            assert_ne!(self.err, "", "{self:?}");
        }
        self
    }
}

// === config ===

#[test]
fn the_default_configuration_is_printed_and_passes_its_own_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.yaml");
    let default = meshmode(&["config", "default"]);
    default.ended(0);
    assert_eq!(default.out, meshmode::config::DEFAULT);
    fs::write(&file, &default.out).unwrap();
    let check = meshmode(&["config", "check", file.to_str().unwrap()]);
    check.ended(0);
    assert!(check.out.contains(": 11 rules, no mistakes\n"), "{check:?}");
    for said in [
        "rule many-replicas reads the cluster: without a connection it is off\n",
        "  workload.maxReplicas: deployments, statefulsets, horizontalpodautoscalers\n",
        "  - apiGroups: [\"\"]\n    resources: [configmaps]\n    resourceNames: [istio]\n    verbs: [list, watch]\n",
    ] {
        assert!(check.out.contains(said), "{said}: {check:?}");
    }
    let role = fs::read_to_string("manifests/base/rbac.yaml").unwrap();
    let role: Vec<Value> = serde_saphyr::from_multiple(&role).unwrap();
    assert_eq!(rights(&role[0]["rules"]), rights(&printed(&check.out)));
}

/// The rules of a ClusterRole that `config check` prints.
fn printed(out: &str) -> Value {
    let (_, rules) = out.split_once("default configuration):\n").unwrap();
    serde_saphyr::from_str(rules).unwrap()
}

/// Each right for itself, however they are grouped.
fn rights(rules: &Value) -> BTreeSet<String> {
    let texts = |rule: &Value, field: &str| {
        let values = rule[field].as_array().cloned().unwrap_or_default();
        values.iter().map(Value::to_string).collect::<Vec<_>>()
    };
    let mut rights = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        let names = texts(rule, "resourceNames").join(", ");
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                let verbs = texts(rule, "verbs");
                rights.extend(
                    verbs
                        .iter()
                        .map(|verb| format!("{verb} {group} {resource} {names}")),
                );
            }
        }
    }
    rights
}

#[test]
fn rules_without_the_cluster_take_the_rights_of_verdicts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let text = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {mode: ambient}\n  rules: [{name: jobs, when: \"workload.kind == 'Job'\", mode: none}]\n";
    fs::write(&file, text).unwrap();
    let check = meshmode(&["config", "check", file.to_str().unwrap()]);
    check.ended(0);
    for said in [
        ": 1 rule, no mistakes\n",
        "the rules read nothing of the cluster\n",
    ] {
        assert!(check.out.contains(said), "{check:?}");
    }
    let rights = rights(&printed(&check.out));
    let has = |resource: &str| rights.iter().any(|right| right.contains(resource));
    assert!(has("gateways") && has("configmaps"), "{rights:?}");
    assert!(!has("deployments") && !has("envoyfilters"), "{rights:?}");
}

#[test]
fn every_mistake_of_a_configuration_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let text = "apiVersion: meshmode.io/v1alpha1
kind: MeshmodeConfiguration
placement:
  rules:
    - name: one
      when: \"true &&\"
      mode: ambient
    - name: one
      when: \"true\"
      mode: sidecars
    - name: three
      when: \"true\"
    - name: four
      when: \"true\"
      mode: none
      modeExpression: \"'none'\"
  colour: red
  default: {mode: ambient, reason: cheapest}
";
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let check = meshmode(&["config", "check", path]);
    let at = |line: u32, column: u32| format!("{path}:{line}:{column}: ");
    check.ended(2).says(&[
        &format!("{path}:6:"),
        &at(8, 13),
        &at(10, 13),
        "sidecars",
        "placement.rules[2]",
        "placement.rules[3]",
        &at(17, 3),
        "colour",
    ]);
    assert!(check.err.lines().count() >= 6, "{check:?}");
    assert!(
        check.err.lines().all(|line| line.starts_with("meshmode: ")),
        "{check:?}"
    );
    // The same words where the file is to be used.
    for arguments in [
        vec!["serve", "--config", path, "--listen", "127.0.0.1:0"],
        vec!["review", "-", "--config", path],
    ] {
        assert_eq!(meshmode(&arguments).ended(2).err, check.err);
    }
}

#[test]
fn a_configuration_that_is_not_text_is_a_mistake_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let path = file.to_str().unwrap();
    let rows: [(&str, &[u8], &str); 4] = [
        ("the first byte", b"\xff\xfeapiVersion: x\n", "1:1"),
        ("Latin-1", b"apiVersion: x\n# caf\xe9\n", "2:6"),
        ("after other letters", b"# \xc3\xa9\xff\n", "1:4"),
        ("cut off in a letter", b"a: b\n# \xc3", "2:3"),
    ];
    for (name, content, place) in rows {
        fs::write(&file, content).unwrap();
        for arguments in [
            &["config", "check", path][..],
            &["review", "-", "--config", path],
            &["serve", "--config", path],
        ] {
            let ran = meshmode(arguments);
            let said = format!("{path}:{place}: is not UTF-8");
            assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
            assert!(ran.err.contains(&said), "{name}: {ran:?}");
        }
    }
}

#[test]
fn a_configuration_that_is_not_there_is_a_failure() {
    meshmode(&["config", "check", "/nowhere/config.yaml"])
        .ended(3)
        .says(&["/nowhere/config.yaml", "No such file"]);
}

#[test]
fn the_schema_is_json() {
    let schema = meshmode(&["config", "schema"]);
    assert!(schema.ended(0).json()["properties"]["placement"].is_object());
}

// === review ===

#[test]
fn a_review_is_answered_from_a_file_and_from_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("review.json");
    let review = pod_review(&json!({}));
    fs::write(&file, &review).unwrap();
    let from_pipe = meshmode_with(&["review", "-"], &review);
    let from_file = meshmode(&["review", file.to_str().unwrap()]);
    assert_eq!(from_pipe.ended(0).out, from_file.ended(0).out);
    let answer = from_pipe.json();
    assert_eq!(answer["response"]["uid"], "u-1");
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
}

#[test]
fn the_patch_and_the_object_can_be_read() {
    let review = pod_review(&json!({"meshmode.io/mode": "sidecar"}));
    let patch = meshmode_with(&["review", "-", "-o", "patch"], &review);
    assert!(!patch.ended(0).json().as_array().unwrap().is_empty());
    let object = meshmode_with(&["review", "-", "-o", "object"], &review);
    let object = object.ended(0).json();
    assert_eq!(
        object["metadata"]["labels"]["sidecar.istio.io/inject"],
        "true"
    );
    assert_eq!(object["spec"]["containers"][0]["name"], "web");
    let left = pod_review(&json!({"sidecar.istio.io/status": "{}"}));
    let none = meshmode_with(&["review", "-", "-o", "patch"], &left);
    assert_eq!(none.ended(0).json(), json!([]));
}

#[test]
fn a_refused_object_has_an_answer_and_no_result() {
    let review = refused_policy_review();
    let answer = meshmode_with(&["review", "-"], &review);
    assert_eq!(answer.ended(0).json()["response"]["status"]["code"], 403);
    meshmode_with(&["review", "-", "-o", "object"], &review)
        .ended(3)
        .says(&["refused", "targetRefs"]);
    let observed = meshmode_with(
        &["review", "-", "--route", "/observe/authorizationpolicies"],
        &review,
    );
    assert_eq!(observed.ended(0).json()["response"]["allowed"], true);
}

#[test]
fn a_workload_is_advised_about() {
    let template =
        json!({"metadata": {"annotations": {"meshmode.io/mode": "sidecars"}}, "spec": {}});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop", "name": "web",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "object": {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"template": template},
            },
        },
    });
    let answer = meshmode_with(&["review", "-"], review.to_string().as_bytes());
    let response = &answer.ended(0).json()["response"];
    assert_eq!(response["allowed"], true);
    let warning = response["warnings"][0].as_str().unwrap();
    assert!(warning.contains("sidecars"), "{warning}");
    let hash = response["auditAnnotations"]["configuration"].as_str();
    assert_eq!(hash.unwrap().len(), 64, "as the server's: {response}");
}

#[test]
fn what_is_no_review_is_wrong_input() {
    for (input, text) in [
        (&b""[..], "line 1 column 0"),
        (b"{\n \"kind\": }", "line 2"),
        (
            b"{\"apiVersion\": \"admission.k8s.io/v1beta1\", \"kind\": \"AdmissionReview\"}",
            "v1beta1",
        ),
        (b"\xff", "UTF-8"),
    ] {
        meshmode_with(&["review", "-"], input)
            .ended(2)
            .says(&[text]);
    }
    meshmode(&["review", "/nowhere/review.json"])
        .ended(3)
        .says(&["/nowhere/review.json"]);
    meshmode_with(
        &["review", "-", "--route", "/mutate/podz"],
        &pod_review(&json!({})),
    )
    .ended(2)
    .says(&["/mutate/pods"]);
}

// === certs ===

#[test]
fn certificates_are_private_and_never_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("a/b/certs");
    let out = certs.to_str().unwrap();
    let read = |name: &str| fs::read(certs.join(name)).unwrap();
    let names = ["ca.crt", "ca.key", "tls.crt", "tls.key"];
    let first = meshmode(&["certs", "--out", out, "--dns", "a.example,b.example"]);
    let paths: Vec<String> = names.map(|name| format!("{out}/{name}")).into();
    assert_eq!(first.ended(0).out.lines().collect::<Vec<_>>(), paths);
    for (name, expected) in names.into_iter().zip([0o644, 0o600, 0o644, 0o600]) {
        assert_eq!(mode(&certs.join(name)), expected, "{name}");
    }
    let before = names.map(read);
    meshmode(&["certs", "--out", out])
        .ended(3)
        .says(&["--force", out]);
    assert_eq!(names.map(read), before, "nothing was written");

    meshmode(&["certs", "--out", out, "--renew"]).ended(0);
    let renewed = names.map(read);
    assert_eq!(
        (&renewed[0], &renewed[1]),
        (&before[0], &before[1]),
        "the CA stays"
    );
    assert!(renewed[2] != before[2] && renewed[3] != before[3]);
    assert_eq!(mode(&certs.join("tls.key")), 0o600);

    meshmode(&["certs", "--out", out, "--force"]).ended(0);
    let forced = names.map(read);
    assert!((0..4).all(|index| forced[index] != renewed[index]));
    assert_eq!(mode(&certs.join("ca.key")), 0o600);
}

/// The Secrets and bundles that a command prints.
fn documents(arguments: &[&str]) -> (String, Vec<Value>) {
    let ran = meshmode(&[&["certs", "--secret"], arguments].concat());
    let text = ran.ended(0).out.clone();
    let documents = serde_saphyr::from_multiple(&text).unwrap();
    (text, documents)
}

/// A part of a Secret, or the bundle of a webhook.
fn part(documents: &[Value], kind: &str, name: &str, pointer: &str) -> String {
    let named = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    let object = documents.iter().find(named).unwrap();
    let text = object.pointer(pointer).and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("{pointer} of {object}"));
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

#[test]
fn a_ca_is_replaced_in_three_steps_and_each_is_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.yaml");
    let file = kept.to_str().unwrap();
    let served = |documents: &[Value], key: &str| {
        part(documents, "Secret", "meshmode-tls", &format!("/data/{key}"))
    };
    let bundle = |documents: &[Value]| {
        let (kind, name) = ("MutatingWebhookConfiguration", "aa-meshmode");
        let pointer = "/webhooks/0/clientConfig/caBundle";
        let bundle = part(documents, kind, name, pointer);
        assert_eq!(bundle, served(documents, "ca.crt"));
        bundle
    };
    let (text, first) = documents(&["--namespace", "mesh"]);
    fs::write(&kept, text).unwrap();
    let ca = bundle(&first);

    let (text, renewed) = documents(&["--renew-from", file]);
    fs::write(&kept, text).unwrap();
    assert_eq!(bundle(&renewed), ca);
    assert_ne!(served(&renewed, "tls.crt"), served(&first, "tls.crt"));
    assert_ne!(served(&renewed, "tls.key"), served(&first, "tls.key"));

    let (text, rotated) = documents(&["--renew-from", file, "--rotate-ca"]);
    fs::write(&kept, text).unwrap();
    assert!(bundle(&rotated).ends_with(&ca) && bundle(&rotated) != ca);
    assert_eq!(served(&rotated, "tls.key"), served(&renewed, "tls.key"));
    meshmode(&["certs", "--secret", "--renew-from", file, "--drop-old-ca"])
        .ended(3)
        .says(&["still of an older CA", "--renew-from alone"]);

    let (text, new) = documents(&["--renew-from", file]);
    fs::write(&kept, text).unwrap();
    assert_eq!(bundle(&new), bundle(&rotated));
    assert_ne!(served(&new, "tls.key"), served(&rotated, "tls.key"));
    let (_, alone) = documents(&["--renew-from", file, "--drop-old-ca"]);
    assert!(!bundle(&alone).contains(&ca));
    assert_eq!(served(&alone, "tls.crt"), served(&new, "tls.crt"));
}

#[test]
fn the_key_of_the_ca_can_be_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (kept, key, next) = (path("kept.yaml"), path("ca.key"), path("next.key"));
    let (text, first) = documents(&["--ca-key", &key]);
    fs::write(&kept, &text).unwrap();
    let secrets = first.iter().filter(|object| object["kind"] == "Secret");
    assert_eq!(secrets.count(), 1, "not that of the CA");
    assert_eq!(mode(Path::new(&key)), 0o600);
    let (text, _) = documents(&["--renew-from", &kept, "--ca-key", &key]);
    fs::write(&kept, &text).unwrap();
    let rotate = ["certs", "--secret", "--renew-from", &kept, "--rotate-ca"];
    meshmode(&[&rotate[..], &["--ca-key", &key]].concat())
        .ended(3)
        .says(&["exists already", &key]);
    let (text, _) = documents(&[&rotate[2..], &["--ca-key", &next]].concat());
    fs::write(&kept, &text).unwrap();
    meshmode(&["certs", "--secret", "--renew-from", &kept, "--ca-key", &key])
        .ended(3)
        .says(&["does not belong to its certificate"]);
    let (text, _) = documents(&["--renew-from", &kept, "--ca-key", &next]);
    fs::write(&kept, &text).unwrap();
    documents(&["--renew-from", &kept, "--drop-old-ca", "--ca-key", &next]);
    meshmode(&["certs", "--secret", "--renew-from", &kept])
        .ended(3)
        .says(&["meshmode-ca is not there", "--ca-key"]);
    meshmode(&["certs", "--secret", "--out", "certs"])
        .ended(2)
        .says(&["--out"]);
    meshmode(&["certs", "--rotate-ca"])
        .ended(2)
        .says(&["--renew-from"]);
}

#[test]
fn certificates_need_names_a_ca_and_a_sensible_validity() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    meshmode(&["certs", "--out", out, "--renew"])
        .ended(3)
        .says(&["ca.crt", "without --renew", "No such file"]);
    meshmode(&["certs", "--out", out, "--dns", "https://a"])
        .ended(3)
        .says(&["https://a"]);
    meshmode(&["certs", "--out", out, "--validity", "soon"])
        .ended(2)
        .says(&["--validity"]);
    meshmode(&["certs", "--out", out, "--validity", "0s"]).ended(3);
    assert_eq!(fs::read_dir(out).unwrap().count(), 0, "nothing was written");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

// === version, completion, flags ===

#[test]
fn the_version_is_for_people_and_for_machines() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        meshmode(&["version"]).ended(0).out,
        format!("meshmode {version}\n")
    );
    let json = meshmode(&["version", "-o", "json"]);
    assert_eq!(json.ended(0).json(), json!({"version": version}));
}

#[test]
fn each_shell_gets_a_script() {
    for shell in ["bash", "zsh", "fish"] {
        let script = meshmode(&["completion", shell]);
        for word in ["meshmode", "explain", "all-namespaces"] {
            assert!(script.ended(0).out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn wrong_flags_end_with_2_and_name_the_flag() {
    for arguments in [
        &["serve", "--lisen", "127.0.0.1:0"][..],
        &["serve", "--listen", "here"],
        &["serve", "--handshake-timeout", "soon"],
        &["serve", "--log-format", "xml"],
        &["serve", "--log-level", "inof"],
        &["version", "--output", "yaml"],
        &["completion", "tcsh"],
        &["certs", "--ouput", "."],
    ] {
        let flag = arguments[arguments.len() - 2];
        let ran = meshmode(arguments);
        ran.ended(2);
        if flag.starts_with("--") {
            ran.says(&[flag]);
        }
    }
    meshmode(&[]).ended(2);
    meshmode(&["review"]).ended(2);
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    for arguments in [
        &["config", "default"][..],
        &["config", "schema"],
        &["completion", "bash"],
        &["version"],
        &["--help"],
    ] {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    for arguments in [
        &["config", "default"][..],
        &["version"],
        &["completion", "zsh"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
