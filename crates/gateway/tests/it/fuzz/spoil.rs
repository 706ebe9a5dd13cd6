//! What is valid, spoiled: values of the wrong type in any place, members that are missing, doubled or spelled otherwise,
//! and at last single bytes.

use serde_json::{Value, json};

use super::dice::Dice;

/// What has no form in [`Value`]. Each is put into the text in the place of a mark.
const UNSPEAKABLE: &[&str] = &[
    "1e999",
    "-0",
    "123456789012345678901234567890",
    "0.1e-400",
    "1E400",
    r#""\ud800""#,
    r#""\udc00\ud800x""#,
    r#""\u0000""#,
    r#""a\u0000b\r\n\u2028\u001b[31m""#,
    r#"{"a":1,"a":2}"#,
    r#"{"name":"x","name":"y","uri":"x:1","uri":"x:2"}"#,
    r#"{"__proto__":{"a":1}}"#,
    r#""💩\ufeff\u202e""#,
    "nul",
    "NaN",
    "'x'",
];

/// Stands for one of [`UNSPEAKABLE`], followed by a letter that says which.
const MARK: char = '\u{e000}';
/// Stands in a key for nothing, so that a key can be there twice.
const AGAIN: char = '\u{e001}';

/// A message, spoiled in some way, or hardly at all.
pub(crate) fn spoiled(dice: &mut Dice, message: &Value) -> Vec<u8> {
    let mut message = message.clone();
    for _ in 0..dice.below(4) {
        spoil(dice, &mut message);
    }
    let mut text = spelled(dice, &message).into_bytes();
    if dice.one_in(6) {
        for _ in 0..=dice.below(3) {
            scratch(dice, &mut text);
        }
    }
    text
}

/// A value with its marks replaced.
fn spelled(dice: &mut Dice, value: &Value) -> String {
    let text = if dice.one_in(8) { format!("{value:#}") } else { value.to_string() };
    if !text.contains([MARK, AGAIN]) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before.strip_suffix('"').unwrap_or(before));
        let index = after.chars().next().map_or(0, |which| which as usize - 'a' as usize);
        out.push_str(UNSPEAKABLE[index]);
        rest = after.get(1..).map_or("", |rest| rest.strip_prefix('"').unwrap_or(rest));
    }
    out.push_str(rest);
    out.replace(AGAIN, "")
}

/// Changes one place.
fn spoil(dice: &mut Dice, value: &mut Value) {
    let mut node = value;
    while holds_something(node) && !dice.one_in(4) {
        node = match node {
            Value::Object(members) => {
                let at = dice.below(members.len());
                members.values_mut().nth(at).expect("a member")
            }
            Value::Array(elements) => {
                let at = dice.below(elements.len());
                &mut elements[at]
            }
            _ => unreachable!("a loop over what holds something"),
        };
    }
    match node {
        Value::Object(members) if !members.is_empty() => {
            let key = members.keys().nth(dice.below(members.len())).expect("a member").clone();
            match dice.below(6) {
                0 | 1 => drop(members.remove(&key)),
                2 => drop(members.insert(format!("{key}{AGAIN}"), odd(dice))),
                3 => drop(members.insert(key.to_uppercase(), odd(dice))),
                4 => drop(members.insert(odd_text(dice), odd(dice))),
                _ => drop(members.insert(key, odd(dice))),
            }
        }
        Value::Array(elements) if !elements.is_empty() => match dice.below(4) {
            0 => drop(elements.remove(dice.below(elements.len()))),
            1 => elements.push(odd(dice)),
            2 => elements.extend(vec![elements[dice.below(elements.len())].clone(); dice.below(300)]),
            _ => *node = odd(dice),
        },
        node => *node = odd(dice),
    }
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        _ => false,
    }
}

/// A value that is unlikely to be right where it stands.
pub(crate) fn odd(dice: &mut Dice) -> Value {
    match dice.below(16) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!([i64::MIN, -1, 0, 1, i64::MAX][dice.below(5)]),
        3 => json!(u64::MAX),
        4 => json!(0.5),
        5 => json!([]),
        6 => json!({}),
        7 => json!([{ "type": odd_text(dice), "name": odd_text(dice), "uri": odd_text(dice) }]),
        8 => json!("x".repeat([100, 300, 5000, 100, 100, 70_000][dice.below(6)])),
        9 => nested(dice),
        10..=12 => {
            let letter = u8::try_from(dice.below(UNSPEAKABLE.len())).expect("a few") + b'a';
            json!(format!("{MARK}{}", char::from(letter)))
        }
        _ => json!(odd_text(dice)),
    }
}

fn nested(dice: &mut Dice) -> Value {
    let object = dice.one_in(2);
    (0..[10, 20, 126, 140, 1000][dice.below(5)])
        .fold(Value::Null, |inner, _| if object { json!({ "content": inner }) } else { json!([inner]) })
}

/// A text that means something somewhere.
fn odd_text(dice: &mut Dice) -> String {
    let texts = [
        "",
        " ",
        "_",
        "a_",
        "_a",
        "+",
        "a+",
        "old_",
        "old+",
        "ui://",
        "ui://old+",
        "ui://a+x",
        "../..",
        "%00",
        "name",
        "uri",
        "_meta",
        "text",
        "resource",
        "resource_link",
        "tool_result",
        "ref/prompt",
        "complete",
        "input_required",
        "task",
        "notifications/cancelled",
        "initialize",
        "2025-11-25",
        "2026-07-28",
        "2025-03-26",
        "0-0",
        "1-1",
        "é\u{301}",
        "\u{0}",
        "old_test_echo",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-00000000",
    ];
    dice.pick(&texts).to_owned()
}

/// Changes bytes.
fn scratch(dice: &mut Dice, text: &mut Vec<u8>) {
    let at = dice.below(text.len());
    match dice.below(6) {
        0 => text.truncate(at),
        1 => text.insert(at, b"\0\"\\{}[],:\xff\xc3\n\r "[dice.below(14)]),
        2 => drop((at < text.len()).then(|| text.remove(at))),
        3 => text.extend_from_within(at..),
        4 => text.splice(at..at, [0xed, 0xa0, 0x80]).for_each(drop),
        _ => text.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spoiled_is_the_same_for_the_same_seed_and_often_still_a_message() {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "x", "arguments": { "a": [1] } } });
        let one = |seed| spoiled(&mut Dice::new(seed), &message);
        let all: Vec<_> = (0..200).map(one).collect();
        assert_eq!(all, (0..200).map(one).collect::<Vec<_>>());
        let readable = all.iter().filter(|text| serde_json::from_slice::<Value>(text).is_ok()).count();
        assert!((80..196).contains(&readable), "{readable}");
        let doubled = |text: &&Vec<u8>| String::from_utf8_lossy(text).matches("\"jsonrpc\"").count() > 1;
        assert!(all.iter().any(|text| doubled(&text)));
    }
}
