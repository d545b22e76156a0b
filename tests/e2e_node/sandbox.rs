//! What the processes of the shipped manifests may, as the kernel of the node says it.

use std::fs;

use super::site::{PROGRAM, SYSTEM, Site, apply};
use crate::support::manifests::{list, render};
use crate::support::node;
use crate::support::report::{Shown, say};
use crate::support::request::pods;

/// Fields of `/proc/PID/status`, and what each must be.
const STATUS: [(&str, &str); 8] = [
    // Real, effective, saved and of the file system.
    ("Uid", "65532\t65532\t65532\t65532"),
    ("Gid", "65532\t65532\t65532\t65532"),
    // No capability, and no way to get one.
    ("CapEff", "0000000000000000"),
    ("CapPrm", "0000000000000000"),
    ("CapBnd", "0000000000000000"),
    ("CapAmb", "0000000000000000"),
    ("NoNewPrivs", "1"),
    // A filter: RuntimeDefault.
    ("Seccomp", "2"),
];

/// Both processes: no rights of the kernel, nothing that can be written, nothing else to run.
pub(crate) async fn closed(site: &Site) -> Shown {
    let processes = node::processes(PROGRAM);
    assert_eq!(
        processes.len(),
        site.replicas().await.len(),
        "{processes:?}"
    );
    for (number, pod) in &processes {
        let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap();
        for (field, expected) in STATUS {
            let found = status
                .lines()
                .find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t"));
            assert_eq!(found, Some(expected), "{field} of {pod}");
        }
        let writable = writable(*number);
        assert_eq!(writable, [] as [String; 0], "what {pod} can write to");
    }
    let files = files(processes[0].0);
    let programs = files.iter().filter(|file| !file.starts_with("/lib"));
    assert_eq!(
        programs.collect::<Vec<_>>(),
        [PROGRAM],
        "the image has {files:?}"
    );
    say(&format!(
        "  both processes: {STATUS:?}; no mount that they can write to\n"
    ));
    Shown::Cases(processes.len() * (STATUS.len() + 1))
}

/// The NetworkPolicy is accepted, is for these Pods, and names ports that they have. The node does not enforce it.
pub(crate) async fn policy(site: &Site) -> Shown {
    let objects = render(&site.cluster, "components/network-policy").await;
    apply(&site.cluster, &list(&objects)).await;
    let spec = &objects[0]["spec"];
    let labels = spec["podSelector"]["matchLabels"].as_object().unwrap();
    let labels = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()));
    let labels = labels.collect::<Vec<_>>().join(",");
    let selected = site
        .cluster
        .get(&format!("{}?labelSelector={labels}", pods(SYSTEM)))
        .await;
    let selected = selected.created()["items"].as_array().unwrap();
    assert_eq!(selected.len(), site.replicas().await.len(), "{labels}");
    let mut shown = 0;
    for rule in spec["ingress"].as_array().unwrap() {
        for port in rule["ports"].as_array().unwrap() {
            let ports = &selected[0]["spec"]["containers"][0]["ports"];
            let is_there = ports
                .as_array()
                .unwrap()
                .iter()
                .any(|has| has["name"] == port["port"]);
            assert!(is_there, "{port} is not among {ports}");
            shown += 1;
        }
    }
    Shown::Partly(shown, "the bridge plugin enforces no NetworkPolicy")
}

/// The mounts with files on a disk or in memory that the process may change.
fn writable(number: i32) -> Vec<String> {
    let mounts = fs::read_to_string(format!("/proc/{number}/mounts")).unwrap();
    let of = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (path, kind, options) = (words.next()?, words.next()?, words.next()?);
        // The kernel's own, which the user above may not change; and what the kubelet puts into each Pod.
        let is_kernel = ["proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts"].contains(&kind);
        let is_usual = [
            "/dev",
            "/dev/shm",
            "/dev/termination-log",
            "/etc/hosts",
            "/etc/hostname",
            "/etc/resolv.conf",
        ]
        .contains(&path)
            || path.starts_with("/proc/")
            || path.starts_with("/sys/");
        let is_writable = options.split(',').any(|option| option == "rw");
        (is_writable && !is_kernel && !is_usual).then(|| format!("{path} ({kind})"))
    };
    mounts.lines().filter_map(of).collect()
}

/// The files of the image.
fn files(number: i32) -> Vec<String> {
    let root = format!("/proc/{number}/root");
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(format!("{root}{folder}/")).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            // What is mounted is not the image's.
            let is_mounted = ["/proc", "/sys", "/dev", "/etc", "/var"].contains(&&*path);
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !is_mounted => folders.push(path),
                kind if kind.is_dir() => {}
                _ => found.push(path),
            }
        }
    }
    found
}
