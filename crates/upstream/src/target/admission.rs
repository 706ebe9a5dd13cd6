//! What every call to a target passes first: is there room for it, and is the target fit to be called?

use std::sync::atomic::Ordering;

use futures::StreamExt as _;

use super::breaker::{Paused, Ticket};
use super::common::Common;
use crate::reply::{Event, Reply};
use crate::spread::Lent;
use crate::{Ask, Error, ErrorKind};

/// Why a call is not sent to a target. Nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// So many calls are in flight there, and no more may be.
    Busy(usize),
    /// It fails all the time.
    Paused(Paused),
}

/// Leave to send one call, and its place among the calls in flight. It is told what became of the call; dropped without that, the
/// call says nothing about the target.
pub struct Pass {
    place: Place,
    ticket: Ticket,
    /// Whether the call has a child to itself.
    alone: bool,
}

impl Pass {
    pub(super) fn call(common: &Lent<Common>) -> Result<Self, Refusal> {
        let settings = common.settings();
        let most = settings.limits.calls;
        // Taken before it is known whether there is one: who is one too many gives it back.
        let (place, before) = Place::take(common);
        if before >= most {
            common.counters.busy.fetch_add(1, Ordering::Relaxed);
            return Err(Refusal::Busy(most));
        }
        let ticket = common.breaker.call(&settings.breaker).map_err(|paused| {
            common.counters.paused.fetch_add(1, Ordering::Relaxed);
            Refusal::Paused(paused)
        })?;
        Ok(Self { place, ticket, alone: false })
    }

    fn common(&self) -> &Common {
        &self.place.0
    }

    pub(super) fn is_trial(&self) -> bool {
        self.ticket.is_trial()
    }

    /// The call could not be brought to the target.
    pub fn failed(&self, error: &Error) {
        self.common().failed(&self.ticket, error);
    }

    /// The call went over a link that is its client's alone. If that link has a child of its own, its end says nothing about those
    /// of others: whoever can make a program crash must not take it away from everybody.
    pub fn alone(mut self) -> Self {
        self.alone = !self.common().settings().transport.is_http();
        self
    }

    /// Notes what becomes of the call. The place is kept until it has ended.
    pub fn follow(self, reply: Result<Reply, Error>) -> Result<Reply, Error> {
        match reply {
            Ok(Reply::One(answer)) => {
                self.common().answered(&self.ticket);
                Ok(Reply::One(answer))
            }
            Ok(Reply::Stream(events)) => {
                let noted = events.inspect(move |event| self.note(event));
                Ok(Reply::Stream(noted.boxed()))
            }
            Err(error) => {
                self.broke_off(&error);
                Err(error)
            }
        }
    }

    fn note(&self, event: &Result<Event, Error>) {
        match event {
            Ok(Event::Answer(_) | Event::Ask(Ask::Replay { .. })) => {
                self.common().answered(&self.ticket);
            }
            Ok(Event::Note(_) | Event::Ask(Ask::Held(_)) | Event::Refused(_)) => {
                self.common().heard(&self.ticket);
            }
            Err(error) => self.broke_off(error),
        }
    }

    fn broke_off(&self, error: &Error) {
        if !self.alone || error.kind != ErrorKind::Closed {
            self.failed(error);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.common().breaker.given_up(&self.ticket);
    }
}

/// A place among the calls in flight.
struct Place(Lent<Common>);

impl Place {
    /// A place, and how many were taken before.
    fn take(common: &Lent<Common>) -> (Self, usize) {
        let before = common.counters.in_flight.fetch_add(1, Ordering::Relaxed);
        (Self(common.clone()), before)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.counters.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.counters.vacant.notify_one();
        }
    }
}
