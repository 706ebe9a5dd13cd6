//! How far a long string with escapes goes on, a block at a time.
//!
//! Escapes come every few bytes where they come at all, and to stop at each of them takes several times as long as to look at
//! all bytes between them.

/// How many bytes are looked at at once.
pub(super) const BLOCK: usize = 64;

/// Where whole blocks end, from `from` on, that are inside of a string for certain; and whether they hold more than ASCII. The
/// string, in which nothing is half read at `from`, began before that. What stops this may be of any kind.
#[inline(never)]
pub(super) fn end_of_blocks(text: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut all) = (from, 0);
    let block = |at: usize| text.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>);
    // The second half of an escape would look like the first half of another.
    if from == 0 || text.get(from - 1) == Some(&b'\\') {
        return (from, false);
    }
    while let (Some(before), Some(bytes)) = (block(at - 1), block(at)) {
        let (is_odd, bits) = look(before, bytes);
        if is_odd {
            break;
        }
        all |= bits;
        at += BLOCK;
    }
    // What an escape of the next block begins with.
    let is_amid_escape = at > from && text.get(at - 1) == Some(&b'\\');
    (at - usize::from(is_amid_escape), all >= 0x80)
}

/// Whether something is in a block that ends the string, cannot be in one, or needs a closer look, and which bits its bytes have.
/// `before` are the bytes before each of them. Without branches, so that many bytes are looked at at once.
#[inline]
fn look(before: &[u8; BLOCK], bytes: &[u8; BLOCK]) -> (bool, u8) {
    let (mut is_odd, mut bits) = (false, 0);
    for (byte, before) in bytes.iter().zip(before) {
        let is_escaped = *before == b'\\';
        let is_quote = *byte == b'"';
        is_odd |= (*byte < 0x20) | (is_quote & !is_escaped) | (is_escaped & !(is_quote | may_follow(*byte)));
        bits |= *byte;
    }
    (is_odd, bits)
}

/// What may follow a backslash, but for a quote, a backslash, which may begin an escape itself, and the digits of a character.
#[inline]
fn may_follow(byte: u8) -> bool {
    (byte == b'n') | (byte == b't') | (byte == b'r') | (byte == b'/') | (byte == b'b') | (byte == b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where blocks end that begin behind the quote.
    fn end(inside: &str) -> (usize, bool) {
        end_of_blocks(format!("\"{inside}\"{}", "x".repeat(200)).as_bytes(), 1)
    }

    #[test]
    fn blocks_of_text_with_escapes_are_taken_as_a_whole() {
        let line = r#"\n0017\torder \"A-1\"\/\b\f\rabc"#;
        assert_eq!(end(&line.repeat(10)), (1 + 5 * BLOCK, false));
        assert_eq!(end(&format!("{}é", line.repeat(10))).1, end(&line.repeat(10)).1);
        assert_eq!(end(&"é\\n".repeat(32)), (1 + 2 * BLOCK, true));
    }

    #[test]
    fn what_ends_a_string_or_needs_a_closer_look_ends_the_blocks() {
        let plain = "\\n".repeat(BLOCK);
        for odd in ["\"", "\\\\", "\\u0041", "\\x", "\n", "\\\n", "\u{1}"] {
            for place in 0..BLOCK {
                let text = format!("{plain}{}{odd}{plain}", "x".repeat(place));
                let (at, _) = end(&text);
                assert!(at <= 1 + plain.len() + place, "{odd:?} at {place}: {at}");
            }
        }
    }

    #[test]
    fn an_escape_is_never_cut_in_two() {
        let text = format!("{}\\n{}", "x".repeat(BLOCK - 1), "\\u0041".repeat(20));
        assert_eq!(end(&text), (1 + BLOCK - 1, false));
        assert_eq!(
            end_of_blocks(
                br#""\\nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn""#,
                3
            ),
            (3, false)
        );
    }
}
