//! The scan of one message: once over its bytes.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Message, Notification, Request, Response, ScanError};
use crate::reader::{Reader, Seen, Stop};
use crate::{Id, Object, Raw};

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

/// What stands in a message.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    version: Option<Cow<'a, str>>,
    id: Option<Raw>,
    method: Option<Cow<'a, str>>,
    params: Option<Params>,
    result: Option<Raw>,
    error: Option<Raw>,
}

/// The params, and what is wrong with them if they belong to a request or notification.
struct Params {
    members: Object,
    /// `_meta` is no object, or a member of it occurs twice.
    has_odd_meta: bool,
    /// A member that a lenient reader might match in another case.
    variant: Option<String>,
}

impl<'a> Envelope<'a> {
    /// Reads a message, which is the whole of `base`.
    pub(super) fn read(base: &'a Bytes) -> Result<Self, Stop> {
        let mut reader = Reader::new(base);
        if reader.next_token()? != b'{' {
            return Err(Stop::unfit("expected a JSON-RPC message (an object)", reader.at()));
        }
        let mut found = Self::default();
        reader.members(|reader, name| {
            let fresh = match name.text() {
                b"jsonrpc" => put(&mut found.version, text(reader)?),
                b"id" => put(&mut found.id, reader.raw(base)?),
                b"method" => put(&mut found.method, text(reader)?),
                b"params" => put(&mut found.params, Params::read(reader, base)?),
                b"result" => put(&mut found.result, reader.raw_by(base, Reader::skip_noting_repeated)?),
                b"error" => put(&mut found.error, reader.raw(base)?),
                other if is_variant(other, ENVELOPE_KEYS) => {
                    return Err(name.fault("is refused: names are case-sensitive"));
                }
                _ => {
                    reader.skip()?;
                    true
                }
            };
            if fresh { Ok(()) } else { Err(name.twice()) }
        })?;
        reader.end()?;
        Ok(found)
    }

    pub(super) fn into_message(self) -> Result<Message, ScanError> {
        let id = self.id.as_ref().and_then(Id::from_raw);
        let invalid = |reason: &str| Err(ScanError::Invalid { id: id.clone(), reason: reason.into() });
        if self.version.as_deref() != Some("2.0") {
            return invalid("a message must carry \"jsonrpc\": \"2.0\"");
        }
        if let Some(method) = self.method {
            if self.result.is_some() || self.error.is_some() {
                return invalid("a message with a method must not carry a result or an error");
            }
            let params = match self.params {
                Some(Params { has_odd_meta: true, .. }) => {
                    return invalid("`params._meta` must be an object in which no member occurs twice");
                }
                Some(Params { variant: Some(key), .. }) => {
                    return invalid(&format!(
                        "the member `{key}` of params is refused: names are case-sensitive"
                    ));
                }
                params => params.map(|params| params.members).unwrap_or_default(),
            };
            let method = method.into();
            return match (&self.id, &id) {
                (None, _) => Ok(Message::Notification(Notification { method, params })),
                (Some(_), None) => invalid("a request's id must be a string or an integer"),
                (Some(_), Some(id)) => Ok(Message::Request(Request { id: id.clone(), method, params })),
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

impl Params {
    /// Params are an object; `null` counts as none, because some clients send it.
    fn read(reader: &mut Reader<'_>, base: &Bytes) -> Result<Self, Stop> {
        let mut params = Self { members: Object::default(), has_odd_meta: false, variant: None };
        match reader.next_token()? {
            b'{' => {}
            b'n' => {
                reader.skip()?;
                return Ok(params);
            }
            _ => return Err(Stop::unfit("expected params that are an object", reader.at())),
        }
        params.members = Object::read_by(reader, base, |reader, name| {
            if name == b"_meta" {
                return reader.raw_by(base, |reader| skip_meta(reader, &mut params.has_odd_meta));
            }
            if params.variant.is_none() && is_variant(name, DECIDING_KEYS) {
                params.variant = Some(String::from_utf8_lossy(name).into_owned());
            }
            Ok(reader.raw(base)?)
        })?;
        Ok(params)
    }
}

/// Takes a value that has to be an object in which no member occurs twice, and notes if it is not.
fn skip_meta(reader: &mut Reader<'_>, is_odd: &mut bool) -> Result<(), Stop> {
    if reader.next_token()? != b'{' {
        *is_odd = true;
        return Ok(reader.skip()?);
    }
    let mut seen = Seen::new();
    reader.members(|reader, name| {
        *is_odd |= seen.take(&name).is_err();
        Ok(reader.skip()?)
    })
}

/// The text of a member that has to be one.
fn text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, Stop> {
    match reader.next_token()? {
        b'"' => reader.text()?.into_text(),
        _ => Err(Stop::unfit("expected a string", reader.at())),
    }
}

/// Whether a name is one of the known ones but for the case of its letters.
fn is_variant(name: &[u8], known: &[&str]) -> bool {
    let is_known = known.iter().any(|known| known.as_bytes() == name);
    !is_known && known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Fills a slot; false when it was full.
fn put<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_none()
}
