//! The embedded rules, row by row.

use serde_json::{Value, json};

use super::{DEFAULT, place, pod};
use crate::placement::Mode;
use crate::placement::Mode::{Ambient, Leave, None, Sidecar};

const MODE: &str = "meshmode.io/mode";
const FORCE: &str = "mesh.company.com/force-mode";
const REPLICAS: &str = "deployment.company.com/replicas";

fn annotated(annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    pod(&json!({"app": "web"}), &Value::Object(annotations))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn annotations_decide() {
    type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], Mode, &'r str, usize);
    let rows: &[Row<'_>] = &[
        ("nothing", &[], Ambient, "default", 0),
        ("others", &[("a/b", "sidecar")], Ambient, "default", 0),
        (
            "mode ambient",
            &[(MODE, "ambient")],
            Ambient,
            "mode-annotation",
            0,
        ),
        (
            "mode sidecar",
            &[(MODE, "sidecar")],
            Sidecar,
            "mode-annotation",
            0,
        ),
        ("mode none", &[(MODE, "none")], None, "mode-annotation", 0),
        (
            "mode leave",
            &[(MODE, "leave")],
            Leave,
            "mode-annotation",
            0,
        ),
        (
            "mode in capitals",
            &[(MODE, "Sidecar")],
            Ambient,
            "default",
            1,
        ),
        (
            "mode with a space",
            &[(MODE, "sidecar ")],
            Ambient,
            "default",
            1,
        ),
        (
            "mode with a newline",
            &[(MODE, "sidecar\n")],
            Ambient,
            "default",
            1,
        ),
        ("mode empty", &[(MODE, "")], Ambient, "default", 1),
        ("mode of Istio's", &[(MODE, "none ")], Ambient, "default", 1),
        (
            "force ambient",
            &[(FORCE, "ambient")],
            Ambient,
            "force-mode-annotation",
            0,
        ),
        (
            "force sidecar",
            &[(FORCE, "sidecar")],
            Sidecar,
            "force-mode-annotation",
            0,
        ),
        (
            "force none",
            &[(FORCE, "none")],
            None,
            "force-mode-annotation",
            0,
        ),
        (
            "force leave",
            &[(FORCE, "leave")],
            Leave,
            "force-mode-annotation",
            0,
        ),
        ("force garbage", &[(FORCE, "x")], Ambient, "default", 1),
        (
            "mode before force",
            &[(MODE, "none"), (FORCE, "sidecar")],
            None,
            "mode-annotation",
            0,
        ),
        (
            "mode garbage, then force",
            &[(MODE, "x"), (FORCE, "sidecar")],
            Sidecar,
            "force-mode-annotation",
            1,
        ),
        (
            "both garbage",
            &[(MODE, "x"), (FORCE, "y")],
            Ambient,
            "default",
            2,
        ),
        (
            "both garbage, then volume",
            &[
                (MODE, "x"),
                (FORCE, "y"),
                ("sidecar.istio.io/userVolume", "v"),
            ],
            Sidecar,
            "proxy-volume",
            2,
        ),
        (
            "user-volume",
            &[("sidecar.istio.io/user-volume", "[]")],
            Sidecar,
            "proxy-volume",
            0,
        ),
        (
            "userVolume",
            &[("sidecar.istio.io/userVolume", "[]")],
            Sidecar,
            "proxy-volume",
            0,
        ),
        (
            "userVolumeMount",
            &[("sidecar.istio.io/userVolumeMount", "[]")],
            Sidecar,
            "proxy-volume",
            0,
        ),
        (
            "an empty volume",
            &[("sidecar.istio.io/userVolume", "")],
            Sidecar,
            "proxy-volume",
            0,
        ),
        (
            "almost a volume",
            &[("sidecar.istio.io/uservolume", "")],
            Ambient,
            "default",
            0,
        ),
        (
            "force before volume",
            &[(FORCE, "ambient"), ("sidecar.istio.io/userVolume", "")],
            Ambient,
            "force-mode-annotation",
            0,
        ),
        (
            "volume before scale",
            &[(REPLICAS, "50"), ("sidecar.istio.io/userVolume", "")],
            Sidecar,
            "proxy-volume",
            0,
        ),
        (
            "high-scale",
            &[(REPLICAS, "high-scale")],
            Ambient,
            "high-scale",
            0,
        ),
        ("11", &[(REPLICAS, "11")], Ambient, "high-scale", 0),
        ("+11", &[(REPLICAS, "+11")], Ambient, "high-scale", 0),
        ("0011", &[(REPLICAS, "0011")], Ambient, "high-scale", 0),
        ("10", &[(REPLICAS, "10")], Ambient, "default", 0),
        ("0", &[(REPLICAS, "0")], Ambient, "default", 0),
        ("-1", &[(REPLICAS, "-1")], Ambient, "default", 0),
        ("-11", &[(REPLICAS, "-11")], Ambient, "default", 0),
        (
            "18 digits",
            &[(REPLICAS, "999999999999999999")],
            Ambient,
            "high-scale",
            0,
        ),
        (
            "19 digits",
            &[(REPLICAS, "9223372036854775807")],
            Ambient,
            "high-scale",
            0,
        ),
        (
            "overflow",
            &[(REPLICAS, "9223372036854775808")],
            Ambient,
            "high-scale",
            0,
        ),
        (
            "very long",
            &[(REPLICAS, "99999999999999999999999999")],
            Ambient,
            "high-scale",
            0,
        ),
        ("a fraction", &[(REPLICAS, "11.5")], Ambient, "default", 1),
        ("hexadecimal", &[(REPLICAS, "0x20")], Ambient, "default", 1),
        ("an exponent", &[(REPLICAS, "1e3")], Ambient, "default", 1),
        ("a space", &[(REPLICAS, " 11")], Ambient, "default", 1),
        (
            "a newline after",
            &[(REPLICAS, "11\n")],
            Ambient,
            "default",
            1,
        ),
        ("other digits", &[(REPLICAS, "١١")], Ambient, "default", 1),
        ("a sign alone", &[(REPLICAS, "+")], Ambient, "default", 1),
        ("two signs", &[(REPLICAS, "+-11")], Ambient, "default", 1),
        (
            "high-scale in capitals",
            &[(REPLICAS, "High-Scale")],
            Ambient,
            "default",
            1,
        ),
        (
            "mode before scale",
            &[(MODE, "none"), (REPLICAS, "50")],
            None,
            "mode-annotation",
            0,
        ),
        (
            "no warning from a rule that is not asked",
            &[(MODE, "none"), (REPLICAS, "x")],
            None,
            "mode-annotation",
            0,
        ),
    ];
    for (name, annotations, mode, rule, warnings) in rows {
        let placed = place(&DEFAULT, &annotated(annotations));
        assert_eq!(
            (placed.mode, placed.rule.as_str(), placed.warnings.len()),
            (*mode, *rule, *warnings),
            "{name}: {placed:?}"
        );
        assert_eq!(placed.patch.is_none(), *mode == Leave, "{name}: {placed:?}");
    }
}

