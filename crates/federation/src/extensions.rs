//! Extensions of the protocol that work through us (spec 2026-07-28, basic/versioning "Extensions").
//!
//! An extension may have names and URIs of its own, which would have to be changed on their way, so one that we do not
//! know is told to nobody: what a peer would say in it means nothing at the other end.

use bytes::Bytes;
use memchr::memmem;
use protocol::method::Eras;
use protocol::{Era, Object, Raw, task};
use upstream::Peer;

/// MCP Apps: tools that show themselves in a page of their own.
const UI: &str = "io.modelcontextprotocol/ui";

/// THE TABLE OF EXTENSIONS: their ids, the eras of the peers that may speak them, and the settings with which a client that
/// has all of one declares it.
static BRIDGED: &[(&str, Eras, &str)] = &[
    (UI, Eras::Both, r#"{"mimeTypes":["text/html;profile=mcp-app"]}"#),
    // Legacy clients get tasks of modern targets as plain answers, and 2025-11-25 has tasks of its own.
    (task::EXTENSION, Eras::Modern, "{}"),
];

/// The extensions of which targets may be told that a client of this era has them.
pub(crate) fn known(era: Era) -> Vec<&'static str> {
    BRIDGED.iter().filter(|(_, eras, _)| eras.include(era)).map(|(id, ..)| *id).collect()
}

/// All of them, as a client declares them that has them all.
pub(crate) fn all() -> Object {
    let settings = |text: &'static str| Raw::parse(&Bytes::from_static(text.as_bytes())).ok();
    BRIDGED.iter().filter_map(|(id, _, text)| Some((*id, settings(text)?))).collect()
}

/// The extensions that a client of this era is offered: those of any target, each with the settings of the first that has
/// it. None if there are none.
pub(crate) fn offered<'a>(peers: impl Iterator<Item = &'a Peer> + Clone, era: Era) -> Option<Raw> {
    let bridged = BRIDGED.iter().filter(|(_, eras, _)| eras.include(era));
    let offered: Object = bridged
        .filter_map(|(id, eras, _)| {
            let mut peers = peers.clone().filter(|peer| eras.include(peer.era));
            Some((*id, peers.find_map(|peer| settings(peer, id))?))
        })
        .collect();
    (!offered.is_empty()).then(|| offered.to_raw())
}

/// What a target says of an extension, if it has it.
pub(crate) fn settings(peer: &Peer, id: &str) -> Option<Raw> {
    peer.capabilities.object("extensions")?.get(id).filter(|settings| settings.is_object()).cloned()
}

/// Whether a client declared an extension.
pub(crate) fn declares(capabilities: &Raw, id: &str) -> bool {
    memmem::find(capabilities.as_bytes(), b"extensions").is_some()
        && capabilities
            .object()
            .ok()
            .and_then(|capabilities| capabilities.object("extensions"))
            .is_some_and(|extensions| extensions.get(id).is_some_and(Raw::is_object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tasks_of_the_extension_are_for_modern_clients_and_apps_for_all() {
        assert_eq!(known(Era::Modern), [UI, task::EXTENSION]);
        assert_eq!(known(Era::Legacy), [UI]);
    }

    #[test]
    fn all_are_declared_with_what_each_demands_of_its_clients() {
        assert_eq!(
            String::from_utf8_lossy(all().to_raw().as_bytes()),
            r#"{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]},"io.modelcontextprotocol/tasks":{}}"#
        );
    }

    #[test]
    fn a_declaration_is_an_object_under_the_extensions_own_id() {
        for (capabilities, declared) in [
            (json!({ "extensions": { task::EXTENSION: {} } }), true),
            (json!({ "extensions": { task::EXTENSION: null } }), false),
            (json!({ "extensions": {} }), false),
            (json!({ task::EXTENSION: {} }), false),
        ] {
            assert_eq!(declares(&Raw::of(&capabilities), task::EXTENSION), declared, "{capabilities}");
        }
    }
}
