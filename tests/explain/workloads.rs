//! `meshmode explain` for Pods and workloads.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::ran::Ran;
use crate::schema::check;
use crate::{command, root};

const SCHEMA: &str = "docs/explain-workload.schema.json";
/// What an entry says: a name, the input, pointers with their values.
type Row<'r> = (&'r str, String, &'r [(&'r str, Value)]);

/// Rules with every kind of answer; the embedded ones may change.
const RULES: &str = "tests/explain/rules.yaml";

fn explain(arguments: &[&str], input: &str) -> Ran {
    Ran::of(&mut command(arguments), input.as_bytes())
}

fn text(input: &str) -> String {
    explain(&["-f", "-"], input).ended(0).out.clone()
}

fn entries(input: &str) -> Value {
    explain(&["-f", "-", "-o", "json"], input).ended(0).json()
}

fn deployment(annotations: &Value) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {
            "metadata": {"labels": {"app": "web"}, "annotations": annotations},
            "spec": {"containers": [{"name": "web", "image": "web"}]},
        }},
    })
    .to_string()
}

fn pod(metadata: &Value, spec: &Value) -> String {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string()
}

/// As an API server has it, placed by us and injected.
fn running() -> String {
    let status = r#"{"containers": ["istio-proxy"], "initContainers": null, "volumes": null}"#;
    pod(
        &json!({
            "name": "web-5d8f9-x7z2k", "namespace": "shop", "uid": "u-1",
            "labels": {
                "app": "web", "pod-template-hash": "5d8f9",
                "istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "true",
            },
            "annotations": {
                "meshmode.io/placement": "sidecar", "meshmode.io/rule": "proxy-volume",
                "meshmode.io/reason": "had a volume", "sidecar.istio.io/status": status,
            },
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8f9", "uid": "r-1", "controller": true}],
        }),
        &json!({"containers": [{"name": "web"}, {"name": "istio-proxy"}]}),
    )
}

fn high_scale() -> String {
    deployment(&json!({"deployment.company.com/replicas": "high-scale"}))
}

fn volume() -> String {
    deployment(&json!({"sidecar.istio.io/userVolume": "{}", "meshmode.io/mode": "fast"}))
}

fn chosen() -> String {
    pod(
        &json!({"name": "chosen", "labels": {"sidecar.istio.io/inject": "true"}}),
        &json!({}),
    )
}

fn host_network() -> String {
    pod(
        &json!({"generateName": "agent-"}),
        &json!({"hostNetwork": true}),
    )
}

/// Names and values as long as they may be, and longer.
fn long() -> String {
    let long = "x".repeat(253);
    pod(
        &json!({
            "name": long, "namespace": "y".repeat(63),
            "labels": {"kubevirt.io": "z".repeat(300)}, "annotations": {"meshmode.io/mode": "w".repeat(500)},
        }),
        &json!({"priorityClassName": "v ".repeat(300)}),
    )
}

fn all() -> [(&'static str, String); 6] {
    [
        ("high-scale", high_scale()),
        ("volume", volume()),
        ("chosen", chosen()),
        ("host-network", host_network()),
        ("running", running()),
        ("long", long()),
    ]
}

// === what is said ===

#[test]
fn the_text_says_what_happens_and_why() {
    for (name, input) in all() {
        if name != "long" {
            let ran = explain(&["-f", "-", "--config", RULES], &input);
            insta::assert_snapshot!(name, ran.ended(0).out);
        }
    }
}

#[test]
fn the_text_has_80_columns_and_no_colours() {
    for (name, input) in all() {
        let text = text(&input);
        assert!(!text.contains('\x1b'), "{name}");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
            assert_eq!(line.trim_end(), line, "{name}");
        }
    }
}

