//! The endpoint of one target: its URL, its session, and the three requests that go there.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use http1::client::Request;
use protocol::{Era, Version};
use tokio::time::timeout;

use super::life::{Life, Stage};
use super::place::Place;
use crate::wire::http_client::{HttpClient, Response, body, shown};
use crate::wire::names::{LAST_EVENT_ID, SESSION_ID};
use crate::wire::tally::{Named, Nuisance, Tally};
use crate::wire::{Inbox, Label, Outgoing};
use crate::{Error, ErrorKind};

/// How long a server may take to end a session that nobody needs any more.
const END_SESSION: Duration = Duration::from_secs(2);

/// What requests, resumptions and the listening stream of one wire share.
pub(super) struct Endpoint {
    pub(super) place: Arc<Place>,
    pub(super) limit: usize,
    pub(super) inbox: Inbox,
    pub(super) life: Life,
    pub(super) noise: Tally,
    client: HttpClient,
    session: Mutex<Option<Session>>,
}

/// A session that a legacy server gave out.
struct Session {
    id: HeaderValue,
    /// The revision of the first message in it, which is good for ending it, too.
    version: Option<Version>,
}

impl Endpoint {
    pub(super) fn new(
        target: &Named,
        place: Arc<Place>,
        limit: usize,
        client: HttpClient,
        inbox: Inbox,
    ) -> Self {
        let noise = Tally::new(target, Nuisance::Noise);
        let (life, session) = Default::default();
        Self { place, limit, inbox, life, noise, client, session }
    }

    /// Runs something for as long as the wire lives.
    pub(super) async fn while_alive<T, F: Future<Output = Result<T, Error>>>(
        &self,
        work: impl FnOnce() -> F,
    ) -> Result<T, Error> {
        if self.life.is(Stage::Over) {
            return Err(stopped());
        }
        // Begun here, because an argument would be moved about.
        let work = pin!(work());
        tokio::select! {
            biased;
            done = work => done,
            () = self.life.until(Stage::Over) => Err(stopped()),
        }
    }

    /// Resolves when the wire is of no more use: it was ended from our side, or its session from the other.
    pub(super) async fn closed(&self) -> Error {
        self.life.until(Stage::Lost).await;
        if self.life.is(Stage::Over) {
            return stopped();
        }
        let detail = format!("{} no longer knows our session", shown(&self.place.url));
        Error::new(ErrorKind::SessionLost, detail)
    }

    /// The server has forgotten the session, if there was one. A client that only listens makes no call that would notice.
    pub(super) fn forgotten(&self) {
        if self.session().is_some() {
            self.life.set(Stage::Lost);
        }
    }

    /// Sends one message. The second value says whether it went into a session.
    pub(super) async fn post(&self, out: Outgoing) -> Result<(Response, bool), Error> {
        let Outgoing { opens, body: message, label, .. } = out;
        let session = if opens { None } else { self.session_of(label.version) };
        let mut request = self.place.post(message);
        label.write(&mut request);
        let in_session = session.is_some();
        let response = self.send(request, session).await?;
        if opens && response.status.is_success() {
            self.open_session(&response.headers);
        }
        Ok((response, in_session))
    }

    /// Asks for a stream: the listening one, or one that broke after the event `last`.
    pub(super) async fn get(&self, version: Option<Version>, last: Option<&str>) -> Result<Response, Error> {
        let mut request = self.place.get();
        Label::of(version).write(&mut request);
        if let Some(last) = last.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok()) {
            request.add(&LAST_EVENT_ID, &last);
        }
        self.send(request, self.session_of(version)).await
    }

    /// Ends the session, if there is one. A server need not support that.
    pub(super) async fn end_session(&self) {
        let Some(Session { id, version }) = self.session().take() else { return };
        let mut request = self.place.delete();
        Label::of(version).write(&mut request);
        if let Ok(Ok(response)) = timeout(END_SESSION, self.send(request, Some(id))).await {
            body::drain(response.body);
        }
    }

    async fn send(&self, mut request: Request, session: Option<HeaderValue>) -> Result<Response, Error> {
        if let Some(session) = session {
            request.add(&SESSION_ID, &session);
        }
        self.client.send(&self.place.url, request).await
    }

    fn open_session(&self, headers: &HeaderMap) {
        *self.session() = headers.get(&SESSION_ID).map(|id| Session { id: id.clone(), version: None });
    }

    /// Goes on with a session that another wire began.
    pub(super) fn adopt_session(&self, id: HeaderValue) {
        *self.session() = Some(Session { id, version: None });
    }

    /// The id of the session, if there is one.
    pub(super) fn session_name(&self) -> Option<String> {
        self.session().as_ref().and_then(|session| session.id.to_str().ok()).map(str::to_owned)
    }

    /// The session's id for a message of this revision.
    fn session_of(&self, version: Option<Version>) -> Option<HeaderValue> {
        let mut session = self.session();
        let session = session.as_mut()?;
        session.version = session.version.or(version);
        Some(session.id.clone())
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a message of this revision is for a legacy server. The header that says it exists since 2025-06-18, and a modern
/// message always has it.
pub(super) fn is_legacy(version: Option<Version>) -> bool {
    version.is_none_or(|version| version.era() == Era::Legacy)
}

pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "the connection to the target was closed by the gateway")
}
