//! The HTTP+SSE transport of 2024-11-05: one stream carries everything, and every POST is merely taken note of.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use protocol::{Era, Message, Object, Raw, message};
use tokio_util::sync::CancellationToken;
use upstream::Task;
use upstream::spread::Lent;

use super::call::{self, Voice};
use super::{heard, heed, welcome};
use crate::backend::Shared;
use crate::edge::{refuse, refuse_unscanned, single};
use crate::error::{Error, ErrorKind};
use crate::inbound::{Asking, Frames, Head, Outcome};
use crate::session::Session;
use crate::session::outlet::{Kind, Naming};

/// Opens a connection; its session ends when the stream is dropped. When the way out is `closing`, the stream ends once
/// nothing runs any more.
pub(in crate::edge) fn open(backend: &Lent<Shared>, head: &Head) -> Result<(String, Frames), Error> {
    let session = backend.sessions.connect(&head.principal, backend.settings().sessions.most)?;
    let closing = head.closing.clone();
    session.closes_with(closing.clone());
    let last_words = Task::spawn("last words", last_words(session.clone(), closing));
    let guard = EndOnDrop { backend: backend.clone(), id: session.id.clone(), _last_words: last_words };
    let frames = session.mailbox.read().frames(Naming::None).into_stream().map(move |frame| {
        let _held = &guard;
        frame
    });
    Ok((session.id.to_string(), Frames(frames.boxed())))
}

/// Ends the stream in good order: what was begun is answered on it first.
async fn last_words(session: Arc<Session>, closing: CancellationToken) {
    closing.cancelled().await;
    session.speaking.close();
    session.speaking.wait().await;
    session.mailbox.close();
}

struct EndOnDrop {
    backend: Lent<Shared>,
    id: Arc<str>,
    _last_words: Task,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.backend.sessions.end(&self.id);
    }
}

/// The handshake. Only the first counts.
async fn shake(backend: &Shared, session: &Session, params: &Object) -> Result<Raw, Error> {
    let handshake = heard(backend, params).await?;
    let version = handshake.version;
    if !session.shake(handshake) {
        return Err(Error::new(ErrorKind::Malformed, "the session is initialized already"));
    }
    Ok(welcome(backend, version))
}

/// Serves a body; the answers go to the connection's stream.
pub(in crate::edge) fn post(backend: &Lent<Shared>, asking: &Asking, body: &Bytes) -> Outcome {
    let head = &*asking.head;
    let found = head.session.as_ref().and_then(|id| backend.sessions.find(id));
    let Some(session) = found.filter(|it| it.is_connection && it.principal == head.principal) else {
        return refuse(None, &Error::unknown_session(), Era::Legacy);
    };
    let speaks = session.speaking.token();
    let message = message::scan(body);
    message.iter().for_each(|message| asking.note(message));
    match message {
        Ok(Message::Request(request)) if &*request.method == "initialize" => {
            // Not in the POST: a client need not wait for the end of that, because the answer comes elsewhere.
            let backend = backend.clone();
            Task::spawn_finite("handshake", async move {
                let _speaks = speaks;
                let frame = match shake(&backend, &session, &request.params).await {
                    Ok(result) => message::response(Some(&request.id), Ok(&result)).into(),
                    Err(error) => single(Some(&request.id), &error, Era::Legacy).body,
                };
                session.mailbox.say(Kind::Answer(None), frame).await;
            });
        }
        // Its answer would wait here, and so would that of every request after it.
        Ok(Message::Request(request)) if !session.mailbox.has_room() => {
            let error =
                Error::new(ErrorKind::Malformed, "the stream of this connection is not read fast enough");
            return refuse(Some(&request.id), &error, Era::Legacy);
        }
        Ok(Message::Request(request)) => {
            let client = Voice::over(&session.mailbox, speaks);
            let closing = session.closing();
            call::start(backend, Some(session), request, client, closing, asking.gist.clone());
        }
        Ok(Message::Notification(notification)) => heed(&session, &notification),
        Ok(Message::Response(response)) => session.answered(response),
        Err(error) => return refuse_unscanned(error),
    }
    Outcome::Accepted
}
