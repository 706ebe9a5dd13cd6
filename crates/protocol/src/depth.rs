//! How deep arrays and objects lie in each other.
//!
//! Nothing here recurses over what a peer sent, so depth is no danger to us; it is one to many a reader behind us.

use memchr::memchr2;

/// Whether arrays and objects of a JSON text lie in each other more than `limit` levels deep. What is no JSON is of any depth.
pub fn exceeds(text: &[u8], limit: usize) -> bool {
    // Most messages have fewer brackets than they may have levels.
    if brackets(text) <= limit {
        return false;
    }
    let (mut depth, mut rest) = (0_usize, text);
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'[' | b'{' if depth == limit => return true,
            b'[' | b'{' => {
                depth += 1;
                after
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                after
            }
            b'"' => behind_string(after),
            _ => after,
        };
    }
    false
}

/// How many opening brackets there are, also in strings. The two differ in one bit; a block has no more of them than a byte
/// counts, so that many are counted at once.
fn brackets(text: &[u8]) -> usize {
    let count = |block: &[u8]| block.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|block| usize::from(count(block))).sum()
}

/// What follows the end of a string that has begun.
pub(crate) fn behind_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        let escape = text[at] == b'\\';
        text = text.get(at + if escape { 2 } else { 1 }..).unwrap_or_default();
        if !escape {
            return text;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_count_and_brackets_in_strings_do_not() {
        for (text, depth) in [
            ("1", 0),
            (r#""[[[[""#, 0),
            ("[[],[],[],[]]", 2),
            (r#"{"a":[{"b":1}],"c":{}}"#, 3),
            (r#"["\"[[[", "\\", [ 1 ] ]"#, 2),
            (r#"{"[{":"}]","a":{ }}"#, 2),
        ] {
            assert!(!exceeds(text.as_bytes(), depth), "{text}");
            assert!(depth == 0 || exceeds(text.as_bytes(), depth - 1), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1_000_000);
        assert!(exceeds(deep.as_bytes(), 999_999) && !exceeds(deep.as_bytes(), 1_000_000));
        for odd in ["\"[[[[", r#""\"#, "]]]]{", "", r#"[[[[[""#] {
            exceeds(odd.as_bytes(), 1);
        }
    }

    fn depth_of(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(elements) => 1 + elements.iter().map(depth_of).max().unwrap_or(0),
            serde_json::Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf =
            prop_oneof![Just(serde_json::Value::Null), "[\\PC\\[\\]{}\"\\\\]{0,8}".prop_map(Into::into)];
        leaf.prop_recursive(6, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map("[a\\[{\"\\\\]{0,3}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_depth_that_a_reader_finds(value in value(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let depth = depth_of(&value);
            prop_assert!(!exceeds(text.as_bytes(), depth));
            prop_assert!(depth == 0 || exceeds(text.as_bytes(), depth - 1));
        }
    }
}
