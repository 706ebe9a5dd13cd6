//! What a target makes of a call: tasks never, at its own will, or as the client likes.

use memchr::memmem;
use protocol::{Era, Raw, Version, task};
use upstream::Peer;

use crate::extensions;

/// How a target, or one of its tools, has it with tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tasks {
    /// It makes none.
    Never,
    /// It makes one when it likes, of a call whose client declares the extension.
    AtWill,
    /// 2025-11-25: it makes tasks, but none of this tool.
    Forbidden,
    /// 2025-11-25: it makes one if the client wants one.
    Optional,
    /// 2025-11-25: this tool runs only as a task.
    Required,
}

impl Tasks {
    /// What a target offers.
    pub(crate) fn of(peer: &Peer) -> Self {
        let core = || {
            let requests = peer.capabilities.object("tasks").and_then(|tasks| tasks.object("requests"));
            requests
                .and_then(|requests| requests.object("tools"))
                .is_some_and(|tools| tools.get("call").is_some())
        };
        match peer.era {
            Era::Modern if extensions::settings(peer, task::EXTENSION).is_some() => Self::AtWill,
            // Tools that it does not list may be of either kind; the target knows.
            Era::Legacy if peer.version == Version::V2025_11_25 && core() => Self::Optional,
            Era::Modern | Era::Legacy => Self::Never,
        }
    }

    /// The same for one of its tools, by what the list says of it.
    pub(crate) fn of_tool(self, tool: &Raw) -> Self {
        if !self.is_core() {
            return self;
        }
        if memmem::find(tool.as_bytes(), b"taskSupport").is_none() {
            return Self::Forbidden;
        }
        let execution = tool.object().ok().and_then(|tool| tool.object("execution"));
        match execution.and_then(|execution| execution.text("taskSupport")).as_deref() {
            Some("required") => Self::Required,
            Some("optional") => Self::Optional,
            _ => Self::Forbidden,
        }
    }

    /// Whether these are tasks of 2025-11-25.
    pub(crate) fn is_core(self) -> bool {
        matches!(self, Self::Forbidden | Self::Optional | Self::Required)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn peer(version: Version, capabilities: Value) -> Peer {
        Peer {
            era: version.era(),
            version,
            capabilities: Raw::of(&capabilities).object().expect("an object"),
            info: Raw::empty_object(),
            instructions: None,
        }
    }

    #[test]
    fn a_target_offers_tasks_in_the_way_of_its_revision() {
        let core = json!({ "tasks": { "requests": { "tools": { "call": {} } } } });
        let extension = json!({ "extensions": { task::EXTENSION: {} } });
        for (version, capabilities, tasks) in [
            (Version::V2025_11_25, core.clone(), Tasks::Optional),
            (Version::V2025_06_18, core.clone(), Tasks::Never),
            (Version::V2025_11_25, extension.clone(), Tasks::Never),
            (Version::V2025_11_25, json!({ "tasks": { "list": {} } }), Tasks::Never),
            (Version::V2026_07_28, extension, Tasks::AtWill),
            (Version::V2026_07_28, core, Tasks::Never),
        ] {
            assert_eq!(Tasks::of(&peer(version, capabilities.clone())), tasks, "{version:?} {capabilities}");
        }
    }

    #[test]
    fn a_tool_says_whether_it_runs_as_a_task_if_its_target_makes_tasks() {
        for (execution, tasks) in [
            (json!({ "taskSupport": "required" }), Tasks::Required),
            (json!({ "taskSupport": "optional" }), Tasks::Optional),
            (json!({ "taskSupport": "forbidden" }), Tasks::Forbidden),
            (json!({}), Tasks::Forbidden),
            (Value::Null, Tasks::Forbidden),
        ] {
            let tool = Raw::of(&json!({ "name": "x", "execution": execution }));
            assert_eq!(Tasks::Optional.of_tool(&tool), tasks);
            assert_eq!(Tasks::Never.of_tool(&tool), Tasks::Never);
            assert_eq!(Tasks::AtWill.of_tool(&tool), Tasks::AtWill);
        }
    }
}
