//! What of a client's declared capabilities a target is told, and which requests of a target they cover.
//!
//! THE CAPABILITY TABLE is [`RULES`]: which capability means something from which revision on. A member that an older
//! client declares all the same was never agreed on with it, and a target that is told of it would use it. Capabilities
//! are an open set: what the table does not name passes. Spec 2025-11-25, basic/lifecycle "Capability Negotiation";
//! spec 2026-07-28, schema "ClientCapabilities".

use bytes::Bytes;

use crate::{Era, Object, Version};

mod permit;
mod profile;

pub use permit::permits;
pub use profile::profile;

/// One row: a capability, or a member of one, and the revisions of clients in which a target may be told of it.
struct Rule {
    capability: &'static str,
    /// A member of the capability; none for the capability itself.
    member: Option<&'static str>,
    from: Version,
    to: Version,
}

const fn rule(capability: &'static str, member: Option<&'static str>, from: Version, to: Version) -> Rule {
    Rule { capability, member, from, to }
}

use Version::{V2024_11_05, V2025_06_18, V2025_11_25, V2026_07_28};

/// See the module. A capability comes before its members.
const RULES: &[Rule] = &[
    rule("roots", None, V2024_11_05, V2026_07_28),
    // Modern clients have no notification with which to say that their roots changed.
    rule("roots", Some("listChanged"), V2024_11_05, V2025_11_25),
    rule("sampling", None, V2024_11_05, V2026_07_28),
    rule("sampling", Some("tools"), V2025_11_25, V2026_07_28),
    rule("sampling", Some("context"), V2025_11_25, V2026_07_28),
    rule("elicitation", None, V2025_06_18, V2026_07_28),
    rule("elicitation", Some("url"), V2025_11_25, V2026_07_28),
];

/// What a client declares that can do all of that. Forms need no row: they are older than the modes of elicitation.
const ALL: &str = r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}}}"#;

/// The core tasks of 2025-11-25: a client that runs what it is asked as a task. Nothing here can follow such a task, so no
/// target is told of it, whatever the revision.
const NEVER_TOLD: &str = "tasks";

/// Capabilities that let a target ask its client for something.
const INTERACTIVE: [&str; 3] = ["roots", "sampling", "elicitation"];

/// What a target may be told that a client of this revision can do. `extensions` are the ids of those that work through
/// us; a target must not be told of others, because what it would answer means nothing here.
///
/// A capability that is not an object was not declared in any way that counts, and is left out.
pub fn for_target(capabilities: &Object, client: Version, extensions: &[&str]) -> Object {
    let mut told = capabilities.clone();
    told.remove(NEVER_TOLD);
    for Rule { capability, member, from, to } in RULES {
        let applies = (*from..=*to).contains(&client);
        match member {
            None if !applies || told.object(capability).is_none() => drop(told.remove(capability)),
            Some(member) if !applies => remove_member(&mut told, capability, member),
            None | Some(_) => {}
        }
    }
    if let Some(declared) = told.remove("extensions") {
        let mut declared = declared.object().unwrap_or_default();
        declared.retain(|id| extensions.contains(&id));
        if !declared.is_empty() {
            told.set("extensions", declared.to_raw());
        }
    }
    told
}

/// Everything that a target may be told of any client, with these extensions and their settings.
pub fn everything(extensions: &Object) -> Object {
    let mut all = Object::parse(&Bytes::from_static(ALL.as_bytes())).unwrap_or_default();
    if !extensions.is_empty() {
        all.set("extensions", extensions.to_raw());
    }
    all
}

/// The same capabilities for a target of this era: a modern one is not told of changes of roots, because nothing could
/// bring it one.
pub fn for_era(told: &Object, target: Era) -> Object {
    let mut told = told.clone();
    if target == Era::Modern {
        remove_member(&mut told, "roots", "listChanged");
    }
    told
}

fn remove_member(capabilities: &mut Object, capability: &'static str, member: &str) {
    if let Some(mut inner) = capabilities.object(capability)
        && inner.remove(member).is_some()
    {
        capabilities.set(capability, inner.to_raw());
    }
}

/// Whether a target may ask this client for anything at all.
pub fn is_interactive(capabilities: &Object) -> bool {
    INTERACTIVE.iter().any(|capability| declares(capabilities, capability))
}

fn declares(capabilities: &Object, capability: &str) -> bool {
    capabilities.object(capability).is_some()
}

#[cfg(test)]
mod tests;
