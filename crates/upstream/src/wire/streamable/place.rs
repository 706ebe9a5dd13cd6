//! Where the messages of a target's wires go, and what is the same for all of them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http1::client::{Opening, Request};
use tokio::time::Instant;

use crate::wire::http_client::body;

/// For how long a server that offers no stream of its own is taken to offer none in other sessions either.
const REMEMBERED: Duration = Duration::from_secs(60);

/// One URL.
pub(super) struct Place {
    pub(super) url: Uri,
    post: Opening,
    get: Opening,
    delete: Opening,
    /// When it last said in a session that it offers no stream of its own.
    streamless: Mutex<Option<Instant>>,
}

impl Place {
    pub(super) fn new(url: Uri) -> Self {
        Self {
            post: body::posts(&url),
            get: body::gets(&url),
            delete: Opening::new(Method::DELETE, &url, &HeaderMap::new()),
            streamless: Mutex::default(),
            url,
        }
    }

    /// A message.
    pub(super) fn post(&self, message: Bytes) -> Request {
        self.post.request(message)
    }

    /// The question for a stream.
    pub(super) fn get(&self) -> Request {
        self.get.request(Bytes::new())
    }

    /// The end of a session.
    pub(super) fn delete(&self) -> Request {
        self.delete.request(Bytes::new())
    }

    /// Notes whether a session was offered a stream.
    pub(super) fn note_stream(&self, offered: bool) {
        *self.streamless.lock().unwrap_or_else(PoisonError::into_inner) = (!offered).then(Instant::now);
    }

    /// Whether the last session that asked for a stream was offered none, lately.
    pub(super) fn is_streamless(&self) -> bool {
        let streamless = *self.streamless.lock().unwrap_or_else(PoisonError::into_inner);
        streamless.is_some_and(|since| since.elapsed() < REMEMBERED)
    }
}
