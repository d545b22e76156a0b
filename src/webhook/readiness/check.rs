//! What a server looks at of itself, and what can come of it.

/// What is looked at while it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The certificate that is served: its time.
    Certificate,
    /// The files that it is from: whether they hold it.
    CertificateFiles,
    /// The CAs of clients: whether the file holds those in service.
    ClientAuthorities,
    /// The listener: whether it answers, with the certificate in service.
    Listener,
    /// The `caBundle`s of the webhook configurations: whether they believe the certificate.
    CaBundle,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which of the things that can be.
    pub reason: Reason,
    /// What it is about, and what to do; nothing where all is well.
    pub text: String,
}

/// The things that can be, each of one check, but for the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// All is well.
    Ok,
    /// It cannot be known, which is nobody's fault: no cluster, or nothing there that names this server.
    NotKnown,
    /// The certificate in service is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// A file cannot be read.
    Unreadable,
    /// A file cannot be used.
    Unusable,
    /// The files hold a certificate that is not valid now.
    OutOfTime,
    /// The listener does not answer in time.
    Unreachable,
    /// The listener serves another certificate than the one in service.
    OtherCertificate,
    /// Some `caBundle`s do not believe the certificate.
    PartlyUntrusted,
    /// No `caBundle` believes the certificate: every call fails.
    Untrusted,
}

/// How bad a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not at all.
    Passed,
    /// Somebody should look, and reviews can be answered.
    Warned,
    /// Reviews are better sent elsewhere.
    Failed,
}

// === impl Check ===

impl Check {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 5] = [
        Self::Certificate,
        Self::CertificateFiles,
        Self::ClientAuthorities,
        Self::Listener,
        Self::CaBundle,
    ];

    /// The name in reports, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::CertificateFiles => "certificate-files",
            Self::ClientAuthorities => "client-ca",
            Self::Listener => "listener",
            Self::CaBundle => "ca-bundle",
        }
    }

    /// What can come of it.
    pub const fn reasons(self) -> &'static [Reason] {
        match self {
            Self::Certificate => &[Reason::Ok, Reason::Expired, Reason::NotYetValid],
            Self::CertificateFiles => &[
                Reason::Ok,
                Reason::Unreadable,
                Reason::Unusable,
                Reason::OutOfTime,
            ],
            Self::ClientAuthorities => &[Reason::Ok, Reason::Unreadable, Reason::Unusable],
            Self::Listener => &[Reason::Ok, Reason::Unreachable, Reason::OtherCertificate],
            Self::CaBundle => &[
                Reason::Ok,
                Reason::NotKnown,
                Reason::PartlyUntrusted,
                Reason::Untrusted,
            ],
        }
    }
}

// === impl Checked ===

impl Checked {
    /// All is well.
    pub const OK: Self = Self {
        reason: Reason::Ok,
        text: String::new(),
    };

    /// This is so.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self {
            reason,
            text: text.into(),
        }
    }
}

impl Default for Checked {
    fn default() -> Self {
        Self::OK
    }
}

// === impl Reason ===

impl Reason {
    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotKnown => "not-known",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Unreadable => "unreadable",
            Self::Unusable => "unusable",
            Self::OutOfTime => "out-of-time",
            Self::Unreachable => "unreachable",
            Self::OtherCertificate => "other-certificate",
            Self::PartlyUntrusted => "partly-untrusted",
            Self::Untrusted => "untrusted",
        }
    }

    /// How bad it is. A listener that does not answer in time has too much to do: others would get what it is spared,
    /// so that is only told.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Ok | Self::NotKnown => Severity::Passed,
            Self::Unreadable
            | Self::Unusable
            | Self::OutOfTime
            | Self::Unreachable
            | Self::PartlyUntrusted => Severity::Warned,
            Self::Expired | Self::NotYetValid | Self::OtherCertificate | Self::Untrusted => {
                Severity::Failed
            }
        }
    }
}
