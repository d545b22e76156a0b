//! What the hybrid mesh saves, or costs: what was measured and prices become an account. Pure.
//!
//! | file | what is in it |
//! |---|---|
//! | [`resources`] | vCPU and GiB, and the three bases |
//! | [`role`] | what a container called `istio-proxy` is |
//! | [`attribution`] | whose such a container is, by the evidence there is |
//! | [`measured`] | what goes in: proxies, nodes and Pods over a window |
//! | [`assumptions`], [`candidates`], [`prices`] | what goes in, too, and nobody measured |
//! | [`compute`] | the way from there to the account |
//! | [`mod@account`] | what comes out: the report, as the JSON has it |
//! | `mesh`, `scenario`, `breakdown`, `break_even`, `nodes`, `packing` | the steps of the way |
//! | `latency`, `wording` | what is published of latency; the sentences of an account |
//! | [`unusable`], `spread` | figures that are refused; means and percentiles |
//!
//! `prometheus/` measures, `report/` shows.

pub mod account;
pub mod assumptions;
pub mod attribution;
mod break_even;
mod breakdown;
pub mod candidates;
pub mod compute;
mod latency;
pub mod measured;
mod mesh;
mod nodes;
mod packing;
pub mod prices;
pub mod resources;
pub mod role;
mod scenario;
mod spread;
pub mod unusable;
mod wording;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use assumptions::Assumptions;
pub use compute::account;
pub use measured::Measured;
pub use resources::{Basis, Resources};
pub use role::Role;
pub use unusable::Unusable;