#[test]
fn the_entry_says_all_that_is_promised() {
    let rows: [Row<'_>; 4] = [
        (
            "a Deployment",
            high_scale(),
            &[
                ("/kind", json!("Deployment")),
                ("/namespace", json!("shop")),
                ("/name", json!("web")),
                ("/workload", Value::Null),
                ("/mode", json!("ambient")),
                ("/rule", json!("high-scale")),
                ("/decidedBy", json!("rules")),
                ("/warnings", json!([])),
                ("/now", Value::Null),
                ("/rules/0/name", json!("mode-annotation")),
                ("/rules/0/result", json!("did-not-hold")),
                ("/rules/0/error", Value::Null),
                ("/patch/0/op", json!("add")),
                ("/outcome/injected", json!(false)),
                ("/outcome/injectedBy", Value::Null),
                ("/outcome/captured", json!(true)),
            ],
        ),
        (
            "a volume",
            volume(),
            &[
                ("/mode", json!("sidecar")),
                ("/rules/0/result", json!("no-mode")),
                ("/outcome/injected", json!(true)),
                (
                    "/outcome/injectedBy/webhook",
                    json!("object.sidecar-injector.istio.io"),
                ),
            ],
        ),
        (
            "a choice",
            chosen(),
            &[
                ("/namespace", Value::Null),
                ("/mode", json!("leave")),
                ("/decidedBy", json!("author")),
                ("/patch", json!([])),
            ],
        ),
        (
            "a Pod that is there",
            running(),
            &[
                ("/workload", json!({"kind": "Deployment", "name": "web"})),
                ("/now/mode", json!("sidecar")),
                ("/now/reason", json!("had a volume")),
                ("/mode", json!("ambient")),
                ("/rule", json!("default")),
                ("/newRevision/mode", json!("ambient")),
            ],
        ),
    ];
    for (name, input, expected) in rows {
        let entry = &entries(&input)[0];
        for (pointer, value) in expected {
            assert_eq!(entry.pointer(pointer), Some(value), "{name}: {pointer}");
        }
    }
}

#[test]
fn yaml_says_the_same_as_json_in_the_order_of_the_input() {
    let input = all().map(|(_, input)| input).join("\n");
    let yaml = explain(&["-f", "-", "-o", "yaml"], &input);
    let yaml: Value = serde_saphyr::from_str(&yaml.ended(0).out).unwrap();
    let json = entries(&input);
    assert_eq!(yaml, json);
    let names = json.as_array().unwrap().iter().map(|one| &one["name"]);
    let names: Vec<_> = names.take(4).collect();
    assert_eq!(names, ["web", "web", "chosen", "agent-"]);
}

#[test]
fn every_workload_of_a_list_is_explained_and_the_rest_is_named() {
    let workload = |kind: &str, version: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec});
    let template = json!({"template": {"spec": {}}});
    let items = [
        workload("StatefulSet", "apps/v1", template.clone()),
        workload("DaemonSet", "apps/v1", template.clone()),
        workload("Job", "batch/v1", template.clone()),
        workload(
            "CronJob",
            "batch/v1",
            json!({"jobTemplate": {"spec": template}}),
        ),
        workload("Service", "v1", json!({})),
    ];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let ran = explain(&["-f", "-", "-n", "shop", "-o", "json"], &list);
    ran.ended(0).says(&["-: passed over Service a"]);
    let entries = ran.json();
    let entries = entries.as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["StatefulSet", "DaemonSet", "Job", "CronJob"]);
    assert!(entries.iter().all(|one| one["namespace"] == "shop"));
}

#[test]
fn the_rules_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let rules = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  rules:\n    - name: broken\n      when: \"object.spec.nodeName == 'a'\"\n      onUnknown: next\n      mode: none\n      reason: r\n    - name: others\n      when: \"true\"\n      mode: none\n      reason: no mesh\n  default: {mode: ambient, reason: d}\n";
    fs::write(&file, rules).unwrap();
    let file = file.to_str().unwrap();
    let ran = explain(
        &["-f", "-", "--config", file, "-o", "json"],
        &deployment(&json!({})),
    );
    let entry = &ran.ended(0).json()[0];
    assert_eq!(entry["rule"], "others");
    assert_eq!(entry["rules"][0]["result"], "failed");
    let error = entry["rules"][0]["error"].as_str().unwrap();
    assert!(error.contains("nodeName"), "{error}");
}

// === wrong input ===

