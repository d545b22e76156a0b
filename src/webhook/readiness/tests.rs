//! What `/readyz` says, and when.

use super::*;

fn said(state: State, checks: &[(Check, Reason, &str)]) -> Report {
    let readiness = Readiness::default();
    readiness.set(state);
    for (check, reason, text) in checks {
        readiness.checked(*check, Checked::new(*reason, *text));
    }
    readiness.report()
}

#[test]
fn it_is_ready_when_nothing_fails() {
    let warned = (Check::Listener, Reason::Unreachable, "busy");
    let failed = (Check::Certificate, Reason::Expired, "renew it");
    let other = (Check::CaBundle, Reason::Untrusted, "mend it");
    let note = (Check::CaBundle, Reason::NotKnown, "no webhook");
    let rows: [(&str, State, &[_], Severity, &str); 7] = [
        ("all is well", State::Ready, &[], Severity::Passed, "ok\n"),
        ("not known", State::Ready, &[note], Severity::Passed, "ok\n"),
        (
            "a warning",
            State::Ready,
            &[warned, note],
            Severity::Warned,
            "ok\n",
        ),
        (
            "starting",
            State::Starting,
            &[warned],
            Severity::Failed,
            "not ready: started: starting: the facts of the cluster are not all read yet\n",
        ),
        (
            "stopping",
            State::Stopping,
            &[],
            Severity::Failed,
            "not ready: shutdown: stopping: it was asked to end\n",
        ),
        (
            "a failure",
            State::Ready,
            &[failed, warned],
            Severity::Failed,
            "not ready: certificate: renew it\n",
        ),
        (
            "two failures",
            State::Ready,
            &[other, failed],
            Severity::Failed,
            "not ready: certificate: renew it\nnot ready: ca-bundle: mend it\n",
        ),
    ];
    for (name, state, checks, worst, brief) in rows {
        let report = said(state, checks);
        assert_eq!(report.worst, worst, "{name}");
        assert_eq!(report.brief, brief, "{name}");
    }
}

#[test]
fn every_check_has_a_line_as_the_api_server_writes_them() {
    let checks = [
        (Check::Certificate, Reason::Expired, "renew it"),
        (Check::CertificateFiles, Reason::Unusable, "garbage"),
        (Check::CaBundle, Reason::NotKnown, "no webhook"),
    ];
    assert_eq!(
        said(State::Ready, &checks).verbose,
        "[+]started ok\n\
         [+]shutdown ok\n\
         [-]certificate failed: renew it\n\
         [+]certificate-files ok, with a warning: garbage\n\
         [+]client-ca ok\n\
         [+]listener ok\n\
         [+]ca-bundle ok: no webhook\n\
         readyz check failed\n"
    );
    let verbose = said(State::Ready, &[]).verbose;
    assert!(verbose.ends_with("readyz check passed\n"), "{verbose}");
}

#[test]
fn what_is_found_again_is_no_failure_any_more() {
    let readiness = Readiness::default();
    readiness.set(State::Ready);
    let failed = Checked::new(Reason::Untrusted, "mend it");
    assert_eq!(
        readiness.checked(Check::CaBundle, failed.clone()),
        Checked::OK
    );
    assert_eq!(readiness.checked(Check::CaBundle, Checked::OK), failed);
    assert_eq!(readiness.report().worst, Severity::Passed);
}

#[test]
fn checks_are_kept_in_their_places() {
    for (index, check) in Check::ALL.into_iter().enumerate() {
        assert_eq!(check as usize, index);
        assert_eq!(check.reasons().first(), Some(&Reason::Ok), "{check:?}");
    }
}
