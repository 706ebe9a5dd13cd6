//! One-pass scan of a JSON-RPC message into an envelope of raw slices, and the writer of our own envelopes.
//!
//! What a peer sent is never forwarded as it is after a decision was made on it: a second reader may see another
//! name in the same bytes (a repeated key, a key in other case). The scan refuses what is ambiguous, and what goes
//! out is an envelope written here with the peer's raw members spliced in.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{JsonError, KeySeed, ObjectSeed};
use crate::{Id, Object, Pieces, Raw};

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
    match read_envelope(bytes) {
        Ok(envelope) => envelope.into_message(),
        Err(error) => Err(explain(bytes, &error)),
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
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
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
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    match id {
        Some(id) => id.write(out),
        None => out.extend_from_slice(b"null"),
    }
    let (key, value) = match outcome {
        Ok(result) => (&br#","result":"#[..], result),
        Err(error) => (&br#","error":"#[..], error),
    };
    out.extend_from_slice(key);
    out.extend_from_slice(value.as_bytes());
    out.push(b'}');
}

/// A request as bytes.
pub fn request(id: &Id, method: &str, params: &Object) -> Bytes {
    let mut out = Vec::with_capacity(256);
    write_request(id, method, params, &mut out);
    out.into()
}

/// A notification as bytes.
pub fn notification(method: &str, params: &Object) -> Bytes {
    let mut out = Vec::with_capacity(128);
    write_notification(method, params, &mut out);
    out.into()
}

/// A response as bytes.
pub fn response(id: Option<&Id>, outcome: Result<&Raw, &Raw>) -> Bytes {
    let size = outcome.map_or_else(|e| e.as_bytes().len(), |r| r.as_bytes().len());
    let mut out = Vec::with_capacity(size + 64);
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

// === The scan ===

/// Members of the envelope that a lenient reader might match in another case.
const ENVELOPE_KEYS: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

/// Members of params that we or a target decide on. A case variant of one of them is refused.
const DECIDING_KEYS: &[&str] = &[
    "name",
    "uri",
    "arguments",
    "_meta",
    "cursor",
    "ref",
    "argument",
    "context",
    "level",
    "taskId",
    "task",
    "requestId",
    "progressToken",
    "inputResponses",
    "requestState",
    "notifications",
    "protocolVersion",
    "capabilities",
    "clientInfo",
];

#[derive(Default)]
struct Envelope {
    version: Option<Box<str>>,
    id: Option<Raw>,
    method: Option<Box<str>>,
    params: Option<Object>,
    result: Option<Raw>,
    error: Option<Raw>,
}

fn read_envelope(bytes: &Bytes) -> Result<Envelope, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let envelope = reader.deserialize_map(EnvelopeVisitor { base: bytes })?;
    reader.end()?;
    Ok(envelope)
}

impl Envelope {
    fn into_message(self) -> Result<Message, ScanError> {
        let id = self.id.as_ref().and_then(Id::from_raw);
        let invalid = |reason: &str| Err(ScanError::Invalid { id: id.clone(), reason: reason.into() });
        if self.version.as_deref() != Some("2.0") {
            return invalid("a message must carry \"jsonrpc\": \"2.0\"");
        }
        if let Some(method) = self.method {
            if self.result.is_some() || self.error.is_some() {
                return invalid("a message with a method must not carry a result or an error");
            }
            let params = self.params.unwrap_or_default();
            if params.get("_meta").is_some_and(|meta| meta.object().is_err()) {
                return invalid("`params._meta` must be an object in which no member occurs twice");
            }
            if let Some(key) = case_variant(params.iter().map(|(key, _)| key), DECIDING_KEYS) {
                return invalid(&format!(
                    "the member `{key}` of params is refused: names are case-sensitive"
                ));
            }
            return match (self.id, id.clone()) {
                (None, _) => Ok(Message::Notification(Notification { method, params })),
                (Some(_), Some(id)) => Ok(Message::Request(Request { id, method, params })),
                (Some(_), None) => invalid("a request's id must be a string or an integer"),
            };
        }
        let outcome = match (self.result, self.error) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) if error.is_object() => Err(error),
            (None, Some(_)) => return invalid("the error of a response must be an object"),
            (Some(_), Some(_)) => return invalid("a response must not carry both a result and an error"),
            (None, None) => return invalid("a message must carry a method, a result or an error"),
        };
        if id.is_none() && outcome.is_ok() {
            return invalid("a response must carry the id of its request");
        }
        Ok(Message::Response(Response { id, outcome }))
    }
}

/// Says what kind of failure the reader met, and finds the id if there is one to be found.
fn explain(bytes: &Bytes, error: &serde_json::Error) -> ScanError {
    match error.classify() {
        serde_json::error::Category::Data => {
            let id = find_id(bytes);
            ScanError::Invalid { id, reason: format!("not a JSON-RPC message: {error}") }
        }
        _ => ScanError::NotJson(error.to_string()),
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

fn case_variant<'k>(keys: impl Iterator<Item = &'k str>, known: &[&str]) -> Option<String> {
    keys.filter(|key| !known.contains(key))
        .find(|key| known.iter().any(|name| name.eq_ignore_ascii_case(key)))
        .map(str::to_owned)
}

struct EnvelopeVisitor<'a> {
    base: &'a Bytes,
}

impl<'de> Visitor<'de> for EnvelopeVisitor<'_> {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message (an object)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut found = Envelope::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let fresh = match &*key {
                "jsonrpc" => put(&mut found.version, map.next_value()?),
                "id" => put(&mut found.id, self.raw(&mut map)?),
                "method" => put(&mut found.method, map.next_value()?),
                "params" => put(&mut found.params, map.next_value_seed(ParamsSeed { base: self.base })?),
                "result" => put(&mut found.result, self.raw(&mut map)?),
                "error" => put(&mut found.error, self.raw(&mut map)?),
                other => {
                    if case_variant(std::iter::once(other), ENVELOPE_KEYS).is_some() {
                        return Err(A::Error::custom(format!(
                            "the member `{key}` is refused: names are case-sensitive"
                        )));
                    }
                    map.next_value::<IgnoredAny>()?;
                    true
                }
            };
            if !fresh {
                return Err(A::Error::custom(format!("the member `{key}` occurs twice")));
            }
        }
        Ok(found)
    }
}

impl EnvelopeVisitor<'_> {
    fn raw<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Raw, A::Error> {
        let value: &RawValue = map.next_value()?;
        Ok(Raw::trusted(self.base.slice_ref(value.get().as_bytes())))
    }
}

/// Fills a slot; false when it was full.
fn put<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_none()
}

/// Params are an object; `null` counts as none, because some clients send it.
struct ParamsSeed<'a> {
    base: &'a Bytes,
}

impl<'de> DeserializeSeed<'de> for ParamsSeed<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Object, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ParamsSeed<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params that are an object")
    }

    fn visit_unit<E>(self) -> Result<Object, E> {
        Ok(Object::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object, A::Error> {
        ObjectSeed { base: self.base }.visit_map(map)
    }
}

#[cfg(test)]
mod tests;
