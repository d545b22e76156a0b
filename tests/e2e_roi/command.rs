//! `meshmode roi`, as a person or a pipeline runs it: without a cluster to ask.

use std::process::Command;

use crate::support::meshmode::binary;
use crate::support::ran::Ran;

use super::clusters::{AT, WINDOW};

/// Runs it with these flags and no others.
pub(crate) fn roi(flags: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command.arg("roi").args(flags).env_clear();
    tokio::task::block_in_place(|| Ran::of(&mut command, b""))
}

/// Runs it on the window of all clusters.
pub(crate) fn roi_of_window(url: &str, flags: &[&str]) -> Ran {
    let window = [
        "--prometheus-url",
        url,
        "--window",
        WINDOW,
        "--step",
        "5m",
        "--at",
        AT,
    ];
    roi(&[&window, flags].concat())
}
