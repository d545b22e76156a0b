//! `meshmode test` and `meshmode simulate` as a person or a script runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a helper fails the test by panicking; tables have a row each"
)]

#[path = "support/ran.rs"]
mod ran;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use ran::Ran;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const FAILING: &str = "tests/data/cases/failing.yaml";
const EXAMPLES: &str = "manifests/examples/rule-tests";
const SIMULATED: &str = "tests/data/simulate";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshmode"));
    command
        .args(arguments)
        .env_remove("MESHMODE_CONFIG")
        // No cluster of whoever runs the tests.
        .env("KUBECONFIG", "/nowhere/kubeconfig")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn meshmode(arguments: &[&str]) -> Ran {
    Ran::of(&mut command(arguments), b"")
}

/// Runs the tests in a file of this content.
fn test(content: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tests.yaml");
    fs::write(&file, content).unwrap();
    meshmode(&["test", file.to_str().unwrap()])
}

fn with_cases(cases: &str) -> String {
    format!("apiVersion: meshmode.io/v1alpha1\nkind: RuleTest\ncases:\n{cases}")
}

/// A file with one case, which has these lines before what is expected.
fn with_case(lines: &str) -> String {
    with_cases(&format!(
        "  - name: a\n{lines}    expect: {{mode: ambient, rule: default}}\n"
    ))
}

impl Ran {
    #[track_caller]
    fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        if code >= 2 {
            assert_eq!(self.out, "", "{self:?}");
            assert_ne!(self.err, "", "{self:?}");
        }
        self
    }
}

// === meshmode test ===

#[test]
fn the_default_rules_do_what_the_examples_say() {
    let ran = meshmode(&["test", EXAMPLES]);
    assert_eq!(ran.code, Some(0), "\n{}{}", ran.out, ran.err);
    let cases = meshmode(&["test", EXAMPLES, "-o", "json"]).json();
    let cases = cases.as_array().unwrap();
    let expected: Vec<&str> = cases
        .iter()
        .map(|case| case["rule"].as_str().unwrap())
        .collect();
    let default = meshmode::config::read(meshmode::config::DEFAULT).unwrap();
    let rules = default.placement.names();
    let untested: Vec<_> = rules.filter(|rule| !expected.contains(rule)).collect();
    assert_eq!(untested, [] as [&str; 0], "rules without a case");
}

