//! Our side towards clients: which era is this request of?
//!
//! Decided for each request alone (spec 2026-07-28, basic/versioning): a client that probes with a modern request and
//! then shakes hands is served both times.

use bytes::Bytes;
use protocol::{Era, Id, Message, Request, Version, header, message, meta, method};

use crate::backend::Backend;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Asking, Frames, Head, Outcome, Single};

mod legacy;
mod modern;

impl Backend {
    /// Serves a POSTed body.
    pub async fn post(&self, asking: impl Into<Asking>, body: Bytes) -> Outcome {
        let asking = asking.into();
        let head = &*asking.head;
        let sessionless_modern = is_modern(head) && head.session.is_none();
        if message::is_batch(&body) {
            if sessionless_modern {
                return misplaced("there are no batches; send one message per request");
            }
            return legacy::batch::serve(&self.lender.lend(), head, &body);
        }
        let message = match message::scan(&body) {
            Ok(message) => message,
            Err(error) => return refuse_unscanned(error),
        };
        asking.note(&message);
        let shared = self.lender.lend();
        match message {
            Message::Request(request) if head.fault.is_some() => {
                let text = head.fault.clone().unwrap_or_default();
                refuse(Some(&request.id), &Error::new(ErrorKind::HeaderMismatch, text), Era::Modern)
            }
            Message::Request(request) => match era_of(&request, head) {
                Ok(Era::Modern) => modern::request(&shared, &asking, request).await,
                Ok(Era::Legacy) => legacy::request(&shared, &asking, request).await,
                Err(error) => refuse(Some(&request.id), &error, Era::Modern),
            },
            Message::Notification(notification) => legacy::notification(&shared, head, notification),
            Message::Response(_) if sessionless_modern => {
                misplaced("clients send no responses; answers go into `inputResponses` of the next request")
            }
            Message::Response(response) => legacy::response(&shared, head, response),
        }
    }

    /// Whether a body is the next round of a call of which this server said what it needs. Costs little for other bodies.
    pub fn has_round(&self, body: &Bytes) -> bool {
        modern::state_in(body).is_some_and(|state| self.shared.parking.has_given_out(&state))
    }

    /// Opens a stream of a legacy session (GET): its own, or one that broke off.
    pub fn stream(&self, head: &Head) -> Result<Frames, Single> {
        legacy::session(&self.shared, head)
            .and_then(|session| session.stream(head.last_event_id.as_deref(), head.closing.clone()))
            .map_err(|error| single(None, &error, Era::Legacy))
    }

    /// Ends a legacy session (DELETE).
    pub fn end(&self, head: &Head) -> Result<(), Single> {
        let session =
            legacy::session(&self.shared, head).map_err(|error| single(None, &error, Era::Legacy))?;
        self.shared.sessions.end(&session.id);
        Ok(())
    }

    /// Opens a connection of the HTTP+SSE transport of 2024-11-05: its session's name, and the stream that carries
    /// everything. The session ends with the stream, and the stream when its way is `closing` and everything is answered.
    pub fn open_sse(&self, head: &Head) -> Result<(String, Frames), Single> {
        legacy::sse::open(&self.lender.lend(), head).map_err(|error| single(None, &error, Era::Legacy))
    }

    /// Serves a body POSTed to a connection of 2024-11-05. What there is to say is said on its stream.
    pub fn post_sse(&self, asking: impl Into<Asking>, body: &Bytes) -> Outcome {
        legacy::sse::post(&self.lender.lend(), &asking.into(), body)
    }
}

/// The era of a request, by what it carries. The order of the tests is the rule.
fn era_of(request: &Request, head: &Head) -> Result<Era, Error> {
    let enveloped = request.params.get("_meta").is_some_and(|meta| meta.has_member(meta::PROTOCOL_VERSION));
    if enveloped {
        return Ok(Era::Modern);
    }
    if &*request.method == "initialize" {
        return Ok(Era::Legacy);
    }
    let modern_only =
        method::lookup(&request.method, Era::Modern).is_some_and(|row| !row.eras.include(Era::Legacy));
    if modern_only || is_modern(head) {
        let text = format!(
            "`params._meta[\"{}\"]` is missing: every request names its revision",
            meta::PROTOCOL_VERSION
        );
        return Err(Error::new(ErrorKind::MissingMeta, text));
    }
    Ok(Era::Legacy)
}

/// Whether the headers name a modern revision.
fn is_modern(head: &Head) -> bool {
    head.version.as_deref().and_then(Version::parse).is_some_and(|version| version.era() == Era::Modern)
}

/// A message of a kind that modern clients do not send.
fn misplaced(what: &str) -> Outcome {
    let text = format!("in revision {} {what}", Version::NEWEST_MODERN.as_str());
    refuse(None, &Error::new(ErrorKind::Malformed, text), Era::Modern)
}

/// An error as the outcome of a request.
fn refuse(id: Option<&Id>, error: &Error, era: Era) -> Outcome {
    Outcome::One(single(id, error, era))
}

fn refuse_unscanned(error: message::ScanError) -> Outcome {
    let id = match &error {
        message::ScanError::Invalid { id, .. } => id.clone(),
        message::ScanError::NotJson(_) => None,
    };
    refuse(id.as_ref(), &error.into(), Era::Modern)
}

fn single(id: Option<&Id>, error: &Error, era: Era) -> Single {
    let body = message::response(id, Err(&error.to_rpc(era).to_raw())).into();
    Single { body, error: Some(error.kind), session: None }
}

/// Which versions there are, as data of the error that refuses another.
fn unsupported(requested: &str, era: Era) -> Error {
    let supported: Vec<_> =
        Version::ALL.iter().filter(|v| era == Era::Legacy || v.era() == era).map(|v| v.as_str()).collect();
    let text =
        format!("protocol version `{requested}` is not supported; supported: {}", supported.join(", "));
    let data = protocol::Raw::of(&serde_json::json!({ "supported": supported, "requested": requested }));
    Error::new(ErrorKind::UnsupportedVersion, text).with_data(data)
}

/// The header under which a value was expected, for messages.
fn header_name(name: &str) -> &'static str {
    match name {
        header::METHOD => "Mcp-Method",
        header::NAME => "Mcp-Name",
        _ => "MCP-Protocol-Version",
    }
}
