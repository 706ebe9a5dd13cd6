//! Structured content: for clients that know none it has to be there as text, and so servers send it (spec 2025-06-18,
//! server/tools "Structured Content"; spec 2026-07-28 says the same of what is no object).

use serde_json::Value;

use super::content::{add_text, texts};
use crate::{Object, Raw};

/// For clients that know no structured content. A server that sends any text has said in it what it has to say.
pub(super) fn as_text(result: &mut Object) {
    let Some(structured) = result.remove("structuredContent") else { return };
    let said = if structured.is_object() { !texts(result).is_empty() } else { says(result, &structured) };
    if !said {
        add_text(result, &spelled(&structured));
    }
}

/// For clients that know only objects. Here a text need not hold all that the value does.
pub(super) fn objects_only(result: &mut Object) {
    let Some(structured) = result.get("structuredContent").filter(|value| !value.is_object()).cloned() else {
        return;
    };
    result.remove("structuredContent");
    if !says(result, &structured) {
        add_text(result, &spelled(&structured));
    }
}

/// Whether some text is the value: as JSON, or for a string as itself. Null is what some servers write for nothing.
fn says(result: &Object, structured: &Raw) -> bool {
    // What is too deep or too large to be compared is said once more.
    let value: Option<Value> = structured.read().ok();
    let is_json = |text: &str| value.is_some() && serde_json::from_str(text).ok() == value;
    let is_value = |text: &String| is_json(text) || structured.to_text().is_some_and(|value| value == *text);
    structured.is_null() || texts(result).iter().any(is_value)
}

fn spelled(value: &Raw) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
