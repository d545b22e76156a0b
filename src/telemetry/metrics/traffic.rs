//! Connections and bodies: how much there is of them, and what was refused or ended.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, fixed};
use super::words::{Ended, Overload};

/// What is on its way, and what the limits of the server did to it.
#[derive(Debug, Default)]
pub struct Traffic {
    connections: Gauge,
    ended: Family<Labels<1>, Counter>,
    body_memory: Gauge,
    overloads: Family<Labels<1>, Counter>,
}

// === impl Traffic ===

impl Traffic {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "connections",
            "Connections that are open, their handshakes included",
            self.connections.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections that the server ended, or that broke",
            self.ended.clone(),
        );
        registry.register(
            "body_memory_bytes",
            "What bodies in flight hold, or are promised",
            self.body_memory.clone(),
        );
        registry.register(
            "overloads",
            "Requests refused with a 503, by what there was too much of",
            self.overloads.clone(),
        );
    }

    pub(super) fn begin_at_zero(&self) {
        for why in Ended::ALL {
            drop(self.ended.get_or_create(&ended_labels(why)));
        }
        for overload in Overload::ALL {
            drop(self.overloads.get_or_create(&overload_labels(overload)));
        }
    }

    /// So many connections are open.
    pub fn connections(&self, connections: usize) {
        let connections = i64::try_from(connections).unwrap_or(i64::MAX);
        self.connections.set(connections);
    }

    /// A connection ended that its client did not end in order.
    pub fn ended(&self, why: Ended) {
        self.ended.get_or_create(&ended_labels(why)).inc();
    }

    /// Bodies hold so many bytes more.
    pub fn body_memory_taken(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.body_memory.inc_by(bytes);
    }

    /// Bodies hold so many bytes less.
    pub fn body_memory_given_back(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.body_memory.dec_by(bytes);
    }

    /// A request was refused as there was too much of that.
    pub fn overloaded(&self, overload: Overload) {
        self.overloads
            .get_or_create(&overload_labels(overload))
            .inc();
    }
}

fn ended_labels(why: Ended) -> Labels<1> {
    Labels([fixed("cause", why.as_str())])
}

fn overload_labels(overload: Overload) -> Labels<1> {
    Labels([fixed("cause", overload.as_str())])
}
