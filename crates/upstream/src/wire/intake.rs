//! From the bytes of one frame to messages.

use bytes::Bytes;
use protocol::message::{ScanError, is_batch, scan, scan_batch};
use protocol::{Message, Raw};

/// Hands over each message of a frame. Servers of 2025-03-26 may put several into one array.
pub(crate) fn each(frame: &Bytes, mut take: impl FnMut(Result<Message, ScanError>)) {
    if !is_batch(frame) {
        return take(scan(frame));
    }
    match scan_batch(frame) {
        Ok(messages) => messages.into_iter().for_each(take),
        Err(error) => take(Err(error)),
    }
}

/// Whether bytes that could not be read as a message were meant as an answer: an object without a method. The id in
/// anything else is the target's own and says nothing about our requests.
pub(crate) fn was_an_answer(frame: &Bytes) -> bool {
    Raw::parse(frame).and_then(|raw| raw.object()).is_ok_and(|members| members.get("method").is_none())
}

/// The beginning of what a target sent, on one printable line.
pub(crate) fn excerpt(bytes: &[u8], chars: usize) -> String {
    let head = &bytes[..bytes.len().min(chars * 4)];
    let line = printable(&String::from_utf8_lossy(head));
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// One line without terminal escapes and control characters: a target's words end up in terminals and web pages.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            if chars.next_if_eq(&'[').is_some() {
                // A control sequence ends with its first byte in this range (ECMA-48, 5.4).
                while chars.next().is_some_and(|c| !('\x40'..='\x7e').contains(&c)) {}
            }
        } else if c.is_whitespace() {
            out.push(' ');
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_unpacked() {
        let frame = Bytes::from_static(
            br#" [{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"m"},3]"#,
        );
        let mut kinds = Vec::new();
        each(&frame, |message| kinds.push(message.is_ok()));
        assert_eq!(kinds, [true, true, false]);
    }

    #[test]
    fn excerpts_are_short_printable_lines() {
        assert_eq!(excerpt(b"  \x1b[31mred\x1b[0m\tand\nplain\x07 ", 80), "red and plain");
        assert_eq!(excerpt("ééé".as_bytes(), 2), "éé…");
        assert_eq!(excerpt(b"", 2), "");
    }

    #[test]
    fn only_an_object_without_a_method_was_an_answer() {
        assert!(was_an_answer(&Bytes::from_static(br#"{"id":1,"result":{},"error":null}"#)));
        assert!(!was_an_answer(&Bytes::from_static(br#"{"id":1,"method":"x","result":{}}"#)));
        assert!(!was_an_answer(&Bytes::from_static(b"hello")));
    }
}
