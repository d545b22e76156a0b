//! Resources of containers and nodes: vCPU and GiB, and what they are counted by.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// Cores and memory, of one container or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Cores (`core` of kube-state-metrics).
    pub vcpu: f64,
    /// Memory in GiB (2^30 bytes).
    pub gib: f64,
}

/// What resources are counted by.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// What the scheduler reserves, and a cloud bills through nodes: the requests.
    #[default]
    Requests,
    /// What is used: CPU time, and the working set.
    Usage,
    /// The larger of both, container by container, and for CPU and memory apart.
    Max,
}

/// The same resources on each basis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amount {
    /// Requested.
    pub requests: Resources,
    /// Used.
    pub usage: Resources,
    /// The larger of both, container by container: of a sum it is more than the larger sum.
    pub max: Resources,
}

// === impl Resources ===

impl Resources {
    /// Nothing.
    pub const NONE: Self = Self {
        vcpu: 0.0,
        gib: 0.0,
    };

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            vcpu: self.vcpu.max(other.vcpu),
            gib: self.gib.max(other.gib),
        }
    }
}

impl Add for Resources {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            vcpu: self.vcpu + other.vcpu,
            gib: self.gib + other.gib,
        }
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Resources {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            vcpu: self.vcpu - other.vcpu,
            gib: self.gib - other.gib,
        }
    }
}

impl Mul<f64> for Resources {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            vcpu: self.vcpu * times,
            gib: self.gib * times,
        }
    }
}

impl Sum for Resources {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NONE, Add::add)
    }
}

// === impl Basis ===

impl Basis {
    /// All, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Usage, Self::Max];

    /// The word for it, as in flags and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Usage => "usage",
            Self::Max => "max",
        }
    }
}

// === impl Amount ===

impl Amount {
    /// Of one container.
    #[must_use]
    pub fn of(requests: Resources, usage: Resources) -> Self {
        Self {
            requests,
            usage,
            max: requests.max(usage),
        }
    }

    /// On one basis.
    #[must_use]
    pub const fn on(&self, basis: Basis) -> Resources {
        match basis {
            Basis::Requests => self.requests,
            Basis::Usage => self.usage,
            Basis::Max => self.max,
        }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            usage: self.usage + other.usage,
            max: self.max + other.max,
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            requests: self.requests - other.requests,
            usage: self.usage - other.usage,
            max: self.max - other.max,
        }
    }
}

impl Mul<f64> for Amount {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            requests: self.requests * times,
            usage: self.usage * times,
            max: self.max * times,
        }
    }
}
