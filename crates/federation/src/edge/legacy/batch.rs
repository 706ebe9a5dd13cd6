//! Batches, which only 2025-03-26 has (spec 2025-03-26, basic/index "Batching").

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use protocol::{Era, Message, Version, message};
use tokio::sync::mpsc;
use upstream::Task;

use super::call::{self, WAITING};
use super::{heed, session};
use crate::backend::Shared;
use crate::edge::{refuse, refuse_unscanned};
use crate::error::{Error, ErrorKind};
use crate::inbound::{Frame, Frames, Head, Outcome};

/// Serves a batch in a session of that version; elsewhere it is refused.
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
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut answers = 0;
    for message in messages {
        match message {
            Ok(Message::Notification(notification)) => heed(&session, &notification),
            Ok(Message::Response(_)) => {}
            Ok(Message::Request(request)) => {
                answers += 1;
                let (backend, session, sender) = (backend.clone(), session.clone(), sender.clone());
                Task::spawn_finite("batched call", async move {
                    let mut pieces = call::start(&backend, Some(session), request).await;
                    while let Some(piece) = pieces.recv().await {
                        // A client that went away does not cancel what it asked for.
                        let _ = sender.send(piece.into_body()).await;
                    }
                });
            }
            Err(error) => {
                answers += 1;
                let Outcome::One(refusal) = refuse_unscanned(error) else { continue };
                let sender = sender.clone();
                Task::spawn_finite("batched refusal", async move {
                    let _ = sender.send(refusal.body).await;
                });
            }
        }
    }
    if answers == 0 {
        return Outcome::Accepted;
    }
    Outcome::Stream(Frames(call::receiving(receiver).map(Frame::from).boxed()))
}
