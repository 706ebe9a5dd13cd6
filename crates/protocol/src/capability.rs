//! What of a client's declared capabilities a target is told, and which requests of a target they cover.
//!
//! THE CAPABILITY TABLE is [`RULES`]: which capability means something from which revision on. A member that an older
//! client declares all the same was never agreed on with it, and a target that is told of it would use it. Capabilities
//! are an open set: what the table does not name passes. Spec 2025-11-25, basic/lifecycle "Capability Negotiation";
//! spec 2026-07-28, schema "ClientCapabilities".

use memchr::memmem;

use crate::json::{array_of, write_string};
use crate::{Era, Object, Raw, Version};

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

/// The core tasks of 2025-11-25: a client that runs what it is asked as a task. Nothing here can follow such a task, so no
/// target is told of it, whatever the revision.
const NEVER_TOLD: &str = "tasks";

/// Capabilities that let a target ask its client for something.
const INTERACTIVE: [&str; 3] = ["roots", "sampling", "elicitation"];

/// Content blocks that only those know who know tools in sampling.
const TOOL_BLOCKS: [&str; 2] = ["tool_use", "tool_result"];

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

/// The same capabilities for a target of this era: a modern one is not told of changes of roots, because nothing could
/// bring it one.
pub fn for_era(told: &Object, target: Era) -> Object {
    let mut told = told.clone();
    if target == Era::Modern {
        remove_member(&mut told, "roots", "listChanged");
    }
    told
}

fn remove_member(capabilities: &mut Object, capability: &str, member: &str) {
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

fn declares_member(capabilities: &Object, capability: &str, member: &str) -> bool {
    capabilities.object(capability).is_some_and(|inner| declares(&inner, member))
}

/// Whether what a client declared covers a request of a target.
///
/// If not, the capabilities that it would take, in the shape of `requiredCapabilities` (spec 2026-07-28, basic/index "Error
/// codes"). They are empty for a request that no capability covers.
pub fn permits(declared: &Object, method: &str, params: &Object) -> Result<(), Object> {
    let given = |key: &str| params.get(key).is_some_and(|value| !value.is_null());
    match method {
        "roots/list" => covered(declares(declared, "roots"), "roots", None),
        "sampling/createMessage" if given("tools") || given("toolChoice") || speaks_of_tools(params) => {
            covered(declares_member(declared, "sampling", "tools"), "sampling", Some("tools"))
        }
        "sampling/createMessage" => covered(declares(declared, "sampling"), "sampling", None),
        "elicitation/create" => {
            let mode = match params.get("mode").filter(|mode| !mode.is_null()) {
                Some(mode) => mode.to_text().unwrap_or_default(),
                None => "form".to_owned(),
            };
            covered(elicits(declared, &mode), "elicitation", Some(&mode))
        }
        _ => Err(Object::default()),
    }
}

/// Whether messages for a model hold calls of tools or what came of them: blocks that came with tools, and which a client
/// that knows none cannot read (spec 2025-11-25, client/sampling "Tool Use").
fn speaks_of_tools(params: &Object) -> bool {
    let Some(messages) = params.get("messages") else { return false };
    let named = |kind: &str| memmem::find(messages.as_bytes(), kind.as_bytes()).is_some();
    if !TOOL_BLOCKS.iter().any(|kind| named(kind)) {
        return false;
    }
    let is_one = |block: &Raw| {
        block.object().is_ok_and(|block| block.text("type").is_some_and(|kind| TOOL_BLOCKS.contains(&&*kind)))
    };
    let messages = messages.array().unwrap_or_default();
    let mut contents = messages.iter().filter_map(|message| message.object().ok()?.get("content").cloned());
    contents
        .any(|content| content.array().map_or_else(|_| is_one(&content), |blocks| blocks.iter().any(is_one)))
}

/// Whether a mode of elicitation was declared. One that names no mode means forms, as before there were modes.
fn elicits(declared: &Object, mode: &str) -> bool {
    let names_none = |elicitation: Object| !declares(&elicitation, "form") && !declares(&elicitation, "url");
    declares_member(declared, "elicitation", mode)
        || (mode == "form" && declared.object("elicitation").is_some_and(names_none))
}

fn covered(covered: bool, capability: &str, member: Option<&str>) -> Result<(), Object> {
    if covered {
        return Ok(());
    }
    let inner: Object = member.map(|member| (member, Raw::empty_object())).into_iter().collect();
    Err([(capability, inner.to_raw())].into_iter().collect())
}

/// How deep [`profile`] sorts. Real capabilities are four deep; a client must not choose how deep we recurse. What lies
/// deeper is compared byte by byte.
const DEEPEST: usize = 8;

/// A spelling of capabilities that does not depend on the order of members or on white space, to tell whether two clients
/// declared the same.
pub fn profile(capabilities: &Object) -> String {
    String::from_utf8_lossy(sorted(capabilities, DEEPEST).as_bytes()).into_owned()
}

fn canonical(value: &Raw, depth: usize) -> Raw {
    if let Some(text) = value.to_text() {
        return Raw::string(&text);
    }
    if depth == 0 {
        return value.clone();
    }
    if let Ok(object) = value.object() {
        return sorted(&object, depth - 1);
    }
    match value.array() {
        Ok(elements) => {
            let elements: Vec<Raw> = elements.iter().map(|element| canonical(element, depth - 1)).collect();
            array_of(&elements)
        }
        Err(_) => value.clone(),
    }
}

fn sorted(object: &Object, depth: usize) -> Raw {
    let mut members: Vec<(&str, &Raw)> = object.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    let mut out = Vec::new();
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, &mut out);
        out.push(b':');
        out.extend_from_slice(canonical(value, depth).as_bytes());
    }
    out.push(b'}');
    Raw::trusted(out.into())
}

#[cfg(test)]
mod tests;
