//! How much the facts about a large cluster hold, fed through the code of the watches.

#![allow(clippy::expect_used, reason = "a helper fails the test by panicking")]

#[path = "support/large_cluster.rs"]
mod large_cluster;

use meshmode::cluster::caches::Caches;
use meshmode::placement::facts::{Field, Fields, Resource};

use self::large_cluster::{
    DEPLOYMENTS, NAMESPACES, PODS, deployments, namespaces, pods, policies, services,
};

/// The most bytes for the facts of a cluster with 100,000 Pods.
const LARGE: i64 = 32 << 20;
/// The most that is resident for them, with what the allocator cannot give back. The program itself has 11 MiB.
const RESIDENT: i64 = 48 << 20;

/// 20,000 Deployments with 5 Pods each in 5,000 namespaces, 5,000 Services and autoscalers, 2,000 policies and
/// filters, each taken in by the code of its watch.
#[test]
fn a_large_cluster_is_kept_small() {
    let mut caches = Caches {
        keep: Field::ALL.into_iter().collect::<Fields>(),
        ..Caches::default()
    };
    let before = resident();
    let mut held = Vec::new();
    let mut measure = |what: &'static str, feed: &mut dyn FnMut()| {
        let counted = allocation_counter::measure(feed);
        held.push((what, counted.bytes_current));
    };
    measure("namespaces", &mut || namespaces(&mut caches));
    measure("deployments", &mut || deployments(&mut caches));
    measure("services", &mut || services(&mut caches));
    measure("policies", &mut || policies(&mut caches));
    measure("Pods", &mut || pods(&mut caches));
    let counts = [
        (Resource::Namespaces, NAMESPACES),
        (Resource::Deployments, DEPLOYMENTS),
        (Resource::Autoscalers, NAMESPACES),
        (Resource::AuthorizationPolicies, 1000),
        (Resource::EnvoyFilters, 1000),
        (Resource::Pods, DEPLOYMENTS * PODS),
    ];
    for (resource, expected) in counts {
        assert_eq!(caches.count(resource), expected, "{resource}");
    }
    let more = resident() - before;
    assert!(more < RESIDENT, "{more} bytes more resident: {held:?}");
    let all: i64 = held.iter().map(|(_, bytes)| bytes).sum();
    assert!(all < LARGE, "{all} bytes: {held:?}");
}

/// Bytes of this process, which has one test; 0 where no Linux tells.
fn resident() -> i64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: i64 = kib.and_then(|kib| kib.trim().parse().ok()).expect("kB");
    kib << 10
}
