//! The depth that is counted is the depth that a reader finds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::depth;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let mut limits = 0..=text.len();
    let counted = limits.find(|limit| !depth::exceeds(text, *limit));
    let counted = counted.expect("there are no more levels than bytes");
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        assert_eq!(counted, depth_of(&value));
    }
});

/// The reader recurses, and reads no more than 128 levels.
fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth_of).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or_default(),
        _ => 0,
    }
}
