//! Whether an answer is right. A benchmark that does not look measures how fast errors are made.
//!
//! Each check looks first whether the bytes are there that have to be there, which is cheap; an answer that does not look right
//! that way is read as JSON before it counts as wrong, because there is more than one way to write the same.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::Value;

use crate::sse;
use crate::text::{FILLER, TAIL};

/// How much of a wrong answer is shown.
const EXCERPT: usize = 200;

/// What was asked for.
pub(super) struct Expected<'a> {
    pub(super) id: u64,
    /// What the argument began with.
    pub(super) said: &'a str,
    /// Whether the large text has to follow.
    pub(super) large: bool,
}

/// The response with an id, from a body of either kind.
pub(super) fn response(body: &[u8], events: bool, id: u64) -> Result<Cow<'_, [u8]>, String> {
    if !events {
        return Ok(Cow::Borrowed(body));
    }
    let id = format!("\"id\":{id}");
    let mut last = None;
    for data in sse::data(body) {
        if has_id(&data, &id) {
            return Ok(data);
        }
        last = Some(data);
    }
    // It may be spelt in another way.
    last.ok_or_else(|| wrong("the stream has no event", body))
}

/// Whether this is the right answer to a call.
pub(super) fn call(message: &[u8], expected: &Expected<'_>) -> Result<(), String> {
    if looks_right(message, expected) {
        return Ok(());
    }
    let result = result(message, expected.id)?;
    let text = result["content"][0]["text"].as_str();
    let should: String = match expected.large {
        true => serde_json::from_str(&format!("\"{}{TAIL}{}\"", expected.said, *FILLER)).unwrap_or_default(),
        false => format!("{}{TAIL}", expected.said),
    };
    if text != Some(&should) {
        return Err(wrong(&format!("that is no answer to `{}`", expected.said), message));
    }
    match result["isError"].as_bool() {
        Some(true) => Err(wrong("the tool failed", message)),
        _ => Ok(()),
    }
}

