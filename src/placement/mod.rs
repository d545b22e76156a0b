//! Places a Pod in a dataplane mode: facts → rules → placement → patch. Pure: no IO, no clock, no log.
//!
//! - [`facts`]: what a decision may look at; [`json`]: how expressions see it without parsing it all
//! - [`expression`], [`rules`]: the operator's CEL, checked when loaded, and the first rule that holds;
//!   [`guard`]: which conditions need not be evaluated; [`pattern`], [`operators`]:
//!   what the `cel` crate lacks
//! - [`left_alone`], [`explicit`]: what no rule may touch: what cannot work, and what the author chose
//! - [`mod@decide`]: the placement; [`mod@patch`]: the JSON patch that carries it out, and always applies;
//!   [`text`]: its strings
//! - [`mod@explanation`]: how each rule answers, for people
//! - [`mod@outcome`]: what Istio then makes of the Pod; [`selector`], [`labels`]: labels and their selectors;
//!   [`workload`]: whose Pod it is
//! - [`admission_policy`]: the rules for an API server that is to place without a webhook

pub mod admission_policy;
mod carried_out;
pub mod decide;
mod evaluation;
pub mod explanation;
pub mod explicit;
pub mod expression;
pub mod facts;
pub mod fuel;
pub mod guard;
pub mod json;
pub mod labels;
pub mod left_alone;
pub mod mode;
pub mod operators;
pub mod outcome;
pub mod patch;
pub mod pattern;
pub mod rules;
pub mod selector;
pub mod text;
pub mod workload;

pub use decide::{Action, Origin, Placement, decide};
pub use facts::{Facts, Pod};
pub use mode::Mode;
pub use outcome::Outcome;
pub use patch::patch;
pub use rules::Rules;

#[cfg(test)]
mod tests;
