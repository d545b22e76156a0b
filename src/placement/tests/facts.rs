//! What rules read of the cluster: the default's rules, facts that are missing, Pods of one revision.

#![expect(clippy::too_many_lines, reason = "tables, a row each")]

use serde_json::{Value, json};

use super::given::{Given, labels};
use super::{DEFAULT, Placed, place_given, placement, pod, rules};
use crate::placement::decide::Origin;
use crate::placement::explanation::Answer;
use crate::placement::facts::source::{Namespace, Reason, Scope, Siblings, Workload};
use crate::placement::facts::{Field, Missing, Resource};
use crate::placement::{Mode, Rules};

/// A Pod of Deployment `web`.
fn owned() -> Value {
    let mut pod = pod(
        &json!({"app": "web", "pod-template-hash": "5d8f9"}),
        &json!({}),
    );
    pod["metadata"]["ownerReferences"] = json!([
        {"kind": "Other", "name": "no", "uid": "u0"},
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "u1", "controller": true},
    ]);
    pod
}

fn given(rules: &Rules, given: &Given) -> Placed {
    place_given(rules, &owned().to_string(), given)
}

#[test]
fn each_default_rule_names_what_decided() {
    use Mode::{Ambient, Sidecar};
    let none = Given::default;
    let asks = |reason, scope| none().required(reason, scope);
    let rows = [
        ("nothing", none(), Ambient, "default", "cheapest mode"),
        (
            "an EnvoyFilter",
            asks(Reason::EnvoyFilter, Scope::Workload),
            Sidecar,
            "sidecar-only",
            "EnvoyFilter shop/some",
        ),
        (
            "of the namespace",
            asks(Reason::EnvoyFilter, Scope::Namespace),
            Sidecar,
            "sidecar-only",
            "EnvoyFilter shop/some",
        ),
        (
            "of the mesh",
            asks(Reason::EnvoyFilter, Scope::Mesh),
            Ambient,
            "default",
            "cheapest",
        ),
        (
            "a Sidecar",
            asks(Reason::Sidecar, Scope::Workload),
            Sidecar,
            "sidecar-only",
            "Sidecar shop/some",
        ),
        (
            "for the namespace",
            asks(Reason::Sidecar, Scope::Namespace),
            Ambient,
            "default",
            "cheapest",
        ),
        (
            "the namespace",
            none().annotated("meshmode.io/mode", "sidecar"),
            Sidecar,
            "namespace-mode",
            "of namespace shop",
        ),
        (
            "no mode",
            none().annotated("meshmode.io/mode", "x"),
            Ambient,
            "default",
            "cheapest",
        ),
        (
            "L7",
            asks(Reason::WasmPlugin, Scope::Workload),
            Sidecar,
            "l7-without-waypoint",
            "WasmPlugin shop/some",
        ),
        (
            "L7 with a waypoint",
            asks(Reason::L7AuthorizationPolicy, Scope::Namespace).bound(),
            Ambient,
            "l7-with-waypoint",
            "waypoint shop/way",
        ),
        (
            "L7 of a Service",
            asks(Reason::RequestAuthentication, Scope::Service),
            Ambient,
            "default",
            "cheapest",
        ),
        (
            "that with a waypoint",
            asks(Reason::CustomAuthorization, Scope::Service).bound(),
            Ambient,
            "l7-with-waypoint",
            "CustomAuthorization shop/some",
        ),
        (
            "L7 of the mesh",
            asks(Reason::CustomAuthorization, Scope::Mesh).bound(),
            Ambient,
            "default",
            "cheapest",
        ),
        ("10", none().scaled(10), Ambient, "default", "cheapest"),
        (
            "11",
            none().scaled(11),
            Ambient,
            "many-replicas",
            "Deployment web may have 11 replicas",
        ),
        (
            "both",
            asks(Reason::EnvoyFilter, Scope::Workload).annotated("meshmode.io/mode", "none"),
            Sidecar,
            "sidecar-only",
            "EnvoyFilter",
        ),
    ];
    for (name, source, mode, rule, reason) in rows {
        let placed = given(&DEFAULT, &source);
        assert_eq!(
            (placed.mode, &*placed.rule),
            (mode, rule),
            "{name}: {placed:?}"
        );
        assert!(placed.reason.contains(reason), "{name}: {}", placed.reason);
        assert_eq!(placed.missing, [], "{name}");
        assert_eq!(
            placed.warnings.len(),
            usize::from(["no mode", "L7 with a waypoint"].contains(&name)),
            "{name}: {placed:?}"
        );
    }
}

