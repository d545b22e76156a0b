//! Kubernetes: where its objects become facts. (Connections to an API server will live here.)

pub mod convert;
