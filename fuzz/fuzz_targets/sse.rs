//! Events are the same however their bytes are cut, and what the encoder wrote is read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::sse::{Decoder, Event, TooLarge, write_event};

/// Far more than an input holds, so that the ceiling is not met.
const ROOMY: usize = 1 << 30;

fuzz_target!(|input: (Vec<u8>, u16, &[u8])| {
    let (sizes, limit, stream) = input;
    let whole = decode(ROOMY, [stream]);
    assert_eq!(decode(ROOMY, cut(&sizes, stream)), whole);
    assert_eq!(decode(ROOMY, stream.chunks(1)), whole);

    // Under a ceiling an event is refused or whole, and none is larger than the ceiling.
    let (events, _) = decode(limit.into(), cut(&sizes, stream));
    assert!(events.len() <= whole.0.len());
    assert!(events.iter().zip(&whole.0).all(|(cut, whole)| cut == whole && cut.data.len() <= limit.into()));

    round_trip(stream);
});

fn decode<'s>(limit: usize, chunks: impl IntoIterator<Item = &'s [u8]>) -> (Vec<Event>, Option<TooLarge>) {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}

/// The stream in chunks of these sizes, over and over.
fn cut<'s>(sizes: &[u8], mut stream: &'s [u8]) -> Vec<&'s [u8]> {
    let mut chunks = Vec::new();
    let mut sizes = sizes.iter().map(|size| usize::from(*size)).cycle();
    while !stream.is_empty() {
        let size = sizes.next().unwrap_or(stream.len()).clamp(1, stream.len());
        let (chunk, rest) = stream.split_at(size);
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

/// Line ends in data come back as LF, whichever they were; everything else as it was.
fn round_trip(data: &[u8]) {
    let mut written = Vec::new();
    write_event(Some("message"), Some("7"), data, &mut written);
    let (events, error) = decode(ROOMY, [&written[..]]);
    assert_eq!((events.len(), error), (1, None));
    assert_eq!((events[0].event.as_deref(), events[0].id.as_deref()), (Some("message"), Some("7")));
    assert_eq!(events[0].data, unix(data));
}

fn unix(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut bytes = data.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
        }
        out.push(if byte == b'\r' { b'\n' } else { byte });
    }
    out
}
