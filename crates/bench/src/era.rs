//! The two eras of MCP, as both ends of a benchmark need them.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which generation of the protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Era {
    /// Handshake and sessions.
    Legacy,
    /// Every request describes itself.
    Modern,
}

impl Era {
    pub(crate) fn version(self) -> &'static str {
        match self {
            Era::Legacy => "2025-11-25",
            Era::Modern => "2026-07-28",
        }
    }
}
