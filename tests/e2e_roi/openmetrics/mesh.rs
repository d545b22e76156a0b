//! What proxies tell themselves, and what rules record.

use std::io::{self, Write};

use super::super::model::{Part, Pod, Seconds};
use super::{Target, Writer};

impl<W: Write> Writer<'_, W> {
    /// What the proxies tell themselves.
    pub(super) fn mesh(&mut self) -> io::Result<()> {
        for pod in self
            .cluster
            .pods
            .iter()
            .filter(|pod| pod.proxy == Some(Part::Ztunnel))
        {
            let mut labels = pod.labels();
            labels.retain(|(key, _)| *key != "uid");
            labels.push(("app", "ztunnel".to_owned()));
            let captured = |time: Seconds| {
                let here =
                    |other: &&Pod| other.captured && other.node == pod.node && other.runs(time);
                f64::from(u32::try_from(self.cluster.pods.iter().filter(here).count()).unwrap())
            };
            let name = "workload_manager_active_proxy_count";
            self.series(Target::Proxy, name, &labels, &mut |time| {
                pod.runs(time).then(|| captured(time))
            })?;
        }
        self.traffic()
    }

    fn traffic(&mut self) -> io::Result<()> {
        for traffic in &self.cluster.traffic {
            let from = self.span.from;
            let count = |time: Seconds, share: f64| {
                Some(((time - from) * traffic.per_second * share).round())
            };
            let half = traffic.milliseconds.to_string();
            let all = (traffic.milliseconds * 2.0).to_string();
            let buckets = [(half.as_str(), 0.5), (all.as_str(), 1.0), ("+Inf", 1.0)];
            let labels = |more: Option<(&'static str, &str)>| {
                let mut labels = vec![
                    ("reporter", traffic.reporter.to_owned()),
                    ("destination_workload", "web".to_owned()),
                    ("destination_workload_namespace", "shop".to_owned()),
                    ("response_code", "200".to_owned()),
                ];
                labels.extend(more.map(|(key, value)| (key, value.to_owned())));
                labels
            };
            for (bound, share) in buckets {
                let name = "istio_request_duration_milliseconds_bucket";
                self.series(
                    Target::Proxy,
                    name,
                    &labels(Some(("le", bound))),
                    &mut |time| count(time, share),
                )?;
            }
            for name in [
                "istio_request_duration_milliseconds_count",
                "istio_requests_total",
            ] {
                self.series(Target::Proxy, name, &labels(None), &mut |time| {
                    count(time, 1.0)
                })?;
            }
        }
        Ok(())
    }

    /// What kubernetes-mixin records, and nothing that it is made of.
    pub(super) fn rules(&mut self) -> io::Result<()> {
        let recorded = [
            "namespace_cpu:kube_pod_container_resource_requests:sum",
            "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate",
            "node_namespace_pod_container:container_memory_working_set_bytes",
        ];
        for name in recorded {
            let labels = vec![("namespace", "shop".to_owned())];
            self.series(Target::Proxy, name, &labels, &mut |_| Some(1.0))?;
        }
        Ok(())
    }
}
