//! How far a string is plain: without a quote, a backslash or a control character.

/// Where the first byte at or after `from` is that is not plain, or the end of the text. With `ASCII` what is not ASCII is
/// not plain either.
///
/// Short strings are looked at in words of eight bytes, long ones in blocks of 64, which the compiler turns into vectors.
#[inline(always)]
pub(super) fn end<const ASCII: bool>(text: &[u8], from: usize) -> usize {
    const SHORT: usize = 64;
    let mut at = from;
    while let Some(word) = text.get(at..at + 8).and_then(|word| word.first_chunk()) {
        let hits = odd_in_word::<ASCII>(u64::from_le_bytes(*word));
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at - from == SHORT {
            return end_of_long::<ASCII>(text, at);
        }
    }
    end_bytewise::<ASCII>(text, at)
}

#[inline(never)]
fn end_of_long<const ASCII: bool>(text: &[u8], mut from: usize) -> usize {
    for block in text[from..].as_chunks::<64>().0 {
        if block.iter().fold(false, |any, byte| any | is_odd::<ASCII>(*byte)) {
            break;
        }
        from += 64;
    }
    for word in text[from..].as_chunks::<8>().0 {
        let hits = odd_in_word::<ASCII>(u64::from_le_bytes(*word));
        if hits != 0 {
            return from + hits.trailing_zeros() as usize / 8;
        }
        from += 8;
    }
    end_bytewise::<ASCII>(text, from)
}

/// For the end of the text.
#[inline(never)]
fn end_bytewise<const ASCII: bool>(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| is_odd::<ASCII>(*byte)).unwrap_or(rest.len())
}

/// Without branches, so that many can be asked at once. As a signed number, what is not ASCII is less than a space.
#[inline]
fn is_odd<const ASCII: bool>(byte: u8) -> bool {
    let is_low = if ASCII { byte.cast_signed() < 0x20 } else { byte < 0x20 };
    is_low | (byte == b'"') | (byte == b'\\')
}

/// The highest bit of the first byte of a word that is not plain, and perhaps bits of bytes behind it.
#[inline]
fn odd_in_word<const ASCII: bool>(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    const HIGH: u64 = EACH * 0x80;
    const QUOTES: u64 = EACH * b'"' as u64;
    const BACKSLASHES: u64 = EACH * b'\\' as u64;
    let (quote, backslash) = (word ^ QUOTES, word ^ BACKSLASHES);
    // A borrow can only reach a byte behind one that is found already.
    let found = word.wrapping_sub(EACH * 0x20) & !word
        | quote.wrapping_sub(EACH) & !quote
        | backslash.wrapping_sub(EACH) & !backslash;
    HIGH & if ASCII { found | word } else { found }
}

/// Whether a text can stand between quotes as it is.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    end::<false>(text.as_bytes(), 0) == text.len()
}
