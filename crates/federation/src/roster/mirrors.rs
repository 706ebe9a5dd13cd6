//! What the tools of a target want mirrored in headers, as its scout last read them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use protocol::{Mirror, Raw};

/// What the tools of a target want mirrored in headers. Most want nothing, and are not in here.
#[derive(Default)]
pub(crate) struct Mirrors {
    tools: HashMap<String, Arc<Mirror>>,
    /// Tools that were left out, each with the reason, to say so once.
    left_out: Vec<String>,
}

impl Mirrors {
    /// Reads what tools want mirrored.
    ///
    /// `strict` is for targets that refuse calls without their headers, HTTP servers of 2026-07-28: a tool that says wrongly
    /// what it wants cannot be called there, and has to be left out (spec 2026-07-28, server/tools "x-mcp-header"). At all
    /// others it works as it did before there were annotations.
    pub(super) fn read(tools: &mut Vec<(String, Raw)>, strict: bool) -> Self {
        let mut mirrors = Self::default();
        tools.retain(|(name, tool)| match Mirror::of_tool(tool) {
            Ok(mirror) => {
                if !mirror.is_empty() {
                    mirrors.tools.insert(name.clone(), Arc::new(mirror));
                }
                true
            }
            Err(reason) if strict => {
                mirrors.left_out.push(format!("has a tool `{name}` that {reason}; it is left out"));
                false
            }
            Err(_) => true,
        });
        mirrors
    }

    /// Why tools were left out that had not been before.
    pub(super) fn complaints<'a>(&'a self, before: Option<&'a Self>) -> impl Iterator<Item = &'a str> {
        let before = before.into_iter().flat_map(|before| &before.left_out);
        let known: HashSet<&str> = before.map(String::as_str).collect();
        self.left_out.iter().map(String::as_str).filter(move |complaint| !known.contains(complaint))
    }

    /// What a tool wants mirrored, by the name that the target knows; none if it wants nothing.
    pub(crate) fn of(&self, tool: &str) -> Option<&Arc<Mirror>> {
        self.tools.get(tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<(String, Raw)> {
        let annotated = |name: &str, annotation: serde_json::Value| {
            let schema = serde_json::json!({ "type": "object", "properties": { "a": { "type": "string", "x-mcp-header": annotation } } });
            (name.to_owned(), Raw::of(&serde_json::json!({ "name": name, "inputSchema": schema })))
        };
        vec![annotated("good", "A".into()), annotated("bad", 7.into()), ("plain".into(), Raw::empty_object())]
    }

    fn names(tools: &[(String, Raw)]) -> Vec<&str> {
        tools.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_tool_with_a_wrong_annotation_is_left_out_and_the_others_survive() {
        let mut tools = tools();
        let mirrors = Mirrors::read(&mut tools, true);
        assert_eq!(names(&tools), ["good", "plain"]);
        assert!(mirrors.of("good").is_some() && mirrors.of("plain").is_none());
        let said: Vec<_> = mirrors.complaints(None).collect();
        assert!(
            matches!(said[..], [only] if only.contains("`bad`") && only.contains("x-mcp-header")),
            "{said:?}"
        );
    }

    #[test]
    fn it_is_said_once() {
        let before = Mirrors::read(&mut tools(), true);
        let mirrors = Mirrors::read(&mut tools(), true);
        assert_eq!(mirrors.complaints(Some(&before)).count(), 0);
    }

    #[test]
    fn where_nobody_checks_headers_a_wrong_annotation_does_no_harm() {
        let mut tools = tools();
        let mirrors = Mirrors::read(&mut tools, false);
        assert_eq!(names(&tools), ["good", "bad", "plain"]);
        assert!(mirrors.of("bad").is_none() && mirrors.complaints(None).next().is_none());
    }
}
