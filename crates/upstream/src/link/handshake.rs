//! Opening a link: which era is this target of, and what does it say of itself?
//!
//! The rules of spec 2026-07-28, basic/versioning and the transport pages: attempt `server/discover`; a modern answer
//! or a recognised modern error means modern; any other error, an exit or silence means legacy, which is then tried
//! with `initialize`. Failures of authentication and of the network say nothing about the era.

use std::sync::Arc;
use std::time::Duration;

use protocol::error::{HEADER_MISMATCH, METHOD_NOT_FOUND, MISSING_CLIENT_CAPABILITY, UNSUPPORTED_VERSION};
use protocol::{Era, Id, Message, Raw, Request, Response, RpcError, Version, capability, message};

use super::{Link, Owner, Peer, legacy, modern};
use crate::queue;
use crate::settings::{Settings, Transport};
use crate::target::common::Common;
use crate::wire::{Connect, Frames, Label, Outgoing, Wire};
use crate::{Caller, Error, ErrorKind};

pub(crate) use last::LastHandshake;

mod last;

/// Ids of the probe and of the handshake; calls begin after them, because a legacy session never reuses an id.
const DISCOVER_ID: u64 = 1;
const INITIALIZE_ID: u64 = 2;
const DISCOVER_AGAIN_ID: u64 = 3;
/// The first id of a call.
const FIRST_FREE_ID: u64 = 4;

/// How many ids each of those who share a session has for itself. What they begin with is a random multiple of it, below the
/// largest number that every JSON parser reads exactly.
const IDS_EACH: u64 = 1 << 20;

/// How many messages that belong to no call may wait on a link.
const INBOX: usize = 256;

/// How long a server may take to answer the request for its own stream before calls go ahead without it.
const STREAM: Duration = Duration::from_secs(1);

/// A wire on which the handshake is done.
pub(super) struct Opened {
    pub(super) wire: Box<dyn Wire>,
    pub(super) inbox: queue::Receiver<Message>,
    pub(super) peer: Arc<Peer>,
    /// Of whom the target was told.
    pub(super) caller: Arc<Caller>,
    /// The first id of a call.
    pub(super) first_id: u64,
}

impl Opened {
    fn new(
        wire: Box<dyn Wire>,
        inbox: queue::Receiver<Message>,
        peer: Arc<Peer>,
        caller: &Arc<Caller>,
    ) -> Self {
        Self { wire, inbox, peer, caller: caller.clone(), first_id: FIRST_FREE_ID }
    }
}

/// How to reach a target: its transport, and the older one that its address may speak instead.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// What the configuration names.
    pub connect: &'a dyn Connect,
    /// HTTP+SSE at the same address, tried when Streamable HTTP is refused there.
    pub older: Option<&'a dyn Connect>,
}

/// Opens a link to a target.
///
/// `known` is the era found earlier; it is tried first, and given up when the target contradicts it. `caller` is on whose
/// account the link is opened: a legacy target is told here what its client can do. Whoever calls this sets the deadline for
/// all of it.
pub async fn open(
    common: &Arc<Common>,
    way: &Way<'_>,
    known: Option<Era>,
    caller: &Arc<Caller>,
    owner: Owner,
) -> Result<Link, Error> {
    let settings = &*common.settings().clone();
    let renewal = common.renewal();
    let to = To { settings, way: *way, last: &common.last_handshake };
    let opened = match known {
        Some(Era::Legacy) => match initialize_fresh(&to, caller).await {
            Err(error) if matches!(error.kind, ErrorKind::Protocol | ErrorKind::Status(_)) => {
                probe(&to, caller).await
            }
            other => other,
        },
        Some(Era::Modern) | None => probe(&to, caller).await,
    }?;
    Ok(Link::new(common, opened, owner, renewal))
}

/// The target with which hands are shaken.
struct To<'a> {
    settings: &'a Settings,
    way: Way<'a>,
    last: &'a LastHandshake,
}

/// Goes on, without a handshake, with a session that the target gave to another link of this caller's, perhaps in another
/// process. Both may use it at once, so that ids of calls begin at random. `None` if the target's sessions end with their
/// connection. That the target has forgotten the session is found out by the first call.
pub async fn adopt(
    common: &Arc<Common>,
    connect: &dyn Connect,
    session: Shaken<'_>,
    caller: &Arc<Caller>,
    owner: Owner,
) -> Option<Link> {
    let renewal = common.renewal();
    let (sender, inbox) = queue::channel(INBOX);
    let wire = connect.adopt(sender, session.id)?;
    // Whoever had the session before may have subscribed to something.
    listen(wire.as_ref(), session.peer.version, caller, true).await;
    let share = getrandom::u32().unwrap_or_default();
    let opened = Opened {
        first_id: u64::from(share) * IDS_EACH + FIRST_FREE_ID,
        ..Opened::new(wire, inbox, session.peer, caller)
    };
    Some(Link::new(common, opened, owner, renewal))
}

