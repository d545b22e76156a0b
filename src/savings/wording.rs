//! The sentences of an account: what was assumed, what is left out, what should make somebody doubt.

use super::account::Roles;
use super::assumptions::ZtunnelNow;
use super::candidates::{Becomes, Candidates};
use super::measured::Ambient;
use super::mesh::Mesh;
use super::prices::Resolved;
use super::resources::{Basis, Resources};
use super::role::Evidence;

/// Below this part of the window with data the figures are doubtful.
const ENOUGH: f64 = 0.9;
/// More names than this nobody reads.
const NAMED: usize = 5;

/// What was assumed.
pub(super) fn assumptions(mesh: &Mesh<'_>, prices: &Resolved) -> Vec<String> {
    let mut said = vec![
        basis(mesh.assumptions.basis).to_owned(),
        format!(
            "A month has {} hours, all like the mean of the window; low and high are the 10th and 90th percentile of its parts.",
            mesh.assumptions.hours_per_month
        ),
    ];
    said.extend(prices.assumptions.iter().cloned());
    said.push(candidates(mesh));
    said.extend(ztunnel(mesh));
    said.extend(waypoints(mesh));
    said.push(sidecars(mesh));
    said.extend(evidence(mesh));
    said
}

/// What is in no figure.
pub(super) fn left_out(roles: &Roles, currency: &str) -> Vec<String> {
    let gateway = roles.gateway;
    vec![
        format!(
            "Gateways, which are there in every scenario: {:.1} of them, {:.2} {currency} a month.",
            gateway.count, gateway.cost
        ),
        "The control plane (istiod), istio-cni, and what monitoring of the proxies costs."
            .to_owned(),
        "Network traffic, such as between zones; disks, load balancers, licences and support."
            .to_owned(),
        "The work of moving workloads, and what a mode can do and another cannot.".to_owned(),
        "Latency: it is told beside, and in no amount.".to_owned(),
    ]
}

/// What should make somebody doubt.
pub(super) fn warnings(mesh: &Mesh<'_>, prices: &Resolved) -> Vec<String> {
    let mut said = mesh.measured.warnings.clone();
    said.extend(prices.warnings.iter().cloned());
    if mesh.proxies.is_empty() {
        said.push("no container istio-proxy was found in the window: every amount is 0".to_owned());
    }
    let coverage = &mesh.measured.window.coverage;
    let covered = coverage.iter().sum::<f64>() / coverage.len() as f64;
    if covered < ENOUGH {
        said.push(format!(
            "only {:.0} % of the window has data: the rest is taken to be like it",
            covered * 100.0
        ));
    }
    if mesh.something_goes && !mesh.has_ztunnel() && mesh.mean_nodes().is_none() {
        said.push(
            "the number of nodes is not known, and no ztunnel runs: what ztunnel would take on each node is in no amount, and the saving is too high by that"
                .to_owned(),
        );
    }
    said.extend(unmatched(mesh));
    said.extend(undecided(mesh));
    said
}

const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Requests => {
            "What a proxy requests is what it costs: nodes are bought for what the scheduler reserves."
        }
        Basis::Usage => {
            "What a proxy uses is what it costs (CPU time and the working set): a cloud bills what is reserved, so this tells what requests could be, not what is paid."
        }
        Basis::Max => {
            "The larger of request and use of each container is what it costs, for CPU and memory apart."
        }
    }
}

fn candidates(mesh: &Mesh<'_>) -> String {
    match &mesh.assumptions.candidates {
        Candidates::ByRules(_) => {
            "A workload could be ambient if the placement rules say so today; one that is gone since, or that they cannot decide, keeps its sidecars.".to_owned()
        }
        Candidates::AllBut(keeps) if keeps.is_empty() => {
            "Every workload could be ambient: no placement rule was asked, and none was named that keeps its sidecars.".to_owned()
        }
        Candidates::AllBut(keeps) => {
            let keeps = keeps.iter().map(ToString::to_string);
            format!(
                "Every workload could be ambient but those that were named: {}. No placement rule was asked.",
                named(keeps.collect())
            )
        }
    }
}

