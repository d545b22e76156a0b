//! Which metrics there are, where what is needed is missing: so that people know where to look.

use std::collections::BTreeSet;

use super::error::{Empty, Error, Missing, Presence};
use super::measure::Asking;
use super::queries::Named;
use super::queries::names::{NAMES, OF_CONTAINERS};

/// The error for a Prometheus without what is needed, or the one that finding out ran into. A recording of another basis has
/// no answer to what was not asked then, and says so.
pub(super) async fn absent(asking: &Asking<'_>, what: Missing) -> Error {
    match look(asking, what).await {
        Ok(empty) => Error::Empty(Box::new(empty)),
        Err(error) => error,
    }
}

async fn look(asking: &Asking<'_>, what: Missing) -> Result<Empty, Error> {
    let texts = &asking.texts;
    let anyhow = asking.names(texts.names(&NAMES, Named::Anyhow)).await?;
    let matched = asking.names(texts.names(&NAMES, Named::Matched)).await?;
    let of_proxies = asking.names(texts.names(&OF_CONTAINERS, Named::OfProxies));
    let of_proxies = of_proxies.await?;
    let rules = asking.names(texts.rules()).await?;
    let presence = |name: &str| {
        if !anyhow.contains(name) {
            Presence::Absent
        } else if !matched.contains(name) {
            Presence::NotMatched
        } else if OF_CONTAINERS.contains(&name) && !of_proxies.contains(name) {
            Presence::OtherContainers
        } else {
            Presence::Present
        }
    };
    // The series that rules make have no containers, or are of no use where the metrics are there.
    let raw = OF_CONTAINERS.iter().any(|name| anyhow.contains(*name));
    let rules: BTreeSet<String> = if raw { BTreeSet::new() } else { rules };
    Ok(Empty {
        address: asking.client.address().to_owned(),
        what,
        metrics: NAMES.map(|name| (name, presence(name))).into(),
        rules: rules.into_iter().collect(),
        matchers: asking.matchers(),
        window: asking.window(),
    })
}