#[test]
fn the_example_of_the_documentation_passes() {
    let page = fs::read_to_string(root().join("docs/rule-tests.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let ran = test(example);
    assert_eq!(ran.code, Some(0), "\n{}{}", ran.out, ran.err);
}

#[test]
fn what_failed_is_shown_with_all_that_helps() {
    let ran = meshmode(&["test", FAILING]);
    assert_eq!(ran.ended(1).err, "");
    insta::assert_snapshot!("text", ran.out);
    let wide: Vec<_> = ran
        .out
        .lines()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert_eq!(wide, [] as [&str; 0]);
}

#[test]
fn machines_get_the_same_as_json_and_junit() {
    let json = meshmode(&["test", FAILING, "-o", "json"]);
    assert_eq!(json.ended(1).err, "");
    insta::assert_snapshot!("json", json.out);
    let junit = meshmode(&["test", FAILING, "-o", "junit"]);
    assert_eq!(junit.ended(1).err, "");
    insta::assert_snapshot!("junit", junit.out);
}

#[test]
fn a_folder_is_searched_and_what_has_no_tests_is_named() {
    let ran = meshmode(&["test", "tests/data/cases"]);
    ran.ended(1)
        .says(&["passed over what has no RuleTest: tests/data/cases/rules.yaml"]);
    assert_eq!(ran.out, meshmode(&["test", FAILING]).out);
}

#[test]
fn a_regular_expression_chooses_cases() {
    let all =
        |arguments: &[&str]| meshmode(&[&["test", FAILING, "-o", "json"], arguments].concat());
    let some = all(&["--run", "^a (Pod|text)"]);
    assert_eq!(some.ended(1).json().as_array().unwrap().len(), 2);
    all(&["--run", "^a Pod"]).ended(0);
    all(&["--run", "nowhere"]).ended(2).says(&["--run nowhere"]);
    all(&["--run", "("]).ended(2).says(&["--run"]);
}

#[test]
fn every_mistake_is_said_with_its_place_and_what_is_allowed() {
    let rows: [(&str, String, &[&str]); 25] = [
        ("no YAML", "a: [\n".into(), &["tests.yaml:", "is not YAML"]),
        (
            "nothing",
            String::new(),
            &["tests.yaml:1:1: is empty; allowed: a map of apiVersion"],
        ),
        (
            "another kind",
            "apiVersion: meshmode.io/v1alpha1\nkind: RuleTests\ncases: []\n".into(),
            &["tests.yaml:2:7: kind is \"RuleTests\"; allowed: RuleTest"],
        ),
        (
            "no cases",
            "apiVersion: meshmode.io/v1alpha1\nkind: RuleTest\n".into(),
            &["cases is missing"],
        ),
        (
            "empty cases",
            with_cases("  []\n"),
            &["tests.yaml:4:3: cases is empty; add a case"],
        ),
        (
            "an unknown field",
            with_case("    object: {}\n    workloads: {}\n"),
            &[
                "tests.yaml:6:5: cases[0].workloads is an unknown field; allowed: name, object, namespace",
            ],
        ),
        ("no object", with_case(""), &["cases[0].object is missing"]),
        (
            "an object of another kind",
            with_case("    object: {apiVersion: v1, kind: Service, metadata: {}}\n"),
            &[
                "tests.yaml:5:36: cases[0].object is a Service of v1, which makes no Pods; allowed: Pod, Deployment",
            ],
        ),
        (
            "an object of another form",
            with_case(
                "    object:\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: web}\n      spec: {template: web}\n",
            ),
            &["tests.yaml:9:24: cases[0].object.spec.template must be an object, and is a text"],
        ),
        (
            "a label that is no text",
            with_case(
                "    object:\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: web}\n      spec: {template: {metadata: {labels: {app: 1}}, spec: {}}}\n",
            ),
            &[
                "tests.yaml:9:50: cases[0].object.spec.template.metadata.labels['app'] must be a text (put it in quotes), and is a number",
            ],
        ),
        (
            "no replicas",
            with_case("    object: {}\n    workload: {kind: Deployment, replicas: -1}\n"),
            &[
                "tests.yaml:6:44: cases[0].workload.replicas is -1; allowed: a whole number of at least 0",
            ],
        ),
        (
            "replicas of what has none",
            with_case("    object: {}\n    workload: {kind: DaemonSet, replicas: 1}\n"),
            &["cases[0].workload.replicas cannot be known: DaemonSet has no such number"],
        ),
        (
            "replicas of a kind that is not watched",
            with_case("    object: {}\n    workload: {kind: Rollout, replicas: 1}\n"),
            &[
                "cases[0].workload.replicas cannot be known: Rollout is a kind that meshmode knows nothing of",
            ],
        ),
        (
            "another workload than the object",
            with_case(
                "    object: {apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {}}}}\n    workload: {name: b}\n",
            ),
            &[
                "tests.yaml:6:22: cases[0].workload.name is \"b\", and by the object it is \"a\"; leave it out",
            ],
        ),
        (
            "an unknown reason",
            with_case(
                "    object: {}\n    mesh: {requires: [{reason: Gateway, name: a, scope: workload}]}\n",
            ),
            &[
                "cases[0].mesh.requires[0].reason is \"Gateway\"; allowed: EnvoyFilter, Sidecar, WasmPlugin",
            ],
        ),
        (
            "an unknown scope",
            with_case(
                "    object: {}\n    mesh: {requires: [{reason: Sidecar, name: a, scope: pod}]}\n",
            ),
            &["scope is \"pod\"; allowed: workload, service, namespace, mesh"],
        ),
        (
            "an unknown fact",
            with_case("    object: {}\n    missing: [workload.size]\n"),
            &[
                "tests.yaml:6:15: cases[0].missing[0] is \"workload.size\"; allowed: namespaceObject.metadata.labels",
            ],
        ),
        (
            "facts without a cluster",
            with_case("    object: {}\n    cluster: false\n    mesh: {}\n"),
            &["cases[0].mesh is a fact of a cluster, and the case says cluster: false; leave one"],
        ),
        (
            "a revision of nobody",
            with_case("    object: {}\n    revision: {mode: sidecar}\n"),
            &["cases[0].revision is of no workload", "say workload.kind"],
        ),
        (
            "a record without a mode",
            with_case("    object: {}\n    workload: {kind: Job}\n    revision: {rule: default}\n"),
            &["cases[0].revision.rule is of a placement without a mode"],
        ),
        (
            "a label that is a number",
            with_case("    object: {}\n    namespace: {labels: {a: 1}}\n"),
            &[
                "cases[0].namespace.labels.a is 1; allowed:",
                "put it in quotes",
            ],
        ),
        (
            "an annotation that is a boolean",
            with_case("    object: {}\n    namespace: {annotations: {a: true}}\n"),
            &["cases[0].namespace.annotations.a is true; allowed: a text (put it in quotes)"],
        ),
        (
            "a mode",
            with_cases("  - {name: a, object: {}, expect: {mode: sidecars, rule: default}}\n"),
            &[
                "tests.yaml:4:42: cases[0].expect.mode is \"sidecars\"; allowed: ambient, sidecar, none, leave",
            ],
        ),
        (
            "warnings",
            with_cases("  - {name: a, object: {}, expect: {mode: none, rule: a, warnings: [1]}}\n"),
            &["cases[0].expect.warnings[0] is 1; allowed: a text"],
        ),
        (
            "two of one name",
            with_cases(
                "  - {name: a, object: {}, expect: {mode: none, rule: a}}\n  - {name: a, object: {}, expect: {mode: none, rule: a}}\n",
            ),
            &[
                "tests.yaml:5:12: cases[1].name \"a\" is the name of an earlier case; names are unique",
            ],
        ),
    ];
    for (name, content, said) in rows {
        let ran = test(&content);
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        ran.ended(2).says(said);
    }
}

#[test]
fn a_configuration_with_mistakes_or_none_at_all_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tests.yaml");
    let case = "cases: [{name: a, object: {}, expect: {mode: none, rule: a}}]\n";
    let head = "apiVersion: meshmode.io/v1alpha1\nkind: RuleTest\nconfiguration: rules.yaml\n";
    fs::write(&file, format!("{head}{case}")).unwrap();
    let run = || meshmode(&["test", file.to_str().unwrap()]);
    run()
        .ended(3)
        .says(&["cannot read the configuration", "rules.yaml"]);
    fs::write(folder.path().join("rules.yaml"), "colour: red\n").unwrap();
    run()
        .ended(2)
        .says(&["rules.yaml:1:1: colour is an unknown field"]);
    meshmode(&["test", "/nowhere/tests"])
        .ended(3)
        .says(&["/nowhere/tests"]);
    let empty = tempfile::tempdir().unwrap();
    meshmode(&["test", empty.path().to_str().unwrap()])
        .ended(2)
        .says(&["there is no file with kind: RuleTest"]);
    for arguments in [
        &["test"][..],
        &["test", FAILING, "--watch", "-o", "json"],
        &["test", FAILING, "-o", "xml"],
    ] {
        meshmode(arguments).ended(2);
    }
}

#[test]
fn the_configuration_of_the_file_comes_before_that_of_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let (file, rules) = (
        folder.path().join("tests.yaml"),
        folder.path().join("rules.yaml"),
    );
    let config = |mode: &str| {
        format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement: {{default: {{mode: {mode}}}}}\n"
        )
    };
    fs::write(&rules, config("none")).unwrap();
    let case = "  - {name: a, object: {}, expect: {mode: none, rule: default}}\n";
    fs::write(&file, with_cases(case)).unwrap();
    let run = |arguments: &[&str]| {
        let file = ["test", file.to_str().unwrap()];
        meshmode(&[&file[..], arguments].concat()).code
    };
    assert_eq!(run(&[]), Some(1), "the embedded default gives ambient");
    let flag = ["--config", rules.to_str().unwrap()];
    assert_eq!(run(&flag), Some(0));
    let named = with_cases(case).replace("cases:", "configuration: own.yaml\ncases:");
    fs::write(&file, named).unwrap();
    fs::write(folder.path().join("own.yaml"), config("sidecar")).unwrap();
    assert_eq!(run(&flag), Some(1));
}

