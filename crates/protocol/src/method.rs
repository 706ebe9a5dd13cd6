//! THE METHOD TABLE: everything the gateway knows about a method is one row here.
//!
//! The router, the edges, the metrics and the docs read the rows; a new method is a new row.

use crate::Era;

/// What a client may send us.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// The name on the wire.
    pub name: &'static str,
    /// Where it exists.
    pub eras: Eras,
    /// Who answers it.
    pub routing: Routing,
    /// Whether a modern server may answer it with `input_required` (spec 2026-07-28, basic/patterns/mrtr).
    pub may_ask: bool,
    /// Whether it only reads, so that it may be sent again when nobody knows whether it ran.
    pub reads: bool,
    /// Whether a modern result carries `ttlMs` and `cacheScope` (spec 2026-07-28, server/utilities/caching).
    pub cacheable: bool,
}

impl Method {
    /// The member of its params that says what a request is about, which `Mcp-Name` mirrors (spec 2026-07-28,
    /// basic/transports/streamable-http "Request headers").
    pub fn named_by(&self) -> Option<&'static str> {
        match self.routing {
            Routing::ByName(_) => Some("name"),
            Routing::ByUri => Some("uri"),
            Routing::ByTask => Some("taskId"),
            Routing::Ours(_) | Routing::Gather(_) | Routing::ByRef => None,
        }
    }
}

/// The eras in which a method exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eras {
    /// 2025-11-25 and before.
    Legacy,
    /// 2026-07-28.
    Modern,
    /// Both.
    Both,
}

impl Eras {
    /// Whether a client of this era may use the method.
    pub fn include(self, era: Era) -> bool {
        match self {
            Self::Both => true,
            Self::Legacy => era == Era::Legacy,
            Self::Modern => era == Era::Modern,
        }
    }
}

/// The four things that a server lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Tools.
    Tool,
    /// Prompts.
    Prompt,
    /// Resources.
    Resource,
    /// Resource templates.
    Template,
}

impl Kind {
    /// Every kind, in the order in which they are discovered.
    pub const ALL: [Kind; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The method that lists the kind.
    pub fn list_method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Prompt => "prompts/list",
            Self::Resource => "resources/list",
            Self::Template => "resources/templates/list",
        }
    }

    /// The member of a list result that holds the items.
    pub fn list_key(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
        }
    }

    /// The member of an item that identifies it.
    pub fn item_key(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }

    /// The server capability under which the kind is offered.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource | Self::Template => "resources",
        }
    }

    /// The member of a listen request that asks for changes of the list. Resources stand for templates as well.
    pub fn listen_key(self) -> &'static str {
        match self {
            Self::Tool => "toolsListChanged",
            Self::Prompt => "promptsListChanged",
            Self::Resource | Self::Template => "resourcesListChanged",
        }
    }

    /// The notification that says that the list changed.
    pub fn changed(self) -> &'static str {
        match self {
            Self::Tool => notifications::TOOLS_CHANGED,
            Self::Prompt => notifications::PROMPTS_CHANGED,
            Self::Resource | Self::Template => notifications::RESOURCES_CHANGED,
        }
    }

    /// The noun for messages and logs.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Template => "resource template",
        }
    }
}

/// Who answers a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// We do.
    Ours(Local),
    /// All targets together: the merged list of a kind.
    Gather(Kind),
    /// The target that owns the item named by `params.name`.
    ByName(Kind),
    /// The target that owns the resource named by `params.uri`.
    ByUri,
    /// The target that owns the prompt or template named by `params.ref`.
    ByRef,
    /// The target that made the task named by `params.taskId`.
    ByTask,
}

/// The methods we answer ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// The legacy handshake.
    Initialize,
    /// The modern self-description.
    Discover,
    /// "Are you there?"
    Ping,
    /// The session's log level.
    SetLevel,
    /// Updates of one resource, wanted.
    Subscribe,
    /// Updates of one resource, no longer wanted.
    Unsubscribe,
    /// A stream of changes of lists and resources.
    Listen,
    /// The tasks that the session made.
    ListTasks,
}

const fn row(name: &'static str, eras: Eras, routing: Routing) -> Method {
    Method { name, eras, routing, may_ask: false, reads: false, cacheable: false }
}

const fn asks(mut method: Method) -> Method {
    method.may_ask = true;
    method
}

const fn reads(mut method: Method) -> Method {
    method.reads = true;
    method
}

/// What may be kept for a while is only read.
const fn caches(mut method: Method) -> Method {
    method.cacheable = true;
    reads(method)
}