#[test]
fn a_missing_fact_is_not_a_no() {
    let missing = || Missing::NotReadYet(Resource::EnvoyFilters);
    let rows = [
        (
            "namespace",
            Given {
                namespace: Err(missing()),
                ..Given::default()
            },
            "namespace-mode",
        ),
        (
            "requires",
            Given {
                requires: Err(missing()),
                ..Given::default()
            },
            "sidecar-only",
        ),
        (
            "waypoint",
            Given {
                waypoint: Err(missing()),
                ..Given::default()
            }
            .required(Reason::WasmPlugin, Scope::Workload),
            "l7-with-waypoint",
        ),
    ];
    for (name, source, rule) in rows {
        let placed = given(&DEFAULT, &source);
        assert_eq!((placed.mode, &*placed.rule), (Mode::Leave, rule), "{name}");
        let reason =
            format!("rule {rule}: fact not available: meshmode has not read envoyfilters yet");
        assert_eq!(placed.reason, reason, "{name}");
        assert_eq!(placed.warnings, [reason], "{name}");
        assert_eq!(placed.missing, [missing()], "{name}");
    }
    let source = Given {
        workload: Err(missing()),
        ..Given::default()
    };
    let next = given(&DEFAULT, &source);
    assert_eq!((next.mode, &*next.rule), (Mode::Ambient, "default"));
    assert!(
        next.reason.ends_with(
            "(rule many-replicas: fact not available: meshmode has not read envoyfilters yet)"
        ),
        "{}",
        next.reason
    );
    assert!(next.warnings.is_empty() && next.missing == [missing()]);
}

#[test]
fn unknown_is_neither_there_nor_absent() {
    let missing = Missing::OtherKind("Rollout".into());
    let source = Given {
        namespace: Err(missing.clone()),
        workload: Err(missing.clone()),
        requires: Err(missing.clone()),
        waypoint: Err(missing),
        ..Given::default()
    };
    let unknown = [
        "has(workload.replicas)",
        "!has(workload.replicas)",
        "workload.?replicas.orValue(1) == 1",
        "workload[?'replicas'].hasValue()",
        "workload.?labels.?app.orValue('') == ''",
        "!has(mesh.waypoint)",
        "mesh.?waypoint.?name.orValue('') == ''",
        "mesh.requires.size() == 0",
        "has(namespaceObject.metadata.labels)",
        "has(namespaceObject.?metadata.labels) || false",
        "!namespaceObject.?metadata.?labels.hasValue()",
        "namespaceObject.?metadata.labels.hasValue() == false",
        "variables.all.size() == 0",
        "[1].exists(i, workload.replicas == i)",
    ];
    let known = [
        "workload.kind == 'Deployment' && workload.name == 'web' && workload.namespace == 'shop'",
        "namespaceObject.metadata.name == 'shop'",
        "workload.replicas > 3 || true",
        "!(has(mesh.waypoint) && false)",
        "workload.?kind.orValue('') == 'Deployment'",
    ];
    for when in unknown.iter().chain(&known) {
        let rules = placement(&format!(
            "  variables: [{{name: all, expression: mesh.requires}}]\n  rules: [{{name: only, when: \"{when}\", mode: none}}]\n"
        ));
        let placed = given(&rules, &source);
        let expected = if known.contains(when) {
            Mode::None
        } else {
            Mode::Leave
        };
        assert_eq!(placed.mode, expected, "{when}: {}", placed.reason);
        let said = placed
            .reason
            .contains("fact not available: workloads of kind Rollout");
        assert_eq!(said, unknown.contains(when), "{when}: {}", placed.reason);
    }
}

