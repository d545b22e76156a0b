//! What kube-state-metrics tells.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::super::model::{Kind, Maker, Pod, Seconds};
use super::{GIB, Labels, Target, Writer, id_of};

impl<W: Write> Writer<'_, W> {
    /// What kube-state-metrics tells of a Pod, for as long as its object is there.
    pub(super) fn state_of(&mut self, pod: &Pod) -> io::Result<()> {
        let node = self.node_of(pod);
        for container in &pod.containers {
            let list = match container.kind {
                Kind::Ordinary => "kube_pod_container",
                Kind::Native | Kind::Once => "kube_pod_init_container",
            };
            let asked = container.requests;
            for (resource, unit, amount) in [
                ("cpu", "core", asked.vcpu),
                ("memory", "byte", asked.gib * GIB),
            ] {
                let mut labels = pod.labels();
                labels.push(("container", container.name.to_owned()));
                labels.push(("node", node.clone()));
                labels.push(("resource", resource.to_owned()));
                labels.push(("unit", unit.to_owned()));
                let name = format!("{list}_resource_requests");
                self.state(&name, &labels, pod, |_| Some(amount))?;
            }
            let mut labels = pod.labels();
            labels.push(("container", container.name.to_owned()));
            labels.push(("image", container.image().to_owned()));
            labels.push((
                "container_id",
                format!("containerd://{}", id_of(pod, container, 0)),
            ));
            if container.kind == Kind::Native {
                labels.push(("restart_policy", "Always".to_owned()));
            }
            self.state(&format!("{list}_info"), &labels, pod, |_| Some(1.0))?;
        }
        self.pod_itself(pod, node)
    }

    fn pod_itself(&mut self, pod: &Pod, node: String) -> io::Result<()> {
        let (kind, name) = pod.maker.controller();
        let mut owner = pod.labels();
        owner.push(("owner_kind", kind.to_owned()));
        owner.push(("owner_name", name.clone()));
        owner.push(("owner_is_controller", "true".to_owned()));
        self.state("kube_pod_owner", &owner, pod, |_| Some(1.0))?;
        let mut info = pod.labels();
        info.push(("node", node));
        info.push(("created_by_kind", kind.to_owned()));
        info.push(("created_by_name", name));
        info.push(("host_network", "false".to_owned()));
        let lean = self.cluster.scraped.lean;
        if !lean {
            self.state("kube_pod_info", &info, pod, |_| Some(1.0))?;
        }
        for (condition, is) in [("true", pod.node.is_some()), ("false", pod.node.is_none())] {
            let mut labels = pod.labels();
            labels.push(("condition", condition.to_owned()));
            let value = f64::from(u8::from(is));
            self.state("kube_pod_status_scheduled", &labels, pod, |_| Some(value))?;
        }
        let phases = ["Running", "Succeeded", "Pending", "Failed", "Unknown"];
        for phase in &phases[..if lean { 2 } else { phases.len() }] {
            let mut labels = pod.labels();
            labels.push(("phase", (*phase).to_owned()));
            self.state("kube_pod_status_phase", &labels, pod, |time| {
                Some(f64::from(u8::from(pod.phase(time) == *phase)))
            })?;
        }
        if self.cluster.scraped.pod_labels {
            let mut labels = pod.labels();
            let name = |key: &str| format!("label_{}", key.replace(['.', '/', '-'], "_"));
            let named: Vec<_> = pod
                .labels
                .iter()
                .map(|(key, value)| (name(key), *value))
                .collect();
            labels.extend(
                named
                    .iter()
                    .map(|(key, value)| (key.as_str(), (*value).to_owned())),
            );
            self.state("kube_pod_labels", &labels, pod, |_| Some(1.0))?;
        }
        Ok(())
    }

    fn state(
        &mut self,
        name: &str,
        labels: &Labels<'_>,
        pod: &Pod,
        value: impl Fn(Seconds) -> Option<f64>,
    ) -> io::Result<()> {
        self.series(Target::State, name, labels, &mut |time| {
            pod.is_listed(time).then(|| value(time)).flatten()
        })
    }

    /// Who made ReplicaSets and Jobs.
    pub(super) fn owners(&mut self) -> io::Result<()> {
        let mut told = BTreeSet::new();
        for pod in &self.cluster.pods {
            let (name, own, owner, of) = match &pod.maker {
                Maker::Deployment(name, hash) => (
                    "kube_replicaset_owner",
                    ("replicaset", format!("{name}-{hash}")),
                    "Deployment",
                    *name,
                ),
                Maker::Job(name, cron) => (
                    "kube_job_owner",
                    ("job_name", name.clone()),
                    "CronJob",
                    *cron,
                ),
                Maker::StatefulSet(_) | Maker::DaemonSet(_) => continue,
            };
            if told.insert((pod.namespace, own.1.clone())) {
                let labels = vec![
                    ("namespace", pod.namespace.to_owned()),
                    own,
                    ("owner_kind", owner.to_owned()),
                    ("owner_name", of.to_owned()),
                    ("owner_is_controller", "true".to_owned()),
                ];
                self.series(Target::State, name, &labels, &mut |_| Some(1.0))?;
            }
        }
        Ok(())
    }

    pub(super) fn nodes(&mut self) -> io::Result<()> {
        for (number, node) in self.cluster.nodes.iter().enumerate() {
            let of_node = ("node", node.name.clone());
            let told = [
                ("cpu", "core", node.allocatable.vcpu),
                ("memory", "byte", node.allocatable.gib * GIB),
                ("pods", "integer", 58.0),
            ];
            for (resource, unit, amount) in told {
                let labels = vec![
                    of_node.clone(),
                    ("resource", resource.to_owned()),
                    ("unit", unit.to_owned()),
                ];
                let name = "kube_node_status_allocatable";
                self.series(Target::State, name, &labels, &mut |_| Some(amount))?;
            }
            let labels = vec![
                of_node,
                (
                    "label_node_kubernetes_io_instance_type",
                    node.instance_type.to_owned(),
                ),
                (
                    "label_topology_kubernetes_io_region",
                    "eu-west-1".to_owned(),
                ),
            ];
            self.series(Target::State, "kube_node_labels", &labels, &mut |_| {
                Some(1.0)
            })?;
            self.series(Target::Kubelet(number), "up", &vec![], &mut |_| Some(1.0))?;
        }
        self.series(Target::State, "up", &vec![], &mut |_| Some(1.0))
    }

    fn node_of(&self, pod: &Pod) -> String {
        pod.node
            .map_or_else(String::new, |node| self.cluster.nodes[node].name.clone())
    }
}

// === impl Pod ===

impl Pod {
    fn phase(&self, time: Seconds) -> &'static str {
        match (self.node, time < self.finished) {
            (None, _) => "Pending",
            (Some(_), true) => "Running",
            (Some(_), false) => "Succeeded",
        }
    }
}

// === impl Maker ===

impl Maker {
    /// Kind and name of what a Pod's own owner reference says.
    fn controller(&self) -> (&'static str, String) {
        match self {
            Self::Deployment(name, hash) => ("ReplicaSet", format!("{name}-{hash}")),
            Self::StatefulSet(name) => ("StatefulSet", (*name).to_owned()),
            Self::DaemonSet(name) => ("DaemonSet", (*name).to_owned()),
            Self::Job(name, _) => ("Job", name.clone()),
        }
    }
}
