//! The admission webhook: reviews in, answers out, and the HTTP around them.
//!
//! - [`review`], [`answer`]: request and response of `admission.k8s.io/v1`, borrowed and written by hand
//! - [`mutate`], [`validate`], [`advise`]: a review to an answer, without IO; [`stance`]: how far it is carried
//! - [`route`], [`router`], [`body`], [`failure`]: paths and HTTP; [`active`]: the configuration in service
//! - [`deadline`], [`load`], [`waiting`]: how long a review may take, and how much is taken on at a time
//! - [`record`]: log lines and metrics; [`server`]: TLS connections; [`status`]: the plain second port;
//!   [`readiness`]: whether reviews should be sent here

pub mod active;
pub mod advise;
pub mod answer;
pub mod body;
pub mod deadline;
pub mod failure;
pub mod load;
pub mod mutate;
pub mod readiness;
pub mod record;
pub mod review;
pub mod route;
pub mod router;
pub mod server;
pub mod stance;
pub mod status;
pub mod validate;
pub mod waiting;

#[cfg(test)]
pub(crate) mod testing;
