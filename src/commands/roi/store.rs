//! Reports that are kept in a ConfigMap, for a job that makes one every week.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::commands::simulate::cluster::ConfigMapName;
use crate::savings::Account;

/// How many namespaces a kept report has: twelve reports with these are far below the 1 MiB that a ConfigMap may have.
const NAMESPACES: usize = 50;
/// How many workloads that keep their sidecars a namespace has there.
const KEPT: usize = 10;
/// What all reports together may have, in bytes. The API server allows 1 MiB for everything in a ConfigMap.
const SIZE: usize = 1_000_000;
/// How often a write is tried that another one came before.
const TRIES: usize = 5;

/// Puts the report into the ConfigMap, and takes the oldest ones out of it where there are more than `keep`. Other keys
/// stay as they are. Gives the name of the key.
///
/// # Errors
/// The ConfigMap is not there, or may not be read or written.
pub(super) async fn store(
    client: &Client,
    name: &ConfigMapName,
    account: &Account,
    keep: usize,
) -> anyhow::Result<String> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &name.namespace);
    let key = key(account.generated_at);
    let report = serde_json::to_string(&slim(account))?;
    for _ in 0..TRIES {
        let found = api.get_opt(&name.name).await;
        let found = found.with_context(|| format!("cannot read {name}"))?;
        let Some(mut config_map) = found else {
            bail!(
                "there is no {name}: `kubectl -n {} create configmap {}` makes an empty one",
                name.namespace,
                name.name
            );
        };
        let data = config_map.data.take().unwrap_or_default();
        config_map.data = Some(with(data, &key, &report, keep));
        match api
            .replace(&name.name, &PostParams::default(), &config_map)
            .await
        {
            Ok(_) => return Ok(key),
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => return Err(error).with_context(|| format!("cannot write {name}")),
        }
    }
    bail!("cannot write {name}: others changed it {TRIES} times meanwhile; try again")
}

/// A key that a ConfigMap may have, in the order of time.
fn key(at: Timestamp) -> String {
    format!("roi-{}.json", at.strftime("%Y-%m-%dT%H-%M-%SZ"))
}

/// Whether a key is that of a report.
fn is_report(key: &str) -> bool {
    key.starts_with("roi-") && key.ends_with(".json")
}

/// The report without what would fill a ConfigMap.
fn slim(account: &Account) -> Account {
    let mut account = account.clone();
    let left = account.namespaces.len().saturating_sub(NAMESPACES);
    if left > 0 {
        account.namespaces.truncate(NAMESPACES);
        account.left_out.push(format!(
            "{left} namespaces with smaller savings: they are in the figures, and not in this list"
        ));
    }
    for namespace in &mut account.namespaces {
        namespace.kept.truncate(KEPT);
    }
    account
}

/// `data` with the report, the newest `keep` and no more than fit.
fn with(
    mut data: BTreeMap<String, String>,
    key: &str,
    report: &str,
    keep: usize,
) -> BTreeMap<String, String> {
    data.insert(key.to_owned(), report.to_owned());
    let reports: Vec<String> = data.keys().filter(|key| is_report(key)).cloned().collect();
    let mut size: usize = reports.iter().map(|key| data[key].len()).sum();
    let mut left = reports.len();
    // Keys are in the order of time: the oldest come first.
    for oldest in reports.iter().filter(|oldest| *oldest != key) {
        if left <= keep.max(1) && size <= SIZE {
            break;
        }
        size -= data.remove(oldest).map_or(0, |report| report.len());
        left -= 1;
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(keys: &[&str], size: usize) -> BTreeMap<String, String> {
        let report = "x".repeat(size);
        let entries = keys.iter().map(|key| ((*key).to_owned(), report.clone()));
        entries.collect()
    }

    #[test]
    fn the_oldest_reports_go() {
        let old = [
            "roi-2026-11-01T23-00-00Z.json",
            "roi-2026-11-08T23-00-00Z.json",
        ];
        let new = "roi-2026-11-15T23-00-00Z.json";
        let rows: [(&str, usize, usize, &[&str]); 5] = [
            ("all are kept", 3, 10, &[old[0], old[1], new]),
            ("two are kept", 2, 10, &[old[1], new]),
            ("one is kept", 1, 10, &[new]),
            ("none is asked for: the new one stays", 0, 10, &[new]),
            ("they are too large", 12, SIZE / 2, &[old[1], new]),
        ];
        for (name, keep, size, kept) in rows {
            let mut before = data(&old, size);
            before.insert("README".to_owned(), "of somebody else".to_owned());
            let after = with(before, new, "{}", keep);
            let mut expected: Vec<&str> = vec!["README"];
            expected.extend(kept);
            assert_eq!(after.keys().collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn a_key_is_one_that_kubernetes_takes_and_that_sorts_by_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let keys = ["2026-11-29T23:00:00Z", "2026-12-06T23:00:00.5Z"].map(|text| key(at(text)));
        assert_eq!(keys[0], "roi-2026-11-29T23-00-00Z.json");
        assert!(keys.is_sorted());
        for key in keys {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            assert!(key.chars().all(allowed) && is_report(&key), "{key}");
        }
    }
}
