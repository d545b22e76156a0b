//! What the kubelet's cAdvisor tells.

use std::io::{self, Write};

use super::super::model::{Container, Kind, Pod, Seconds};
use super::super::truth::Span;
use super::{GIB, Labels, Target, Writer, id_of, short};

impl<W: Write> Writer<'_, W> {
    /// What cAdvisor tells: each container, the pause container, and the sum of all under no container's name.
    pub(super) fn usage_of(&mut self, pod: &Pod) -> io::Result<()> {
        let running = || {
            pod.containers
                .iter()
                .filter(|container| container.kind != Kind::Once)
        };
        let lean = self.cluster.scraped.lean;
        for container in running().filter(|container| !lean || container.name == "istio-proxy") {
            self.container(pod, container)?;
        }
        if lean {
            return Ok(());
        }
        let cpu = |time: Seconds| -> f64 { running().map(|one| one.cpu.at(time)).sum() };
        let memory = |time| running().map(|one| one.memory.at(time)).sum::<f64>();
        self.row(pod, "", "", "", "", cpu(pod.begin(self.span)), &memory)?;
        let pause = short(&format!("{}-pause", pod.uid));
        self.row(
            pod,
            "POD",
            "registry.k8s.io/pause:3.9",
            &pause,
            &pause,
            1e-5,
            &|_| 0.0005,
        )
    }

    /// A container, under a new id each time that it was started.
    fn container(&mut self, pod: &Pod, container: &Container) -> io::Result<()> {
        let mut begins = vec![pod.begin(self.span)];
        begins.extend(&container.restarted);
        for (turn, begin) in begins.iter().copied().enumerate() {
            let end = begins.get(turn + 1).copied().unwrap_or(pod.finished);
            let there = |time: Seconds| (begin..end).contains(&time);
            let id = id_of(pod, container, turn);
            let labels = |metric_labels: &[(&'static str, &str)]| {
                let mut labels = cadvisor_labels(pod, container.name, container.image(), &id, &id);
                labels.extend(
                    metric_labels
                        .iter()
                        .map(|(key, value)| (*key, (*value).to_owned())),
                );
                labels
            };
            let target = Target::Kubelet(pod.node.unwrap());
            let (mut counted, mut until) = (0.0, begin);
            let name = "container_cpu_usage_seconds_total";
            self.series(target, name, &labels(&[("cpu", "total")]), &mut |time| {
                if time < until {
                    // Another replica begins from the start.
                    (counted, until) = (0.0, begin);
                }
                there(time).then(|| {
                    counted += container.cpu.integral(until, time);
                    until = time;
                    micro(counted)
                })
            })?;
            let name = "container_memory_working_set_bytes";
            self.series(target, name, &labels(&[]), &mut |time| {
                there(time).then(|| (container.memory.at(time) * GIB).round())
            })?;
        }
        Ok(())
    }

    /// A row that is no container's, which nobody may count: a steady use of CPU.
    #[allow(clippy::too_many_arguments, reason = "the labels of a row")]
    fn row(
        &mut self,
        pod: &Pod,
        container: &str,
        image: &str,
        id: &str,
        name: &str,
        cpu: f64,
        memory: &dyn Fn(Seconds) -> f64,
    ) -> io::Result<()> {
        let target = Target::Kubelet(pod.node.unwrap());
        let labels = cadvisor_labels(pod, container, image, id, name);
        let begin = pod.begin(self.span);
        let mut with_cpu = labels.clone();
        with_cpu.push(("cpu", "total".to_owned()));
        self.series(
            target,
            "container_cpu_usage_seconds_total",
            &with_cpu,
            &mut |time| pod.runs(time).then(|| micro((time - begin) * cpu)),
        )?;
        self.series(
            target,
            "container_memory_working_set_bytes",
            &labels,
            &mut |time| pod.runs(time).then(|| (memory(time) * GIB).round()),
        )
    }
}

fn cadvisor_labels<'a>(
    pod: &Pod,
    container: &str,
    image: &str,
    id: &str,
    name: &str,
) -> Labels<'a> {
    // systemd's form: the dashes of the uid become underlines.
    let slice = format!(
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice",
        pod.uid.replace('-', "_")
    );
    let path = if id.is_empty() {
        slice
    } else {
        format!("{slice}/cri-containerd-{id}.scope")
    };
    vec![
        ("container", container.to_owned()),
        ("id", path),
        ("image", image.to_owned()),
        ("name", name.to_owned()),
        ("namespace", pod.namespace.to_owned()),
        ("pod", pod.name.clone()),
    ]
}

fn micro(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

// === impl Pod ===

impl Pod {
    /// When its counters begin: when it did, or where the data does.
    fn begin(&self, span: Span) -> Seconds {
        self.created.max(span.from)
    }
}
