//! What was decided a moment ago: until the watch tells of the Pod, the next Pod of its revision is asked about.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::convert::pod::TemplateKey;
use crate::placement::facts::source::Decided;

/// Placements by revision, for [`Recent::KEPT`].
#[derive(Debug, Default)]
pub struct Recent {
    placements: HashMap<TemplateKey, (Instant, Arc<Decided>)>,
    /// The same in the order of time.
    order: VecDeque<(Instant, TemplateKey)>,
}

// === impl Recent ===

impl Recent {
    /// For how long.
    pub const KEPT: Duration = Duration::from_secs(60);
    /// How many revisions at most; the oldest are forgotten first.
    pub const MOST: usize = 10_000;

    /// A Pod of `template` was given this placement. The first one of a revision stays.
    pub fn add(&mut self, now: Instant, template: TemplateKey, decided: Decided) {
        self.forget(now);
        if self.placements.contains_key(&template) {
            return;
        }
        self.placements.insert(template, (now, Arc::new(decided)));
        self.order.push_back((now, template));
    }

    /// The placement of a revision, if it is not too old.
    pub fn get(&self, now: Instant, template: TemplateKey) -> Option<Arc<Decided>> {
        let (since, decided) = self.placements.get(&template)?;
        let is_kept = now.saturating_duration_since(*since) < Self::KEPT;
        is_kept.then(|| Arc::clone(decided))
    }

    fn forget(&mut self, now: Instant) {
        while let Some((since, template)) = self.order.front().copied() {
            let is_old = now.saturating_duration_since(since) >= Self::KEPT;
            if !is_old && self.order.len() < Self::MOST {
                break;
            }
            self.order.pop_front();
            self.placements.remove(&template);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Mode;
    use crate::placement::workload::RevisionRef;

    fn template(owner: usize) -> TemplateKey {
        TemplateKey::of(&RevisionRef {
            owner: owner.to_string().into(),
            hash: "a".into(),
        })
    }

    fn decided(mode: Mode) -> Decided {
        let [rule, reason] = ["r", "why"].map(Into::into);
        Decided { mode, rule, reason }
    }

    #[test]
    fn the_first_decision_stays_for_a_minute() {
        let start = Instant::now();
        let mut recent = Recent::default();
        recent.add(start, template(1), decided(Mode::Ambient));
        let later = start + Recent::KEPT.mul_f32(0.9);
        recent.add(later, template(1), decided(Mode::Sidecar));
        let mode = |recent: &Recent, at| recent.get(at, template(1)).map(|decided| decided.mode);
        assert_eq!(mode(&recent, later), Some(Mode::Ambient));
        assert_eq!(mode(&recent, start + Recent::KEPT), None);
        recent.add(start + Recent::KEPT, template(1), decided(Mode::Sidecar));
        assert_eq!(mode(&recent, start + Recent::KEPT), Some(Mode::Sidecar));
        assert_eq!(recent.get(start, template(2)), None);
    }

    #[test]
    fn no_more_are_kept_than_that() {
        let start = Instant::now();
        let mut recent = Recent::default();
        for owner in 0..Recent::MOST + 10 {
            recent.add(start, template(owner), decided(Mode::Ambient));
        }
        assert_eq!(recent.placements.len(), Recent::MOST);
        assert_eq!(recent.order.len(), Recent::MOST);
        assert_eq!(recent.get(start, template(9)), None, "the oldest is gone");
        assert!(recent.get(start, template(10)).is_some());
    }
}
