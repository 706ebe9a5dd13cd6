//! Well-formed messages for the tests of both sides, from the headers on.

use proptest::prelude::*;

/// The body of a message, by how its end is shown.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// By its length.
    Length(Vec<u8>),
    /// Chunks with their extensions, and trailers.
    Chunked(Vec<(Vec<u8>, String)>, Vec<String>),
}

/// Any of them.
pub(crate) fn a_body() -> impl Strategy<Value = Body> {
    let data = || proptest::collection::vec(any::<u8>(), 0..300);
    let extension = "(;[a-z]{1,3}(=([a-z0-9]{1,5}|\"[ -!#-~]{0,5}\"))?){0,2}";
    let chunks = proptest::collection::vec((data(), extension), 0..6);
    let trailers = proptest::collection::vec("[a-z-]{1,6}: [ -~]{0,9}", 0..3);
    prop_oneof![
        data().prop_map(Body::Length),
        (chunks, trailers).prop_map(|(chunks, trailers)| Body::Chunked(chunks, trailers))
    ]
}

/// Writes headers whose names begin with `x-`.
pub(crate) fn write_headers(headers: &[(String, String)], raw: &mut Vec<u8>) {
    for (name, value) in headers {
        raw.extend_from_slice(format!("x-{name}: {value}\r\n").as_bytes());
    }
}

impl Body {
    /// Writes the header that shows the end, the end of the head, and the body; says what the body is.
    pub(crate) fn write(&self, raw: &mut Vec<u8>) -> Vec<u8> {
        let mut data = Vec::new();
        match self {
            Self::Length(body) => {
                raw.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
                raw.extend_from_slice(body);
                data.clone_from(body);
            }
            Self::Chunked(chunks, trailers) => {
                raw.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for (chunk, extension) in chunks.iter().filter(|(chunk, _)| !chunk.is_empty()) {
                    raw.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                    raw.extend_from_slice(chunk);
                    raw.extend_from_slice(b"\r\n");
                    data.extend_from_slice(chunk);
                }
                raw.extend_from_slice(b"0\r\n");
                for trailer in trailers {
                    raw.extend_from_slice(format!("{trailer}\r\n").as_bytes());
                }
                raw.extend_from_slice(b"\r\n");
            }
        }
        data
    }
}

/// Cuts bytes at these places.
pub(crate) fn pieces<'r>(raw: &'r [u8], cuts: &[proptest::sample::Index]) -> Vec<&'r [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
    cuts.extend([0, raw.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &raw[cut[0]..cut[1]]).collect()
}
