//! The requests that wait for an answer on a wire that carries everything on one stream.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::Stream;
use futures::{FutureExt as _, StreamExt as _};
use protocol::message::ScanError;
use protocol::method::notifications;
use protocol::{Id, Message, Response};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::attribution::{Claim, claim};
use crate::queue::{self, Untaken};
use crate::wire::tally::{Named, Nuisance, Tally};
use crate::wire::{Frames, Inbox, intake};
use crate::{Error, ErrorKind};

/// How many notes wait for a caller that does not read. A caller that is further behind loses notes, never a request or its answer.
const NOTES: usize = 256;
/// How many requests of the target find room besides. A target whose request is lost waits for ever.
const REQUESTS: usize = 64;

/// The table of waiting requests of one wire, and where everything else goes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pending(Arc<Inner>);

struct Inner {
    table: Mutex<HashMap<Id, Waiter>>,
    /// Requests that were given up and may still run at the target: what it logs may be theirs.
    given_up: Mutex<GivenUp>,
    /// Why the wire is dead. Changed only under the table's lock, so that no waiter can join a dead table.
    dead: watch::Sender<Option<Error>>,
    inbox: Inbox,
    noise: Tally,
    unread: Tally,
    unheard: Tally,
}

/// For how long a request that was given up is believed to run on. One that is cancelled need not be answered, so that
/// nothing else says when it has ended.
const LINGERS: Duration = Duration::from_secs(5);

/// Requests that were given up, and when.
#[derive(Default)]
struct GivenUp(HashMap<Id, Instant>);

impl GivenUp {
    fn insert(&mut self, id: Id) {
        self.forget_old();
        self.0.insert(id, Instant::now());
    }

    fn remove(&mut self, id: &Id) {
        self.0.remove(id);
    }

    /// Whether what a target says may be about one of them.
    fn may_speak(&mut self) -> bool {
        self.forget_old();
        !self.0.is_empty()
    }

    fn forget_old(&mut self) {
        self.0.retain(|_, since| since.elapsed() < LINGERS);
    }
}

/// The table's end of a waiting request. Dropping it ends the notes.
struct Waiter {
    notes: queue::Sender<Message>,
    end: oneshot::Sender<Result<Message, Error>>,
    /// A listen request: pending for as long as the link lives, and never the call that a log line belongs to.
    subscription: bool,
}

impl Pending {
    pub(crate) fn new(target: impl Into<Named>, inbox: Inbox) -> Self {
        let target = target.into();
        let tally = |nuisance| Tally::new(&target, nuisance);
        Self(Arc::new(Inner {
            table: Mutex::default(),
            given_up: Mutex::default(),
            dead: watch::Sender::new(None),
            inbox,
            noise: tally(Nuisance::Noise),
            unread: tally(Nuisance::Unread),
            unheard: tally(Nuisance::Unheard),
        }))
    }

    /// Enters a request. What arrives for it from now on is kept, so enter it before it is sent.
    pub(crate) fn enter(&self, id: Id) -> Result<Waiting, Error> {
        let (notes, incoming) = queue::channel(NOTES + REQUESTS);
        let (end, outcome) = oneshot::channel();
        let mut table = self.table();
        self.alive()?;
        if table.contains_key(&id) {
            return Err(Error::new(ErrorKind::Protocol, format!("the request id {id} is already in use")));
        }
        table.insert(id.clone(), Waiter { notes, end, subscription: false });
        Ok(Waiting { id, notes: incoming, end: Some(outcome), pending: self.clone() })
    }

    /// Fails if the wire is dead. Nothing was sent then, so the call did not run, whatever the wire died of.
    pub(crate) fn alive(&self) -> Result<(), Error> {
        match &*self.0.dead.borrow() {
            None => Ok(()),
            Some(Error { kind: ErrorKind::Stopped, detail }) => Err(Error::new(ErrorKind::Stopped, detail)),
            Some(Error { detail, .. }) => Err(Error::new(ErrorKind::Unreachable, detail)),
        }
    }

    /// Takes one frame of the wire in.
    pub(crate) fn take_in(&self, frame: &Bytes) {
        intake::each(frame, |message| match message {
            Ok(Message::Response(response)) => self.answer(response),
            Ok(message) => self.pass_on(message),
            Err(error) => self.refuse(frame, &error),
        });
    }

    /// Ends the wire: every waiting request fails, and none can be entered any more. The first reason stays.
    pub(crate) fn fail(&self, reason: Error) {
        let waiters = {
            let mut table = self.table();
            self.0.dead.send_if_modified(|dead| {
                let first = dead.is_none();
                if first {
                    *dead = Some(reason.clone());
                }
                first
            });
            std::mem::take(&mut *table)
        };
        for waiter in waiters.into_values() {
            // A caller that has gone away in this moment needs no reason.
            let _ = waiter.end.send(Err(reason.clone()));
        }
    }

