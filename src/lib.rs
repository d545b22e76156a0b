//! meshmode: places every Pod of a hybrid Istio mesh in a dataplane mode, and judges whether
//! AuthorizationPolicies are enforced.
//!
//! | part | kind | what it does |
//! |---|---|---|
//! | [`placement`] | pure | facts → rules → placement → patch; what Istio makes of it |
//! | [`authorization`] | pure | policy → verdict |
//! | [`savings`] | pure | usage + prices → money |
//! | [`report`] | pure | what was found out → text, JSON, HTML … |
//! | [`config`] | edge | the configuration file; files that are read again |
//! | [`cluster`] | edge | Kubernetes objects → facts |
//! | [`prometheus`] | edge | PromQL → what was measured |
//! | [`tls`] | edge | certificates |
//! | [`telemetry`] | edge | logs and metrics |
//! | [`webhook`] | edge | reviews and their HTTP |
//! | [`commands`] | root | one file a command |
//!
//! Imports point from the roots to the edges to the pure parts, never back; `tests/architecture.rs` holds
//! that, and that the pure parts name no IO.

pub mod authorization;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod placement;
pub mod prometheus;
pub mod report;
pub mod savings;
pub mod telemetry;
pub mod tls;
pub mod webhook;
