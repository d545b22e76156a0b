//! Certificates are swapped in the Secret, as cert-manager and people do, while Pods are created: the kubelet writes
//! them into both Pods, and no create fails.

use super::load::Load;
use super::site::{FailurePolicy, Site};
use crate::support::report::Shown;

const RENEWALS: usize = 3;

/// Renewals by the same CA, and then another CA: first both are believed, at last the new one alone.
pub(crate) async fn under_load(site: &mut Site) -> Shown {
    site.register(FailurePolicy::Fail).await;
    let load = Load::of_pods(site);
    for _ in 0..RENEWALS {
        load.more(50).await;
        site.renew();
        site.deliver().await;
    }
    let old = site.ca();
    site.replace_authority();
    let both = old + &site.ca();
    site.register_believing(FailurePolicy::Fail, &both).await;
    load.more(50).await;
    site.deliver().await;
    load.more(50).await;
    site.register(FailurePolicy::Fail).await;
    load.more(50).await;
    let tally = load.stop().await;
    site.say(&format!("{RENEWALS} renewals and another CA"), &tally);
    tally.is_whole();
    site.clear().await;
    Shown::Cases(tally.sent)
}