/// Whether an empty text is a value: it is neither `high-scale` nor an integer.
#[test]
fn an_empty_count_is_a_warning_too() {
    let placed = place(&DEFAULT, &annotated(&[(REPLICAS, "")]));
    assert_eq!(placed.rule, "default");
    assert_eq!(
        placed.warnings,
        [
            r#"annotation deployment.company.com/replicas is ""; allowed: high-scale, or a whole number"#
        ]
    );
}

#[test]
fn warnings_name_the_value_and_the_allowed_ones() {
    let rows = [
        (
            MODE,
            "side\"car",
            r#"rule mode-annotation: "side\"car" is not a mode; allowed: ambient, sidecar, none, leave"#,
        ),
        (
            FORCE,
            "",
            r#"rule force-mode-annotation: "" is not a mode; allowed: ambient, sidecar, none, leave"#,
        ),
        (
            REPLICAS,
            "many\"",
            r#"annotation deployment.company.com/replicas is "many\""; allowed: high-scale, or a whole number"#,
        ),
    ];
    for (key, value, warning) in rows {
        let placed = place(&DEFAULT, &annotated(&[(key, value)]));
        assert_eq!(placed.warnings, [warning], "{key}={value}");
    }
}

#[test]
fn each_mode_sets_its_labels_and_the_record() {
    let rows = [
        ("ambient", "ambient", "false"),
        ("sidecar", "none", "true"),
        ("none", "none", "false"),
    ];
    for (mode, dataplane, inject) in rows {
        let placed = place(&DEFAULT, &annotated(&[(MODE, mode)]));
        let metadata = &placed.pod["metadata"];
        assert_eq!(
            metadata["labels"],
            json!({"app": "web", "istio.io/dataplane-mode": dataplane, "sidecar.istio.io/inject": inject}),
            "{mode}"
        );
        let reason = format!("the annotation meshmode.io/mode asks for it{}", super::OFF);
        assert_eq!(
            super::record(&placed.pod),
            [mode, "mode-annotation", &reason]
        );
    }
}

