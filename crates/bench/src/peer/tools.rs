//! The list of tools, with schemas of the size that real ones have.

use serde_json::{Value, json};

use super::OWN_TOOLS;

/// The names of our own tools.
pub(crate) const ECHO: &str = "echo";
pub(crate) const LARGE: &str = "large";
pub(crate) const HANG: &str = "hang";

const VERBS: &[&str] =
    &["list", "search", "create", "update", "close", "assign", "merge", "export", "archive", "tag"];
const THINGS: &[&str] = &[
    "orders",
    "customers",
    "issues",
    "documents",
    "pull_requests",
    "invoices",
    "pages",
    "releases",
    "teams",
    "alerts",
];

/// So many tools, as the value of `tools`.
pub(super) fn list(count: usize) -> String {
    let own = [
        (ECHO, "Repeats a text."),
        (LARGE, "Repeats a text, and says 64 KB more."),
        (HANG, "Never answers."),
    ];
    let own = own.iter().map(|(name, description)| plain(name, description));
    let others = (0..count.saturating_sub(OWN_TOOLS)).map(realistic);
    serde_json::Value::from_iter(own.chain(others).take(count)).to_string()
}

fn plain(name: &str, description: &str) -> Value {
    let text = json!({ "type": "string", "description": "What to repeat." });
    let schema = json!({ "type": "object", "properties": { "text": text }, "required": ["text"] });
    json!({ "name": name, "description": description, "inputSchema": schema })
}

/// About a kilobyte, as the tools of widely used servers have on average.
fn realistic(number: usize) -> Value {
    let verb = VERBS[number % VERBS.len()];
    let thing = THINGS[number / VERBS.len() % THINGS.len()];
    json!({
        "name": format!("{verb}_{thing}_{number:04}"),
        "title": format!("{verb} {thing}"),
        "description": format!(
            "Use this tool to {verb} {thing} of a workspace. Results come in pages of at most 100, newest first; pass the \
             cursor of a page to get the next one. Needs the permission `{thing}:{verb}` in the workspace."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {
                "workspace": { "type": "string", "description": "The workspace, as in its address.", "minLength": 1 },
                "query": { "type": "string", "description": format!("Which {thing}: words, or `field:value` pairs.") },
                "state": { "type": "string", "enum": ["open", "closed", "all"], "default": "open" },
                "labels": { "type": "array", "items": { "type": "string" }, "description": "All of these.", "maxItems": 20 },
                "limit": { "type": "integer", "minimum": 1, "maximum": 100, "default": 30 },
                "cursor": { "type": "string", "description": "The cursor of the page before." },
            },
            "required": ["workspace", "query"],
            "additionalProperties": false,
        },
        "annotations": { "readOnlyHint": number.is_multiple_of(2), "openWorldHint": true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_as_many_tools_as_were_asked_for_and_none_twice() {
        for count in [OWN_TOOLS, 100, 1000] {
            let list: Vec<Value> = serde_json::from_str(&list(count)).expect("a list");
            let names: std::collections::HashSet<_> =
                list.iter().map(|tool| tool["name"].to_string()).collect();
            assert_eq!((list.len(), names.len()), (count, count));
        }
    }
}
