//! Every place in a result where a client may find a URI that it will want to read back.
//!
//! Content blocks (`resource_link`, embedded `resource`), prompt messages, the contents of a read, and the
//! `ui://` resource that an MCP App tool names in `_meta`. URIs inside texts, blobs and structured content belong
//! to the target and are left alone.

use crate::{Object, Raw, Splice, Word};

/// How deep tool results may lie in each other. Real ones do not nest at all; a hostile target must not choose how deep we
/// recurse.
const DEEPEST: usize = 4;

/// A value in which URIs are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// The result of a call, a prompt or a read; or what a model is asked.
    Result,
    /// What is said of a call that is not done yet: what it asks for, and the result of the task that it became.
    Unfinished,
    /// An element of a list: a tool, a prompt, a resource.
    Item,
}

/// Rewrites every URI of `value` that a client may read back; all other bytes stay as they are.
///
/// `rewrite` gets a URI and returns its new form, or `None` to leave it.
pub fn rewrite(value: &Raw, shape: Shape, mut rewrite: impl FnMut(&str) -> Option<String>) -> Raw {
    // An escaped spelling slips through: the effect is a URI without its target, which a read then refuses; nothing is
    // decided on it.
    if !value.holds(Word::Uri) {
        return value.clone();
    }
    let Ok(object) = value.object() else {
        return value.clone();
    };
    let mut found = Vec::new();
    match shape {
        Shape::Result => in_result(&object, &mut found),
        Shape::Unfinished => in_unfinished(&object, &mut found),
        Shape::Item => in_meta(&object, &mut found),
    }
    let mut edit = Splice::new(value);
    for place in found {
        if let Some(new) = place.to_text().and_then(|uri| rewrite(&uri)) {
            edit.replace(&place, Raw::string(&new));
        }
    }
    edit.finish()
}

fn in_unfinished(state: &Object, found: &mut Vec<Raw>) {
    if let Some(result) = state.object("result") {
        in_result(&result, found);
    }
    for (_, request) in state.object("inputRequests").unwrap_or_default().iter() {
        if let Some(params) = request.object().ok().and_then(|request| request.object("params")) {
            in_result(&params, found);
        }
    }
}

fn in_result(result: &Object, found: &mut Vec<Raw>) {
    in_meta(result, found);
    in_content(result.get("content"), DEEPEST, found);
    each(result.get("contents"), |contents| {
        push(contents.get("uri"), found);
        in_meta(contents, found);
    });
    each(result.get("messages"), |message| in_content(message.get("content"), DEEPEST, found));
}

fn in_block(block: &Object, depth: usize, found: &mut Vec<Raw>) {
    in_meta(block, found);
    match block.text("type").as_deref() {
        Some("resource_link") => push(block.get("uri"), found),
        Some("resource") => {
            if let Some(resource) = block.object("resource") {
                push(resource.get("uri"), found);
                in_meta(&resource, found);
            }
        }
        Some("tool_result") if depth > 0 => in_content(block.get("content"), depth - 1, found),
        _ => {}
    }
}

/// One block or an array of blocks.
fn in_content(content: Option<&Raw>, depth: usize, found: &mut Vec<Raw>) {
    match content {
        Some(content) if content.is_object() => {
            if let Ok(block) = content.object() {
                in_block(&block, depth, found);
            }
        }
        content => each(content, |block| in_block(block, depth, found)),
    }
}

/// `_meta.ui.resourceUri` and its older flat spelling (MCP Apps).
fn in_meta(holder: &Object, found: &mut Vec<Raw>) {
    let Some(meta) = holder.object("_meta") else {
        return;
    };
    push(meta.get("ui/resourceUri"), found);
    if let Some(ui) = meta.object("ui") {
        push(ui.get("resourceUri"), found);
    }
}

fn push(uri: Option<&Raw>, found: &mut Vec<Raw>) {
    found.extend(uri.cloned());
}

