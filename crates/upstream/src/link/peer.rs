//! What a target says of itself in the handshake.

use protocol::{Era, Object, Raw, Version};

/// What a target said of itself when a link was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// The target's era.
    pub era: Era,
    /// The revision that is spoken on the link.
    pub version: Version,
    /// The target's capabilities.
    pub capabilities: Object,
    /// `serverInfo`: name and version, for display only.
    pub info: Raw,
    /// How the target wants to be used, in words for a model.
    pub instructions: Option<String>,
}

impl Peer {
    /// Whether the target offers a capability (`tools`, `prompts`, `logging`, …).
    pub fn offers(&self, capability: &str) -> bool {
        self.capabilities.get(capability).is_some_and(Raw::is_object)
    }

    /// Whether a flag of a capability is set, such as `resources.subscribe`.
    pub fn offers_flag(&self, capability: &str, flag: &str) -> bool {
        let set = |object: Object| object.get(flag).is_some_and(|value| value.as_bytes() == b"true");
        self.capabilities.object(capability).is_some_and(set)
    }
}
