//! The Istio that is assumed where none was looked at: what its profile ambient installs, without a revision.

use std::collections::{BTreeMap, BTreeSet};

use crate::placement::explicit::{INJECT, REVISION};
use crate::placement::outcome::{Capture, Configuration, Injectors, Istio, Webhook};
use crate::placement::selector::{BadRequirement, Requirement, Selector};

const INJECTION: &str = "istio-injection";
const SUFFIX: &str = "sidecar-injector.istio.io";

/// A requirement: key, operator, value.
type Wants = (&'static str, &'static str, Option<&'static str>);

/// The webhooks of the chart `istio-discovery` (`templates/mutatingwebhook.yaml`): the name, and what is asked of the
/// namespace's labels and of the Pod's.
const WEBHOOKS: [(&str, &[Wants], &[Wants]); 4] = [
    (
        "rev.namespace",
        &[(REVISION, "In", Some("default")), NO_INJECTION],
        &[NOT_FALSE],
    ),
    (
        "rev.object",
        &[NO_REVISION, NO_INJECTION],
        &[NOT_FALSE, (REVISION, "In", Some("default"))],
    ),
    (
        "namespace",
        &[(INJECTION, "In", Some("enabled"))],
        &[NOT_FALSE],
    ),
    (
        "object",
        &[NO_INJECTION, NO_REVISION],
        &[(INJECT, "In", Some("true")), NO_REVISION],
    ),
];
const NO_INJECTION: Wants = (INJECTION, "DoesNotExist", None);
const NO_REVISION: Wants = (REVISION, "DoesNotExist", None);
const NOT_FALSE: Wants = (INJECT, "NotIn", Some("false"));

/// Istio with its injector and istio-cni.
pub(super) fn istio() -> Istio {
    let webhooks = WEBHOOKS.iter().filter_map(|(name, namespaces, objects)| {
        Some(Webhook {
            name: format!("{name}.{SUFFIX}"),
            namespaces: selector(namespaces).ok()?,
            objects: selector(objects).ok()?,
        })
    });
    let configuration = Configuration {
        name: "istio-sidecar-injector".to_owned(),
        revision: "default".to_owned(),
        webhooks: webhooks.collect(),
    };
    Istio {
        injectors: Injectors::new(vec![configuration], BTreeMap::new()),
        capture: Capture::default(),
    }
}

fn selector(wants: &[Wants]) -> Result<Selector, BadRequirement> {
    let requirements = wants.iter().map(|(key, operator, value)| {
        let values = value.iter().map(|value| (*value).to_owned());
        Requirement::new((*key).to_owned(), operator, values.collect::<BTreeSet<_>>())
    });
    Ok(Selector::new(requirements.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::convert::{cni, injectors};

    #[test]
    fn it_is_what_istio_installs() {
        let webhooks = include_str!("../../../../tests/data/istio/istio-sidecar-injector.json");
        let capture = include_str!("../../../../tests/data/istio/istio-cni-config.json");
        let installed = Istio {
            injectors: Injectors::new(
                vec![injectors::configuration(webhooks).unwrap().unwrap()],
                BTreeMap::new(),
            ),
            capture: cni::capture(capture).unwrap(),
        };
        assert_eq!(istio(), installed);
    }
}
