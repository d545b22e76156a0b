//! `meshmode explain` as a person or a script runs it, and the documents that describe it: policies here, Pods and
//! workloads in their own file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a helper fails the test by panicking; tables have a row each"
)]

#[path = "support/ran.rs"]
mod ran;
#[path = "support/schema.rs"]
mod schema;
#[path = "explain/workloads.rs"]
mod workloads;

use std::fs;
use std::path::Path;
use std::process::Command;

use meshmode::authorization::code::Code;
use ran::Ran;
use schema::check;
use serde_json::{Value, json};

const EXAMPLES: &str = "manifests/examples/waypoint-policy";

/// Runs `meshmode explain policy` with these arguments and this standard input.
fn explain(arguments: &[&str], input: &str) -> Ran {
    let arguments = [&["policy"], arguments].concat();
    Ran::of(&mut command(&arguments), input.as_bytes())
}

/// `meshmode explain` with these arguments.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshmode"));
    command
        .arg("explain")
        .args(arguments)
        .env_remove("MESHMODE_CONFIG")
        // No cluster of whoever runs the tests.
        .env("KUBECONFIG", "/nowhere/kubeconfig")
        .current_dir(root());
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> String {
    format!("{EXAMPLES}/{name}.yaml")
}

fn policy(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": "shop"}, "spec": spec,
    })
}

/// A DENY of HTTP that nothing attaches: at ztunnel it denies nothing.
fn open() -> String {
    let rules = json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}]);
    policy("no-delete", &json!({"action": "DENY", "rules": rules})).to_string()
}

/// Enforced as it is written.
fn exact() -> String {
    let rules = json!([{"from": [{"source": {"namespaces": ["web"]}}]}]);
    policy("from-web", &json!({"rules": rules})).to_string()
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

// === exit codes and forms ===

#[test]
fn the_exit_code_says_whether_something_fails_open_whatever_the_form() {
    for form in ["text", "json", "yaml"] {
        let good = explain(&["-f", "-", "-o", form], &exact());
        assert_eq!(good.ended(0).err, "");
        let bad = explain(&["-f", "-", "-o", form], &open());
        assert_eq!(bad.ended(1).err, "");
    }
}

#[test]
fn the_entry_says_all_that_is_promised() {
    let ran = explain(&["-f", "-", "-o", "json"], &open());
    let list = ran.ended(1).json();
    let entry = &list[0];
    assert_eq!(list.as_array().unwrap().len(), 1);
    for (pointer, expected) in [
        ("/kind", json!("AuthorizationPolicy")),
        ("/namespace", json!("shop")),
        ("/name", json!("no-delete")),
        ("/verdict", json!("refuse")),
        ("/enforcers/0/enforcer", json!("ztunnel")),
        ("/enforcers/0/effect", json!("open")),
        ("/enforcers/0/receives/action", json!("DENY")),
        ("/enforcers/0/witnesses/open/method", json!("DELETE")),
        ("/enforcers/1/enforcer", json!("waypoint")),
        ("/enforcers/1/receives", Value::Null),
        ("/enforcers/2/enforcer", json!("sidecar")),
        ("/enforcers/3/enforcer", json!("gateway")),
        ("/findings/0/code", json!("MM201")),
        ("/findings/0/severity", json!("error")),
    ] {
        assert_eq!(entry.pointer(pointer), Some(&expected), "{pointer}");
    }
    let reasons = entry.pointer("/enforcers/0/reasons").unwrap();
    assert!(reasons.as_array().unwrap().contains(&json!("MM223")));
    let remedy = entry.pointer("/findings/0/remedy").unwrap();
    assert!(remedy.as_str().unwrap().contains("targetRefs:"), "{remedy}");
}

#[test]
fn yaml_says_the_same_as_json() {
    let input = format!("{}\n{}", open(), exact());
    let yaml = explain(&["-f", "-", "-o", "yaml"], &input);
    let yaml: Value = serde_saphyr::from_str(&yaml.out).unwrap();
    assert_eq!(yaml, explain(&["-f", "-", "-o", "json"], &input).json());
}

#[test]
fn people_read_the_worst_first_and_machines_the_order_of_the_input() {
    let input = format!("{}\n{}", exact(), open());
    let text = explain(&["-f", "-"], &input).out;
    let headlines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("Auth"))
        .collect();
    assert_eq!(
        headlines,
        [
            "AuthorizationPolicy shop/no-delete",
            "AuthorizationPolicy shop/from-web"
        ]
    );
    let list = explain(&["-f", "-", "-o", "json"], &input).json();
    assert_eq!(list[0]["name"], "from-web");
}

