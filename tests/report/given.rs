//! The accounts that are shown. Those in files were made by a small model of a mesh, and agree with themselves.

use std::fs;
use std::path::Path;

use meshmode::report::Report;
use meshmode::savings::Account;

/// All, by their names.
pub(crate) const NAMES: [&str; 4] = ["saving", "loss", "unknowns", "hostile"];

/// The account of this name.
pub(crate) fn account(name: &str) -> Account {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/roi");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Those of the weeks before `saving`.
pub(crate) fn older() -> Vec<Account> {
    ["older-3", "older-1", "older-2"].map(account).into()
}

/// What `told` tells of the report of an account.
pub(crate) fn of<T>(name: &str, told: impl FnOnce(&Report<'_>) -> T) -> T {
    let account = account(name);
    let older = if name == "saving" {
        older()
    } else {
        Vec::new()
    };
    told(&Report::new(&account, &older))
}
