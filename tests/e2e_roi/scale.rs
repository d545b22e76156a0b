//! A large mesh over a month: what meshmode itself takes, beside what Prometheus does. It is measured on a recording, so
//! that nothing of Prometheus' time is in it.
//!
//! `MESHMODE_E2E_LARGE=20000` asks for that many Pods over 30 days; CI does with fewer over a day.

use std::env;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::clusters::{AT, END};
use super::command::roi;
use super::failures::works;
use super::model::{Cluster, Container, Maker, Part, Pod, Size, part_of};
use super::site;
use super::truth::{By, OPENCOST, Span, Truth};
use crate::support::meshmode::binary;
use crate::support::report::{Shown, say};

const HOUR: f64 = 3600.0;
/// What the issue allows.
const LONGEST: Duration = Duration::from_secs(10);
/// What has not ended by then does not.
const DEADLINE: Duration = Duration::from_secs(600);
const MOST_KIB: u64 = 200 << 10;

/// How much of it.
struct Large {
    pods: usize,
    days: f64,
    /// Between two samples: half a step, as a rate needs two. What meshmode reads depends on the number of Pods and slots
    /// alone.
    every: f64,
    step: &'static str,
}

/// Within the bounds, and still right.
pub(crate) async fn is_quick() -> Shown {
    let asked = env::var_os("MESHMODE_E2E_LARGE");
    let large = match asked {
        Some(pods) => Large {
            pods: pods
                .to_str()
                .and_then(|pods| pods.parse().ok())
                .expect("MESHMODE_E2E_LARGE is a number of Pods"),
            days: 30.0,
            // 16 million samples: 4.3 GB of text, and two minutes for promtool.
            every: 12.0 * HOUR,
            step: "1d",
        },
        None => Large {
            pods: 400,
            days: 1.0,
            every: 0.25 * HOUR,
            step: "30m",
        },
    };
    let span = Span {
        from: END - large.days * 24.0 * HOUR,
        to: END,
    };
    let data = Span {
        from: span.from - 2.0 * large.every,
        to: END,
    };
    let cluster = large.cluster();
    let truth = Truth::of(&cluster, span, &[]);
    let prometheus = site::prometheus(&[cluster], data).await;
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("record");
    let record = record.to_str().unwrap();
    let window = format!("{}d", large.days);
    let asked = [
        "--window", &window, "--step", large.step, "--at", AT, "-o", "json",
    ];
    let start = Instant::now();
    let url = prometheus.url();
    let live = roi(&[&["--prometheus-url", &url, "--record", record], &asked[..]].concat());
    let with_prometheus = start.elapsed();
    works(&live);
    drop(prometheus);
    let (took, kib) = measured(&[&["roi", "--replay", record], &asked[..]].concat());
    let bytes: u64 = fs::read_dir(record)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    say(&format!(
        "    {} Pods over {} days, a sample every {} s: {:.1} s with Prometheus, {:.2} s and {} MiB without; recorded {} MiB\n",
        large.pods,
        large.days,
        large.every,
        with_prometheus.as_secs_f64(),
        took.as_secs_f64(),
        kib >> 10,
        bytes >> 20,
    ));
    let now = live.json()["monthly"]["now"].as_f64().unwrap();
    let truly = truth.now(By::Requests, OPENCOST);
    assert!((now - truly).abs() < 0.01 * truly, "{now}, truly {truly}");
    assert!(took < LONGEST, "{took:?}");
    assert!(kib < MOST_KIB, "{kib} KiB");
    Shown::Cases(3)
}

/// How long a command takes, and the most memory that it had (`VmHWM`, looked at every two milliseconds).
fn measured(arguments: &[&str]) -> (Duration, u64) {
    let start = Instant::now();
    let mut command = Command::new(binary());
    command.args(arguments).env_clear();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(kib.unwrap_or(0));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() > DEADLINE => {
                child.kill().unwrap();
                panic!("{arguments:?} has not ended after {DEADLINE:?}");
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    assert!(ended.success(), "{ended}");
    (start.elapsed(), most)
}

// === impl Large ===

impl Large {
    /// A hundred Deployments, in which a tenth of the Pods come and go, and a node for 25 Pods.
    fn cluster(&self) -> Cluster {
        const NAMESPACES: [&str; 4] = ["shop", "bank", "data", "edge"];
        // Names live as long as the process, as those that are written by hand do.
        let names = (0..25).map(|number| &*format!("app-{number}").leak());
        let names: Vec<&'static str> = names.collect();
        let mut cluster = Cluster::of_nodes("node", self.pods.div_ceil(25));
        cluster.scraped.every = self.every;
        cluster.scraped.lean = true;
        let nodes = cluster.nodes.len();
        let days = 24.0 * HOUR;
        let begin = END - self.days * days;
        for number in 0..self.pods {
            let namespace = NAMESPACES[number % NAMESPACES.len()];
            let maker = Maker::Deployment(names[number % names.len()], "7d9c5b8f6d");
            let proxy = Container::new("istio-proxy", Size::new(0.1, 0.125));
            let part = if number % 2 == 0 {
                Part::Sidecar
            } else {
                Part::NativeSidecar
            };
            let pod = Pod::new(namespace, &maker, number)
                .with(Container::new("app", Size::new(0.05, 0.25)))
                .with_proxy(part, proxy)
                .on(number % nodes);
            let turn = begin + self.days * days * part_of(number, self.pods);
            cluster.add(match number % 10 {
                0 => pod.lived(0.0, turn),
                1 => pod.lived(turn, f64::INFINITY),
                _ => pod,
            });
        }
        cluster
    }
}
