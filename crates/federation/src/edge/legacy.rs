//! Clients of 2024-11-05 … 2025-11-25: a handshake, and a session in which calls run.

use std::sync::Arc;

use protocol::method::notifications;
use protocol::{Era, Id, Notification, Object, Raw, Request, Response, Version, capability, message};
use upstream::Caller;
use upstream::spread::Lent;

use super::{refuse, unsupported};
use crate::backend::Shared;
use crate::context::required_text;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Asking, Head, Outcome, Single};
use crate::session::{Handshake, Session, prepared};
use crate::{extensions, local};

pub(super) mod batch;
mod call;
mod finish;
mod open;
mod own;
mod round;
mod running;
pub(super) mod sse;

// === What is POSTed ===

/// Serves a request.
pub(super) async fn request(backend: &Lent<Shared>, asking: &Asking, request: Request) -> Outcome {
    let head = &*asking.head;
    if &*request.method == "initialize" {
        return initialize(backend, head, &request).await;
    }
    let session = match session_or_none(backend, head) {
        Ok(session) => session,
        // What a client may send before it shakes hands (spec 2025-11-25, basic/lifecycle).
        Err(error) if error.kind == ErrorKind::SessionRequired && &*request.method == "ping" => None,
        Err(error) => return refuse(Some(&request.id), &error, Era::Legacy),
    };
    call::serve(backend, session, request, asking).await
}

/// Takes note of a notification. One that means nothing to us is taken as well: there is no answer in which to refuse it.
pub(super) fn notification(backend: &Lent<Shared>, head: &Head, notification: Notification) -> Outcome {
    match session_or_none(backend, head) {
        Ok(Some(session)) => {
            heed(&session, &notification);
            Outcome::Accepted
        }
        Ok(None) => Outcome::Accepted,
        // A modern client has no session and sends no notifications that we would act on.
        Err(_) if head.session.is_none() => Outcome::Accepted,
        Err(error) => refuse(None, &error, Era::Legacy),
    }
}

/// Takes the response to a request of ours.
pub(super) fn response(backend: &Lent<Shared>, head: &Head, response: Response) -> Outcome {
    match session(backend, head) {
        Ok(session) => {
            session.answered(response);
            Outcome::Accepted
        }
        Err(error) => refuse(None, &error, Era::Legacy),
    }
}

// === Sessions ===

/// The session that a request names.
pub(super) fn session(backend: &Shared, head: &Head) -> Result<Arc<Session>, Error> {
    check_version(head)?;
    let Some(id) = &head.session else {
        let text = "the header `Mcp-Session-Id` is missing: begin with `initialize`, and send the id that it returns";
        return Err(Error::new(ErrorKind::SessionRequired, text));
    };
    let session = backend.session(id, &head.principal)?;
    session.touch();
    backend.sessions.came_back(&session);
    Ok(session)
}

/// The same, for a server that may serve without sessions.
fn session_or_none(backend: &Shared, head: &Head) -> Result<Option<Arc<Session>>, Error> {
    if head.session.is_none() && backend.settings().stateless {
        check_version(head)?;
        return Ok(None);
    }
    session(backend, head).map(Some)
}

/// A version header must name a revision that we speak; none means 2025-03-26 or what was agreed on.
fn check_version(head: &Head) -> Result<(), Error> {
    match head.version.as_deref() {
        Some(version) if Version::parse(version.trim()).is_none() => Err(unsupported(version, Era::Legacy)),
        _ => Ok(()),
    }
}

/// The handshake: a session, unless the server keeps none.
async fn initialize(backend: &Lent<Shared>, head: &Head, request: &Request) -> Outcome {
    if backend.settings().stateless {
        let version = negotiate(&request.params);
        let result = local::initialize_stateless(&*backend.settled_catalog().await, version);
        return Outcome::One(Single::plain(message::response(Some(&request.id), Ok(&result))));
    }
    match begin(backend, head, &request.params).await {
        Ok((result, session)) => {
            let body = message::response(Some(&request.id), Ok(&result)).into();
            Outcome::One(Single { body, error: None, session: Some(String::from(&*session.id)) })
        }
        Err(error) => refuse(Some(&request.id), &error, Era::Legacy),
    }
}

/// Begins a session. It does so after everything that takes time: a client that hangs up before would leave one that nobody
/// knows of.
async fn begin(backend: &Shared, head: &Head, params: &Object) -> Result<(Raw, Arc<Session>), Error> {
    let handshake = heard(backend, params).await?;
    backend.sessions.check_room(backend.settings().sessions.most)?;
    let prepared = prepared::prepare(backend, &handshake.caller).await;
    let version = handshake.version;
    let session = backend.begin_session(handshake, &head.principal, prepared)?;
    Ok((welcome(backend, version), session))
}

/// What the client says of itself, once there is something to say to it.
async fn heard(backend: &Shared, params: &Object) -> Result<Handshake, Error> {
    let version = Version::negotiate(&required_text(params, "protocolVersion")?);
    let declared = params.object("capabilities").unwrap_or_default();
    let declared = capability::for_target(&declared, version, &extensions::known(Era::Legacy));
    let caller = Caller::new(Era::Legacy, &declared, params.get("clientInfo").cloned());
    backend.settled_catalog().await;
    Ok(Handshake { version, caller })
}

/// What is said to a client whose session has begun. Later changes are announced to it.
fn welcome(backend: &Shared, version: Version) -> Raw {
    local::initialize(&backend.catalog(), version)
}

fn negotiate(params: &Object) -> Version {
    Version::negotiate(&params.text("protocolVersion").unwrap_or_default())
}

/// Acts on a notification of the client's.
fn heed(session: &Arc<Session>, notification: &Notification) {
    match &*notification.method {
        notifications::CANCELLED => {
            if let Some(id) = notification.params.get("requestId").and_then(Id::from_raw) {
                session.cancel(&id);
            }
        }
        notifications::INITIALIZED => session.initialized(),
        notifications::ROOTS_CHANGED => session.roots_changed(),
        _ => {}
    }
}