    /// Resolves when the wire is dead, with the reason.
    pub(crate) async fn dead(&self) -> Error {
        let mut dead = self.0.dead.subscribe();
        match dead.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone()) {
            Some(reason) => reason,
            // Out of reach: the sender lives in `self`.
            None => Error::new(ErrorKind::Closed, "the connection ended"),
        }
    }

    fn answer(&self, response: Response) {
        let waiter = {
            let mut table = self.table();
            match &response.id {
                Some(id) => table.remove(id),
                // An error about a request that could not be read. If only one waits, it is that one's.
                None => only_call(&table).and_then(|id| table.remove(&id)),
            }
        };
        if let (None, Some(id)) = (&waiter, &response.id) {
            self.given_up().remove(id);
        }
        // An answer that nobody waits for is late: its request was given up.
        if let Some(waiter) = waiter {
            let _ = waiter.end.send(Ok(Message::Response(response)));
        }
    }

    fn pass_on(&self, message: Message) {
        if let Some(message) = self.note(message) {
            // Log lines may fill half of the inbox; the rest is for what a target says only once.
            if is_log(&message) && self.0.inbox.capacity() * 2 < self.0.inbox.max_capacity() {
                return self.0.unheard.warn(method_of(&message));
            }
            match self.0.inbox.try_send(message) {
                Err(Untaken::Full(message)) => self.0.unheard.warn(method_of(&message)),
                // A closed inbox belongs to a link that is being dropped.
                Ok(()) | Err(Untaken::Closed(_)) => {}
            }
        }
    }

    /// Gives a message to the request it belongs to, or back.
    fn note(&self, message: Message) -> Option<Message> {
        let mut table = self.table();
        let (owner, subscription) = match claim(&message) {
            Claim::Progress(id) => (Some(id), false),
            Claim::Subscription(id) => (Some(id), true),
            // A log line of a call that was given up must not reach another client. Who is asked is certain: a target may
            // only ask where one client is.
            Claim::TheOnlyCall if is_log(&message) && self.given_up().may_speak() => (None, false),
            Claim::TheOnlyCall => (only_call(&table), false),
            Claim::Nobody => (None, false),
        };
        let Some(waiter) = owner.and_then(|id| table.get_mut(&id)) else {
            return Some(message);
        };
        waiter.subscription |= subscription;
        let is_request = matches!(message, Message::Request(_));
        if !is_request && waiter.notes.capacity() <= REQUESTS {
            self.0.unread.warn(method_of(&message));
            return None;
        }
        match waiter.notes.try_send(message) {
            // One more than any link lets wait: it is refused there.
            Err(Untaken::Full(message)) => Some(message),
            Ok(()) | Err(Untaken::Closed(_)) => None,
        }
    }

    /// A broken answer fails its request at once instead of by a deadline. Everything else is skipped.
    fn refuse(&self, frame: &Bytes, error: &ScanError) {
        if let ScanError::Invalid { id: Some(id), reason } = error
            && intake::was_an_answer(frame)
            && let Some(waiter) = self.table().remove(id)
        {
            let detail = format!("the target's answer is not valid: {reason}");
            let _ = waiter.end.send(Err(Error::new(ErrorKind::Protocol, detail)));
            return;
        }
        self.0.noise.warn(intake::excerpt(frame, 120));
    }

    fn forget(&self, id: &Id) {
        self.given_up().insert(id.clone());
        self.table().remove(id);
    }

    fn given_up(&self) -> MutexGuard<'_, GivenUp> {
        self.0.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic elsewhere cannot leave the table in a wrong state: every change to it is one call.
    fn table(&self) -> MutexGuard<'_, HashMap<Id, Waiter>> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of the call that is pending alone. Subscriptions do not count.
fn only_call(table: &HashMap<Id, Waiter>) -> Option<Id> {
    let mut calls = table.iter().filter(|(_, waiter)| !waiter.subscription);
    let (id, _) = calls.next()?;
    calls.next().is_none().then(|| id.clone())
}

fn is_log(message: &Message) -> bool {
    matches!(message, Message::Notification(notification) if &*notification.method == notifications::MESSAGE)
}

fn method_of(message: &Message) -> &str {
    match message {
        Message::Request(request) => &request.method,
        Message::Notification(notification) => &notification.method,
        Message::Response(_) => "a response",
    }
}

/// The caller's end of a waiting request: its notes, then its answer. Dropping it gives up waiting.
pub(crate) struct Waiting {
    id: Id,
    notes: queue::Receiver<Message>,
    /// Gone once it was read.
    end: Option<oneshot::Receiver<Result<Message, Error>>>,
    pending: Pending,
}

impl Waiting {
    /// Waits for the first message. A lone answer is the common case and needs no stream.
    pub(crate) async fn into_frames(mut self) -> Result<Frames, Error> {
        match self.next().await {
            Some(Ok(response @ Message::Response(_))) => Ok(Frames::One(response, 200)),
            Some(Ok(note)) => Ok(Frames::Stream(futures::stream::iter([Ok(note)]).chain(self).boxed())),
            Some(Err(error)) => Err(error),
            None => Err(Error::new(ErrorKind::Closed, "the connection ended")),
        }
    }
}

impl Stream for Waiting {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The notes end when the waiter leaves the table, which is after its end was set: nothing is overtaken.
        if let Some(note) = ready!(self.notes.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(note)));
        }
        let Some(end) = &mut self.end else {
            return Poll::Ready(None);
        };
        let outcome = ready!(end.poll_unpin(cx));
        self.end = None;
        Poll::Ready(outcome.ok())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Whoever has its answer is out of the table already.
        if self.end.is_some() {
            self.pending.forget(&self.id);
        }
    }
}

#[cfg(test)]
mod tests;
