//! A response body as server-sent events, with what is needed to take the stream up again.

use std::time::Duration;

use bytes::Bytes;
use protocol::sse::{Decoder, Event};

use crate::wire::http_client::body::{Body, drain};
use crate::{Error, ErrorKind};

/// One stream of events, which may take several connections.
pub(crate) struct Events {
    body: Option<Body>,
    decoder: Decoder,
    limit: usize,
    /// The last id seen, on any connection.
    pub(crate) last_id: Option<String>,
    /// How long the server wants us to wait before the next connection.
    pub(crate) retry: Option<Duration>,
    /// Something came over this connection.
    pub(crate) heard: bool,
}

impl Events {
    /// The stream of a body from which `first` was read already. No event may hold more than `limit` bytes.
    pub(crate) fn new(first: &[u8], body: Body, limit: usize) -> Self {
        let mut decoder = Decoder::new(limit);
        decoder.push(first);
        Self { body: Some(body), decoder, limit, last_id: None, retry: None, heard: false }
    }

    /// Goes on with another connection.
    pub(crate) fn resume(&mut self, body: Body) {
        self.body = Some(body);
        self.decoder = Decoder::new(self.limit);
        self.heard = false;
    }

    /// The next event that carries data; nothing when the server has ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            while let Some(event) = self.decoded()? {
                self.heard = true;
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                if let Some(retry) = event.retry {
                    self.retry = Some(Duration::from_millis(retry));
                }
                // An event without data only carries an id (spec 2025-11-25, basic/transports "Sending Messages").
                if !event.data.is_empty() {
                    return Ok(Some(event));
                }
            }
            let Some(body) = &mut self.body else { return Ok(None) };
            match body.next_chunk().await? {
                Some(chunk) => self.decoder.push(&chunk),
                None => self.body = None,
            }
        }
    }

    /// Ends the stream from our side once its last message has come.
    pub(crate) fn finish(&mut self) {
        if let Some(body) = self.body.take() {
            drain(body);
        }
    }

    fn decoded(&mut self) -> Result<Option<Event>, Error> {
        self.decoder.next_event().map_err(|error| {
            Error::new(
                ErrorKind::TooLarge,
                format!("the target sent a message of more than {} bytes", error.limit),
            )
        })
    }
}

/// The data of an event that carries messages. Servers use other names for their own purposes (`ping`).
pub(crate) fn message_data(event: Event) -> Option<Bytes> {
    match event.event.as_deref() {
        None | Some("message" | "") => Some(event.data),
        Some(_) => None,
    }
}
