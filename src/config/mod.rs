//! The configuration file: read, checked, and made into rules and settings.
//!
//! - [`read()`], [`read_bytes()`]: text to [`Configuration`], or every mistake with its place
//! - [`schema()`]: the JSON Schema; `fields` is the table that both rest on
//! - [`watch`]: files that are read again when their content changes
//! - `tree`, `check`, `fields`, `schema`: YAML with places, tables of fields and their JSON Schema, for every
//!   format that is a relative of the configuration

pub(crate) mod check;
pub(crate) mod fields;
mod problem;
mod read;
mod sample;
pub(crate) mod schema;
pub(crate) mod tree;
pub mod watch;

pub use problem::{Problem, Problems};
pub use read::{Configuration, read, read_bytes};
pub use schema::schema;

/// The configuration that is used without a file.
pub const DEFAULT: &str = include_str!("default.yaml");

#[cfg(test)]
pub(crate) mod tests;
