//! What was compared, and how often it agreed.

use std::collections::BTreeMap;
use std::fmt;

use meshmode::authorization::Enforcement;

use crate::support::effect::Seen;

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// In the cluster.
    pub(super) policies: usize,
    agreements: BTreeMap<&'static str, usize>,
    /// Each with what was compared and what was seen.
    pub(super) disagreements: Vec<String>,
    /// Where istiod's words are known to be wrong, by name.
    known: BTreeMap<&'static str, usize>,
    effects: BTreeMap<&'static str, usize>,
    requests: usize,
    by_chance: usize,
}

impl Counts {
    /// One comparison; `seen` is asked where it disagrees.
    pub(super) fn compare(
        &mut self,
        what: &'static str,
        case: &str,
        agrees: bool,
        seen: impl FnOnce() -> String,
    ) {
        if agrees {
            *self.agreements.entry(what).or_default() += 1;
        } else {
            self.disagreements
                .push(format!("{what}: {}\n    of {case}", seen()));
        }
    }

    pub(super) fn effect(
        &mut self,
        case: &str,
        enforcement: &Enforcement,
        held: Result<Seen, String>,
    ) {
        let effect = enforcement.effect.as_str();
        *self.effects.entry(effect).or_default() += 1;
        match held {
            Ok(seen) => {
                self.requests += seen.requests;
                self.by_chance += usize::from(seen.by_chance);
                self.compare("effect", case, true, String::new);
            }
            Err(error) => self.compare("effect", case, false, || format!("{effect}, but {error}")),
        }
    }

    pub(super) fn known(&mut self, name: &'static str) {
        *self.known.entry(name).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policies,
            requests,
            by_chance,
            ..
        } = self;
        writeln!(formatter, "{policies} random policies at istiod:")?;
        for (what, count) in &self.agreements {
            writeln!(formatter, "  {what:<12} {count:>6} agreements")?;
        }
        writeln!(
            formatter,
            "  {:<12} {:>6} disagreements",
            "",
            self.disagreements.len()
        )?;
        for disagreement in self.disagreements.iter().take(10) {
            writeln!(formatter, "    {disagreement}")?;
        }
        writeln!(
            formatter,
            "  effects: {:?}, on {requests} requests",
            self.effects
        )?;
        writeln!(
            formatter,
            "  of these policies {by_chance} differ on requests drawn by chance alone"
        )?;
        writeln!(formatter, "  istiod's words are wrong, as is known:")?;
        self.known
            .iter()
            .try_for_each(|(name, count)| writeln!(formatter, "  {count:>6} {name}"))
    }
}