#[test]
fn wrong_input_ends_with_2_and_says_where() {
    let no_template =
        r#"{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {}}"#;
    let rows: [(&str, &str, &[&str]); 5] = [
        (
            "no workload",
            "apiVersion: v1\nkind: Service\n",
            &["-: there is no Pod and no workload in it"],
        ),
        ("nothing", "", &["-: there is no Pod and no workload in it"]),
        ("no YAML", "a: [\n", &["standard input:", "is not YAML"]),
        ("no object", "hello\n", &["no Kubernetes object"]),
        (
            "no template",
            no_template,
            &[
                "standard input: document 1: spec.template",
                "must be an object",
            ],
        ),
    ];
    for (name, input, said) in rows {
        let ran = explain(&["-f", "-"], input);
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        ran.ended(2).says(said);
    }
}

#[test]
fn wrong_flags_end_with_2_and_say_what_is_allowed() {
    let rows: [(&[&str], &str); 6] = [
        (&[], "<NAME|--filename <FILE>>"),
        (&["-f", "-", "web"], "cannot be used with"),
        (&["service/web"], "allowed: pod, deployment, statefulset"),
        (&["deploy/"], "KIND/NAME"),
        (&["pod/shop/web"], "the namespace goes to -n"),
        (&["-f", "-", "-o", "xml"], "json"),
    ];
    for (arguments, said) in rows {
        let ran = explain(arguments, &high_scale());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        ran.says(&[said]);
    }
}

#[test]
fn a_file_or_cluster_that_is_not_there_is_a_failure() {
    explain(&["-f", "/nowhere/pod.yaml"], "")
        .ended(3)
        .says(&["/nowhere/pod.yaml", "No such file"]);
    explain(&["deployment/web", "-n", "shop"], "")
        .ended(3)
        .says(&["KUBECONFIG", "--kubeconfig"]);
    explain(&["-f", "-", "--cluster"], &high_scale()).ended(3);
}

// === names ===

#[test]
fn kubectl_runs_it_as_a_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let plugin: PathBuf = folder.path().join("kubectl-meshmode");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_meshmode"), &plugin).unwrap();
    let run = |arguments: &[&str]| Ran::of(Command::new(&plugin).args(arguments), b"");
    let help = run(&["explain", "--help"]);
    assert_eq!(help.code, Some(0));
    assert!(
        help.out.contains("Usage: kubectl meshmode explain "),
        "{}",
        help.out
    );
    run(&["explain"]).says(&["Usage: kubectl meshmode explain "]);
    let usual = explain(&["--help"], "").out;
    assert!(usual.contains("Usage: meshmode explain "), "{usual}");
}

#[test]
fn policies_are_explained_by_their_own_word() {
    let config = "MESHMODE_CONFIG";
    let mut policy = command(&[
        "policy",
        "-f",
        "manifests/examples/waypoint-policy/right.yaml",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, meshmode::config::DEFAULT).unwrap();
    let ran = Ran::of(policy.env(config, &file), b"");
    assert!(ran.out.contains("AuthorizationPolicy "), "{ran:?}");
}

// === documents ===

fn schema() -> Value {
    let text = fs::read_to_string(root().join(SCHEMA)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_output_is_as_its_schema_says() {
    let schema = schema();
    let unplaced = pod(&json!({"name": "a", "uid": "u"}), &json!({}));
    let input = all().map(|(_, input)| input).join("\n") + &unplaced;
    let output = entries(&input);
    assert_eq!(output.as_array().unwrap().len(), 7);
    let mut wrong = Vec::new();
    check(&output, &schema, &schema, "", &mut wrong);
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn the_check_of_the_schema_can_fail() {
    let schema = schema();
    let good = entries(&running());
    for (pointer, value) in [
        ("/0/mode", json!("fast")),
        ("/0/decidedBy", json!("nobody")),
        ("/0/rules/0/result", json!("holds")),
        ("/0/patch", json!([{"op": "remove"}])),
        ("/0/outcome", json!({})),
        ("/0/now", json!({"mode": 1})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let mut wrong = Vec::new();
        check(&bad, &schema, &schema, "", &mut wrong);
        assert!(!wrong.is_empty(), "{pointer}");
    }
}

#[test]
fn every_field_is_documented() {
    let page = fs::read_to_string(root().join("docs/explain.md")).unwrap();
    let entry = &schema()["$defs"]["entry"]["properties"];
    for field in entry.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}")), "{field}");
    }
}
