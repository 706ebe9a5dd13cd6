//! Whether what a client declared covers what a target asks.

use memchr::memmem;

use super::declares;
use crate::{Object, Raw};

/// Content blocks that only those know who know tools in sampling.
const TOOL_BLOCKS: [&str; 2] = ["tool_use", "tool_result"];

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

fn covered(covered: bool, capability: &'static str, member: Option<&str>) -> Result<(), Object> {
    if covered {
        return Ok(());
    }
    let inner: Object = member.map(|member| (member.to_owned(), Raw::empty_object())).into_iter().collect();
    Err([(capability, inner.to_raw())].into_iter().collect())
}
