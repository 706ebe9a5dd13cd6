//! Results of `completion/complete`.

use crate::json::array_of;
use crate::{Object, Raw};

/// How many values a result may have (spec 2025-11-25 and 2026-07-28, server/utilities/completion).
const MOST_VALUES: usize = 100;

/// The result with no more values than a result may have, which then says that there are more. One that keeps the rule is
/// left alone, and so is what is no such result.
pub fn cut(result: &Raw) -> Raw {
    shortened(result).unwrap_or_else(|| result.clone())
}

fn shortened(result: &Raw) -> Option<Raw> {
    let mut result: Object = result.object().ok()?;
    let mut completion = result.object("completion")?;
    let values = completion.get("values")?.array().ok()?;
    let kept = values.get(..MOST_VALUES).filter(|kept| kept.len() < values.len())?;
    completion.set("values", array_of(kept));
    completion.set("hasMore", Raw::of(&true));
    result.set("completion", completion.to_raw());
    Some(result.to_raw())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn cut_text(text: &str) -> String {
        let raw = Raw::parse(&Bytes::from(text.to_owned())).expect("valid JSON in a test");
        String::from_utf8(cut(&raw).as_bytes().to_vec()).expect("UTF-8")
    }

    fn values(count: usize) -> String {
        // Spelled so that reading and writing them again would show.
        (0..count).map(|n| format!(r#""\u0061{n}""#)).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_hundred_values_are_left_and_more_are_said_to_exist() {
        let first = values(100);
        for (before, after) in [("", r#","hasMore":true"#), (r#","hasMore":false"#, r#","hasMore":true"#)] {
            let long = format!(
                r#"{{"x":1.0,"completion":{{"total":1e3,"values":[{}]{before}}},"_meta":{{}}}}"#,
                values(101)
            );
            let expected =
                format!(r#"{{"x":1.0,"completion":{{"total":1e3,"values":[{first}]{after}}},"_meta":{{}}}}"#);
            assert_eq!(cut_text(&long), expected);
        }
    }

    #[test]
    fn what_keeps_the_rule_or_is_no_completion_stays_byte_for_byte() {
        let full = format!(r#"{{ "completion" : {{ "values":[{}] , "hasMore":false }} }}"#, values(100));
        for text in
            [full.as_str(), "{ }", r#"{ "completion":[ ] }"#, r#"{ "completion":{"values": "many"} }"#]
        {
            assert_eq!(cut_text(text), text);
        }
    }
}
