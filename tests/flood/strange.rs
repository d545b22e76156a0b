//! Reviews that no API server writes, or seldom.

use std::fmt::Write as _;

use bytes::Bytes;

/// A body, and the codes that are an answer to it.
pub(crate) struct Strange {
    pub(crate) name: &'static str,
    pub(crate) body: Bytes,
    pub(crate) codes: &'static [u16],
}

/// The largest body that is read.
const LARGE: usize = 7 << 20;

/// All of them.
pub(crate) fn reviews() -> Vec<Strange> {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        review("{}", &format!("{{\"deep\":{open}{close}}}"))
    };
    let rows = [
        ("50,000 annotations", annotated(50_000), &[200][..]),
        (
            "nesting of 10,000",
            nested(10_000).into_bytes(),
            &[200, 400],
        ),
        (
            "duplicate keys",
            review("{\"labels\":{\"a\":\"b\",\"a\":\"c\"},\"labels\":{}}", "{}").into_bytes(),
            &[200, 400],
        ),
        ("invalid UTF-8", invalid_utf8(), &[200, 400]),
        (
            "numbers out of range",
            review(
                "{\"generation\":1e999}",
                "{\"priority\":-99999999999999999999999}",
            )
            .into_bytes(),
            &[200, 400],
        ),
        ("nothing", Vec::new(), &[400]),
        (
            "half a review",
            review("{}", "{}").into_bytes()[..99].to_vec(),
            &[400],
        ),
    ];
    rows.into_iter()
        .map(|(name, body, codes)| Strange {
            name,
            body: body.into(),
            codes,
        })
        .collect()
}

/// A Pod with a long environment.
pub(crate) fn large() -> Bytes {
    let mut env = String::new();
    while env.len() < LARGE - 1024 {
        write!(
            env,
            "{{\"name\":\"N{}\",\"value\":\"some value\"}},",
            env.len()
        )
        .unwrap();
    }
    let containers = format!("{{\"containers\":[{{\"name\":\"web\",\"env\":[{env}{{}}]}}]}}");
    review("{}", &containers).into()
}

fn review(metadata: &str, spec: &str) -> String {
    format!(
        "{{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{{\"uid\":\"u-1\",\
         \"kind\":{{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"}},\"operation\":\"CREATE\",\
         \"namespace\":\"shop\",\"object\":{{\"metadata\":{metadata},\"spec\":{spec}}}}}}}"
    )
}

fn annotated(count: usize) -> Vec<u8> {
    let annotations: Vec<String> = (0..count)
        .map(|n| format!("\"example.com/annotation-{n}\":\"value {n}\""))
        .collect();
    let metadata = format!("{{\"annotations\":{{{}}}}}", annotations.join(","));
    review(&metadata, "{}").into_bytes()
}

fn invalid_utf8() -> Vec<u8> {
    let mut body = review("{\"labels\":{\"a\":\"?\"}}", "{}").into_bytes();
    let place = body.iter().position(|byte| *byte == b'?').unwrap();
    body[place] = 0xff;
    body
}
