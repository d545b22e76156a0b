//! Every failure has its own words and exit code 3, and no figure is printed.

mod data;
mod flags;
mod tls;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use tempfile::TempDir;

use super::command::roi_of_window;
use super::standin::{Manner, StandIn};
use crate::support::free_port;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::ran::Ran;
use crate::support::report::{Shown, say};

pub(crate) use data::of_the_data;
pub(crate) use flags::of_the_flags;
pub(crate) use tls::of_tls;

/// `test`, as bcrypt has it.
const PASSWORD: &str =
    "basic_auth_users:\n  admin: $2b$04$cngNxiV8E8tHPbao/f4eZ.t8cJyd3KEgqJJaxKlye8K4MyiQc3ajq\n";

/// What people would wait for in a test.
const SOON: [&str; 2] = ["--timeout", "1s"];

/// What was said of each failure.
#[derive(Default)]
pub(crate) struct Said(BTreeMap<&'static str, String>);

/// Nobody there, or nobody who answers as a Prometheus does.
pub(crate) async fn of_the_connection(blocks: &Blocks) -> Shown {
    let mut said = Said::default();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    said.fails(
        "no Prometheus",
        &roi_of_window(&nobody, &[]),
        &["127.0.0.1", "--prometheus-url"],
    );
    let unknown = "http://prometheus.invalid:9090";
    said.fails(
        "no such host",
        &roi_of_window(unknown, &[]),
        &["prometheus.invalid"],
    );
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    said.fails(
        "timeout",
        &roi_of_window(&url, &SOON),
        &["1 s", "--timeout"],
    );
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let elsewhere = format!("{}/nowhere", prometheus.url());
    said.fails(
        "another path",
        &roi_of_window(&elsewhere, &[]),
        &["/nowhere", "--prometheus-url"],
    );
    let manners: [(&str, Manner, &[&str]); 5] = [
        (
            "a page that wants a login",
            Manner::Page,
            &["not", "Prometheus"],
        ),
        ("HTTP 500", Manner::Broken, &["500", "out of order"]),
        (
            "HTTP 503",
            Manner::Unavailable(usize::MAX),
            &["503", "no store is ready"],
        ),
        (
            "silence after the request",
            Manner::Silent,
            &["1 s", "--timeout"],
        ),
        ("half an answer", Manner::Garbled, &["answer"]),
    ];
    for (name, manner, words) in manners {
        let between = StandIn::start(manner, prometheus.port).await;
        said.fails(name, &roi_of_window(&between.url(), &SOON), words);
    }
    said.differ(&["timeout", "silence after the request"]);
    said.shown()
}

/// Who is let in.
pub(crate) async fn of_credentials(blocks: &Blocks) -> Shown {
    let mut said = Said::default();
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| write(folder.path(), name, text);
    let right = file("right", "admin:test\n");
    let wrong = file("wrong", "admin:guess\n");
    let asking = Prometheus::start(blocks, "60s", &[], PASSWORD).await;
    let roi = |flags: &[&str]| roi_of_window(&asking.url(), flags);
    said.fails("401", &roi(&[]), &["401", "--basic-auth-file"]);
    said.fails(
        "401 for a wrong password",
        &roi(&["--basic-auth-file", &wrong]),
        &["401"],
    );
    works(&roi(&["--basic-auth-file", &right]));
    let nowhere = roi(&["--bearer-token-file", "/nowhere/token"]);
    said.fails(
        "no file",
        &nowhere,
        &["/nowhere/token", "--bearer-token-file"],
    );
    let open = Prometheus::start(blocks, "60s", &[], "").await;
    let bearer = Manner::Asks("authorization", "Bearer s3cret");
    let asking = StandIn::start(bearer, open.port).await;
    let roi = |flags: &[&str]| roi_of_window(&asking.url(), flags);
    let token = file("token", "s3cret\n");
    let old = file("old", "expired\n");
    works(&roi(&["--bearer-token-file", &token]));
    said.fails(
        "401 for a token",
        &roi(&["--bearer-token-file", &old]),
        &["401"],
    );
    let tenant = StandIn::start(Manner::Asks("x-scope-orgid", "team-a|team-b"), open.port).await;
    let header = [
        "--header",
        "X-Scope-OrgID=team-a|team-b",
        "--query-param",
        "dedup=true",
    ];
    works(&roi_of_window(&tenant.url(), &header));
    for seen in tenant.seen() {
        assert_eq!(seen.method, "POST", "{seen:?}");
        assert!(seen.path.starts_with("/api/v1/"), "{seen:?}");
        assert!(seen.form.contains("dedup=true"), "{seen:?}");
        assert!(!seen.headers.contains_key("authorization"), "{seen:?}");
    }
    // Secrets are in no message.
    for text in said.0.values() {
        assert!(
            !text.contains("guess") && !text.contains("expired"),
            "{text}"
        );
    }
    said.differ(&["401", "401 for a wrong password", "401 for a token"]);
    said.shown()
}

/// 503 for a moment is no failure.
pub(crate) async fn tried_again(blocks: &Blocks) -> Shown {
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    let busy = StandIn::start(Manner::Unavailable(2), prometheus.port).await;
    let direct = roi_of_window(&prometheus.url(), &["-o", "json"]);
    let later = roi_of_window(&busy.url(), &["-o", "json"]);
    works(&later);
    assert_eq!(later.json()["monthly"], direct.json()["monthly"]);
    Shown::Cases(1)
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn works(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_ne!(ran.out, "");
}

// === impl Said ===

impl Said {
    /// It failed, said these words, and printed nothing to be taken for a result.
    #[track_caller]
    fn fails(&mut self, name: &'static str, ran: &Ran, words: &[&str]) {
        assert_eq!(ran.code, Some(3), "{name}: {ran:?}");
        assert_eq!(ran.out, "", "{name}");
        for word in words {
            assert!(
                ran.err.contains(word),
                "{name}: {word:?} is not in: {}",
                ran.err
            );
        }
        assert!(!ran.err.contains("USD"), "{name}: {}", ran.err);
        self.0.insert(name, ran.err.clone());
    }

    /// No two say the same, addresses and quotations aside, but those of `alike`, which may.
    fn differ(&self, alike: &[&str]) {
        let mut first: BTreeMap<String, &str> = BTreeMap::new();
        for (name, text) in &self.0 {
            let text = text.chars().filter(|c| !c.is_ascii_digit()).collect();
            if let Some(other) = first.insert(text, name) {
                let both = alike.contains(name) && alike.contains(&other);
                assert!(both, "{name} says what {other} does");
            }
        }
    }

    fn shown(&self) -> Shown {
        for (name, text) in &self.0 {
            say(&format!(
                "    {name}: {}\n",
                text.trim().replace('\n', "\n      ")
            ));
        }
        Shown::Cases(self.0.len())
    }
}
