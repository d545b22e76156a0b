//! The words of the format, and its schema.

use super::*;
use crate::config::tests::schema::fits;

#[test]
fn every_word_is_there() {
    assert_eq!(REASONS, Reason::ALL.map(Reason::as_str));
    assert_eq!(SCOPES, Scope::ALL.map(Scope::as_str));
    assert_eq!(FACTS, facts::Field::ALL.map(facts::Field::as_str));
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let published = include_str!("../../../../manifests/ruletest.schema.json");
    assert_eq!(
        published,
        format!("{:#}\n", schema()),
        "run: meshmode test --schema > manifests/ruletest.schema.json"
    );
}

#[test]
fn the_examples_fit_the_schema_and_other_files_do_not() {
    let example = include_str!("../../../../manifests/examples/rule-tests/default-rules.yaml");
    let failing = include_str!("../../../../tests/data/cases/failing.yaml");
    let misfits = |text: &str| {
        let file: Value = serde_saphyr::from_str(text).unwrap();
        let mut misfits = Vec::new();
        fits(&file, &schema(), "", &mut misfits);
        misfits
    };
    assert_eq!(misfits(example), [] as [&str; 0]);
    assert_eq!(misfits(failing), [] as [&str; 0]);
    let case = |more: &str| {
        format!(
            "apiVersion: {API_VERSION}\nkind: {KIND}\ncases: [{{name: a, object: {{}}, expect: {{mode: none, rule: a}}, {more}}}]"
        )
    };
    assert_eq!(misfits(&case("")), [] as [&str; 0]);
    for wrong in [
        "workload: {replicas: -1}",
        "workload: {replicas: many}",
        "missing: [workload]",
        "mesh: none",
        "revision: {mode: sidecars}",
        "namespace: {annotations: {a: 1}}",
        "colour: red",
    ] {
        assert!(!misfits(&case(wrong)).is_empty(), "{wrong}");
    }
}
