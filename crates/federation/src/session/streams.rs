//! The streams of a session: the one that it opens with GET, and those on which its POSTs are answered. Each can be taken
//! up again where it broke off, for as long as its call runs and for a while after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::Version;
use tokio_util::sync::CancellationToken;

use super::event_id::{EventId, SESSIONS_OWN};
use super::outlet::{Naming, Outlet, Reader, Rest};
use super::{Session, lock};
use crate::error::{Error, ErrorKind};
use crate::inbound::Frames;

/// How long a stream is kept that is over and was not read to its end. Clients come back after a second or never; a laptop
/// that changes its network takes longer.
const KEPT: Duration = Duration::from_secs(60);
/// The same if it was read to its end: what was handed to a connection may still break off on the way.
const KEPT_TOLD: Duration = Duration::from_secs(5);
/// How many streams of a session are kept that are over: more than a client has calls in flight when its connection breaks.
const MOST_KEPT: usize = 64;
/// How many bytes such streams hold together. The last one is kept whatever its size, because the larger an answer is, the
/// likelier it is that it broke off.
const MOST_KEPT_BYTES: usize = 8 << 20;

/// The streams of a session that answer its POSTs, by number.
#[derive(Default)]
pub(super) struct Streams(Mutex<Numbered>);

#[derive(Default)]
struct Numbered {
    /// The number of the latest. The session's own stream has the number 0, so that these begin at 1.
    count: u64,
    by_number: BTreeMap<u64, Outlet>,
}

impl Streams {
    /// Their numbers begin after this one.
    pub(super) fn after(origin: u64) -> Self {
        Self(Mutex::new(Numbered { count: origin, ..Numbered::default() }))
    }
}

impl Session {
    /// The stream that a client opens with GET: its own, until the way out is `closing`; or with the id of an event the one
    /// of that event, from there to its own end.
    pub(crate) fn stream(
        self: &Arc<Self>,
        last: Option<&str>,
        closing: CancellationToken,
    ) -> Result<Frames, Error> {
        self.listen_on();
        let Some(last) = last.filter(|last| !last.trim().is_empty()) else {
            return Ok(self.own(None).until(closing));
        };
        let refused = || {
            let text = format!(
                "the stream of the event `{last}` cannot be resumed: it is not one of this session, was read to its end, \
                 or ended too long ago"
            );
            Error::new(ErrorKind::Malformed, text)
        };
        let id = EventId::parse(last).ok_or_else(refused)?;
        if id.stream == SESSIONS_OWN {
            return Ok(self.own(Some(id.number)).until(closing));
        }
        let outlet = lock(&self.streams.0).by_number.get(&id.stream).cloned();
        let reader = outlet.and_then(|outlet| outlet.resume(id.number)).ok_or_else(refused)?;
        Ok(reader.frames(self.naming(id.stream)))
    }

    /// The session's own stream goes on also after an event that it does not know: what is said there is news.
    fn own(&self, after: Option<u64>) -> Frames {
        let reader =
            after.and_then(|after| self.mailbox.resume(after)).unwrap_or_else(|| self.mailbox.read());
        reader.frames(self.naming(SESSIONS_OWN))
    }

    /// Answers a POST with a stream, which has a number from now on.
    pub(crate) fn answer_with(&self, outlet: &Outlet, reader: Reader) -> Frames {
        let mut streams = lock(&self.streams.0);
        streams.count += 1;
        let number = streams.count;
        streams.by_number.insert(number, outlet.clone());
        streams.tidy();
        drop(streams);
        reader.frames(self.naming(number))
    }

    /// Clients older than 2025-11-25 read a message in every event.
    fn naming(&self, number: u64) -> Naming {
        let opening = self.handshake().is_some_and(|handshake| handshake.version >= Version::V2025_11_25);
        Naming::Stream { number, opening }
    }

    /// Forgets streams that nobody will come back for.
    pub(crate) fn tidy_streams(&self) {
        lock(&self.streams.0).tidy();
    }

    /// Ends the session's own stream after what was said. Those of calls end with these, and none is found again.
    pub(super) fn close_streams(&self) {
        self.mailbox.close();
        lock(&self.streams.0).by_number.clear();
    }
}

impl Numbered {
    fn tidy(&mut self) {
        self.by_number.retain(|_, outlet| outlet.rest().is_none_or(|rest| !is_stale(rest)));
        let mut resting: Vec<_> =
            self.by_number.iter().filter_map(|(number, outlet)| Some((*number, outlet.rest()?))).collect();
        // The one that ended last comes last, and is kept.
        resting.sort_by_key(|(_, rest)| (!rest.told, rest.since));
        let (mut count, mut bytes) =
            (resting.len(), resting.iter().map(|(_, rest)| rest.bytes).sum::<usize>());
        for (number, rest) in resting {
            if count <= 1 || (count <= MOST_KEPT && bytes <= MOST_KEPT_BYTES) {
                return;
            }
            self.by_number.remove(&number);
            count -= 1;
            bytes -= rest.bytes;
        }
    }
}

fn is_stale(rest: Rest) -> bool {
    rest.since.elapsed() >= if rest.told { KEPT_TOLD } else { KEPT }
}

#[cfg(test)]
mod tests;
