//! The HTTP+SSE transport of 2024-11-05: one stream for everything that comes, and an address to send to.
//!
//! The first event of the stream names the address, and the session is part of it. There are no session headers, and
//! a stream that breaks takes the session with it (spec 2024-11-05, basic/transports "HTTP with SSE").

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use futures::{FutureExt as _, StreamExt as _};
use http::{StatusCode, Uri};
use http1::client::Opening;
use tokio::time::timeout;

use crate::settings::Limits;
use crate::wire::http_client::events::{Events, message_data};
use crate::wire::http_client::{HttpClient, Response, body, shown};
use crate::wire::pending::Pending;
use crate::wire::{Connect, Frames, Inbox, Label, Named, Nuisances, Outgoing, Wire, intake};
use crate::{Error, ErrorKind, Task};

mod address;

/// How much is read of a body that explains a refusal.
const EXPLANATION: usize = 64 * 1024;

/// How long a POST may linger whose answer has come over the stream.
const LINGER: Duration = Duration::from_secs(1);

/// Opens streams at one URL.
pub struct SseConnect {
    name: Named,
    url: Uri,
    limit: usize,
    client: HttpClient,
}

impl SseConnect {
    /// A connector for the target `name`.
    pub fn new(name: &str, url: Uri, limits: &Limits, client: HttpClient) -> Self {
        Self { name: name.into(), url, limit: limits.message, client }
    }

    async fn open(&self, inbox: Inbox) -> Result<SseWire, Error> {
        let mut events = self.stream().await?;
        let address = self.address(&mut events).await?;
        let pending = Pending::new(&self.name, inbox);
        let reader = Task::spawn("sse", read(events, pending.clone()));
        let client = self.client.clone();
        let opening = body::posts(&address);
        Ok(SseWire { pending, client, address, opening, reader: Mutex::new(Some(reader)) })
    }

    async fn stream(&self) -> Result<Events, Error> {
        let request = body::gets(&self.url).request(Bytes::new());
        let response = self.client.send(&self.url, request).await?;
        if !response.status.is_success() {
            return Err(refusal(&self.url, response).await);
        }
        if !body::is_event_stream(&response.headers) {
            let detail = format!("{} does not answer with an event stream", shown(&self.url));
            return Err(Error::new(ErrorKind::Protocol, detail));
        }
        Ok(Events::new(&[], response.body, self.limit))
    }

    async fn address(&self, events: &mut Events) -> Result<Uri, Error> {
        while let Some(event) = events.next().await? {
            if event.event.as_deref() == Some("endpoint") {
                let named = String::from_utf8_lossy(&event.data);
                return address::resolve(&self.url, &named).map_err(|error| {
                    Error::new(ErrorKind::Protocol, format!("{error}: {}", intake::excerpt(&event.data, 200)))
                });
            }
        }
        let detail = format!("{} ended its stream before it named its endpoint", shown(&self.url));
        Err(Error::new(ErrorKind::Closed, detail))
    }
}

impl Connect for SseConnect {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move { Ok(Box::new(self.open(inbox).await?) as Box<dyn Wire>) }.boxed()
    }

    fn nuisances(&self) -> Nuisances {
        self.name.nuisances()
    }
}

/// A wire over a stream and an address.
pub struct SseWire {
    pending: Pending,
    client: HttpClient,
    address: Uri,
    /// What every message is sent with.
    opening: Opening,
    reader: Mutex<Option<Task>>,
}

impl SseWire {
    /// Sends a message. The future owns all it needs, because it may have to outlive the call.
    fn post(&self, message: Bytes, label: &Label) -> BoxFuture<'static, Result<(), Error>> {
        let (client, address) = (self.client.clone(), self.address.clone());
        let mut request = self.opening.request(message);
        label.write(&mut request);
        async move {
            let response = client.send(&address, request).await?;
            if !response.status.is_success() {
                return Err(session_refusal(refusal(&address, response).await));
            }
            body::drain(response.body);
            Ok(())
        }
        .boxed()
    }

    async fn exchange(&self, out: Outgoing) -> Result<Frames, Error> {
        let Some(id) = out.id else {
            return Err(Error::new(ErrorKind::Protocol, "a request needs an id"));
        };
        let frames = self.pending.enter(id)?.into_frames().boxed();
        let post = self.post(out.body, &out.label);
        match select(post, frames).await {
            Either::Left((posted, frames)) => {
                posted?;
                frames.await
            }
            // Some servers answer the POST only after the call has run. Breaking it off might cancel the call.
            Either::Right((frames, post)) => Ok(match frames? {
                one @ Frames::One(..) => {
                    Task::spawn_finite("post", timeout(LINGER, post).map(drop));
                    one
                }
                Frames::Stream(stream) => {
                    let post = Task::spawn("post", post.map(drop));
                    Frames::Stream(stream.inspect(move |_| _ = &post).boxed())
                }
            }),
        }
    }
}

impl Wire for SseWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        self.exchange(out).boxed()
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        match self.pending.alive() {
            Ok(()) => self.post(out.body, &out.label),
            Err(error) => futures::future::ready(Err(error)).boxed(),
        }
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.pending.dead().boxed()
    }

    /// There is no message that ends a session: closing the stream does.
    fn close(&self) -> BoxFuture<'_, ()> {
        self.pending.fail(Error::new(ErrorKind::Stopped, "the target is being stopped"));
        drop(self.reader.lock().unwrap_or_else(PoisonError::into_inner).take());
        futures::future::ready(()).boxed()
    }
}

/// The task ends with the wire, and so do those who wait for it.
impl Drop for SseWire {
    fn drop(&mut self) {
        self.pending.fail(Error::new(ErrorKind::Stopped, "the connection was dropped"));
    }
}

async fn read(mut events: Events, pending: Pending) {
    let reason = loop {
        match events.next().await {
            Ok(Some(event)) => {
                if let Some(data) = message_data(event) {
                    pending.take_in(&data);
                }
            }
            Ok(None) => break Error::new(ErrorKind::Closed, "the target ended its stream"),
            Err(error) => break error,
        }
    };
    pending.fail(reason);
}

/// The address holds the session, so an address that is gone is a session that is gone.
fn session_refusal(error: Error) -> Error {
    match error.kind {
        ErrorKind::Status(404 | 410) => Error { kind: ErrorKind::SessionLost, ..error },
        _ => error,
    }
}

async fn refusal(url: &Uri, response: Response) -> Error {
    let status = response.status;
    let text = body::collect(Bytes::new(), response.body, EXPLANATION).await.unwrap_or_default();
    let text = intake::excerpt(&text, 200);
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
        _ => ErrorKind::Status(status.as_u16()),
    };
    let colon = if text.is_empty() { "" } else { ": " };
    Error::new(kind, format!("{} answered {status}{colon}{text}", shown(url)))
}
