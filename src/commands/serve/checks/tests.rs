//! What is told when, and to whom.

use super::*;

const EXPIRED: &str = "meshmode_self_check{check=\"certificate\",reason=\"expired\"} ";

#[test]
fn each_check_has_one_reason_at_a_time() {
    let metrics = Arc::new(Metrics::default());
    let told = Told::new(Readiness::default(), Arc::clone(&metrics));
    let counts = || {
        let text = metrics.to_text();
        let samples = text
            .lines()
            .filter(|line| line.starts_with("meshmode_self_check{"));
        let (all, ones): (Vec<_>, Vec<_>) = (
            samples.clone().collect(),
            samples.filter(|line| line.ends_with(" 1")).collect(),
        );
        (all.len(), ones.len())
    };
    let all = Check::ALL.iter().map(|check| check.reasons().len()).sum();
    assert_eq!(counts(), (all, Check::ALL.len()), "from the start");
    assert!(metrics.to_text().contains(&format!("{EXPIRED}0")));
    told.tell(Check::Certificate, Checked::new(Reason::Expired, "renew"));
    assert!(metrics.to_text().contains(&format!("{EXPIRED}1")));
    assert_eq!(counts(), (all, Check::ALL.len()));
}

#[test]
fn a_server_that_is_ready_is_taken_out_at_the_second_look() {
    let looks = [
        (Reason::Ok, true),
        (Reason::Untrusted, false),
        (Reason::Untrusted, true),
        (Reason::Untrusted, true),
        (Reason::Ok, true),
        (Reason::Untrusted, false),
        (Reason::PartlyUntrusted, true),
    ];
    let mut bundles = Bundles::NotSeen;
    for (index, (reason, is_told)) in looks.into_iter().enumerate() {
        let (after, told) = bundles.after(reason);
        assert_eq!(told, is_told, "look {index}");
        bundles = after;
    }
    let (_, told) = Bundles::NotSeen.after(Reason::Untrusted);
    assert!(told, "one that is not ready yet does not become so");
}
