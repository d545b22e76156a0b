//! What a person at a terminal does, and sees.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use super::world::UNASKED;
use super::{Case, Outcome};
use crate::support::ControlPlane;
use crate::support::request::{policies, policy};
use crate::support::wait::poll;

/// How long meshmode may take to hear of what was created before.
const DEADLINE: Duration = Duration::from_secs(15);
/// How a refusal by meshmode begins, after kubectl's own words.
const OURS: &str =
    "admission webhook \"authorizationpolicies.enabled.meshmode.io\" denied the request";

/// Applies the policy of a case as soon as a dry run shows what is expected, and expects it once more.
/// The error is what kubectl says instead.
pub(super) async fn check(cluster: &ControlPlane, case: &Case) -> Result<(), String> {
    let object = policy(case.name, &case.metadata, &case.spec).to_string();
    let expected = expected(cluster, case, &object).await;
    let dry_run = poll(DEADLINE, async || {
        let output = apply(cluster, case.namespace, &object, &["--dry-run=server"]).await;
        case.compare(&output, &expected)
    });
    dry_run.await?;
    let output = apply(cluster, case.namespace, &object, &[]).await;
    case.compare(&output, &expected)?;
    let stored = is_stored(cluster, case.namespace, case.name).await;
    let should = matches!(case.outcome, Outcome::Silent | Outcome::Warned);
    let problem = || format!("it is stored: {stored}");
    (stored == should).then_some(()).ok_or_else(problem)
}

/// Applies what `object` says.
pub(super) async fn apply(
    cluster: &ControlPlane,
    namespace: &str,
    object: &str,
    more: &[&str],
) -> Output {
    let arguments = [&["apply", "-n", namespace, "-f", "-"], more].concat();
    cluster.kubectl_with_input(&arguments, object).await
}

/// What kubectl says beside what it did.
pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(super) async fn is_stored(cluster: &ControlPlane, namespace: &str, name: &str) -> bool {
    let path = format!("{}/{name}", policies(namespace));
    let reply = cluster.get(&path).await;
    reply.body["metadata"]["uid"] != Value::Null
}

/// What is said where nobody asked for meshmode: Istio warns, too.
async fn expected(cluster: &ControlPlane, case: &Case, object: &str) -> String {
    match case.outcome {
        Outcome::Silent => stderr(&apply(cluster, UNASKED, object, &["--dry-run=server"]).await),
        Outcome::Warned | Outcome::Refused | Outcome::RefusedBefore => String::new(),
    }
}

// === impl Case ===

impl Case {
    /// The error is what kubectl says, where that is not what is expected.
    fn compare(&self, output: &Output, without_us: &str) -> Result<(), String> {
        let said = stderr(output);
        let succeeded = output.status.success();
        let is_so = match self.outcome {
            Outcome::Silent => succeeded && said == without_us,
            Outcome::Warned => succeeded && said.starts_with("Warning: "),
            Outcome::Refused => !succeeded && said.contains(OURS),
            Outcome::RefusedBefore => !succeeded && !said.contains("admission webhook"),
        };
        let missing = self.says.iter().find(|(_, part)| !said.contains(part));
        let told = self.hides.iter().find(|(_, part)| said.contains(part));
        match (is_so, missing, told) {
            (true, None, None) => Ok(()),
            (is_so, missing, told) => Err(format!(
                "{:?}: {is_so}; missing {missing:?}; should not be told {told:?}; kubectl says: {said}",
                self.outcome
            )),
        }
    }
}
