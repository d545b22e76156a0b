//! What every step has: the cluster and the program.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::manifests::{Webhooks, render};
use crate::support::meshmode::Meshmode;
pub(crate) use crate::support::report::{Report, Shown};
use crate::support::request::policies;
use crate::support::{AuditEvents, ControlPlane, wait_for};

/// The label that asks for meshmode.
pub(crate) const SCOPE: &str = "meshmode.io/webhook";

/// The cluster, with the program registered from `manifests/base`.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) program: Program,
    /// As a user applies them, before they are made to reach this machine.
    pub(crate) base: Webhooks,
}

/// Who answers.
pub(crate) enum Program {
    /// A process of ours, which may be stopped and looked into.
    Ours(Meshmode),
    /// What the Makefile has deployed into the cluster of `MESHMODE_E2E_KUBECONFIG`.
    Deployed,
}

/// Why a step that stops, reconfigures or looks into the program needs the local control plane.
pub(crate) const LOCAL_ONLY: &str =
    "local only: needs a program and webhooks that the test may replace";

// === impl Cluster ===

impl Cluster {
    pub(crate) async fn start() -> Self {
        let control_plane = ControlPlane::start().await;
        control_plane.install_crds().await;
        let base = Webhooks::of(&render(&control_plane, "base").await);
        let program = if control_plane.is_local() {
            Program::Ours(Meshmode::start().await)
        } else {
            Program::Deployed
        };
        let cluster = Self {
            control_plane,
            program,
            base,
        };
        cluster.namespace("in-force", Some("enabled")).await;
        cluster.register_base().await;
        cluster
    }

    /// Registers the webhooks of `manifests/base`, where that is ours to do.
    pub(crate) async fn register_base(&self) {
        if let Program::Ours(program) = &self.program {
            let webhooks = self.base.reaching(&program.endpoint());
            webhooks.register(&self.control_plane, "in-force").await;
        }
    }

    /// Makes a namespace, with a value of [`SCOPE`] or none.
    pub(crate) async fn namespace(&self, name: &str, scope: Option<&str>) {
        let labels = scope.map_or_else(|| json!({}), |scope| json!({SCOPE: scope}));
        self.control_plane.namespace(name, &labels).await;
    }

    /// The process, which runs here: ask [`Program`] first.
    pub(crate) fn ours(&mut self) -> &mut Meshmode {
        match &mut self.program {
            Program::Ours(program) => program,
            Program::Deployed => panic!("the program in the cluster is not ours"),
        }
    }

    /// Waits until `policy` would be refused in `namespace`: the API server hears of changed labels and
    /// of a server that is back a moment later.
    pub(crate) async fn until_refused(&self, namespace: &str, policy: &Value) {
        let path = format!("{}?dryRun=All", policies(namespace));
        let what = format!("refusals in namespace {namespace}");
        wait_for(&what, Duration::from_secs(10), async || {
            let reply = self.control_plane.post(&path, policy).await;
            (reply.code == 403).then_some(())
        })
        .await;
    }

    /// `cases`, each with its records where these are within reach.
    pub(crate) const fn with_records(&self, cases: usize) -> Shown {
        match self.program {
            Program::Ours(_) => Shown::Cases(cases),
            Program::Deployed => Shown::Partly(cases, "audit log and metrics are out of reach"),
        }
    }

    /// The annotations of the audit event about `verb` on the object, as soon as it is written.
    ///
    /// Nothing where the audit log is not ours.
    pub(crate) async fn audited(&self, verb: &str, namespace: &str, name: &str) -> Option<Value> {
        let is_it = |event: &Value| {
            let object = &event["objectRef"];
            event["verb"] == verb
                && object["namespace"] == namespace
                && object["name"] == name
                && object["subresource"].is_null()
        };
        let what = format!("the audit event of {verb} {namespace}/{name}");
        let deadline = Duration::from_secs(10);
        wait_for(&what, deadline, async || {
            match self.control_plane.audit_events() {
                AuditEvents::Unavailable => Some(None),
                AuditEvents::Recorded(events) => {
                    let event = events.into_iter().rev().find(is_it)?;
                    Some(Some(event["annotations"].clone()))
                }
            }
        })
        .await
    }
}
