//! Names, URIs and header values come back as they went out, and nothing that comes in makes them panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::header;
use protocol::name::{MaxLength, is_target_name, join, split, unwrap_uri, wrap_uri};

fuzz_target!(|input: (&str, &str)| {
    let (target, local) = input;
    strangers(local);
    // Any text may be an item's name or URI; only valid names are ever given to targets.
    for target in [target, "t", "a.b-c9"] {
        if is_target_name(target) {
            round_trip(target, local);
        }
    }
});

fn round_trip(target: &str, local: &str) {
    assert_eq!(split(&join(target, local)), Some((target, local)));
    let full = join(target, local);
    for length in [MaxLength::LEAST, 50, MaxLength::MOST].into_iter().filter_map(MaxLength::new) {
        if length.is_exceeded_by(&full) {
            let short = length.shorten(Some(target), local);
            assert!(short.len() == length.get() && length.is_length_of(&short), "{short}");
            assert!(short.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{short}");
        }
    }

    let wrapped = wrap_uri(target, local);
    let (owner, uri) = unwrap_uri(&wrapped).expect("a wrapped URI has a seam");
    assert_eq!(owner, target);
    // The scheme of a UI resource comes back in lower case, which is the same scheme.
    let is_ui = |text: &str| text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("ui://"));
    match is_ui(local) {
        true => assert_eq!(uri.get(5..), local.get(5..)),
        false => assert_eq!(uri, local),
    }
    assert_eq!(is_ui(&wrapped), is_ui(local), "UI resources keep their scheme, and nothing else gets it");
}

/// What a client sends was not necessarily made by us.
fn strangers(text: &str) {
    if let Some((target, local)) = split(text) {
        assert_eq!(join(target, local), text);
    }
    // `t+ui://x` is no spelling of ours, but it leads where ours does.
    if let Some((target, uri)) = unwrap_uri(text) {
        let (owner, again) = unwrap_uri(&wrap_uri(&target, &uri)).expect("a wrapped URI has a seam");
        assert!(owner == target && again.eq_ignore_ascii_case(&uri));
    }
    let spelled = header::encode(text);
    assert!(spelled.bytes().all(|b| (0x20..0x7f).contains(&b) || b == b'\t'));
    assert_eq!(header::decode(&spelled).as_deref(), Some(text));
    header::decode(text);
}
