//! The stream that answers one request, over as many connections as it takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::message::ScanError;
use protocol::{Id, Message, Version};
use tokio::time::sleep;

use super::answer::answers;
use super::endpoint::{Endpoint, is_legacy};
use crate::wire::http_client::body::{drain, is_event_stream};
use crate::wire::http_client::events::{Events, message_data};
use crate::wire::{Frames, intake};
use crate::{Error, ErrorKind};

/// How often in a row a broken stream is asked for without hearing anything.
const ATTEMPTS: u32 = 5;

/// How long to wait before that, if the server names no time.
const RETRY: Duration = Duration::from_secs(1);

/// Notes, then the response.
pub(super) struct CallStream {
    endpoint: Arc<Endpoint>,
    events: Events,
    id: Id,
    /// The revision of the request: modern streams end with their connection, those of other revisions may be resumed.
    version: Option<Version>,
    attempts: u32,
    /// Messages of one event that are still to be told.
    ready: VecDeque<Result<Message, Error>>,
    done: bool,
}

impl CallStream {
    pub(super) fn new(endpoint: Arc<Endpoint>, events: Events, id: Id, version: Option<Version>) -> Self {
        Self { endpoint, events, id, version, attempts: 0, ready: VecDeque::new(), done: false }
    }

    /// Waits for the first message. A lone answer is the common case and needs no stream.
    pub(super) async fn into_frames(mut self, status: u16) -> Result<Frames, Error> {
        match self.next().await {
            Some(Ok(answer @ Message::Response(_))) => Ok(Frames::One(answer, status)),
            Some(Ok(note)) => Ok(Frames::Stream(self.after(note))),
            Some(Err(error)) => Err(error),
            None => Err(Error::new(ErrorKind::Closed, "the stream ended without an answer")),
        }
    }

    fn after(self, first: Message) -> BoxStream<'static, Result<Message, Error>> {
        let rest = futures::stream::unfold(self, |mut stream| async move {
            let item = stream.next().await?;
            Some((item, stream))
        });
        futures::stream::iter([Ok(first)]).chain(rest).boxed()
    }

    /// The next message. After the response or an error there is none.
    async fn next(&mut self) -> Option<Result<Message, Error>> {
        let endpoint = Arc::clone(&self.endpoint);
        while self.ready.is_empty() && !self.done {
            if let Err(error) = endpoint.while_alive(|| self.advance()).await {
                self.ready.push_back(Err(error));
            }
        }
        let item = self.ready.pop_front()?;
        if !matches!(item, Ok(Message::Request(_) | Message::Notification(_))) {
            self.done = true;
            self.ready.clear();
            self.events.finish();
        }
        Some(item)
    }

    /// Takes in one event, or a new connection.
    async fn advance(&mut self) -> Result<(), Error> {
        let cause = match self.events.next().await {
            Ok(Some(event)) => {
                if let Some(data) = message_data(event) {
                    self.sort(&data);
                }
                return Ok(());
            }
            Ok(None) => Error::new(ErrorKind::Closed, "the target ended the stream without an answer"),
            Err(error) if error.kind == ErrorKind::Closed => error,
            Err(error) => return Err(error),
        };
        self.resume(cause).await
    }

    fn sort(&mut self, data: &Bytes) {
        let Self { id, ready, endpoint, .. } = self;
        intake::each(data, |message| match message {
            Ok(message @ Message::Response(_)) if !answers(&message, id) => {
                endpoint.noise.warn("the response to another request");
            }
            Ok(message) => ready.push_back(Ok(message)),
            Err(ScanError::Invalid { id: Some(other), reason })
                if other == *id && intake::was_an_answer(data) =>
            {
                let detail = format!("the target's answer is not valid: {reason}");
                ready.push_back(Err(Error::new(ErrorKind::Protocol, detail)));
            }
            Err(_) => endpoint.noise.warn(intake::excerpt(data, 120)),
        });
    }

    /// Asks for the rest of a stream that broke off. The answer is still due: the request was taken, and is not sent
    /// again (spec 2025-11-25, basic/transports "Resumability and Redelivery").
    async fn resume(&mut self, cause: Error) -> Result<(), Error> {
        let Some(last) = self.events.last_id.as_ref().filter(|_| is_legacy(self.version)) else {
            return Err(cause);
        };
        if self.events.heard {
            self.attempts = 0;
        }
        while self.attempts < ATTEMPTS {
            self.attempts += 1;
            sleep(self.events.retry.unwrap_or(RETRY)).await;
            // A connection that fails says nothing about the stream.
            let Ok(response) = self.endpoint.get(self.version, Some(last)).await else { continue };
            let status = response.status;
            if status.is_success() && is_event_stream(&response.headers) {
                self.events.resume(response.body);
                return Ok(());
            }
            drain(response.body);
            if !status.is_server_error() {
                // Also a session that is gone is no reason to send the call again: it has run, or still runs.
                let detail = format!("{}, and it cannot be resumed ({status})", cause.detail);
                return Err(Error::new(ErrorKind::Closed, detail));
            }
        }
        Err(Error::new(
            ErrorKind::Closed,
            format!("{}, and {ATTEMPTS} attempts to resume it failed", cause.detail),
        ))
    }
}