#[test]
fn the_text_is_narrow_and_plain() {
    for input in [open(), exact()] {
        let text = explain(&["-f", "-"], &input).out;
        assert!(!text.contains('\x1b'), "{text}");
        let wide: Vec<_> = text
            .lines()
            .filter(|line| line.chars().count() > 120)
            .collect();
        assert_eq!(wide, [] as [&str; 0]);
        assert!(text.lines().all(|line| line.trim_end() == line), "{text:?}");
    }
}

#[test]
fn the_text_shows_the_rules_that_arrive_and_what_gets_through() {
    let text = explain(&["-f", "-"], &open()).out;
    for part in [
        "refused, fails open\n",
        "  ztunnel   open: lets through what the policy refuses\n",
        "receives      DENY for all workloads of its namespace\n",
        "- nothing (no test is left of it)\n",
        "gets through  DELETE\n",
        "MM223         ",
        "  MM201 error NeedsAttachment\n",
        "          targetRefs:\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let text = explain(&["-f", "-"], &exact()).out;
    for part in ["  admitted\n", "  ztunnel   exact: ", "- namespace web\n"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

// === input ===

#[test]
fn several_files_documents_and_lists_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        folder.path().join("one.yaml"),
        folder.path().join("two.json"),
    );
    fs::write(&one, format!("{}\n---\n{}\n", exact(), open())).unwrap();
    let items: Vec<Value> = vec![serde_json::from_str(&exact()).unwrap()];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&two, list.to_string()).unwrap();
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let ran = explain(&["-f", one, "-f", two, "-o", "json"], "");
    let list = ran.ended(1).json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["from-web", "no-delete", "from-web"]);
}

#[test]
fn what_is_no_policy_is_passed_over_and_named() {
    let input = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\n---\n{}\n",
        exact()
    );
    explain(&["-f", "-"], &input)
        .ended(0)
        .says(&["-: passed over Service a"]);
}

#[test]
fn a_policy_without_a_namespace_gets_that_of_the_flag() {
    let input = r#"{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "a"}, "spec": {}}"#;
    let namespace = |arguments: &[&str]| explain(arguments, input).json()[0]["namespace"].clone();
    assert_eq!(namespace(&["-f", "-", "-o", "json"]), Value::Null);
    assert_eq!(namespace(&["-f", "-", "-o", "json", "-n", "b"]), "b");
}

#[test]
fn wrong_input_ends_with_2_and_says_where() {
    let head = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n";
    let wrong_field =
        format!("{head}metadata: {{name: a}}\n---\n{head}spec: {{rules: [{{from: web}}]}}\n");
    let rows: [(&str, &str, &[&str]); 6] = [
        (
            "a field",
            &wrong_field,
            &["standard input:5: document 2: spec.rules[0].from", "web"],
        ),
        ("no YAML", "a: [\n", &["standard input:", "is not YAML"]),
        (
            "no object",
            "hello\n",
            &["standard input:1: document 1: no Kubernetes object"],
        ),
        (
            "no policy",
            "apiVersion: v1\nkind: Pod\n",
            &["-: there is no AuthorizationPolicy in it"],
        ),
        ("nothing", "", &["-: there is no AuthorizationPolicy in it"]),
        (
            "a version",
            "apiVersion: security.istio.io/v2\nkind: AuthorizationPolicy\n",
            &["document 1: apiVersion", "v1beta1"],
        ),
    ];
    for (name, input, said) in rows {
        let ran = explain(&["-f", "-"], input);
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        ran.ended(2).says(said);
    }
}

#[test]
fn wrong_flags_end_with_2() {
    for arguments in [
        &[][..],
        &["-f", "-", "a-name"],
        &["-f", "-", "--all"],
        &["a-name", "--all"],
        &["--all", "-A"],
        &["-f", "-", "-o", "xml"],
        &["-A", "--timeout", "soon"],
    ] {
        let ran = explain(arguments, &exact());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_file_or_cluster_that_is_not_there_is_a_failure() {
    explain(&["-f", "/nowhere/policy.yaml"], "")
        .ended(3)
        .says(&["/nowhere/policy.yaml", "No such file"]);
    explain(&["--all"], "").ended(3).says(&["KUBECONFIG"]);
    explain(&["a", "--kubeconfig", "/nowhere/config"], "")
        .ended(3)
        .says(&["/nowhere/config"]);
    explain(&["-f", "-", "--context", "none"], &exact()).ended(3);
}

#[test]
fn a_cluster_that_does_not_answer_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    // Nobody answers there: the listener takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
    });
    fs::write(&file, kubeconfig.to_string()).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["--all", "--kubeconfig", file, "--timeout", "300ms"][..],
        &["-f", "-", "--kubeconfig", file, "--timeout", "300ms"],
    ] {
        explain(arguments, &exact()).ended(3).says(&[
            "looking at the cluster",
            &address,
            "did not answer within 300ms",
        ]);
    }
}

