//! The messages of one stream: those that wait to be said, and the last ones that were, in case they have to be said again.
//! Plain data, without a clock and without waiting.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::Pieces;

use crate::error::ErrorKind;

/// How many messages wait to be said before there is no room for another. A reader that is no faster than its target holds
/// up its own calls and nothing else, so this only has to cover a burst.
pub(super) const WAITING: usize = 256;
/// How many bytes may wait before there is no room. A message is never cut: the last that found room may exceed it.
const WAITING_BYTES: usize = 1 << 20;
/// How many messages are kept after they were said, and how many bytes. What a broken connection swallows is what was on
/// its way, and buffers on the way hold less than this. The last message is kept whatever its size, because the larger an
/// answer is, the likelier it is that it was the one that broke off.
const KEPT: Amount = Amount { messages: 256, bytes: 1 << 20 };

/// What a message is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A change of which the newest counts. When there is no room, the oldest is dropped.
    News,
    /// A note of a call. It waits for room while somebody reads; while nobody does, the oldest is dropped.
    Note,
    /// A request to the client. Never dropped: it is refused if there is no room and nobody reads.
    Request,
    /// The answer to a request of the client's, with what HTTP has to show of it if it is an error. Never dropped.
    Answer(Option<ErrorKind>),
}

impl Kind {
    /// Whether the stream still makes sense without it.
    fn may_go(self) -> bool {
        matches!(self, Self::News | Self::Note)
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It waits to be said.
    Taken,
    /// There is no room now.
    Full,
    /// There is no room, and nobody reads.
    Refused,
}

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    /// By number, with gaps where messages were dropped.
    entries: VecDeque<Entry>,
    /// The place before the first message: 0, but for a stream that others count from elsewhere.
    origin: u64,
    /// The number of the newest message.
    newest: u64,
    /// The number of the message that the reader got last.
    at: u64,
    /// The highest number that any reader got.
    said: u64,
    waiting: Amount,
    kept: Amount,
    /// Set if nothing is kept, because no reader could come back for it.
    forgetful: bool,
    /// How many messages were dropped that no reader got.
    lost: Arc<AtomicU64>,
}

struct Entry {
    number: u64,
    kind: Kind,
    message: Pieces,
}

#[derive(Default, Clone, Copy)]
struct Amount {
    messages: usize,
    bytes: usize,
}

impl Queue {
    /// A queue whose messages are numbered after this one.
    pub(super) fn after(origin: u64) -> Self {
        Self { origin, newest: origin, at: origin, said: origin, ..Self::default() }
    }

    /// Counts there what is dropped from now on.
    pub(super) fn count_lost(&mut self, lost: Arc<AtomicU64>) {
        self.lost = lost;
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    // === What is to be said ===

    /// Takes a message that may be lost. One that waits already is not taken again. False if it had to be dropped.
    pub(super) fn post(&mut self, message: Pieces) -> bool {
        let known = self.entries.range(self.first_waiting()..).any(|entry| entry.message == message);
        if known {
            return true;
        }
        let fits = self.make_room();
        if fits {
            self.push(Kind::News, message);
        } else {
            self.lose();
        }
        fits
    }

    /// Takes a message if there is room; if nobody reads, also at the cost of older ones that may go.
    pub(super) fn admit(&mut self, kind: Kind, message: &Pieces, is_read: bool) -> Admission {
        let fits = if is_read { self.has_room() } else { self.make_room() };
        // There are no more answers than requests that were let in.
        let must_fit = !is_read && matches!(kind, Kind::Answer(_));
        match (fits || must_fit, is_read) {
            (true, _) => {
                self.push(kind, message.clone());
                Admission::Taken
            }
            (false, true) => Admission::Full,
            (false, false) => {
                self.lose();
                Admission::Refused
            }
        }
    }

    fn push(&mut self, kind: Kind, message: Pieces) {
        self.newest += 1;
        self.waiting.add(&message);
        self.entries.push_back(Entry { number: self.newest, kind, message });
    }

    /// Whether there is room for another message.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.messages < WAITING && self.waiting.bytes < WAITING_BYTES
    }

    /// Drops the oldest messages that may go until there is room.
    fn make_room(&mut self) -> bool {
        while !self.has_room() {
            let first = self.first_waiting();
            let Some(oldest) = self.entries.range(first..).position(|entry| entry.kind.may_go()) else {
                return false;
            };
            if let Some(entry) = self.entries.remove(first + oldest) {
                self.waiting.subtract(&entry.message);
                self.lose();
            }
        }
        true
    }

    // === What is said ===

    /// The next message and its number.
    pub(super) fn next(&mut self) -> Option<(u64, Pieces)> {
        let next = self.entries.partition_point(|entry| entry.number <= self.at);
        let entry = self.entries.get(next)?;
        let (number, message) = (entry.number, entry.message.clone());
        self.at = number;
        if number > self.said {
            self.said = number;
            self.waiting.subtract(&message);
            self.kept.add(&message);
            self.forget();
        }
        Some((number, message))
    }

    /// Whether the reader has something to read.
    pub(super) fn has_more(&self) -> bool {
        self.entries.back().is_some_and(|entry| entry.number > self.at)
    }

    /// Goes on after what was said to any reader.
    pub(super) fn go_on(&mut self) {
        self.at = self.said;
    }

    /// Goes back to a place, so that everything that is kept after it is said again. False for a place where no reader was.
    pub(super) fn go_back(&mut self, after: u64) -> bool {
        let known = (self.origin..=self.said).contains(&after);
        if known {
            self.at = after;
        }
        known
    }

    /// Whether there never was a message.
    pub(super) fn is_unused(&self) -> bool {
        self.newest == self.origin
    }

    /// The number of the message that the reader got last.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are held.
    pub(super) fn bytes(&self) -> usize {
        self.waiting.bytes + self.kept.bytes
    }

    /// Keeps nothing from now on.
    pub(super) fn keep_nothing(&mut self) {
        self.forgetful = true;
        self.forget();
    }

    /// Drops what was said long ago: first what may go, and not the last message.
    fn forget(&mut self) {
        let (least, most) = if self.forgetful { (0, Amount::default()) } else { (1, KEPT) };
        while self.kept.messages > least && self.kept.exceeds(most) {
            let last = self.kept.messages - 1;
            let oldest = self.entries.range(..last).position(|entry| entry.kind.may_go()).unwrap_or_default();
            if let Some(entry) = self.entries.remove(oldest) {
                self.kept.subtract(&entry.message);
            }
        }
    }

    /// Where the messages begin that no reader got.
    fn first_waiting(&self) -> usize {
        self.kept.messages
    }
}

impl Amount {
    fn add(&mut self, message: &Pieces) {
        self.messages += 1;
        self.bytes += message.len();
    }

    fn subtract(&mut self, message: &Pieces) {
        self.messages -= 1;
        self.bytes -= message.len();
    }

    fn exceeds(self, limit: Self) -> bool {
        self.messages > limit.messages || self.bytes > limit.bytes
    }
}

#[cfg(test)]
mod tests;