#[test]
fn fields_have_their_values() {
    let source = Given {
        namespace: Ok(Namespace {
            labels: labels(&[("team", "a"), ("x", "y")]),
            annotations: labels(&[]),
        }
        .into()),
        workload: Ok(Workload {
            replicas: Some(3),
            max_replicas: Some(30),
            labels: labels(&[("tier", "1")]),
            annotations: labels(&[("n", "m")]),
        }
        .into()),
        ..Given::default()
    }
    .required(Reason::WasmPlugin, Scope::Service)
    .bound();
    for holds in [
        "namespaceObject.metadata.labels == {'team': 'a', 'x': 'y'}",
        "namespaceObject.metadata.labels.exists(k, k == 'x') && 'team' in namespaceObject.metadata.labels",
        "namespaceObject.metadata.labels.?no.orValue('z') == 'z' && size(namespaceObject.metadata.labels) == 2",
        "!has(namespaceObject.metadata.annotations)",
        "workload.replicas == 3 && workload['maxReplicas'] == 30 && has(workload.replicas)",
        "workload.labels.tier == '1' && workload.annotations['n'] == 'm'",
        "mesh.requires == [{'reason': 'WasmPlugin', 'namespace': 'shop', 'name': 'some', 'scope': 'service'}]",
        "mesh.waypoint == {'name': 'way', 'namespace': 'shop'} && !has(mesh.waypoint.for)",
        "mesh.?waypoint.?name.orValue('') == 'way' && workload.?replicas.orValue(0) == 3",
    ] {
        let rules = placement(&format!(
            "  rules: [{{name: only, when: \"{holds}\", mode: none}}]\n"
        ));
        let placed = given(&rules, &source);
        assert_eq!(placed.mode, Mode::None, "{holds}: {}", placed.reason);
    }
}

