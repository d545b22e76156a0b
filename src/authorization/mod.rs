//! Judges an AuthorizationPolicy: will what it says be enforced, and if not, what to write instead.
//!
//! | file | what is in it |
//! |---|---|
//! | [`policy`] | the policy as Istio's API writes it, borrowed from its JSON; what an UPDATE changes |
//! | [`attachment`] | how a policy says which waypoint is to enforce it; the annotation's grammar |
//! | [`mod@needs`] | what in a policy only a waypoint can enforce, field by field |
//! | [`mesh`], [`facts`] | what a verdict may look at beside the policy: the mesh, what is selected, the targets |
//! | [`mod@enforcement`] | what each kind of enforcer receives and does: its effect, and a request that shows it |
//! | [`code`] | the codes of what is said about a policy |
//! | [`settings`] | what the operator chose, `authorizationPolicies` in the configuration |
//! | [`verdict`] | all of it together: allow, allow with warnings, refuse |
//!
//! What a selector really selects, and what targets are, are facts about a cluster; where they are
//! unknown, a selector is taken to meet ambient workloads, and the verdict says so.
//!
//! Nothing here reaches outside: a policy and settings go in, a verdict comes out.

pub mod attachment;
pub mod code;
pub mod enforcement;
pub mod facts;
pub mod mesh;
pub mod needs;
pub mod policy;
pub mod settings;
pub mod verdict;

pub use attachment::{Attachment, MalformedAnnotation, Unattached, WAYPOINT_FOR, WaypointFor};
pub use enforcement::{Enforcement, at_ztunnel, at_ztunnel_behind_waypoint};
pub use facts::{Facts, FactsSource, WhyUnknown};
pub use mesh::Mesh;
pub use needs::{Need, needs};
pub use policy::{AuthorizationPolicy, Change, Malformed, changes, changes_of_raw};
pub use settings::Settings;
pub use verdict::{Answer, Finding, Remedy, Severity, Verdict, judge};
