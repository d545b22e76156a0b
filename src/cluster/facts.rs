//! The facts for a policy and for a Pod, out of the caches, as of now: no request is made.

mod placing;
mod population;
mod target;
mod waypoint;

use super::caches::{Caches, State, States};
use crate::authorization::facts::{Fact, Facts, Resource, WhyUnknown};
use crate::authorization::mesh::Mesh;
use crate::authorization::policy::AuthorizationPolicy;

/// The caches, and which of them can be believed.
pub(super) struct View<'c> {
    pub(super) caches: &'c Caches,
    pub(super) states: States,
}

impl View<'_> {
    /// The facts for `policy`.
    pub(super) fn facts_for(&self, policy: &AuthorizationPolicy<'_>) -> Facts {
        let mesh = self.mesh();
        Facts {
            selected: self.selected(policy, &mesh),
            targets: Fact::Known(self.targets(policy)),
            clients: self.clients(policy),
            behind: self.states.those(State::Behind).collect(),
            mesh,
        }
    }

    /// Nothing, where all these were read; else why there is no such fact.
    fn readable(&self, resources: &[Resource]) -> Result<(), WhyUnknown> {
        resources
            .iter()
            .try_for_each(|resource| match self.states.of(*resource) {
                State::Following | State::Behind | State::NotInstalled => Ok(()),
                State::NotWatched | State::Filling | State::Failing => {
                    Err(WhyUnknown::NotReadYet(*resource))
                }
                State::Forbidden => Err(WhyUnknown::Forbidden(*resource)),
            })
    }

    fn mesh(&self) -> Fact<Mesh> {
        match self.readable(&[Resource::MeshConfig]) {
            Err(why) => Fact::Unknown(why),
            Ok(()) => match self.caches.mesh.get(&()) {
                Some(Some(mesh)) => Fact::Known(mesh.clone()),
                Some(None) | None => Fact::Unknown(WhyUnknown::NotThere(Resource::MeshConfig)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