/// A session at a target that somebody shook hands for.
pub struct Shaken<'a> {
    /// Its id.
    pub id: &'a str,
    /// What the target says of itself.
    pub peer: Arc<Peer>,
}

/// What the answer to `server/discover` says.
enum Verdict {
    Modern(Arc<Peer>),
    /// Speaks a handshake revision, and this wire may still be good for it.
    Legacy,
    /// Speaks a handshake revision, and this wire is of no more use.
    LegacyElsewhere,
    /// Refused the revision that we asked with, and says that it speaks these, with that one among them.
    Again(Vec<String>),
}

async fn probe(to: &To<'_>, caller: &Arc<Caller>) -> Result<Opened, Error> {
    let (wire, inbox) = connect(to.way.connect).await?;
    let own = modern::Own { version: Version::NEWEST_MODERN, capabilities: &caller.modern };
    let sent = wire.request(own.discover(Id::from(DISCOVER_ID)));
    let answer = match ask_era(to, wire.as_ref(), sent, caller).await {
        Asked::Answer(answer) => answer,
        Asked::Opened(opened) => {
            wire.close().await;
            return Ok(*opened);
        }
    };
    let mut verdict = match answer {
        Ok(answer) => judge(to.settings, answer)?,
        Err(error) => judge_failure(to.settings, error)?,
    };
    if let Verdict::Again(_) = verdict {
        // Taken at its word once (spec 2026-07-28, basic/versioning "Version negotiation").
        let sent = wire.request(own.discover(Id::from(DISCOVER_AGAIN_ID)));
        verdict = judge(to.settings, response(to, wire.as_ref(), sent).await?)?;
    }
    match verdict {
        Verdict::Again(versions) => Err(unspoken(to.settings, &versions)),
        Verdict::Modern(peer) => Ok(Opened::new(wire, inbox, peer, caller)),
        Verdict::Legacy => match initialize(to, wire.as_ref(), caller).await {
            Ok(peer) => Ok(Opened::new(wire, inbox, peer, caller)),
            // Some servers are of no more use after a request they do not know: ask a fresh one.
            Err(error) if error.kind == ErrorKind::Unauthorized => Err(error),
            Err(_) => {
                wire.close().await;
                initialize_fresh(to, caller).await
            }
        },
        Verdict::LegacyElsewhere => {
            wire.close().await;
            initialize_fresh(to, caller).await
        }
    }
}

/// What came of asking a target for its era.
enum Asked {
    Answer(Result<Answered, Error>),
    /// It kept silent, but a fresh one shook hands.
    Opened(Box<Opened>),
}

/// Waits for the answer to the probe. A child that is silent for a while may be one that ignores what comes before the
/// handshake, or one that is slow to start: a second one is offered the handshake, and whichever speaks first is right.
async fn ask_era(
    to: &To<'_>,
    wire: &dyn Wire,
    sent: futures::future::BoxFuture<'_, Result<Frames, Error>>,
    caller: &Arc<Caller>,
) -> Asked {
    let mut probing = std::pin::pin!(response(to, wire, sent));
    let waited = to.settings.limits.probe;
    if let Ok(answer) = tokio::time::timeout(waited, &mut probing).await {
        return Asked::Answer(answer);
    }
    if to.settings.transport.is_http() {
        // Over HTTP, silence is an outage and says nothing about the era.
        let (target, waited) = (&to.settings.name, waited.as_secs_f32());
        let text = format!("target `{target}` did not answer server/discover within {waited} s");
        return Asked::Answer(Err(Error::new(ErrorKind::Timeout, text)));
    }
    tokio::select! {
        answer = &mut probing => return Asked::Answer(answer),
        opened = initialize_fresh(to, caller) => if let Ok(opened) = opened {
            return Asked::Opened(Box::new(opened));
        },
    }
    Asked::Answer(probing.await)
}

/// Shakes hands over a connection of its own. A server that knows fewer capabilities than there are may refuse a client that
/// declares them, as older ones made with the Java SDK do. Where nobody counts on what was declared, it is tried without.
async fn initialize_fresh(to: &To<'_>, caller: &Arc<Caller>) -> Result<Opened, Error> {
    let plain = Caller::plain();
    let may_say_less = !caller.interactive && caller.capabilities != plain.capabilities;
    let refused = match shake_hands(to, caller).await {
        Err(error) if may_say_less && is_about_what_was_said(&error) => error,
        other => return other,
    };
    let opened = shake_hands(to, &plain).await.map_err(|_| refused.clone())?;
    tracing::info!(
        "target `{}` refuses clients that declare everything ({refused}); its lists are those for clients that declare nothing",
        to.settings.name
    );
    Ok(opened)
}