#[test]
fn rules_say_what_they_read() {
    let rules = placement(concat!(
        "  variables:\n    - {name: big, expression: \"workload.?maxReplicas.orValue(0) > 3\"}\n",
        "  rules:\n",
        "    - {name: a, when: variables.big, mode: none}\n",
        "    - {name: b, when: \"workload.kind == 'Job' && 'x' in namespaceObject.?metadata.?labels.orValue({})\", mode: none}\n",
        "    - {name: c, when: \"workload.kind == 'Job'\", mode: none}\n",
    ));
    let fields: Vec<Field> = rules.fields().iter().collect();
    assert_eq!(fields, [Field::NamespaceLabels, Field::MaxReplicas]);
    assert_eq!(rules.needing_a_cluster().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn pods_of_one_revision_have_one_mode() {
    let beside = |mode, rule, reason| Given::default().beside(mode, rule, reason);
    let rows = [
        (
            "by a rule",
            beside(Mode::Sidecar, "sidecar-only", "EnvoyFilter a/b"),
            Mode::Sidecar,
            "sidecar-only",
            "EnvoyFilter a/b",
        ),
        (
            "by a rule that is gone",
            beside(Mode::None, "gone", "old"),
            Mode::None,
            "revision",
            "old",
        ),
        (
            "by default",
            beside(Mode::Ambient, "default", "old"),
            Mode::Ambient,
            "default",
            "old",
        ),
        (
            "by nobody",
            Given {
                siblings: Ok(Some(Siblings::Unplaced)),
                ..Given::default()
            },
            Mode::Leave,
            "revision",
            "Pods of this revision are there without a placement; a new revision is decided anew",
        ),
    ];
    for (name, source, mode, rule, reason) in rows {
        let placed = given(&DEFAULT, &source);
        assert_eq!(
            (placed.mode, &*placed.rule, &*placed.reason),
            (mode, rule, reason),
            "{name}"
        );
        assert_eq!(placed.origin, Origin::Revision, "{name}");
        assert_eq!(placed.patch.is_none(), mode == Mode::Leave, "{name}");
        let alone = place_given(&DEFAULT, &pod(&json!({}), &json!({})).to_string(), &source);
        assert_eq!(
            alone.rule, "default",
            "{name}: a Pod of its own has no revision"
        );
        let mut chosen = owned();
        chosen["metadata"]["labels"]["istio.io/dataplane-mode"] = json!("none");
        let chosen = place_given(&DEFAULT, &chosen.to_string(), &source);
        assert_eq!(
            (&*chosen.rule, chosen.origin),
            ("explicit-choice", Origin::Author),
            "{name}"
        );
    }
}

/// The rules decide, and the record says what that may have split.
#[test]
fn pods_that_are_not_known_are_no_absence_of_pods() {
    let source = Given {
        siblings: Err(Missing::Forbidden(Resource::Pods)),
        ..Given::default()
    };
    let placed = given(&DEFAULT, &source);
    assert_eq!((placed.mode, placed.origin), (Mode::Ambient, Origin::Rules));
    let note = "(whether Pods of this revision have another mode is not known: meshmode may not read pods)";
    assert!(placed.reason.ends_with(note), "{}", placed.reason);
    assert_eq!(placed.missing, [Missing::Forbidden(Resource::Pods)]);
    let alone = place_given(&DEFAULT, &pod(&json!({}), &json!({})).to_string(), &source);
    assert_eq!(alone.missing, [], "a Pod of its own has no revision");
}

/// Somebody may have written a record into the template while nobody was asked.
#[test]
fn a_record_is_believed_beside_a_label_that_its_mode_sets() {
    let none = placement("  modes: {none: {labels: {}}}\n");
    #[rustfmt::skip]
    let rows = [
        ("no label", &*DEFAULT, Mode::Ambient, &[][..], false),
        ("as set", &*DEFAULT, Mode::Ambient, &[("istio.io/dataplane-mode", "ambient")], true),
        ("one of them is somebody else's", &*DEFAULT, Mode::Ambient, &[("istio.io/dataplane-mode", "ambient"), ("sidecar.istio.io/inject", "true")], true),
        ("of another mode", &*DEFAULT, Mode::Sidecar, &[("istio.io/dataplane-mode", "ambient")], false),
        ("leave sets none, and is never recorded", &*DEFAULT, Mode::Leave, &[("istio.io/dataplane-mode", "ambient")], false),
        ("a mode that sets none", &none, Mode::None, &[], true),
    ];
    for (name, rules, mode, there, expected) in rows {
        assert_eq!(
            rules.labels.are_on(mode, &labels(there)),
            expected,
            "{name}"
        );
    }
}

/// Not that others have no placement either, which is the same rule's doing.
#[test]
fn a_rule_that_leaves_says_so_of_each_pod() {
    let rules = placement(
        "  rules:\n    - {name: ours, when: \"true\", mode: leave, reason: it is not for the mesh}\n",
    );
    let source = Given {
        siblings: Ok(Some(Siblings::Unplaced)),
        ..Given::default()
    };
    let left = given(&rules, &source);
    assert_eq!(
        (left.mode, &*left.rule, left.reason.as_str(), left.origin),
        (Mode::Leave, "ours", "it is not for the mesh", Origin::Rules)
    );
}

#[test]
fn a_sidecar_that_nobody_injects_is_left() {
    let source = |istio| {
        Given {
            istio,
            ..Given::default()
        }
        .required(Reason::EnvoyFilter, Scope::Workload)
    };
    let left = given(&DEFAULT, &source(Ok(std::sync::Arc::default())));
    assert_eq!(
        (left.mode, &*left.rule, left.origin),
        (Mode::Leave, "sidecar-only", Origin::NotCarriedOut)
    );
    let why = "rule sidecar-only gives sidecar, which Istio would not carry out: no injector is registered";
    assert_eq!((left.reason.as_str(), left.patch), (why, None));
    assert_eq!(left.warnings, [why]);
    let unknown = given(
        &DEFAULT,
        &source(Err(Missing::NotReadYet(Resource::Injectors))),
    );
    assert_eq!(
        unknown.mode,
        Mode::Sidecar,
        "what is not known is no obstacle"
    );
}

#[test]
fn a_record_of_this_very_decision_is_ours() {
    let mut placed = given(&DEFAULT, &Given::default()).pod;
    placed["metadata"]["labels"]["istio.io/dataplane-mode"] = json!("none");
    let again = place_given(&DEFAULT, &placed.to_string(), &Given::default());
    assert_eq!(again.rule, "explicit-choice");
    assert!(
        !again
            .warnings
            .iter()
            .any(|warning| warning.contains("not written by")),
        "{:?}",
        again.warnings
    );
    placed["metadata"]["annotations"]["meshmode.io/rule"] = json!("another");
    let forged = place_given(&DEFAULT, &placed.to_string(), &Given::default());
    assert!(
        forged
            .warnings
            .iter()
            .any(|warning| warning.contains("not written by")),
        "{:?}",
        forged.warnings
    );
}

#[test]
fn explanations_tell_each_rule_and_what_it_read() {
    let source = Given {
        workload: Err(Missing::OtherKind("Rollout".into())),
        ..Given::default()
    }
    .required(Reason::EnvoyFilter, Scope::Workload);
    let asked = super::explain(&DEFAULT, &owned().to_string(), &source);
    let named = |name: &str| asked.iter().find(|asked| asked.rule == name).unwrap();
    assert_eq!(
        asked.last().map(|last| (last.rule, &last.answer)),
        Some(("default", &Answer::Held(Mode::Ambient)))
    );
    assert_eq!(asked.len(), DEFAULT.names().count() + 1);
    assert_eq!(named("mode-annotation").answer, Answer::DidNotHold);
    assert_eq!(named("sidecar-only").answer, Answer::Held(Mode::Sidecar));
    assert!(
        matches!(&named("many-replicas").answer, Answer::Unknown(why) if why.contains("kind Rollout"))
    );
    let read = |rule: &str| -> Vec<(String, Option<String>)> {
        named(rule)
            .read
            .iter()
            .map(|read| (read.path.clone(), read.value.clone()))
            .collect()
    };
    assert_eq!(
        read("mode-annotation"),
        [("variables.annotations['meshmode.io/mode']".to_owned(), None)]
    );
    let object =
        r#"[{"name":"some","namespace":"shop","reason":"EnvoyFilter","scope":"workload"}]"#;
    assert_eq!(
        read("sidecar-only")[0],
        ("variables.sidecarOnly".to_owned(), Some(object.to_owned()))
    );
    assert_eq!(
        read("many-replicas")[..2],
        [
            ("workload.maxReplicas".to_owned(), None),
            (
                "workload.kind".to_owned(),
                Some("\"Deployment\"".to_owned())
            )
        ]
    );
    let off = super::explain(
        &DEFAULT,
        &owned().to_string(),
        &crate::placement::facts::NoCluster,
    );
    assert!(
        off.iter()
            .any(|asked| asked.rule == "sidecar-only" && asked.answer == Answer::Off)
    );
}

/// Each ends in a message at load, or in a rule that could not be evaluated: never in a panic.
#[test]
fn mistakes_of_users_end_in_messages() {
    let at_load = [
        ("nothing.x == 1", "\"nothing\" is no variable"),
        (
            "workload.size == 1",
            "there is no workload.size; there are workload.kind",
        ),
        (
            "has(mesh.ambient)",
            "there is no mesh.ambient; there are mesh.requires, mesh.waypoint",
        ),
        (
            "namespaceObject.spec == 1",
            "there is no namespaceObject.spec; there are namespaceObject.metadata.name",
        ),
        (
            "namespaceObject.metadata.uid == ''",
            "there is no namespaceObject.metadata.uid",
        ),
        ("namespaceObject.metadata == {}", "is read by its fields"),
        ("mesh == {}", "mesh is read by its fields: mesh.requires"),
        (
            "workload[object.metadata.name] == 1",
            "workload is read by its fields",
        ),
        ("workload.name.nope()", "nope() is no function"),
        ("workload.replicas", "its value is a int, not a bool"),
        ("workload.name > 3", "no matching overload"),
        ("1 / 0 == 1", "cannot be evaluated"),
        (
            "mesh.requires.all(a, mesh.requires.all(b, mesh.requires.all(c, true)))",
            "nests more than 2 comprehensions",
        ),
    ];
    for (when, message) in at_load {
        let yaml = super::file(&format!(
            "  rules: [{{name: only, when: \"{when}\", mode: none}}]\n"
        ));
        let problems = crate::config::read(&yaml).expect_err(when).to_string();
        assert!(
            problems.to_lowercase().contains(&message.to_lowercase()),
            "{when}: {problems}"
        );
    }
    let many = vec!["1"; 800].join(",");
    let loops = format!("[{many}].exists(a, [{many}].exists(b, a + b < 0))");
    let yaml = super::file(&format!(
        "  rules: [{{name: only, when: \"{loops}\", mode: none}}]\n"
    ));
    let problems = crate::config::read(&yaml)
        .expect_err("too much")
        .to_string();
    assert!(
        problems.contains("read more than 500000 values"),
        "{problems}"
    );
    let at_run_time = [
        (
            "10 / (workload.maxReplicas - int(workload.name == 'web' ? '1' : '0')) == 10",
            "division by zero",
        ),
        ("mesh.waypoint.for == 'x'", "No such key"),
        ("workload.labels['no'] == 'x'", "No such key"),
        (
            "mesh.requires.all(a, mesh.requires.all(b, a.name + 'x' != b.name))",
            "read more than",
        ),
    ];
    let mut source = Given::default().scaled(1).bound();
    source.requires = Ok((0..2000)
        .map(|n| crate::placement::facts::source::Requirement {
            reason: Reason::WasmPlugin,
            namespace: "a".into(),
            name: format!("r{n}").into(),
            scope: Scope::Mesh,
        })
        .collect());
    for (when, message) in at_run_time {
        let rules = rules(&super::file(&format!(
            "  rules: [{{name: only, when: \"{when}\", mode: none}}]\n"
        )));
        let placed = given(&rules, &source);
        assert_eq!(placed.mode, Mode::Leave, "{when}: {}", placed.reason);
        assert!(
            placed.reason.contains("could not be evaluated"),
            "{when}: {}",
            placed.reason
        );
        assert!(
            placed
                .reason
                .to_lowercase()
                .contains(&message.to_lowercase()),
            "{when}: {}",
            placed.reason
        );
    }
}
