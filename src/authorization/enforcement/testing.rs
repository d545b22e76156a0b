//! Facts for the tables of this folder.

use std::collections::BTreeMap;

use crate::authorization::facts::{
    Binding, Class, Controller, Fact, Facts, Gateway, Ingress, Level, ObjectName, Population,
    Readiness, Service, Tally, Target, Traffic, WaypointState, WhyUnknown, WorkloadName,
};
use crate::authorization::mesh::Mesh;

/// A policy of namespace `shop`.
pub(in crate::authorization) fn policy(spec: &str) -> String {
    policy_in("shop", spec)
}

pub(in crate::authorization) fn policy_in(namespace: &str, spec: &str) -> String {
    format!(r#"{{"metadata": {{"name": "p", "namespace": "{namespace}"}}, "spec": {spec}}}"#)
}

pub(in crate::authorization) fn target_ref(group: &str, kind: &str, name: &str) -> String {
    format!(r#"{{"group": "{group}", "kind": "{kind}", "name": "{name}"}}"#)
}

pub(in crate::authorization) fn targets(refs: &[String]) -> String {
    format!(r#"{{"targetRefs": [{}]}}"#, refs.join(","))
}

pub(in crate::authorization) const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";

/// What is known in a mesh without workloads.
pub(in crate::authorization) fn facts(targets: Vec<Target>) -> Facts {
    Facts {
        mesh: Fact::Known(Mesh::default()),
        selected: Fact::Known(Population::default()),
        targets: Fact::Known(targets.into_iter().map(Fact::Known).collect()),
        clients: Fact::Known(Population::default()),
        behind: Vec::new(),
    }
}

pub(in crate::authorization) fn population(classes: &[Class]) -> Population {
    let mut all = Population::default();
    for (index, class) in classes.iter().enumerate() {
        let name = WorkloadName {
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: format!("app{index}"),
        };
        all.add(class.clone(), &name);
    }
    all
}

pub(in crate::authorization) fn tally(revisions: usize) -> Tally {
    population(&vec![Class::Sidecar; revisions]).sidecar
}

pub(in crate::authorization) fn gateway(
    controller: Controller,
    readiness: Readiness,
    traffic: Traffic,
) -> Gateway {
    Gateway {
        name: ObjectName::new("shop", "w"),
        controller,
        readiness,
        traffic,
        service_account: "w".to_owned(),
        services: Fact::Known(Vec::new()),
        workloads: Fact::Known(Tally::default()),
    }
}

pub(in crate::authorization) fn waypoint(traffic: Traffic) -> Gateway {
    gateway(Controller::Waypoint, Readiness::Ready, traffic)
}

pub(in crate::authorization) fn service(binding: Binding) -> Service {
    Service {
        name: ObjectName::new("shop", "payment"),
        binding,
        ingress: Ingress::PastWaypoint,
        selector: BTreeMap::from([("app".to_owned(), "payment".to_owned())]),
        workloads: Fact::Known(population(&[Class::Ambient(Vec::new())])),
    }
}

pub(in crate::authorization) fn bound(state: WaypointState) -> Binding {
    Binding::Bound {
        waypoint: ObjectName::new("infra", "w"),
        by: Level::Namespace,
        service_account: "w-account".to_owned(),
        state,
    }
}

pub(in crate::authorization) fn no_cluster() -> Facts {
    Facts::unknown(WhyUnknown::NoCluster)
}
