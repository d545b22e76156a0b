//! What can happen, as labels of metrics say it.

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A review was answered.
    Answered,
    /// It was no review, or could not be read: HTTP 4xx.
    Rejected,
    /// It made us panic: HTTP 500.
    Panicked,
    /// The client gave up before its body was there: no answer, and no duration.
    Aborted,
    /// There was no time left to decide: HTTP 503, and no duration.
    Late,
    /// There was no place for it: HTTP 503, and no duration.
    Overloaded,
}

/// A file that is reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// The configuration.
    Configuration,
    /// The serving certificate and its key.
    Certificate,
    /// The CAs of clients.
    ClientCa,
}

/// How a reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The new content is in service.
    Done,
    /// The last good content stays in service.
    KeptLastGood,
}

/// Why a TLS handshake did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// It failed: a wrong CA on the other side, a probe that only connects, another protocol.
    Failed,
    /// It took too long.
    TimedOut,
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// Bytes of bodies.
    BodyMemory,
    /// Reviews at a time.
    Reviews,
}

/// Why a connection ended that its client did not end in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It said nothing for long.
    Idle,
    /// It began a request, and sent too slowly.
    SlowHead,
    /// It asked for nothing while a new one needed its place.
    Evicted,
    /// There was no place for it.
    Refused,
    /// It broke off, or spoke no HTTP.
    Broken,
}

// === the names in labels ===

impl Outcome {
    /// All of them: each has a sample from the start.
    pub(super) const ALL: [Self; 6] = [
        Self::Answered,
        Self::Rejected,
        Self::Panicked,
        Self::Aborted,
        Self::Late,
        Self::Overloaded,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Rejected => "rejected",
            Self::Panicked => "panicked",
            Self::Aborted => "aborted",
            Self::Late => "late",
            Self::Overloaded => "overloaded",
        }
    }
}

impl Reloaded {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Certificate => "certificate",
            Self::ClientCa => "client-ca",
        }
    }
}

impl Reload {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::KeptLastGood => "kept-last-good",
        }
    }
}

impl Handshake {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
        }
    }
}

impl Overload {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::BodyMemory, Self::Reviews];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::BodyMemory => "body-memory",
            Self::Reviews => "reviews",
        }
    }
}

impl Ended {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Idle,
        Self::SlowHead,
        Self::Evicted,
        Self::Refused,
        Self::Broken,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SlowHead => "slow-head",
            Self::Evicted => "evicted",
            Self::Refused => "refused",
            Self::Broken => "broken",
        }
    }
}