fn ztunnel(mesh: &Mesh<'_>) -> Vec<String> {
    let mut said = Vec::new();
    if mesh.has_ztunnel() {
        said.push(format!(
            "A ztunnel that would come is like those that run ({:.1} as a mean): {} requested. Its use grows with the traffic that moves to it, which is not in the amounts.",
            mesh.mean.ztunnel.count,
            resources(mesh.one_ztunnel().requests)
        ));
    } else {
        said.push(format!(
            "No ztunnel was measured: one counts as what its chart requests, {}, on every basis.",
            resources(mesh.assumptions.ztunnel)
        ));
    }
    if !mesh.something_goes {
        said.push("No sidecar would go, so that no ztunnel would come either.".to_owned());
        return said;
    }
    said.push(match (mesh.assumptions.ztunnel_now, mesh.mean_nodes()) {
        (ZtunnelNow::Everywhere, Some(_) | None) if mesh.has_ztunnel() => {
            "ztunnel is on every node that it will be on.".to_owned()
        }
        (ZtunnelNow::Everywhere | ZtunnelNow::AsMeasured, Some(nodes)) => format!(
            "ztunnel comes to every node at once, as soon as one workload is ambient: {nodes:.1} nodes as a mean."
        ),
        (ZtunnelNow::Everywhere | ZtunnelNow::AsMeasured, None) => {
            "The number of nodes is not known: no ztunnel comes but those that run.".to_owned()
        }
    });
    said
}

fn waypoints(mesh: &Mesh<'_>) -> Vec<String> {
    let each = mesh.waypoints.iter();
    let mut said: Vec<String> = each
        .map(|coming| {
            let needed = coming.needed;
            format!(
                "A waypoint in {} ({}) is {} Pods of {} each, wherever the namespace has none yet.",
                needed.namespace,
                needed.reason,
                needed.replicas,
                resources(needed.request)
            )
        })
        .collect();
    if said.is_empty() {
        said.push("No waypoint would come; those that run stay.".to_owned());
    }
    if mesh.mean.kept.count > 0.0 {
        said.push(
            "If all were ambient there would be no other waypoints: what keeps its sidecar for what a waypoint does would need one, too."
                .to_owned(),
        );
    }
    said
}

fn sidecars(mesh: &Mesh<'_>) -> String {
    match &mesh.measured.ambient {
        Ambient::ByNamespace(_) => format!(
            "If all had sidecars, an ambient Pod would have one like the mean of its namespace, else of the mesh, else of {}.",
            resources(mesh.assumptions.sidecar)
        ),
        Ambient::InAll(_) => format!(
            "If all had sidecars, an ambient Pod would have one like the mean of the mesh, else of {}.",
            resources(mesh.assumptions.sidecar)
        ),
        Ambient::Unknown(reason) if mesh.has_ztunnel() => format!(
            "How many Pods are ambient is not known ({reason}), and so not what sidecars in all of them would cost."
        ),
        Ambient::Unknown(_) => {
            "No ztunnel was measured, so that no Pod counts as ambient.".to_owned()
        }
    }
}

fn evidence(mesh: &Mesh<'_>) -> Option<String> {
    let how = |evidence: &Evidence| match evidence {
        Evidence::Labels => "by its labels",
        Evidence::Workload => "by those of another Pod of its workload",
        Evidence::Owner => "by its owner's name alone",
        Evidence::Name => "by its own name alone",
    };
    let told = mesh.measured.evidence.iter();
    let told: Vec<String> = told
        .filter(|(_, pods)| **pods > 0)
        .map(|(evidence, pods)| format!("{} of {pods}", how(evidence)))
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "What an istio-proxy is (sidecar, waypoint, gateway, ztunnel) was told by its Pod: {}.",
            told.join(", ")
        )
    })
}

fn unmatched(mesh: &Mesh<'_>) -> Option<String> {
    let with_sidecars = mesh.proxies.iter().filter(|fated| fated.becomes.is_some());
    let workloads: Vec<_> = with_sidecars.map(|fated| &fated.proxies.workload).collect();
    let keeps = mesh.assumptions.candidates.unmatched(&workloads);
    let keeps: Vec<String> = keeps.into_iter().map(ToString::to_string).collect();
    (!keeps.is_empty()).then(|| {
        format!(
            "named as keeping sidecars, and no workload with a sidecar is called so: {}",
            named(keeps)
        )
    })
}

fn undecided(mesh: &Mesh<'_>) -> Option<String> {
    let (mut names, mut sidecars, mut first) = (Vec::new(), 0.0, None);
    for fated in &mesh.proxies {
        match &fated.becomes {
            Some(Becomes::Unknown(reason)) => {
                names.push(fated.proxies.workload.to_string());
                sidecars += fated.mean.count;
                first.get_or_insert(reason);
            }
            Some(Becomes::Ambient | Becomes::Keeps(_)) | None => {}
        }
    }
    names.sort();
    names.dedup();
    first.map(|reason| {
        format!(
            "{} workloads with {sidecars:.1} sidecars keep them because nobody knows whether they could be ambient (such as: {reason}): {}",
            names.len(),
            named(names)
        )
    })
}

fn resources(resources: Resources) -> String {
    format!(
        "{} vCPU and {} GiB",
        short(resources.vcpu),
        short(resources.gib)
    )
}

/// With three decimals at most.
fn short(figure: f64) -> String {
    let text = format!("{figure:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn named(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let names = names.join(", ");
    if more == 0 {
        return names;
    }
    format!("{names} and {more} more")
}
