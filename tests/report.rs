//! The report of an account in each form, as people and programs read it: what it looks like, that it can be read back,
//! and that nobody's name gets out of its place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "report/drift.rs"]
mod drift;
#[path = "support/figures.rs"]
mod figures;
#[path = "report/given.rs"]
mod given;
#[path = "report/names.rs"]
mod names;
#[path = "report/pages.rs"]
mod pages;
#[path = "support/schema.rs"]
mod schema;
#[path = "report/shapes.rs"]
mod shapes;
#[path = "report/told.rs"]
mod told;