fn each(array: Option<&Raw>, mut visit: impl FnMut(&Object)) {
    for element in array.and_then(|array| array.array().ok()).unwrap_or_default() {
        if let Ok(object) = element.object() {
            visit(&object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::wrap_uri;
    use bytes::Bytes;

    fn check(shape: Shape, before: &'static str, after: &str) {
        let value = Raw::parse(&Bytes::from_static(before.as_bytes())).expect("valid JSON in a test");
        let new = rewrite(&value, shape, |uri| Some(wrap_uri("t", uri)));
        assert_eq!(String::from_utf8_lossy(new.as_bytes()), after);
    }

    #[test]
    fn links_and_embedded_resources_in_a_call() {
        check(
            Shape::Result,
            r#"{"content":[{"type":"resource_link","uri":"a:1","name":"uri"}, {"resource":{"text":"\"uri\":\"x\"","uri":"a:2"},"type":"resource"}],"structuredContent":{"uri":"a:3"}}"#,
            r#"{"content":[{"type":"resource_link","uri":"t+a:1","name":"uri"}, {"resource":{"text":"\"uri\":\"x\"","uri":"t+a:2"},"type":"resource"}],"structuredContent":{"uri":"a:3"}}"#,
        );
    }

    #[test]
    fn contents_of_a_read_and_messages_of_a_prompt() {
        check(
            Shape::Result,
            r#"{"contents":[{"uri":"a:1","text":"x"}],"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"a:2"}}}]}"#,
            r#"{"contents":[{"uri":"t+a:1","text":"x"}],"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"t+a:2"}}}]}"#,
        );
    }

    #[test]
    fn what_a_tool_returned_to_a_model_and_what_a_task_ended_with() {
        check(
            Shape::Unfinished,
            r#"{"inputRequests":{"k":{"params":{"messages":[{"content":[{"type":"tool_result","content":[{"type":"resource_link","uri":"a:1"}]}]}]}},"uri":7}}"#,
            r#"{"inputRequests":{"k":{"params":{"messages":[{"content":[{"type":"tool_result","content":[{"type":"resource_link","uri":"t+a:1"}]}]}]}},"uri":7}}"#,
        );
        check(
            Shape::Unfinished,
            r#"{"result":{"_meta":{"ui":{"resourceUri":"ui://v"}},"content":[{"type":"resource","resource":{"uri":"a:2"}}]}}"#,
            r#"{"result":{"_meta":{"ui":{"resourceUri":"ui://t+v"}},"content":[{"type":"resource","resource":{"uri":"t+a:2"}}]}}"#,
        );
    }

    #[test]
    fn odd_places_and_repeated_members_are_left_alone() {
        for odd in [
            r#"{"content":[{"type":"resource_link","uri":7},{"type":"resource","resource":"uri"},{"uri":"a:1"},"uri"]}"#,
            r#"{"content":[{"type":"resource_link","uri":"a:1","uri":"a:2"}]}"#,
            r#"{"content":[],"content":[{"type":"resource_link","uri":"a:1"}]}"#,
            r#"{"_meta":{"ui":{"resourceUri":["ui://v"]},"uri":"ui://v"}}"#,
        ] {
            check(Shape::Result, odd, odd);
        }
        check(
            Shape::Result,
            r#"{"content":[{"type":"resource_link","\u0075ri":"a\u003a1","uri2":"uri"},{"uri":""}]}"#,
            r#"{"content":[{"type":"resource_link","\u0075ri":"t+a:1","uri2":"uri"},{"uri":""}]}"#,
        );
    }

    #[test]
    fn ui_resources_keep_their_scheme() {
        check(
            Shape::Item,
            r#"{"name":"x","_meta":{"ui":{"resourceUri":"ui://v/1"},"ui/resourceUri":"ui://v/1"}}"#,
            r#"{"name":"x","_meta":{"ui":{"resourceUri":"ui://t+v/1"},"ui/resourceUri":"ui://t+v/1"}}"#,
        );
    }

    #[test]
    fn nesting_without_end_is_left_alone() {
        let nested = r#"{"type":"tool_result","content":["#.repeat(50_000);
        let text = format!(r#"{{"content":[{nested}{{"uri":"a:1"}}{}]}}"#, "]}".repeat(50_000));
        let value = Raw::parse(&Bytes::from(text)).expect("valid JSON in a test");
        assert_eq!(rewrite(&value, Shape::Result, |uri| Some(wrap_uri("t", uri))), value);
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        check(Shape::Result, r#"["uri"]"#, r#"["uri"]"#);
    }
}
