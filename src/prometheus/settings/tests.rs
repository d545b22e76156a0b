//! Settings that cannot be used, and that no secret is in what is said of them.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::*;

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

#[test]
fn urls() {
    let rows = [
        ("http://localhost:9090", Ok("http://localhost:9090/")),
        (
            " https://mimir.example.com/prometheus/ ",
            Ok("https://mimir.example.com/prometheus/"),
        ),
        ("localhost:9090", Err("must begin with http://")),
        ("localhost", Err("must begin with http://")),
        ("ftp://host", Err("must begin with http://")),
        ("/api/v1", Err("must begin with http://")),
        ("http://user:hidden@host", Err("--basic-auth-file")),
        ("http://host?token=hidden", Err("--query-param")),
        ("http://ho st", Err("is no URL")),
        ("", Err("is no URL")),
    ];
    for (url, expected) in rows {
        let found = Settings::of(url).base();
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected, "{url}"),
            (Err(error), Err(expected)) => {
                let message = format!("{error} {error:?}");
                assert!(message.contains(expected), "{url}: {message}");
                assert!(!message.contains("hidden"), "{url}: {message}");
            }
            (found, _) => panic!("{url}: {found:?}"),
        }
    }
}

/// A token, `user:password`, and the header that is made of them or what is wrong.
type Row = (
    &'static str,
    Option<&'static [u8]>,
    Option<&'static [u8]>,
    Result<&'static str, &'static str>,
);

#[test]
fn who_asks() {
    let rows: [Row; 9] = [
        ("nobody", None, None, Ok("")),
        ("a token", Some(b"hidden\n"), None, Ok("Bearer hidden")),
        (
            "a password",
            None,
            Some(b"me:hi:dden\n"),
            Ok("Basic bWU6aGk6ZGRlbg=="),
        ),
        ("both", Some(b"hidden"), Some(b"me:hidden"), Err("one of")),
        ("an empty token", Some(b"\n"), None, Err("is empty")),
        ("two lines", Some(b"hidden\nhidden"), None, Err("one line")),
        ("no user", None, Some(b"hidden"), Err("user:password")),
        ("not text", Some(b"hidden\xff"), None, Err("UTF-8")),
        (
            "a control character",
            Some(b"hid\x01den"),
            None,
            Err("cannot be sent"),
        ),
    ];
    for (name, token, password, expected) in rows {
        let [token, password] = [token, password].map(|content| content.map(file));
        let path = |file: &Option<NamedTempFile>| file.as_ref().map(|file| file.path().to_owned());
        let settings = Settings {
            bearer_token_file: path(&token),
            basic_auth_file: path(&password),
            ..Settings::of("http://host")
        };
        match (settings.headers(), expected) {
            (Ok(headers), Ok(expected)) => {
                let sent = headers
                    .get(AUTHORIZATION)
                    .map_or("", |value| value.to_str().unwrap());
                assert_eq!(sent, expected, "{name}");
                assert!(!format!("{headers:?}").contains("hidden"), "{name}");
            }
            (Err(error), Err(expected)) => {
                let message = format!("{error} {error:?}");
                assert!(message.contains(expected), "{name}: {message}");
                assert!(!message.contains("hidden"), "{name}: {message}");
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn headers_are_sent_and_not_shown() {
    let manner = Manner {
        headers: vec![("X-Scope-OrgID".to_owned(), "hidden".to_owned())],
        query_params: vec![("token".to_owned(), "hidden".to_owned())],
        ..Manner::default()
    };
    assert_eq!(
        manner.headers().unwrap().get("x-scope-orgid").unwrap(),
        "hidden"
    );
    let shown = format!("{manner:?} {:?}", manner.headers());
    assert!(
        shown.contains("X-Scope-OrgID") && !shown.contains("hidden"),
        "{shown}"
    );
    for (name, value) in [("no name", "x"), ("X-Name", "hid\nden")] {
        let manner = Manner {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Manner::default()
        };
        let error = manner.headers().unwrap_err();
        assert!(!format!("{error:?}").contains("hid\\nden"), "{error:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_its_flag() {
    let settings = Settings {
        bearer_token_file: Some("/nowhere/token".into()),
        ..Settings::of("http://host")
    };
    let message = settings.headers().unwrap_err().to_string();
    assert!(
        message.contains("/nowhere/token for --bearer-token-file"),
        "{message}"
    );
}