/// Every request that a client may send.
pub static METHODS: &[Method] = &[
    row("initialize", Eras::Legacy, Routing::Ours(Local::Initialize)),
    row("ping", Eras::Legacy, Routing::Ours(Local::Ping)),
    caches(row("server/discover", Eras::Modern, Routing::Ours(Local::Discover))),
    asks(row("tools/call", Eras::Both, Routing::ByName(Kind::Tool))),
    reads(asks(row("prompts/get", Eras::Both, Routing::ByName(Kind::Prompt)))),
    caches(asks(row("resources/read", Eras::Both, Routing::ByUri))),
    reads(row("completion/complete", Eras::Both, Routing::ByRef)),
    caches(row("tools/list", Eras::Both, Routing::Gather(Kind::Tool))),
    caches(row("prompts/list", Eras::Both, Routing::Gather(Kind::Prompt))),
    caches(row("resources/list", Eras::Both, Routing::Gather(Kind::Resource))),
    caches(row("resources/templates/list", Eras::Both, Routing::Gather(Kind::Template))),
    row("logging/setLevel", Eras::Legacy, Routing::Ours(Local::SetLevel)),
    row("resources/subscribe", Eras::Legacy, Routing::Ours(Local::Subscribe)),
    row("resources/unsubscribe", Eras::Legacy, Routing::Ours(Local::Unsubscribe)),
    row("subscriptions/listen", Eras::Modern, Routing::Ours(Local::Listen)),
    reads(row("tasks/get", Eras::Both, Routing::ByTask)),
    row("tasks/cancel", Eras::Both, Routing::ByTask),
    row("tasks/update", Eras::Modern, Routing::ByTask),
    reads(row("tasks/result", Eras::Legacy, Routing::ByTask)),
    row("tasks/list", Eras::Legacy, Routing::Ours(Local::ListTasks)),
];

/// The row of a method, whatever its era.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// The row of a method that a client of this era may use.
pub fn lookup(name: &str, era: Era) -> Option<&'static Method> {
    find(name).filter(|method| method.eras.include(era))
}

/// Notifications, by name.
pub mod notifications {
    /// The handshake is complete.
    pub const INITIALIZED: &str = "notifications/initialized";
    /// A request is no longer wanted.
    pub const CANCELLED: &str = "notifications/cancelled";
    /// A request goes on.
    pub const PROGRESS: &str = "notifications/progress";
    /// A log message.
    pub const MESSAGE: &str = "notifications/message";
    /// The tools changed.
    pub const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
    /// The prompts changed.
    pub const PROMPTS_CHANGED: &str = "notifications/prompts/list_changed";
    /// The resources or templates changed.
    pub const RESOURCES_CHANGED: &str = "notifications/resources/list_changed";
    /// A subscribed resource changed.
    pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";
    /// What the client was asked to do at a URL is done (2025-11-25).
    pub const ELICITED: &str = "notifications/elicitation/complete";
    /// The client's roots changed (legacy).
    pub const ROOTS_CHANGED: &str = "notifications/roots/list_changed";
    /// A listen stream is open (modern).
    pub const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
    /// A task changed (modern, on listen streams only).
    pub const TASK: &str = "notifications/tasks";
    /// A task changed (2025-11-25).
    pub const TASK_STATUS: &str = "notifications/tasks/status";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (index, method) in METHODS.iter().enumerate() {
            assert_eq!(find(method.name), Some(method));
            assert!(METHODS[index + 1..].iter().all(|other| other.name != method.name), "{}", method.name);
        }
    }

    #[test]
    fn only_three_methods_may_ask_the_client() {
        let asking: Vec<_> = METHODS.iter().filter(|m| m.may_ask).map(|m| m.name).collect();
        assert_eq!(asking, ["tools/call", "prompts/get", "resources/read"]);
    }

    #[test]
    fn six_results_carry_caching_hints() {
        assert_eq!(METHODS.iter().filter(|m| m.cacheable).count(), 6);
    }

    #[test]
    fn the_handshake_is_not_modern_and_discovery_not_legacy() {
        assert!(lookup("initialize", Era::Modern).is_none());
        assert!(lookup("server/discover", Era::Legacy).is_none());
        assert!(lookup("tools/call", Era::Modern).is_some() && lookup("tools/call", Era::Legacy).is_some());
    }

    #[test]
    fn tasks_are_followed_in_the_way_of_their_era() {
        let known = |name, era| lookup(name, era).is_some();
        assert!(known("tasks/get", Era::Modern) && known("tasks/get", Era::Legacy));
        assert!(known("tasks/cancel", Era::Modern) && known("tasks/cancel", Era::Legacy));
        assert!(known("tasks/update", Era::Modern) && !known("tasks/update", Era::Legacy));
        assert!(!known("tasks/result", Era::Modern) && known("tasks/result", Era::Legacy));
        assert!(!known("tasks/list", Era::Modern) && known("tasks/list", Era::Legacy));
    }
}
