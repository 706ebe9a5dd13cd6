//! Tools that are no longer what they were under the same name. Whoever agreed to a tool agreed to what was said of it.

use std::collections::HashMap;

use protocol::Raw;

/// The tools in a list that an earlier list had with another definition, in order. The order of members and white space do
/// not matter: some servers write them differently each time.
pub(super) fn changed<'a>(
    before: &'a [(String, Raw)],
    now: &'a [(String, Raw)],
) -> impl Iterator<Item = &'a str> {
    let known: HashMap<&str, &Raw> = before.iter().map(|(name, tool)| (name.as_str(), tool)).collect();
    let differs = move |(name, tool): &&(String, Raw)| {
        known.get(name.as_str()).is_some_and(|before| !means_the_same(before, tool))
    };
    now.iter().filter(differs).map(|(name, _)| name.as_str())
}

fn means_the_same(one: &Raw, other: &Raw) -> bool {
    let read = |tool: &Raw| tool.read::<serde_json::Value>().ok();
    one.as_bytes() == other.as_bytes() || read(one).is_some_and(|one| Some(one) == read(other))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn tools(spelled: &[(&str, &str)]) -> Vec<(String, Raw)> {
        let raw = |text: &str| Raw::parse(&Bytes::from(text.to_owned())).expect("JSON in a test");
        spelled.iter().map(|(name, tool)| ((*name).to_owned(), raw(tool))).collect()
    }

    fn names(before: &[(&str, &str)], now: &[(&str, &str)]) -> Vec<String> {
        changed(&tools(before), &tools(now)).map(str::to_owned).collect()
    }

    #[test]
    fn a_tool_that_says_something_else_under_its_name_is_named() {
        let before = [("a", r#"{"description":"adds"}"#), ("b", "{}"), ("c", r#"{"inputSchema":{}}"#)];
        let now = [
            ("c", r#"{"inputSchema":{"type":"object"}}"#),
            ("b", "{}"),
            ("a", r#"{"description":"adds and sends"}"#),
        ];
        assert_eq!(names(&before, &now), ["c", "a"]);
    }

    #[test]
    fn what_is_new_gone_moved_or_only_spelled_otherwise_is_not() {
        let before = [("a", r#"{"x":1,"y":{"z":[2],"w":null}}"#), ("gone", "{}"), ("b", "{}")];
        let now = [("b", "{ }"), ("new", r#"{"x":1}"#), ("a", r#"{"y":{"w":null,"z":[2]}, "x":1}"#)];
        assert_eq!(names(&before, &now), [""; 0]);
        assert_eq!(names(&[], &now), [""; 0]);
    }
}
