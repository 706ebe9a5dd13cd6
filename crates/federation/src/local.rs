//! What the virtual server says of itself: capabilities, instructions, identity.

use std::sync::{LazyLock, OnceLock};

use protocol::{Era, Kind, Object, Raw, Version};

use crate::catalog::{Catalog, LISTED};
use crate::extensions;

/// Our own `serverInfo`.
pub(crate) fn server_info() -> Raw {
    static INFO: LazyLock<Raw> = LazyLock::new(|| {
        Raw::of(
            &serde_json::json!({ "name": "agentgateway", "title": "agentgateway", "version": env!("CARGO_PKG_VERSION") }),
        )
    });
    INFO.clone()
}

/// What is said of a catalog as a whole, as far as somebody has asked.
#[derive(Default)]
pub(crate) struct Said {
    /// By revision.
    welcomes: [OnceLock<Raw>; Version::ALL.len()],
    stateless: [OnceLock<Raw>; Version::ALL.len()],
    discovery: OnceLock<Raw>,
}

/// The result of `initialize`, for a client with which this revision was agreed on.
pub(crate) fn initialize(catalog: &Catalog, version: Version) -> Raw {
    catalog.said.welcomes[version as usize].get_or_init(|| welcome(catalog, version)).clone()
}

/// The same for a client that gets no session.
pub(crate) fn initialize_stateless(catalog: &Catalog, version: Version) -> Raw {
    catalog.said.stateless[version as usize].get_or_init(|| stateless_welcome(catalog, version)).clone()
}

/// The result of `server/discover`, but for what every modern result carries.
pub(crate) fn discover(catalog: &Catalog) -> Raw {
    catalog.said.discovery.get_or_init(|| discovery(catalog)).clone()
}

fn welcome(catalog: &Catalog, version: Version) -> Raw {
    let mut result: Object = [
        ("protocolVersion", Raw::string(version.as_str())),
        ("capabilities", capabilities(catalog, version)),
        ("serverInfo", server_info()),
    ]
    .into_iter()
    .collect();
    if let Some(instructions) = instructions(catalog) {
        result.set("instructions", Raw::string(&instructions));
    }
    result.to_raw()
}

/// Without a session there is nowhere to keep tasks, a log level and subscriptions, and no stream on which to hear of changes.
fn stateless_welcome(catalog: &Catalog, version: Version) -> Raw {
    let mut result = initialize(catalog, version).object().unwrap_or_default();
    if let Some(mut capabilities) = result.object("capabilities") {
        capabilities.remove("tasks");
        capabilities.remove("logging");
        for capability in LISTED.into_iter().filter(|capability| catalog.offers(capability)) {
            capabilities.set(capability, Raw::empty_object());
        }
        result.set("capabilities", capabilities.to_raw());
    }
    result.to_raw()
}

/// Only modern revisions are named: the others are reached through `initialize`, and a client that named one of them
/// in a modern envelope would be refused.
fn discovery(catalog: &Catalog) -> Raw {
    let modern: Vec<_> = Version::ALL.iter().filter(|v| v.era() == Era::Modern).map(|v| v.as_str()).collect();
    let mut result: Object = [
        ("supportedVersions", Raw::of(&modern)),
        ("capabilities", capabilities(catalog, Version::NEWEST_MODERN)),
    ]
    .into_iter()
    .collect();
    if let Some(instructions) = instructions(catalog) {
        result.set("instructions", Raw::string(&instructions));
    }
    result.to_raw()
}

/// The union of what the targets offer, as far as we can deliver it to a client of this revision.
///
/// Changes of lists are announced whether or not the target announces them, since the set of targets can change as well.
fn capabilities(catalog: &Catalog, version: Version) -> Raw {
    let mut merged = Object::default();
    let changes = Raw::of(&serde_json::json!({ "listChanged": true }));
    for capability in LISTED {
        if catalog.offers(capability) {
            merged.set(capability, changes.clone());
        }
    }
    let listings = || catalog.targets.iter().filter_map(|entry| entry.listing.as_ref());
    if listings().any(|listing| listing.peer.offers_flag("resources", "subscribe")) {
        merged.set("resources", Raw::of(&serde_json::json!({ "subscribe": true, "listChanged": true })));
    }
    // Whoever is of 2024-11-05 may complete as well, and knows no flag for it.
    for (capability, from) in [("logging", Version::V2024_11_05), ("completions", Version::V2025_03_26)] {
        if version >= from && catalog.offers(capability) {
            merged.set(capability, Raw::empty_object());
        }
    }
    if version == Version::V2025_11_25 && catalog.keeps_tasks() {
        // Lists and cancellations are served wherever there are tasks.
        let tasks = serde_json::json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
        merged.set("tasks", Raw::of(&tasks));
    }
    let peers =
        catalog.targets.iter().filter_map(|entry| entry.listing.as_ref()).map(|listing| &*listing.peer);
    if let Some(extensions) = extensions::offered(peers, version.era()) {
        merged.set("extensions", extensions);
    }
    merged.to_raw()
}

/// How much of a target's instructions is passed on, in characters.
const INSTRUCTIONS: usize = 8 * 1024;

/// What the targets want a model to know, each under its name; for a single target just its own words.
fn instructions(catalog: &Catalog) -> Option<String> {
    let of = |listing: &crate::roster::Listing| listing.peer.instructions.clone();
    if let ([only], false) = (&catalog.targets[..], catalog.prefix().names) {
        return only.listing.as_deref().and_then(of).map(cut);
    }
    let names: Vec<_> = catalog.targets.iter().map(|entry| entry.target.name()).collect();
    let mut text = match catalog.prefix().names {
        true => format!(
            "This server combines several MCP servers: {}. The name of a {} or {} begins with the server it belongs to, as in `{}_…`.",
            names.join(", "),
            Kind::Tool.noun(),
            Kind::Prompt.noun(),
            names.first().copied().unwrap_or("server"),
        ),
        false => format!("This server combines several MCP servers: {}.", names.join(", ")),
    };
    for entry in &catalog.targets {
        if let Some(words) = entry.listing.as_deref().and_then(of) {
            text.push_str(&format!("\n\n[{}]\n{}", entry.target.name(), cut(words)));
        }
    }
    Some(text)
}

fn cut(text: String) -> String {
    match text.char_indices().nth(INSTRUCTIONS) {
        Some((end, _)) => format!("{} […]", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
