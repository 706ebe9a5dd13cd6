//! The members of `_meta` that MCP reserves, and who they are meant for.
//!
//! Spec 2026-07-28, basic/index "_meta". Most reserved members describe one hop (client to gateway, or gateway to
//! target) and are replaced at each; everything else passes through.

use crate::Object;

/// The revision of a modern request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What the client of a modern request can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Who the client of a modern request says it is.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The log level wanted on a modern request's own stream.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Who the server of a modern result says it is.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The listen request that a modern notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Progress is wanted, under this token.
pub const PROGRESS_TOKEN: &str = "progressToken";

/// Ours, in the `_meta` of lists and of the handshake: targets whose items are missing, and why.
pub const MISSING_TARGETS: &str = "agentgateway.dev/missingTargets";

/// Ours, in the `_meta` of what a target asks of the client: the target that asks.
pub const TARGET: &str = "agentgateway.dev/target";

/// The task that a message of 2025-11-25 belongs to. Tasks of a target's hop mean nothing on the client's.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// Members that describe one hop only.
pub const HOP_BY_HOP: &[&str] = &[
    PROTOCOL_VERSION,
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    LOG_LEVEL,
    SERVER_INFO,
    SUBSCRIPTION_ID,
    PROGRESS_TOKEN,
];

/// Takes the members out that describe only the hop on which a message came.
pub fn strip_hop(meta: &mut Object) {
    meta.retain(|key| !HOP_BY_HOP.contains(&key));
}

/// The same for the `_meta` of params; one that is left empty goes.
pub fn strip_hop_of(params: &mut Object) {
    let Some(mut meta) = params.object("_meta") else {
        return;
    };
    strip_hop(&mut meta);
    if meta.is_empty() {
        params.remove("_meta");
    } else {
        params.set("_meta", meta.to_raw());
    }
}

/// The severity of a log message, least severe first (RFC 5424).
pub const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// The rank of a log level; `None` for a word that is none.
pub fn level_rank(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}
