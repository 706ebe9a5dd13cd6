//! Protocol revisions and the two eras they belong to.
//!
//! *Legacy* revisions begin with a handshake and may have sessions; *modern* ones are stateless and describe
//! themselves in every request. Spec 2026-07-28, basic/versioning.

/// The generation of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2024-11-05 … 2025-11-25: `initialize`, sessions, requests in both directions.
    Legacy,
    /// 2026-07-28: every request self-contained.
    Modern,
}

impl Era {
    /// The word for logs, metrics and status pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// A protocol revision that we speak, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 2024-11-05.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: elicitation, structured output, no batches.
    V2025_06_18,
    /// 2025-11-25: the last with a handshake.
    V2025_11_25,
    /// 2026-07-28: stateless.
    V2026_07_28,
}

impl Version {
    /// Every revision, oldest first.
    pub const ALL: &'static [Version] =
        &[Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The newest revision with a handshake.
    pub const NEWEST_LEGACY: Version = Self::V2025_11_25;

    /// The newest stateless revision.
    pub const NEWEST_MODERN: Version = Self::V2026_07_28;

    /// Reads a revision's date. The pre-release 2024-10-07 is spoken like 2024-11-05.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "2024-10-07" {
            return Some(Self::V2024_11_05);
        }
        Self::ALL.iter().copied().find(|version| version.as_str() == text)
    }

    /// The date that names the revision on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era the revision belongs to.
    pub fn era(self) -> Era {
        if self >= Self::V2026_07_28 { Era::Modern } else { Era::Legacy }
    }

    /// What `initialize` answers to a client that asks for `requested`: the same if we speak it, else our newest
    /// revision with a handshake. Never a modern one, which has no handshake (spec 2025-11-25, basic/lifecycle).
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested).filter(|version| version.era() == Era::Legacy).unwrap_or(Self::NEWEST_LEGACY)
    }
}
