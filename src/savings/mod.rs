//! What the hybrid mesh saves, or costs: what was measured and prices become an account. Pure.
//!
//! | file | what is in it |
//! |---|---|
//! | [`resources`] | vCPU and GiB, and the three bases |
//! | [`role`] | what a container called `istio-proxy` is |
//! | [`attribution`] | whose such a container is, by the evidence there is |
//! | [`measured`] | what goes in: proxies, nodes and Pods over a window |
//! | [`account`] | what comes out: the report, as the JSON has it |
//!
//! `prometheus/` measures, `report/` shows.

pub mod account;
pub mod attribution;
pub mod measured;
pub mod resources;
pub mod role;

pub use account::Account;
pub use measured::Measured;
pub use resources::{Basis, Resources};
pub use role::Role;
