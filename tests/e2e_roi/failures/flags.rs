//! What is wrong before anything is asked: exit code 2.

use super::super::clusters::{AT, WINDOW};
use super::super::command::roi;
use crate::support::free_port;
use crate::support::report::Shown;

/// What is wrong before anything is asked.
pub(crate) async fn of_the_flags() -> Shown {
    let table: [(&str, &[&str], &str); 18] = [
        ("no duration", &["--window", "long"], "--window"),
        ("no time", &["--window", "0s"], "--window"),
        (
            "a step longer than the window",
            &["--window", "1m", "--step", "5m"],
            "--step",
        ),
        ("no step", &["--step", "0s"], "--step"),
        ("no time of an end", &["--at", "yesterday"], "--at"),
        ("another basis", &["--basis", "limits"], "--basis"),
        ("another form", &["-o", "xml"], "xml"),
        ("half a matcher", &["--matcher", "cluster"], "--matcher"),
        (
            "more than a matcher",
            &["--matcher", "cluster=\"b\"} or vector(1) #"],
            "--matcher",
        ),
        (
            "no URL",
            &["--prometheus-url", "localhost"],
            "--prometheus-url",
        ),
        (
            "another scheme",
            &["--prometheus-url", "ftp://localhost"],
            "--prometheus-url",
        ),
        (
            "a price below nothing",
            &["--price-vcpu-hour=-1"],
            "--price-vcpu-hour",
        ),
        (
            "a price that is none",
            &["--price-gib-hour", "NaN"],
            "--price-gib-hour",
        ),
        (
            "no workload",
            &["--keep-sidecar", "a/b/c"],
            "--keep-sidecar",
        ),
        ("no header", &["--header", "X-Scope-OrgID"], "--header"),
        ("no parameter", &["--query-param", "dedup"], "--query-param"),
        (
            "a key without certificate",
            &["--client-key", "/nowhere/key"],
            "--client-cert",
        ),
        ("no amount", &["--fail-under", "much"], "--fail-under"),
    ];
    let url = format!("http://127.0.0.1:{}", free_port());
    let usual = ["--window", WINDOW, "--at", AT];
    for (name, flags, word) in table {
        let mut all = flags.to_vec();
        let given = |flag: &str| flags.iter().any(|given| given.starts_with(flag));
        let url = ["--prometheus-url", &url];
        for pair in [&usual[..2], &usual[2..], &url] {
            if !given(pair[0]) {
                all.extend(pair);
            }
        }
        let ran = roi(&all);
        assert_eq!(ran.code, Some(2), "{name}: {}", ran.err);
        assert_eq!(ran.out, "", "{name}");
        assert!(
            ran.err.contains(word),
            "{name}: {word:?} is not in: {}",
            ran.err
        );
    }
    Shown::Cases(table.len())
}
