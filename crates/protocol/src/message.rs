//! One-pass scan of a JSON-RPC message into an envelope of raw slices, and the writer of our own envelopes.
//!
//! What a peer sent is never forwarded as it is after a decision was made on it: a second reader may see another
//! name in the same bytes (a repeated key, a key in other case). The scan refuses what is ambiguous, and what goes
//! out is an envelope written here with the peer's raw members spliced in.

use bytes::Bytes;
use serde_json::value::RawValue;

use self::envelope::Envelope;
use crate::json::JsonError;
use crate::reader::Stop;
use crate::{Id, Object, Pieces, Raw, depth};

mod envelope;

/// A JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// Is one.
    Response(Response),
}

/// A request: an id, a method, and the params as raw members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The sender's id.
    pub id: Id,
    /// The method's name.
    pub method: Box<str>,
    /// The params; empty when there were none.
    pub params: Object,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The method's name.
    pub method: Box<str>,
    /// The params; empty when there were none.
    pub params: Object,
}

/// The answer to a request of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The id of the request; absent in an error about a request whose id could not be read.
    pub id: Option<Id>,
    /// The raw `result`, or the raw `error` object.
    pub outcome: Result<Raw, Raw>,
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not JSON at all (-32700).
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
    /// JSON, but not a JSON-RPC message (-32600), with the id where one could be read.
    #[error("{reason}")]
    Invalid {
        /// The id to answer with.
        id: Option<Id>,
        /// What is wrong, for the sender.
        reason: String,
    },
}

/// Whether the bytes hold a JSON array, that is, a batch.
pub fn is_batch(bytes: &[u8]) -> bool {
    bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
}

/// Scans one message.
pub fn scan(bytes: &Bytes) -> Result<Message, ScanError> {
    match Envelope::read(bytes) {
        Ok(envelope) => envelope.into_message(),
        Err(stop) => Err(explain(bytes, &stop)),
    }
}

/// How many messages a batch may hold. Each costs far more than the two bytes that it may take in the batch.
pub const LARGEST_BATCH: usize = 100;

/// Scans the messages of a batch (2025-03-26 only).
pub fn scan_batch(bytes: &Bytes) -> Result<Vec<Result<Message, ScanError>>, ScanError> {
    let batch = Raw::parse(bytes).map_err(|e| ScanError::NotJson(e.0))?;
    let invalid = |e: JsonError| ScanError::Invalid { id: None, reason: format!("not a batch: {}", e.0) };
    let elements = batch.array_of_at_most(LARGEST_BATCH).map_err(invalid)?;
    if elements.is_empty() {
        return Err(ScanError::Invalid { id: None, reason: "a batch must hold at least one message".into() });
    }
    Ok(elements.iter().map(|element| scan(element.bytes())).collect())
}

/// Appends a request.
pub fn write_request(id: &Id, method: &str, params: &Object, out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD);
    id.write(out);
    write_call(method, params, out);
}

/// Appends a notification.
pub fn write_notification(method: &str, params: &Object, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0""#);
    write_call(method, params, out);
}