/// Whether a refusal may be about what a server was told, and not about who is there.
fn is_about_what_was_said(refusal: &Error) -> bool {
    matches!(refusal.kind, ErrorKind::Protocol | ErrorKind::Status(400 | 422 | 500))
}

async fn shake_hands(to: &To<'_>, caller: &Arc<Caller>) -> Result<Opened, Error> {
    let (wire, inbox) = connect(to.way.connect).await?;
    let refused = match initialize(to, wire.as_ref(), caller).await {
        Ok(peer) => return Ok(Opened::new(wire, inbox, peer, caller)),
        Err(error) => error,
    };
    let (ErrorKind::Status(400 | 404 | 405), Some(older)) = (refused.kind, to.way.older) else {
        wire.close().await;
        return Err(refused);
    };
    let Ok((wire, inbox)) = connect(older).await else {
        return Err(refused);
    };
    match initialize(to, wire.as_ref(), caller).await {
        Ok(peer) => Ok(Opened::new(wire, inbox, peer, caller)),
        Err(error) => Err(error),
    }
}

async fn connect(connect: &dyn Connect) -> Result<(Box<dyn Wire>, queue::Receiver<Message>), Error> {
    let (sender, inbox) = queue::channel(INBOX);
    Ok((connect.connect(sender).await?, inbox))
}

/// An answer, with the HTTP status it came under.
struct Answered {
    outcome: Result<Raw, Raw>,
    status: u16,
}

async fn response(
    to: &To<'_>,
    wire: &dyn Wire,
    sent: futures::future::BoxFuture<'_, Result<Frames, Error>>,
) -> Result<Answered, Error> {
    use futures::StreamExt as _;
    let answered = |response: Response, status| Answered { outcome: response.outcome, status };
    match sent.await? {
        Frames::One(Message::Response(response), status) => Ok(answered(response, status)),
        Frames::One(..) => Err(Error::new(ErrorKind::Protocol, "the answer is not a JSON-RPC response")),
        Frames::Stream(mut frames) => {
            while let Some(frame) = frames.next().await {
                match frame? {
                    Message::Response(response) => return Ok(answered(response, 200)),
                    // A legacy server may ping before the handshake is done (spec 2025-11-25, basic/lifecycle).
                    Message::Request(request) => {
                        let body = early(&request);
                        wire.send(Outgoing { id: None, opens: false, body, label: Label::default() }).await?;
                    }
                    Message::Notification(_) => {}
                }
            }
            let target = &to.settings.name;
            Err(Error::new(
                ErrorKind::Closed,
                format!("target `{target}` ended the stream without an answer"),
            ))
        }
    }
}

/// The response to a request of a target with which no handshake is done: nothing but `ping` is its to ask.
fn early(request: &Request) -> bytes::Bytes {
    let outcome = match &*request.method {
        "ping" => Ok(Raw::empty_object()),
        method => {
            let text = format!("`{method}` is not available before the handshake is done");
            Err(RpcError::new(METHOD_NOT_FOUND, text).to_raw())
        }
    };
    message::response(Some(&request.id), outcome.as_ref())
}

/// Judges an answer to the probe. Only the three codes of the modern revision, and a self-description, speak for it:
/// every other error is what legacy stacks say to a method they do not know, whatever its code and status.
fn judge(settings: &Settings, answer: Answered) -> Result<Verdict, Error> {
    match answer.outcome {
        Ok(result) => {
            let described = result.object().unwrap_or_default();
            let versions = described.get("supportedVersions").and_then(|v| v.read::<Vec<String>>().ok());
            let Some(versions) = versions else {
                return Ok(Verdict::Legacy);
            };
            match pick(&versions) {
                Some(Era::Modern) => Ok(Verdict::Modern(Arc::new(modern_peer(&described)))),
                Some(Era::Legacy) => Ok(Verdict::Legacy),
                None => Err(unspoken(settings, &versions)),
            }
        }
        Err(error) => {
            let error = RpcError::from_raw(&error);
            match error.code {
                UNSUPPORTED_VERSION => {
                    let data = error.data.and_then(|data| data.object().ok()).unwrap_or_default();
                    let versions: Vec<String> =
                        data.get("supported").and_then(|v| v.read().ok()).unwrap_or_default();
                    match pick(&versions) {
                        Some(Era::Modern) => Ok(Verdict::Again(versions)),
                        Some(Era::Legacy) => Ok(Verdict::Legacy),
                        None => Err(unspoken(settings, &versions)),
                    }
                }
                HEADER_MISMATCH | MISSING_CLIENT_CAPABILITY => Err(Error::new(
                    ErrorKind::Protocol,
                    format!("the target refuses `server/discover`: {}", error.message),
                )),
                _ => Ok(Verdict::Legacy),
            }
        }
    }
}

