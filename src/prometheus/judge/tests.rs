//! Replies as servers and proxies write them, and the words for each.

use bytes::Bytes;
use jiff::Timestamp;

use super::*;
use crate::prometheus::client::At;

fn judged(status: u16, hint: Option<&str>, body: &str) -> Result<Answer, Error> {
    let reply = Reply {
        status,
        hint: hint.map(str::to_owned),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let query = Query {
        text: "up{}".to_owned(),
        at: At::Instant(Timestamp::UNIX_EPOCH),
    };
    judge(&reply, "http://prometheus:9090", &query, 4)
}

fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_failure_has_its_own_words() {
    let too_many = "query processing would load too many samples into memory in query execution";
    let forbidden = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services \"p\" is forbidden: User \"x\" cannot create resource \"services/proxy\"","reason":"Forbidden","code":403}"#;
    let nobody =
        r#"{"kind":"Status","message":"no endpoints available for service \"p\"","code":503}"#;
    let rows = [
        (
            "401",
            401,
            Some("Basic"),
            "Unauthorized".to_owned(),
            "does not know who asks (HTTP 401): give --bearer-token-file or --basic-auth-file, and look whether what is in it is still valid (it asks for the scheme Basic)",
        ),
        (
            "401 of Mimir",
            401,
            None,
            "no org id".to_owned(),
            "HTTP 401",
        ),
        (
            "403",
            403,
            None,
            "denied".to_owned(),
            "refuses the query (HTTP 403) (denied)",
        ),
        (
            "400",
            400,
            None,
            error("bad_data", "1:3: parse error"),
            "does not understand the query (1:3: parse error): check --matcher; if it is right, report it as a bug of meshmode; the query was: up{}",
        ),
        (
            "too many samples",
            422,
            None,
            error("execution", too_many),
            "is too large for http://prometheus:9090",
        ),
        (
            "Mimir's limit",
            422,
            None,
            error(
                "execution",
                "the query exceeded the maximum number of chunks (limit: 2000000)",
            ),
            "a larger --step, --matcher",
        ),
        (
            "a Thanos limit",
            500,
            None,
            error("internal", "exceeded series limit"),
            "is too large",
        ),
        (
            "a body that is too large",
            413,
            None,
            "no".to_owned(),
            "is too large",
        ),
        (
            "the server's own timeout",
            503,
            None,
            error("timeout", "query timed out in expression evaluation"),
            "is too large",
        ),
        (
            "422",
            422,
            None,
            error("execution", "found duplicate series for the match group"),
            "could not evaluate the query (found duplicate series",
        ),
        (
            "503",
            503,
            None,
            error("unavailable", "starting"),
            "cannot answer now (HTTP 503: starting), tried 4 times",
        ),
        (
            "429",
            429,
            None,
            "slow down".to_owned(),
            "HTTP 429: slow down",
        ),
        (
            "500",
            500,
            None,
            error("internal", "disk"),
            "failed (HTTP 500: disk)",
        ),
        (
            "a page",
            200,
            None,
            "<!DOCTYPE html><html>".to_owned(),
            "is not the API of a Prometheus: an answer in another form: a page of HTML",
        ),
        ("a page of nothing", 200, None, String::new(), "no text"),
        (
            "404",
            404,
            None,
            "404 page not found".to_owned(),
            "HTTP 404: 404 page not found; check --prometheus-url, which ends before /api/v1",
        ),
        (
            "a log-in",
            302,
            Some("https://login.example.com/start"),
            String::new(),
            "sends to https://login.example.com/start, which may be a page to log in at",
        ),
        (
            "HTTP to HTTPS",
            400,
            None,
            "Client sent an HTTP request to an HTTPS server.".to_owned(),
            "HTTP 400: Client sent an HTTP request to an HTTPS server.",
        ),
        (
            "an error with status 200",
            200,
            None,
            error("execution", "odd"),
            "failed (HTTP 200: odd)",
        ),
        ("other JSON", 200, None, "{}".to_owned(), "is not the API"),
        (
            "the API server refuses",
            403,
            None,
            forbidden.to_owned(),
            "needs the right to create services/proxy",
        ),
        (
            "the API server finds nobody",
            503,
            None,
            nobody.to_owned(),
            "look at its Pods, or give --prometheus-url",
        ),
    ];
    for (name, status, hint, body, expected) in rows {
        let message = judged(status, hint, &body).unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn an_answer_keeps_what_is_said_of_it() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is gone"],"infos":["not a counter"]}"#;
    let answer = judged(200, None, body).unwrap();
    assert_eq!(answer.warnings, ["a store is gone"]);
    assert_eq!(answer.infos, ["not a counter"]);
}

#[test]
fn long_and_wild_texts_are_cut() {
    let text = format!("a\n\u{1b}[31m{}", "x".repeat(2_000));
    let message = judged(500, None, &text).unwrap_err().to_string();
    assert!(
        message.len() < 600 && !message.contains(['\n', '\u{1b}']),
        "{message}"
    );
}
