//! How a legacy client's call is run: on its own, with what it has to say handed to whoever answers the client.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::Request;
use tokio::sync::mpsc;
use upstream::Task;

use super::running::Running;
use crate::backend::Shared;
use crate::inbound::{Frame, Frames, Outcome, Single};
use crate::session::Session;

/// How many messages of a call may wait for the client to read them. A client that reads no faster holds up its own call.
pub(super) const WAITING: usize = 64;

/// A message of a call on its way to the client.
pub(super) enum Piece {
    Note(Bytes),
    Last(Single),
}

impl Piece {
    pub(super) fn into_body(self) -> Bytes {
        match self {
            Self::Note(body) => body,
            Self::Last(single) => single.body,
        }
    }
}

/// Starts a call and hands back its messages. It runs on its own, because a client that loses its connection has not
/// cancelled it; it ends when it is answered, cancelled by a notification, or when its session ends.
pub(super) async fn start(
    backend: &Arc<Shared>,
    session: Option<Arc<Session>>,
    request: Request,
) -> mpsc::Receiver<Piece> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let call = match Running::new(backend, session, request) {
        Ok(call) => call,
        Err(refusal) => {
            let _ = sender.send(Piece::Last(refusal)).await;
            return pieces;
        }
    };
    Task::spawn_finite("call", async move {
        let token = call.token.clone();
        tokio::select! {
            // First, because the end of a session also ends the links under its calls.
            biased;
            () = token.cancelled() => tracing::debug!("a call was cancelled by its client"),
            () = call.run(&sender) => {}
        }
    });
    pieces
}

/// Waits for the first message of a call: an answer needs no stream.
pub(super) async fn outcome(mut pieces: mpsc::Receiver<Piece>) -> Outcome {
    match pieces.recv().await {
        Some(Piece::Last(single)) => Outcome::One(single),
        Some(Piece::Note(first)) => {
            let rest = receiving(pieces).map(Piece::into_body);
            Outcome::Stream(Frames(futures::stream::iter([first]).chain(rest).map(Frame::from).boxed()))
        }
        // Cancelled: there is no answer, and the stream says so by ending.
        None => Outcome::Stream(Frames(futures::stream::empty().boxed())),
    }
}

pub(super) fn receiving<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> BoxStream<'static, T> {
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })
    .boxed()
}
