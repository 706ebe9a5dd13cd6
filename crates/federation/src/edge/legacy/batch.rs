//! Batches, which only 2025-03-26 has (spec 2025-03-26, basic/index "Batching").

use std::sync::Arc;

use bytes::Bytes;
use protocol::{Era, Message, Version, message};
use upstream::Task;

use super::call::{self, Piece, Voice};
use super::{heed, session};
use crate::backend::Shared;
use crate::edge::{refuse, refuse_unscanned};
use crate::error::{Error, ErrorKind};
use crate::inbound::{Head, Outcome};
use crate::session::outlet::Outlet;

/// Serves a batch in a session of that version; elsewhere it is refused. One stream carries what its calls say.
pub(in crate::edge) fn serve(backend: &Arc<Shared>, head: &Head, body: &Bytes) -> Outcome {
    let session = match session(backend, head) {
        Ok(session) => session,
        Err(error) => return refuse(None, &error, Era::Legacy),
    };
    if session.handshake().is_none_or(|handshake| handshake.version != Version::V2025_03_26) {
        let text =
            "batches exist only in sessions of protocol version 2025-03-26; send one message per request";
        return refuse(None, &Error::new(ErrorKind::Malformed, text), Era::Legacy);
    }
    let messages = match message::scan_batch(body) {
        Ok(messages) => messages,
        Err(error) => return refuse_unscanned(error),
    };
    let outlet = Outlet::default();
    let reader = outlet.read();
    let client = Voice::to_the_end(&outlet, Some(session.clone()));
    let mut answers = 0;
    for message in messages {
        match message {
            Ok(Message::Notification(notification)) => heed(&session, &notification),
            Ok(Message::Response(response)) => session.answered(response),
            Ok(Message::Request(request)) => {
                answers += 1;
                call::start(backend, Some(session.clone()), request, client.clone());
            }
            Err(error) => {
                answers += 1;
                let Outcome::One(refusal) = refuse_unscanned(error) else { continue };
                let client = client.clone();
                Task::spawn_finite("batched refusal", async move {
                    client.send(Piece::Last(refusal)).await;
                });
            }
        }
    }
    if answers == 0 {
        return Outcome::Accepted;
    }
    Outcome::Stream(session.answer_with(&outlet, reader))
}