fn looks_right(message: &[u8], expected: &Expected<'_>) -> bool {
    if !has_id(message, &format!("\"id\":{}", expected.id))
        || memmem::find(message, br#""isError":true"#).is_some()
    {
        return false;
    }
    let text = [r#""text":""#, expected.said, TAIL].concat();
    let Some(at) = memmem::find(message, text.as_bytes()) else { return false };
    let rest = &message[at + text.len()..];
    let rest = match expected.large {
        true => rest.strip_prefix(FILLER.as_bytes()),
        false => Some(rest),
    };
    let Some(tail) = rest.and_then(|rest| rest.strip_prefix(b"\"")) else { return false };
    is_whole(&message[..at], tail)
}

/// Whether every object and array that begins in two parts of a message also ends there. Both begin outside of a string.
fn is_whole(head: &[u8], tail: &[u8]) -> bool {
    let mut depth = 0_i32;
    for part in [head, tail] {
        let (mut in_string, mut escaped) = (false, false);
        for byte in part {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
        }
    }
    depth == 0
}

/// Counts the tools of a page of a list, and returns the cursor of the next page.
pub(super) fn page(message: &[u8], id: u64) -> Result<(usize, Option<String>), String> {
    let looks_right = has_id(message, &format!("\"id\":{id}")) && message.trim_ascii_end().ends_with(b"}");
    if looks_right && memmem::find(message, b"\"nextCursor\"").is_none() {
        // Each tool has exactly one.
        return Ok((memmem::find_iter(message, b"\"inputSchema\":").count(), None));
    }
    let result = result(message, id)?;
    let tools = result["tools"].as_array().ok_or_else(|| wrong("that is no list of tools", message))?;
    Ok((tools.len(), result["nextCursor"].as_str().map(str::to_owned)))
}

/// The result of a response with this id.
pub(super) fn result(message: &[u8], id: u64) -> Result<Value, String> {
    let mut read: Value = serde_json::from_slice(message)
        .map_err(|error| wrong(&format!("that is no JSON ({error})"), message))?;
    if read["id"] != id {
        return Err(wrong(&format!("that is no answer to request {id}"), message));
    }
    match read["result"].take() {
        Value::Null => Err(wrong("the call was refused", message)),
        result => Ok(result),
    }
}

/// Whether `"id":7` is there, and not only `"id":71`.
fn has_id(message: &[u8], id: &str) -> bool {
    memmem::find_iter(message, id.as_bytes())
        .any(|at| message.get(at + id.len()).is_some_and(|next| matches!(next, b',' | b'}')))
}

fn wrong(what: &str, message: &[u8]) -> String {
    let end = message.len().min(EXCERPT);
    format!("{what}: {} bytes: {}", message.len(), String::from_utf8_lossy(&message[..end]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAID: &str = "1-7";

    fn answer(id: u64, text: &str) -> String {
        let content = json!([{ "type": "text", "text": text }]);
        json!({ "jsonrpc": "2.0", "id": id, "result": { "content": content } }).to_string()
    }

    fn verdict(message: &str, large: bool) -> Result<(), String> {
        call(message.as_bytes(), &Expected { id: 7, said: SAID, large })
    }

    fn large() -> String {
        serde_json::from_str(&format!("\"{SAID}{TAIL}{}\"", *FILLER)).expect("a string")
    }

    #[test]
    fn right_answers_pass_however_they_are_spelt() {
        let text = format!("{SAID}{TAIL}");
        let large = large();
        for (text, is_large) in [(&text, false), (&large, true)] {
            let compact = answer(7, text);
            let pretty: Value = serde_json::from_str(&compact).expect("JSON");
            assert!(looks_right(compact.as_bytes(), &Expected { id: 7, said: SAID, large: is_large }));
            for spelling in [compact, serde_json::to_string_pretty(&pretty).expect("JSON")] {
                assert_eq!(verdict(&spelling, is_large), Ok(()));
            }
        }
    }

    #[test]
    fn wrong_answers_fail() {
        let right = format!("{SAID}{TAIL}");
        let whole = answer(7, &right);
        let short = large();
        for (message, is_large) in [
            (answer(71, &right), false),
            (answer(8, &right), false),
            (answer(7, "something else"), false),
            (answer(7, &format!("1-8{TAIL}")), false),
            (answer(7, &format!("{right} and more")), false),
            (whole[..whole.len() - 1].to_owned(), false),
            (whole.replace("\"content\"", "\"isError\":true,\"content\""), false),
            (
                json!({ "jsonrpc": "2.0", "id": 7, "error": { "code": 1, "message": right } }).to_string(),
                false,
            ),
            (answer(7, &right), true),
            (answer(7, &short[..short.len() - 1]), true),
            (String::new(), false),
        ] {
            assert!(verdict(&message, is_large).is_err(), "{}", &message[..message.len().min(300)]);
        }
    }

    #[test]
    fn the_response_is_found_among_events() {
        let stream = b"data: {\"method\":\"x\"}\n\ndata: {\"id\":71}\n\ndata: {\"id\":7,\"result\":{}}\n\n";
        assert_eq!(response(stream, true, 7).expect("an event").as_ref(), b"{\"id\":7,\"result\":{}}");
        assert!(response(b"data: {\"id\":7", true, 7).is_err(), "the event is not whole");
    }

    #[test]
    fn every_tool_of_a_page_counts() {
        let tools = json!([{ "name": "a", "inputSchema": {} }, { "name": "b", "inputSchema": {} }]);
        let mut list = json!({ "id": 3, "result": { "tools": tools } });
        assert_eq!(page(list.to_string().as_bytes(), 3), Ok((2, None)));
        assert!(page(list.to_string().as_bytes(), 4).is_err());
        list["result"]["nextCursor"] = json!("x");
        assert_eq!(page(list.to_string().as_bytes(), 3), Ok((2, Some("x".into()))));
    }
}
