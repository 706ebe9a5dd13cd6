//! Server-sent events, as far as one answer of a few events needs them.

use std::borrow::Cow;

/// The data of each event of a whole stream that has any.
pub(crate) fn data(stream: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut lines = lines(stream);
    std::iter::from_fn(move || {
        let mut data: Option<Cow<'_, [u8]>> = None;
        for line in lines.by_ref() {
            if line.is_empty() {
                if data.as_ref().is_some_and(|data| !data.is_empty()) {
                    return data;
                }
                data = None;
            } else if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                match &mut data {
                    None => data = Some(Cow::Borrowed(value)),
                    Some(more) => {
                        let more = more.to_mut();
                        more.push(b'\n');
                        more.extend_from_slice(value);
                    }
                }
            }
        }
        // What no empty line ends is no event.
        None
    })
}

fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_with_data_come_out_and_nothing_else() {
        let stream = b": hello\n\nid: 1\ndata:\n\nevent: message\r\ndata: {\"a\":1}\r\nid: 2\r\n\r\ndata:x\ndata: y\n\ndata: cut";
        let all: Vec<_> = data(stream).map(Cow::into_owned).collect();
        assert_eq!(all, [b"{\"a\":1}".to_vec(), b"x\ny".to_vec()]);
    }
}
