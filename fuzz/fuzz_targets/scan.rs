//! What was scanned and written again is the same message, and any other reader finds the same in it.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::{Message, Object, message};

fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    if let Ok(scanned) = message::scan(&bytes) {
        check(&scanned);
    }
    if message::is_batch(&bytes) {
        assert!(message::scan(&bytes).is_err(), "a batch is no message");
        for scanned in message::scan_batch(&bytes).into_iter().flatten().flatten() {
            check(&scanned);
        }
    }
});

fn check(scanned: &Message) {
    let written = write(scanned);
    assert_eq!(message::scan(&written).as_ref(), Ok(scanned));
    assert_eq!(write(scanned), written);
    match scanned {
        Message::Request(request) => readers_agree(&written, &request.method, &request.params),
        Message::Notification(notification) => {
            readers_agree(&written, &notification.method, &notification.params)
        }
        Message::Response(_) => {}
    }
}

fn write(scanned: &Message) -> Bytes {
    match scanned {
        Message::Request(request) => message::request(&request.id, &request.method, &request.params),
        Message::Notification(notification) => {
            message::notification(&notification.method, &notification.params)
        }
        Message::Response(response) => message::response(response.id.as_ref(), response.outcome.as_ref()),
    }
}

/// A reader that lets the last of two equal members win, as most do, must route by the same name as we do.
fn readers_agree(written: &[u8], method: &str, params: &Object) {
    // Numbers beyond a double and lone surrogates are passed on by us and refused by this reader.
    let Ok(other) = serde_json::from_slice::<serde_json::Value>(written) else {
        return;
    };
    assert_eq!(other["method"], method);
    for key in ["name", "uri"] {
        let theirs = other["params"][key].as_str().map(str::to_owned);
        assert_eq!(params.text(key), theirs);
    }
}
