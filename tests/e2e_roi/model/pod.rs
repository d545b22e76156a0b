//! A Pod: when it was there, what it reserved and what it used.

use super::super::curve::Curve;
use super::{Seconds, Size};

/// A Pod, from when it is scheduled until its object is gone.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// By its place in [`Cluster::nodes`]; none while nothing has room for it.
    pub(crate) node: Option<usize>,
    pub(crate) maker: Maker,
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) containers: Vec<Container>,
    /// What its container `istio-proxy` is.
    pub(crate) proxy: Option<Part>,
    /// Whether ztunnel captures it.
    pub(crate) captured: bool,
    pub(crate) created: Seconds,
    /// When its containers ended, with success; its object stays until [`Pod::deleted`], and reserves nothing more.
    pub(crate) finished: Seconds,
    pub(crate) deleted: Seconds,
}

/// Who made a Pod.
#[derive(Clone, Debug)]
pub(crate) enum Maker {
    /// A Deployment, through the ReplicaSet of this hash.
    Deployment(&'static str, &'static str),
    StatefulSet(&'static str),
    DaemonSet(&'static str),
    /// A Job, and the CronJob that made it.
    Job(String, &'static str),
}

/// What a container called `istio-proxy` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Sidecar,
    NativeSidecar,
    Waypoint,
    Gateway,
    Ztunnel,
}

/// A container.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) requests: Size,
    /// Cores.
    pub(crate) cpu: Curve,
    /// GiB.
    pub(crate) memory: Curve,
    /// When it was started again: its counters begin at 0, under a new id.
    pub(crate) restarted: Vec<Seconds>,
}

/// Which list of the Pod it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    /// An init container that goes on running.
    Native,
    /// An init container that ends before the others begin.
    Once,
}

// === impl Pod ===

impl Pod {
    /// The Pod of this number, without containers, at all times, on no node.
    pub(crate) fn new(namespace: &'static str, maker: &Maker, number: usize) -> Self {
        let name = maker.pod_name(number);
        let uid = uid(namespace, &name);
        Self {
            namespace,
            name,
            uid,
            node: None,
            maker: maker.clone(),
            labels: Vec::new(),
            containers: Vec::new(),
            proxy: None,
            captured: false,
            created: 0.0,
            finished: f64::INFINITY,
            deleted: f64::INFINITY,
        }
    }

    /// On a node.
    pub(crate) fn on(mut self, node: usize) -> Self {
        self.node = Some(node);
        self
    }

    pub(crate) fn labelled(mut self, labels: &[(&'static str, &'static str)]) -> Self {
        self.labels.extend_from_slice(labels);
        self
    }

    pub(crate) fn with(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// With a container `istio-proxy` that is `part`.
    pub(crate) fn with_proxy(mut self, part: Part, mut proxy: Container) -> Self {
        if part == Part::NativeSidecar {
            proxy.kind = Kind::Native;
        }
        self.proxy = Some(part);
        self.with(proxy)
    }

    /// ztunnel captures it.
    pub(crate) fn captured(mut self) -> Self {
        self.captured = true;
        self
    }

    /// From when to when it ran; its object is gone then.
    pub(crate) fn lived(mut self, from: Seconds, to: Seconds) -> Self {
        self.created = from;
        self.finished = to;
        self.deleted = to;
        self
    }

    /// Its object is still there after its containers ended.
    pub(crate) fn kept_until(mut self, deleted: Seconds) -> Self {
        self.deleted = deleted;
        self
    }

    /// Whether kube-state-metrics lists it.
    pub(crate) fn is_listed(&self, time: Seconds) -> bool {
        (self.created..self.deleted).contains(&time)
    }

    /// Whether its containers run: on a node, and not ended.
    pub(crate) fn runs(&self, time: Seconds) -> bool {
        self.node.is_some() && (self.created..self.finished).contains(&time)
    }
}

/// A uid in its usual form, another for each name.
pub(crate) fn uid(namespace: &str, name: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in namespace.bytes().chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let text = format!(
        "{hash:016x}{:016x}",
        hash.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    );
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

// === impl Maker ===

impl Maker {
    fn pod_name(&self, number: usize) -> String {
        match self {
            Self::Deployment(name, hash) => format!("{name}-{hash}-{}", suffix(number)),
            Self::StatefulSet(name) => format!("{name}-{number}"),
            Self::DaemonSet(name) => format!("{name}-{}", suffix(number)),
            Self::Job(name, _) => format!("{name}-{}", suffix(number)),
        }
    }
}

/// Five letters, as Kubernetes makes them up.
fn suffix(number: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut left = number * 7919 + 1_234_567;
    let letter = |_| {
        let letter = LETTERS[left % LETTERS.len()];
        left /= LETTERS.len();
        char::from(letter)
    };
    (0..5).map(letter).collect()
}

// === impl Container ===

impl Container {
    /// One that uses half of what it requests.
    pub(crate) const fn new(name: &'static str, requests: Size) -> Self {
        Self {
            name,
            kind: Kind::Ordinary,
            requests,
            cpu: Curve::flat(requests.vcpu / 2.0),
            memory: Curve::flat(requests.gib / 2.0),
            restarted: Vec::new(),
        }
    }

    pub(crate) const fn uses(mut self, cpu: Curve, memory: Curve) -> Self {
        self.cpu = cpu;
        self.memory = memory;
        self
    }

    pub(crate) fn restarted(mut self, times: &[Seconds]) -> Self {
        self.restarted = times.to_vec();
        self
    }

    pub(crate) const fn once(mut self) -> Self {
        self.kind = Kind::Once;
        self
    }
}