fn write_call(method: &str, params: &Object, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","method":"#);
    crate::json::write_string(method, out);
    if !params.is_empty() {
        out.extend_from_slice(br#","params":"#);
        params.write(out);
    }
    out.push(b'}');
}

/// Appends a response. An error that answers no readable request carries `"id":null`.
pub fn write_response(id: Option<&Id>, outcome: Result<&Raw, &Raw>, out: &mut Vec<u8>) {
    let (Ok(value) | Err(value)) = outcome;
    write_head(id, outcome.is_ok(), out);
    out.extend_from_slice(value.as_bytes());
    out.push(b'}');
}

const HEAD: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;
const ERROR: &[u8] = br#","error":"#;

/// A response up to its result or error.
fn write_head(id: Option<&Id>, is_result: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD);
    match id {
        Some(id) => id.write(out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(if is_result { RESULT } else { ERROR });
}

/// The size of what [`write_head`] and the end of a message take, if nothing in the id has to be escaped.
fn size_around(id: Option<&Id>) -> usize {
    HEAD.len() + RESULT.len() + 1 + id.map_or(4, Id::size)
}

/// Whether a response that was written here, or its beginning, carries a result.
pub fn carries_result(response: &[u8]) -> bool {
    let mut rest = response.strip_prefix(HEAD).unwrap_or_default();
    if let Some(text) = rest.strip_prefix(b"\"") {
        rest = depth::behind_string(text);
    }
    // What is left of the id is a number or null.
    let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
    rest[end..].starts_with(RESULT)
}

/// A request as bytes.
pub fn request(id: &Id, method: &str, params: &Object) -> Bytes {
    let mut out = Vec::with_capacity(HEAD.len() + id.size() + size_of_call(method, params));
    write_request(id, method, params, &mut out);
    out.into()
}

/// A notification as bytes.
pub fn notification(method: &str, params: &Object) -> Bytes {
    let mut out = Vec::with_capacity(HEAD.len() + size_of_call(method, params));
    write_notification(method, params, &mut out);
    out.into()
}

/// The size of what [`write_call`] takes, if nothing has to be escaped.
fn size_of_call(method: &str, params: &Object) -> usize {
    method.len() + params.size() + 24
}

/// A response as bytes.
pub fn response(id: Option<&Id>, outcome: Result<&Raw, &Raw>) -> Bytes {
    let (Ok(value) | Err(value)) = outcome;
    let mut out = Vec::with_capacity(size_around(id) + value.as_bytes().len());
    write_response(id, outcome, &mut out);
    out.into()
}

/// A result that was spelled before it is known which request it answers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spelled {
    /// How it begins; short.
    pub opening: &'static str,
    /// Most of it.
    pub body: Bytes,
    /// How it ends, with the `}` that ends the message.
    pub rest: Bytes,
}

impl From<&Raw> for Spelled {
    fn from(result: &Raw) -> Self {
        Self { opening: "", body: result.bytes().clone(), rest: Bytes::from_static(b"}") }
    }
}

/// Results that are no larger than this are copied next to their envelope, which costs less than to send them by themselves.
const SMALL: usize = 4 << 10;

/// A response with a result that was spelled before, and is not copied if it is large.
pub fn answer(id: &Id, Spelled { opening, body, rest }: Spelled) -> Pieces {
    let length = body.len() + rest.len();
    let mut out = Vec::with_capacity(96 + opening.len() + if length > SMALL { 0 } else { length });
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    id.write(&mut out);
    out.extend_from_slice(br#","result":"#);
    out.extend_from_slice(opening.as_bytes());
    if length > SMALL {
        return Pieces::from([out.into(), body, rest]);
    }
    out.extend_from_slice(&body);
    out.extend_from_slice(&rest);
    Bytes::from(out).into()
}

/// A response, in which a large result is not copied.
pub fn answered(id: &Id, outcome: Result<&Raw, &Raw>) -> Pieces {
    match outcome {
        Ok(result) if result.as_bytes().len() > SMALL => answer(id, Spelled::from(result)),
        outcome => response(Some(id), outcome).into(),
    }
}

/// Says what kind of failure the reader met, and finds the id if there is one to be found. What is no JSON is called that,
/// also where something else was met first.
#[cold]
fn explain(bytes: &Bytes, stop: &Stop) -> ScanError {
    let is_json = serde_json::from_slice::<&RawValue>(bytes).is_ok();
    match stop {
        Stop::Unfit { .. } if is_json => {
            let JsonError(what) = stop.explain(bytes);
            ScanError::Invalid { id: find_id(bytes), reason: format!("not a JSON-RPC message: {what}") }
        }
        Stop::NoText { .. } if is_json => ScanError::NotJson(stop.explain(bytes).0),
        _ => ScanError::NotJson(Stop::NoJson.explain(bytes).0),
    }
}

/// The id of a message that may be none for other reasons.
pub fn find_id(bytes: &Bytes) -> Option<Id> {
    #[derive(serde::Deserialize)]
    struct OnlyId<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    let only: OnlyId<'_> = serde_json::from_slice(bytes).ok()?;
    let raw = Raw::parse(&bytes.slice_ref(only.id?.get().as_bytes())).ok()?;
    Id::from_raw(&raw)
}

#[cfg(test)]
mod tests;