#[test]
fn a_change_of_a_file_or_of_its_configuration_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (file, rules) = (
        folder.path().join("tests.yaml"),
        folder.path().join("rules.yaml"),
    );
    let config = |mode: &str| {
        format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement: {{default: {{mode: {mode}}}}}\n"
        )
    };
    let case = |mode: &str| {
        with_cases(&format!(
            "  - {{name: a, object: {{}}, expect: {{mode: {mode}, rule: default}}}}\n"
        ))
        .replace("cases:", "configuration: rules.yaml\ncases:")
    };
    fs::write(&rules, config("none")).unwrap();
    fs::write(&file, case("none")).unwrap();
    let mut watching = command(&["test", "--watch", folder.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut summary = || {
        let found = lines.find(|line| line.as_ref().unwrap().starts_with("1 case: "));
        found.unwrap().unwrap()
    };
    assert_eq!(summary(), "1 case: 1 passed");
    fs::write(&rules, config("sidecar")).unwrap();
    assert_eq!(summary(), "1 case: 0 passed, 1 failed");
    fs::write(&file, case("sidecar")).unwrap();
    assert_eq!(summary(), "1 case: 1 passed");
    // Not what Ctrl-C sends: that is ignored where the tests run in the background of a shell.
    kill_process(Pid::from_child(&watching), Signal::TERM).unwrap();
    assert_eq!(watching.wait().unwrap().code(), None, "ended by the signal");
}

// === meshmode simulate ===

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn simulate(arguments: &[&str]) -> Ran {
    let new = format!("{SIMULATED}/new.yaml");
    meshmode(&[&["simulate", "--config", &new], arguments].concat())
}

/// The workloads of the shop by both configurations.
fn shop(arguments: &[&str]) -> Ran {
    let (now, workloads) = (
        format!("{SIMULATED}/now.yaml"),
        format!("{SIMULATED}/workloads.yaml"),
    );
    simulate(&[&["--against", &now, "-f", &workloads], arguments].concat())
}

#[test]
fn what_changes_is_a_table_with_counts() {
    let ran = shop(&[]);
    ran.ended(0)
        .says(&["running configuration: tests/data/simulate/now.yaml"]);
    insta::assert_snapshot!("simulate", ran.out);
    let page = fs::read_to_string(root().join("docs/simulate.md")).unwrap();
    assert!(
        page.contains(&ran.out),
        "docs/simulate.md does not have this:\n{}",
        ran.out
    );
    insta::assert_snapshot!("simulate_json", shop(&["-o", "json"]).out);
    let yaml: Value = serde_saphyr::from_str(&shop(&["-o", "yaml"]).out).unwrap();
    assert_eq!(yaml, shop(&["-o", "json"]).json());
}

#[test]
fn a_change_is_a_failure_only_where_that_is_asked_for() {
    assert_eq!(shop(&["--fail-on-change"]).code, Some(1));
    let new = format!("{SIMULATED}/new.yaml");
    let workloads = format!("{SIMULATED}/workloads.yaml");
    let same = simulate(&["--against", &new, "-f", &workloads, "--fail-on-change"]);
    assert_eq!(same.ended(0).out, "none of 4 workloads changes\n");
}

#[test]
fn without_another_the_running_configuration_is_the_embedded_default() {
    let workloads = format!("{SIMULATED}/workloads.yaml");
    let ran = simulate(&["-f", &workloads, "-o", "json"]);
    ran.ended(0)
        .says(&["running configuration: the embedded default"]);
    assert_eq!(ran.json()["running"], "the embedded default");
}

#[test]
fn many_workloads_are_counted_once_each_and_listed_in_order() {
    let names = ["front", "data", "middle"];
    let pods: Vec<Value> = (0..300)
        .map(|number| {
            json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("pod-{number:03}"), "namespace": "a", "labels": {"tier": names[number % 3]}},
                "spec": {"containers": []},
            })
        })
        .collect();
    let twice: Vec<&Value> = pods.iter().rev().chain(&pods).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": twice}).to_string();
    let (now, new) = (
        format!("{SIMULATED}/now.yaml"),
        format!("{SIMULATED}/new.yaml"),
    );
    let arguments = [
        "simulate",
        "--config",
        &new,
        "--against",
        &now,
        "-f",
        "-",
        "-o",
        "json",
    ];
    let printed = Ran::of(&mut command(&arguments), list.as_bytes()).json();
    assert_eq!(
        (&printed["workloads"], &printed["changed"]),
        (&json!(300), &json!(200))
    );
    let changes = printed["changes"].as_array().unwrap();
    let listed: Vec<_> = changes
        .iter()
        .map(|change| change["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed.len(), 200);
    assert!(listed.is_sorted(), "{listed:?}");
}

#[test]
fn wrong_input_of_a_simulation_ends_with_2_and_says_where() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n";
    let wrong_replicas =
        format!("{deployment}spec: {{replicas: many, template: {{spec: {{}}}}}}\n");
    let rows: [(&str, &str, &[&str]); 6] = [
        ("no YAML", "a: [\n", &["standard input:", "is not YAML"]),
        (
            "no object",
            "hello\n",
            &["standard input:1: document 1: no Kubernetes object"],
        ),
        (
            "no template",
            deployment,
            &["standard input:1: document 1: spec.template must be an object"],
        ),
        (
            "replicas",
            &wrong_replicas,
            &["document 1: spec.replicas must be a whole number"],
        ),
        (
            "a label",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {app: 1}}, spec: {}}}\n",
            &["standard input:1: document 1: spec.template.metadata.labels['app'] must be a text"],
        ),
        (
            "no workload",
            "apiVersion: v1\nkind: Service\n",
            &["there is no workload in the files"],
        ),
    ];
    let new = format!("{SIMULATED}/new.yaml");
    for (name, input, said) in rows {
        let ran = Ran::of(
            &mut command(&["simulate", "--config", &new, "-f", "-"]),
            input.as_bytes(),
        );
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        ran.ended(2).says(said);
    }
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.yaml");
    fs::write(&bad, "colour: red\n").unwrap();
    let bad = bad.to_str().unwrap();
    meshmode(&["simulate", "--config", bad, "-f", "-"])
        .ended(2)
        .says(&["bad.yaml:1:1: colour"]);
    simulate(&["--against", bad, "-f", "-"])
        .ended(2)
        .says(&["bad.yaml:1:1: colour"]);
    for arguments in [
        &["-f", "-", "-A"][..],
        &["--configmap", "x", "-A"],
        &["--configmap", "a/b", "--against", bad, "-A"],
        &["--configmap", "a/b", "-f", "-"],
        &["-f", "-", "-o", "xml"],
    ] {
        simulate(arguments).ended(2);
    }
    meshmode(&["simulate", "-A"]).ended(2).says(&["--config"]);
}

#[test]
fn what_cannot_be_read_ends_with_3() {
    simulate(&["-f", "/nowhere/a.yaml"])
        .ended(3)
        .says(&["/nowhere/a.yaml"]);
    simulate(&["-f", "-", "--against", "/nowhere/b.yaml"])
        .ended(3)
        .says(&["/nowhere/b.yaml"]);
    simulate(&["-A"]).ended(3).says(&["KUBECONFIG"]);
    simulate(&["-A", "--kubeconfig", "/nowhere/config"])
        .ended(3)
        .says(&["/nowhere/config"]);
}
