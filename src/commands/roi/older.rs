//! Older reports, to say what has changed since.

use std::path::PathBuf;

use anyhow::Context;

use crate::savings::Account;

/// Reads them; the oldest comes first.
///
/// # Errors
/// One cannot be read, or is no report.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Account>> {
    let read = |file: &PathBuf| {
        let name = file.display();
        let text = std::fs::read(file).with_context(|| format!("cannot read --compare {name}"))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{name} is no report of `meshmode roi -o json`"))
    };
    let mut accounts: Vec<Account> = files.iter().map(read).collect::<anyhow::Result<_>>()?;
    accounts.sort_by_key(|account| account.window.end);
    Ok(accounts)
}