fn judge_failure(settings: &Settings, error: Error) -> Result<Verdict, Error> {
    match error.kind {
        ErrorKind::Unreachable
        | ErrorKind::Unauthorized
        | ErrorKind::Timeout
        | ErrorKind::Stopped
        | ErrorKind::Busy => Err(error),
        // The process ended, or the other side hung up: on stdio that is how some legacy servers refuse.
        ErrorKind::Closed if settings.transport.is_http() => Err(error),
        ErrorKind::Closed => Ok(Verdict::LegacyElsewhere),
        ErrorKind::Status(_) | ErrorKind::SessionLost | ErrorKind::Protocol | ErrorKind::TooLarge => {
            Ok(Verdict::LegacyElsewhere)
        }
    }
}

/// The era of the best revision that both sides speak.
fn pick(versions: &[String]) -> Option<Era> {
    versions.iter().filter_map(|version| Version::parse(version)).max().map(Version::era)
}

fn unspoken(settings: &Settings, versions: &[String]) -> Error {
    let target = &settings.name;
    let spoken = versions.join(", ");
    Error::new(
        ErrorKind::Protocol,
        format!("target `{target}` speaks only protocol versions that this gateway does not know: {spoken}"),
    )
}

fn modern_peer(described: &protocol::Object) -> Peer {
    let meta = described.object("_meta").unwrap_or_default();
    Peer {
        era: Era::Modern,
        version: Version::NEWEST_MODERN,
        capabilities: described.object("capabilities").unwrap_or_default(),
        info: meta.get(protocol::meta::SERVER_INFO).cloned().unwrap_or_else(Raw::empty_object),
        instructions: described.text("instructions"),
    }
}

async fn initialize(to: &To<'_>, wire: &dyn Wire, caller: &Caller) -> Result<Arc<Peer>, Error> {
    let (id, capabilities) = (Id::from(INITIALIZE_ID), &caller.capabilities);
    let body = to.last.asking(capabilities, || legacy::initialize(&id, capabilities));
    let sent = wire.request(Outgoing { id: Some(id), opens: true, body, label: Label::default() });
    let Answered { outcome, status } = response(to, wire, sent).await?;
    let peer = match outcome {
        Ok(said) => to.last.peer(&said, |said| legacy_peer(to.settings, said))?,
        Err(error) => {
            let error = RpcError::from_raw(&error);
            // These statuses send a client to the older transport, with or without words in the body.
            let kind = if matches!(status, 400 | 404 | 405) {
                ErrorKind::Status(status)
            } else {
                ErrorKind::Protocol
            };
            return Err(Error::new(kind, format!("the target refuses `initialize`: {error}")));
        }
    };
    wire.send(legacy::initialized(peer.version)).await?;
    listen(wire, peer.version, caller, peer.offers_flag("resources", "subscribe")).await;
    Ok(peer)
}

/// Reads what a target says of itself in the handshake.
fn legacy_peer(settings: &Settings, said: &Raw) -> Result<Arc<Peer>, Error> {
    let result = said.object().unwrap_or_default();
    let named = result.text("protocolVersion").unwrap_or_default();
    let Some(version) = Version::parse(&named).filter(|version| version.era() == Era::Legacy) else {
        return Err(unspoken(settings, &[named]));
    };
    Ok(Arc::new(Peer {
        era: Era::Legacy,
        version,
        capabilities: result.object("capabilities").unwrap_or_default(),
        info: result.get("serverInfo").cloned().unwrap_or_else(Raw::empty_object),
        instructions: result.text("instructions"),
    }))
}

/// Opens the stream on which the target says what belongs to no call.
async fn listen(wire: &dyn Wire, version: Version, caller: &Caller, may_be_subscribed: bool) {
    // Some servers ask on this stream, whatever the question is about, and lose what they ask before it is there.
    let may_be_asked = capability::is_interactive(&caller.capabilities.object().unwrap_or_default());
    let stream = wire.open_stream(version, may_be_asked || may_be_subscribed);
    if may_be_asked {
        let _ = tokio::time::timeout(STREAM, stream).await;
    }
}

impl Transport {
    /// Whether each message is an HTTP request of its own, so that a silence is an outage and no answer.
    pub fn is_http(&self) -> bool {
        match self {
            Self::Http(_) | Self::Sse(_) => true,
            Self::Stdio(_) | Self::Custom(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
