//! What Istio will make of a Pod as it leaves our webhook: what it *gets*, where the placement is what was
//! *asked for*. Two mechanisms decide, each by itself: the injector's webhooks at admission, and istio-cni's
//! selectors when the Pod starts.
//!
//! `make e2e-istio` compares every answer with istiod's and istio-cni's own code.

mod capture;
mod injection;
mod injector;
mod pod;

use std::fmt;

use super::mode::Mode;

pub use self::capture::{Capture, Claim, Enablement, EnablementSelector, Unclaimed};
pub use self::injection::{
    Asked, Declined, Injected, Injection, NotInjected, Refusal, SYSTEM_NAMESPACES,
};
pub use self::injector::{
    AutoInject, Configuration, Injectors, Policy, Template, Templates, Webhook,
};
pub use self::pod::{Bearer, Label, Namespace, Network, Seen};

/// What is known of the Istio of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Istio {
    /// The injectors.
    pub injectors: Injectors,
    /// istio-cni.
    pub capture: Capture,
}

/// What becomes of a Pod, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'f> {
    /// The injector gives it a proxy of its own, and istio-cni does not claim it.
    Injected(Injected<'f>, Unclaimed<'f>),
    /// ztunnel captures it, and it is not injected.
    Captured(Claim<'f>, NotInjected<'f>),
    /// Both claim it. The injector comes first, and its annotation keeps istio-cni away: it is injected.
    Both(Injected<'f>, Claim<'f>),
    /// It is out of the mesh.
    Neither(NotInjected<'f>, Unclaimed<'f>),
    /// The injector does not let it be created.
    Refused(Refusal<'f>),
}

// === impl Outcome ===

impl<'f> Outcome<'f> {
    /// What `istio` makes of `pod`, the Pod as it leaves our webhook, in its namespace.
    pub fn of(istio: &'f Istio, pod: &'f Seen<'_>, namespace: Namespace<'f>) -> Self {
        let injection = Injection::of(&istio.injectors, pod, namespace);
        match (injection, istio.capture.claim(pod, namespace)) {
            (Injection::Refused(refusal), _) => Self::Refused(refusal),
            (Injection::Injected(injected), Err(why)) => Self::Injected(injected, why),
            (Injection::Injected(injected), Ok(claim)) => Self::Both(injected, claim),
            (Injection::NotInjected(why), Ok(claim)) => Self::Captured(claim, why),
            (Injection::NotInjected(why), Err(unclaimed)) => Self::Neither(why, unclaimed),
        }
    }

    /// The mode that the Pod gets, to be compared with the placement's; nothing where it is refused.
    pub fn mode(&self) -> Option<Mode> {
        match self {
            Self::Injected(..) | Self::Both(..) => Some(Mode::Sidecar),
            Self::Captured(..) => Some(Mode::Ambient),
            Self::Neither(..) => Some(Mode::None),
            Self::Refused(_) => None,
        }
    }

    /// One word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Injected(..) => "injected",
            Self::Captured(..) => "captured",
            Self::Both(..) => "both",
            Self::Neither(..) => "neither",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Outcome<'_> {
    /// The reason, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected(injected, why) => write!(f, "{injected}; not captured: {why}"),
            Self::Captured(claim, why) => write!(f, "{claim}; not injected: {why}"),
            Self::Both(injected, claim) => {
                write!(
                    f,
                    "both claim it, and the sidecar wins: {injected}; {claim}"
                )
            }
            Self::Neither(why, unclaimed) => {
                write!(f, "not injected: {why}; not captured: {unclaimed}")
            }
            Self::Refused(refusal) => write!(f, "not admitted: {refusal}"),
        }
    }
}

#[cfg(test)]
mod tests;