#[test]
fn the_cluster_itself_is_left() {
    let virtual_machine = |value| pod(&json!({"kubevirt.io": value}), &json!({}));
    let critical = |class: Value| {
        let mut pod = pod(&json!({}), &json!({}));
        pod["spec"]["priorityClassName"] = class;
        pod
    };
    let rows = [
        (
            "a virtual machine",
            virtual_machine("virt-launcher"),
            "virtual-machine",
        ),
        (
            "another part of KubeVirt",
            virtual_machine("virt-api"),
            "default",
        ),
        (
            "critical for a node",
            critical(json!("system-node-critical")),
            "system-critical",
        ),
        (
            "critical for the cluster",
            critical(json!("system-cluster-critical")),
            "system-critical",
        ),
        ("another class", critical(json!("high")), "default"),
        ("no class", critical(json!("")), "default"),
        ("a null class", critical(Value::Null), "default"),
    ];
    for (name, pod, rule) in rows {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(placed.rule, rule, "{name}");
        assert_eq!(
            placed.patch.is_none(),
            rule != "default",
            "{name}: {placed:?}"
        );
        assert!(placed.warnings.is_empty(), "{name}: {placed:?}");
    }
}

#[test]
fn a_person_decides_before_the_kind_of_pod() {
    let placed = place(
        &DEFAULT,
        &pod(
            &json!({"kubevirt.io": "virt-launcher"}),
            &json!({MODE: "none"}),
        ),
    );
    assert_eq!(placed.rule, "mode-annotation");
}

/// JSON that the API server does not send, and `meshmode review` may be given.
#[test]
fn null_and_absent_are_the_same() {
    let rows = [
        (
            "null maps",
            json!({"metadata": {"labels": null, "annotations": null}, "spec": {}}),
        ),
        ("no maps", json!({"metadata": {}, "spec": {}})),
        (
            "empty maps",
            json!({"metadata": {"labels": {}, "annotations": {}}, "spec": {}}),
        ),
        (
            "null lists",
            json!({"metadata": {}, "spec": {"containers": null, "initContainers": null, "hostNetwork": null}}),
        ),
    ];
    for (name, pod) in rows {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(
            (placed.mode, placed.rule.as_str()),
            (Ambient, "default"),
            "{name}: {placed:?}"
        );
        assert!(placed.warnings.is_empty(), "{name}: {placed:?}");
    }
}

/// No API server sends one: the rule that reads the spec says so.
#[test]
fn a_pod_without_a_spec_is_left() {
    for pod in [
        json!({"metadata": {}}),
        json!({"metadata": {}, "spec": null}),
    ] {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(
            (placed.mode, placed.rule.as_str()),
            (Leave, "system-critical"),
            "{pod}"
        );
        assert_eq!(placed.warnings.len(), 1, "{pod}");
    }
}
