//! Names and words that do not exist.

use crate::placement::expression::{Expression, ExpressionError};
use crate::placement::rules::Variable;

/// With variables that are some of `mesh.requires`, an element of it, and the kind.
fn compile(source: &str) -> Result<Expression, Vec<ExpressionError>> {
    let mut variables: Vec<Variable> = Vec::new();
    for (name, source) in [
        ("some", "mesh.requires.filter(r, r.scope != 'mesh')"),
        ("first", "variables.some[0]"),
        ("kind", "workload.kind"),
    ] {
        let expression = Expression::compile(source, &variables)?;
        let name = name.to_owned();
        variables.push(Variable { name, expression });
    }
    Expression::compile(source, &variables)
}

#[test]
fn names_and_words_that_do_not_exist_are_mistakes() {
    let fields =
        "an element of mesh.requires has no \"nam\"; there are reason, namespace, name, scope";
    let waypoint = "mesh.waypoint has no \"nam\"; there are name, namespace, for";
    let reason = "there is no reason \"Envoyfilter\"; there are EnvoyFilter, Sidecar, WasmPlugin";
    let scope = "there is no scope \"pod\"; there are workload, service, namespace, mesh";
    let kind = "there is no kind \"deployment\"; there are Deployment, StatefulSet";
    let rows = [
        ("mesh.requires.exists(r, r.nam == 'x')", fields),
        ("mesh.requires.exists(r, r['nam'] == 'x')", fields),
        ("mesh.requires.exists(r, has(r.nam))", fields),
        ("mesh.requires.exists(r, r.?nam.orValue('') == 'x')", fields),
        ("mesh.requires[0].nam == 'x'", fields),
        ("mesh.requires.filter(r, true).map(q, q.nam) == []", fields),
        ("variables.some.all(r, r.nam == '')", fields),
        ("variables.first.nam == ''", fields),
        ("mesh.waypoint.nam == 'x'", waypoint),
        ("has(mesh.waypoint.nam)", waypoint),
        ("mesh.requires.exists(r, r.reason == 'Envoyfilter')", reason),
        ("mesh.requires.exists(r, 'Envoyfilter' != r.reason)", reason),
        (
            "variables.first.reason in ['Sidecar', 'Envoyfilter']",
            reason,
        ),
        ("mesh.requires.exists(r, r.scope == 'pod')", scope),
        ("workload.kind == 'deployment'", kind),
        ("variables.kind in ['deployment']", kind),
        (
            "workload.kind != 'StatefulSets'",
            "there is no kind \"StatefulSets\"",
        ),
        ("workload.kind == ''", "there is no kind \"\""),
    ];
    let mut failures = Vec::new();
    for (source, message) in rows {
        match compile(source).map_err(|errors| errors[0].message.clone()) {
            Err(said) if said.starts_with(message) => {}
            other => failures.push(format!("{source}: {other:?}")),
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_may_be_is_none() {
    for source in [
        "mesh.requires.exists(r, r.reason in ['EnvoyFilter', 'CustomAuthorization'] && r.scope == 'service')",
        "mesh.requires.exists(r, r.name == 'deployment' && r.namespace != 'pod')",
        "variables.first.reason + '/' + variables.first.name == 'a/b'",
        "has(mesh.waypoint) && mesh.waypoint.for == 'all'",
        "workload.kind == 'Deployment' || workload.kind == 'CloneSet'",
        "workload.name == 'deployment'",
        "workload.kind == object.metadata.labels['kind']",
        "object.spec.containers.exists(r, r.nam == 'x')",
        "['a'].exists(mesh, mesh.requires.nam == 'b')",
        "mesh.requires.map(r, {'nam': r.name}).exists(m, m.nam == 'x')",
        "mesh.requires.exists(r, [{'nam': 1}].exists(r, r.nam == 1))",
    ] {
        let compiled = compile(source);
        assert!(compiled.is_ok(), "{source}: {compiled:?}");
    }
}
