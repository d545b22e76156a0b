//! The reader: the embedded default, what is read, and every mistake.

mod mistakes;
pub(crate) mod schema;

use super::*;
use crate::authorization::Settings;
use crate::authorization::settings::{BreakGlass, OnAnnotation, OnFailOpen, RequireAttachment};

const HEAD: &str = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\n";

#[test]
fn the_default_has_no_mistakes() {
    let result = read(DEFAULT);
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

#[test]
fn the_base_manifest_is_the_default() {
    assert_eq!(include_str!("../../manifests/base/config.yaml"), DEFAULT);
}

#[test]
fn what_is_left_out_is_as_by_default() {
    let bare = read(HEAD).unwrap();
    let default = read(DEFAULT).unwrap();
    assert_eq!(bare.authorization_policies, default.authorization_policies);
    assert_eq!(bare.authorization_policies, Settings::default());
    assert_eq!(bare.placement.labels, default.placement.labels);
    let names = |configuration: &Configuration| {
        configuration
            .placement
            .names()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&bare), names(&default));
}

#[test]
fn modes_that_are_left_out_keep_their_labels() {
    let text = format!(
        "{HEAD}placement:\n  default: {{mode: none}}\n  modes: {{sidecar: {{labels: {{istio.io/rev: stable}}}}}}\n"
    );
    let labels = read(&text).unwrap().placement.labels;
    let default = read(DEFAULT).unwrap().placement.labels;
    assert_eq!(labels.sidecar.iter().collect::<Vec<_>>().len(), 1);
    assert_eq!(
        (labels.ambient, labels.none),
        (default.ambient, default.none)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn settings_are_read() {
    let settings = |attachment, annotation, fail_open| Settings {
        attachment,
        annotation,
        fail_open,
        break_glass: BreakGlass::Allowed,
    };
    let (whenever, warn, refuse) = (
        RequireAttachment::WhenNeeded,
        OnAnnotation::Warn,
        OnFailOpen::Refuse,
    );
    let rows = [
        ("nothing", "{}", settings(whenever, warn, refuse)),
        (
            "whenNeeded",
            "{attachment: whenNeeded}",
            settings(whenever, warn, refuse),
        ),
        (
            "always",
            "{attachment: always}",
            settings(RequireAttachment::Always, warn, refuse),
        ),
        (
            "off in quotes",
            "{attachment: 'off'}",
            settings(RequireAttachment::Off, warn, refuse),
        ),
        (
            "off, which older YAML takes for a bool",
            "{attachment: off}",
            settings(RequireAttachment::Off, warn, refuse),
        ),
        (
            "annotation",
            "{annotation: refuse}",
            settings(whenever, OnAnnotation::Refuse, refuse),
        ),
        (
            "failOpen",
            "{failOpen: warn}",
            settings(whenever, warn, OnFailOpen::Warn),
        ),
        (
            "all",
            "{attachment: always, annotation: refuse, failOpen: warn, breakGlass: false}",
            Settings {
                break_glass: BreakGlass::Off,
                ..settings(
                    RequireAttachment::Always,
                    OnAnnotation::Refuse,
                    OnFailOpen::Warn,
                )
            },
        ),
    ];
    for (name, yaml, wanted) in rows {
        let read = read(&format!("{HEAD}authorizationPolicies: {yaml}\n"));
        let found = read.unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert_eq!(found.authorization_policies, wanted, "{name}");
    }
}

#[test]
fn the_wait_for_objects_is_read() {
    for (text, milliseconds) in [
        ("", 50),
        ("  ownerWait: 0s\n", 0),
        ("  ownerWait: 250ms\n", 250),
        ("  ownerWait: 1s\n", 1000),
    ] {
        let file = format!(
            "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: ambient}}\n{text}"
        );
        let wait = read(&file).unwrap().placement.owner_wait;
        assert_eq!(wait.as_millis(), milliseconds, "{text}");
    }
}