#[test]
fn the_settings_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let head = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\n";
    fs::write(
        &file,
        format!("{head}authorizationPolicies: {{annotation: refuse}}\n"),
    )
    .unwrap();
    let wrong = example("wrong");
    let verdict = |arguments: &[&str]| {
        let arguments = [&["-f", &wrong, "-o", "json"], arguments].concat();
        explain(&arguments, "").json()[0]["verdict"].clone()
    };
    assert_eq!(verdict(&[]), "warn");
    assert_eq!(verdict(&["--config", file.to_str().unwrap()]), "refuse");
    fs::write(&file, format!("{head}colour: red\n")).unwrap();
    explain(&["-f", &wrong, "--config", file.to_str().unwrap()], "")
        .ended(2)
        .says(&["colour"]);
}

// === documents ===

#[test]
fn the_readme_shows_what_is_printed_for_the_examples() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for name in ["wrong", "right"] {
        let out = explain(&["-f", &example(name)], "").out;
        assert!(
            readme.contains(&out),
            "README.md does not have this:\n{out}"
        );
    }
}

#[test]
fn the_table_of_codes_is_that_of_the_code() {
    let source = fs::read_to_string(root().join("src/authorization/code.rs")).unwrap();
    let mut table = "| code | word | what it says |\n|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let sentence = sentence(&source, code);
        table.push_str(&format!("| {} | {} | {sentence} |\n", code.id, code.word));
    }
    let page = fs::read_to_string(root().join("docs/explain.md")).unwrap();
    assert!(
        page.ends_with(&table),
        "docs/explain.md has to end with:\n{table}"
    );
}

/// What the source says about a code, above the line that makes it.
fn sentence(source: &str, code: &Code) -> String {
    let mut said = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            said.push(text);
        } else if line.contains(&format!("\"{}\"", code.id)) {
            return said.join(" ");
        } else {
            said.clear();
        }
    }
    panic!("{} is not in code.rs", code.id);
}

#[test]
fn the_output_is_as_its_schema_says() {
    let schema = fs::read_to_string(root().join("docs/explain.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let everything = policy(
        "everything",
        &json!({"action": "DENY", "rules": [{
            "from": [{"source": {"namespaces": ["a", "b*", "*c", "*"], "serviceAccounts": ["d/e"], "notIpBlocks": ["10.0.0.0/8"]}}],
            "to": [{"operation": {"ports": ["80"], "paths": ["/x"]}}],
            "when": [{"key": "source.principal", "notValues": ["spiffe://a"]}, {"key": "destination.ip", "values": ["::/0"]}],
        }]}),
    );
    let nameless = r#"{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}"#;
    let input = [open(), exact(), everything.to_string(), nameless.to_owned()].join("\n");
    let mut files = vec!["-f".to_owned(), "-".to_owned()];
    for name in ["wrong", "right", "right-no-way-around"] {
        files.extend(["-f".to_owned(), example(name)]);
    }
    let mut arguments: Vec<&str> = files.iter().map(String::as_str).collect();
    arguments.extend(["-o", "json"]);
    let output = explain(&arguments, &input).json();
    assert_eq!(output.as_array().unwrap().len(), 7);
    let mut wrong = Vec::new();
    check(&output, &schema, &schema, "", &mut wrong);
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn the_check_of_the_schema_can_fail() {
    let schema = fs::read_to_string(root().join("docs/explain.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let good = explain(&["-f", "-", "-o", "json"], &open()).json();
    let changes: [(&str, Value); 6] = [
        ("/0/verdict", json!("deny")),
        ("/0/enforcers/0/effect", json!("Open")),
        ("/0/enforcers/0/receives", json!("all")),
        ("/0/enforcers/0/reasons/0", json!("XX1")),
        ("/0/findings/0", json!({"code": "MM201"})),
        ("/0/enforcers/0/witnesses", json!({"wide": {}})),
    ];
    for (pointer, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let mut wrong = Vec::new();
        check(&bad, &schema, &schema, "", &mut wrong);
        assert!(!wrong.is_empty(), "{pointer}");
    }
}
