//! What is seen, and what is said of it.

use super::*;
use crate::tls::{Issued, Subjects, Validity, issue};

const HOST: &str = "meshmode.meshmode-system.svc";
const PORT: u16 = 8443;

fn issued() -> Issued {
    let subjects = Subjects::parse([HOST, "hooks.example.com", "127.0.0.1"]).unwrap();
    issue(&subjects, Validity::default(), Timestamp::now()).unwrap()
}

fn pair(issued: &Issued) -> CertificatePair {
    let leaf = &issued.leaf;
    CertificatePair::from_pem(leaf.cert_pem.as_bytes(), leaf.key_pem.as_bytes()).unwrap()
}

fn service() -> Service {
    "meshmode-system/meshmode".parse().unwrap()
}

fn of_service(namespace: &str, name: &str) -> Target {
    Target::Service {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn of_url(host: &str, port: u16) -> Target {
    Target::Url {
        host: host.to_owned(),
        port,
    }
}

fn webhook(target: Target, bundle: Option<&str>) -> Webhook {
    Webhook {
        configuration: "aa-meshmode".to_owned(),
        name: "pods.meshmode.io".to_owned(),
        target,
        ca_bundle: bundle.map_or(CaBundle::OfTheMachine, |pem| CaBundle::Pem(pem.into())),
    }
}

#[test]
fn the_certificate_fails_outside_its_time() {
    let since: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let rows = [
        (InTime::Valid, Reason::Ok, ""),
        (
            InTime::Over { since },
            Reason::Expired,
            "ended at 2026-01-01T00:00:00Z, and the files hold no other that can be served: renew it",
        ),
        (
            InTime::NotYet { from: since },
            Reason::NotYetValid,
            "valid from 2026-01-01T00:00:00Z only: set the clock",
        ),
    ];
    for (in_time, reason, text) in rows {
        let checked = certificate(in_time);
        assert_eq!(checked.reason, reason);
        assert!(checked.text.contains(text), "{checked:?}");
    }
}

#[test]
fn the_listener_must_serve_what_is_in_service() {
    let (before, now, other) = (pair(&issued()), pair(&issued()), pair(&issued()));
    let leaf = |pair: &CertificatePair| Ok(pair.chain()[0].clone());
    let address = ([127, 0, 0, 1], PORT).into();
    let away = Err(ProbeError::NoCertificate { address });
    let rows = [
        ("as it is", leaf(&now), Reason::Ok),
        ("swapped meanwhile", leaf(&before), Reason::Ok),
        ("another", leaf(&other), Reason::OtherCertificate),
        ("none", away, Reason::Unreachable),
    ];
    for (name, served, expected) in rows {
        let checked = listener(&served, [&before, &now]);
        assert_eq!(checked.reason, expected, "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table has a row each")]
fn ca_bundles_are_judged_where_they_are_for_this_server() {
    let (ours, other) = (issued(), issued());
    let pair = pair(&ours);
    let (good, bad) = (
        Some(ours.authority.cert_pem.as_str()),
        Some(other.authority.cert_pem.as_str()),
    );
    let both = format!("{}{}", bad.unwrap(), good.unwrap());
    let service_of = |bundle| webhook(of_service("meshmode-system", "meshmode"), bundle);
    let rows: [(&str, Vec<Webhook>, Reason, usize); 12] = [
        ("none there", vec![], Reason::NotKnown, 0),
        (
            "of another namespace",
            vec![webhook(of_service("canary", "meshmode"), bad)],
            Reason::NotKnown,
            0,
        ),
        (
            "a host of another port",
            vec![webhook(of_url("127.0.0.1", 1), bad)],
            Reason::NotKnown,
            0,
        ),
        (
            "a host of another name",
            vec![webhook(of_url("10.0.0.1", PORT), bad)],
            Reason::NotKnown,
            0,
        ),
        ("believed", vec![service_of(good)], Reason::Ok, 0),
        (
            "believed by two CAs, while they change",
            vec![service_of(Some(&both))],
            Reason::Ok,
            0,
        ),
        (
            "believed by a host's name",
            vec![webhook(of_url("hooks.example.com", PORT), good)],
            Reason::Ok,
            0,
        ),
        ("not believed", vec![service_of(bad)], Reason::Untrusted, 1),
        (
            "not believed by address",
            vec![webhook(of_url("127.0.0.1", PORT), bad)],
            Reason::Untrusted,
            1,
        ),
        (
            "not believed by some",
            vec![service_of(good), service_of(bad)],
            Reason::PartlyUntrusted,
            1,
        ),
        (
            "without a caBundle the API server may know the CA",
            vec![service_of(None)],
            Reason::PartlyUntrusted,
            1,
        ),
        (
            "others do not count",
            vec![
                service_of(bad),
                webhook(of_service("canary", "meshmode"), good),
            ],
            Reason::Untrusted,
            1,
        ),
    ];
    for (name, webhooks, reason, mismatches) in rows {
        let read = Ok(Ok(webhooks));
        let judged = ca_bundles(&read, &service(), PORT, &pair, Timestamp::now());
        assert_eq!(judged.checked.reason, reason, "{name}: {judged:?}");
        assert_eq!(judged.mismatches, mismatches, "{name}");
    }
}

#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let ours = issued();
    let bundle = Some(ours.authority.cert_pem.as_str());
    let read = Ok(Ok(vec![webhook(of_service("mesh", "hooks"), bundle)]));
    let service = "mesh/hooks".parse().unwrap();
    let judged = ca_bundles(&read, &service, PORT, &pair(&ours), Timestamp::now());
    assert_eq!(judged.checked.reason, Reason::Untrusted);
    let text = judged.checked.text;
    assert!(
        text.contains("aa-meshmode/pods.meshmode.io as hooks.mesh.svc")
            && text.contains("caBundle"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_not_known() {
    let forbidden = kube::Error::Api(Box::new(
        kube::core::Status::failure("webhooks is forbidden", "Forbidden").with_code(403),
    ));
    let late = tokio::time::timeout(std::time::Duration::ZERO, std::future::pending()).await;
    for (read, why) in [(Ok(Err(forbidden)), "is forbidden"), (late, "no answer")] {
        let pair = pair(&issued());
        let judged = ca_bundles(&read, &service(), PORT, &pair, Timestamp::now());
        assert_eq!(judged.checked.reason, Reason::NotKnown);
        let text = judged.checked.text;
        assert!(text.contains(why) && text.contains("rbac.yaml"), "{text}");
    }
}

#[test]
fn many_that_do_not_believe_are_not_all_named() {
    let (ours, other) = (issued(), issued());
    let one = webhook(
        of_service("meshmode-system", "meshmode"),
        Some(&other.authority.cert_pem),
    );
    let read = Ok(Ok(vec![one; 9]));
    let judged = ca_bundles(&read, &service(), PORT, &pair(&ours), Timestamp::now());
    let named = judged.checked.text.matches("pods.meshmode.io").count();
    assert_eq!((judged.mismatches, named), (9, MAX_NAMED));
}

#[test]
fn a_service_is_a_namespace_and_a_name() {
    assert_eq!(service().to_string(), "meshmode-system/meshmode");
    assert_eq!(service().host(), HOST);
    for text in ["meshmode", "/meshmode", "meshmode-system/", "a/b/c", ""] {
        let error = text.parse::<Service>().unwrap_err();
        assert!(error.contains("NAMESPACE/NAME"), "{text}: {error}");
    }
}
