//! What the id of a session says: everything that another replica, or the gateway after a restart, needs to go on with it.
//!
//! What does not travel: streams that are open and what waits on them, calls in flight, questions to the client and its answers
//! to them, subscriptions, the log level and the tasks that the client made. A session at an HTTP target goes on itself, with
//! the subscriptions and the level that the target knows.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use protocol::{Era, Raw, Version, json};
use upstream::{Caller, Transport};

use super::Handshake;
use crate::seal::{Purpose, Seal};

/// For how long an id opens for those who do not have the session.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// No id is longer than this, in characters: it is a header of every request, and many proxies and servers allow 8 KiB for all
/// headers together.
pub(crate) const LONGEST: usize = 2048;

/// A client that says more of itself than this many bytes is taken over as one that said nothing.
const MOST_INFO: usize = 512;

/// What an id says.
pub(crate) struct Passport {
    pub(super) handshake: Handshake,
    /// Sessions that HTTP targets gave us for the client.
    pub(super) carried: Vec<Carried>,
}

/// A session at an HTTP target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(super) target: String,
    /// Where the target was: the id of a session must not reach another server that has got the target's name.
    place: u32,
    pub(super) id: String,
}

impl Carried {
    pub(super) fn new(target: &upstream::Settings, id: String) -> Self {
        Self { target: target.name.clone(), place: place(target), id }
    }

    /// Whether this target is the one that gave the session.
    pub(super) fn is_from(&self, target: &upstream::Settings) -> bool {
        self.target == target.name && self.place == place(target)
    }

    fn spelled(&self) -> Raw {
        Raw::of(&(&self.target, self.place, &self.id))
    }
}

/// Tells URLs apart.
fn place(target: &upstream::Settings) -> u32 {
    let (Transport::Http(url) | Transport::Sse(url)) = &target.transport else {
        return 0;
    };
    let hash = digest(&SHA256, url.to_string().as_bytes());
    hash.as_ref().iter().take(4).fold(0, |place, byte| place << 8 | u32::from(*byte))
}

impl Passport {
    /// With as many of the sessions at targets as an id has room for. The others are begun anew where this one is taken over.
    pub(super) fn new(handshake: Handshake, carried: Vec<Carried>) -> Self {
        let bare = Self { handshake, carried: Vec::new() };
        if carried.is_empty() {
            return bare;
        }
        let mut room = Seal::room(LONGEST).saturating_sub(bare.spelled().len());
        let mut fits = |carried: &Carried| {
            let length = carried.spelled().as_bytes().len() + ",".len();
            let fits = length <= room;
            room -= if fits { length } else { 0 };
            fits
        };
        Self { carried: carried.into_iter().filter(|carried| fits(carried)).collect(), ..bare }
    }

    /// The id. That of a client that declared more than there is room for says nothing, and the session stays where it began.
    /// `None` without randomness.
    pub(super) fn seal(&self, seal: &Seal, purpose: Purpose<'_>, now: SystemTime) -> Option<Arc<str>> {
        let text = self.spelled();
        let text = if text.len() <= Seal::room(LONGEST) { &text[..] } else { b"[]" };
        seal.seal(purpose, text, now + GOOD_FOR).map(Into::into)
    }

    /// What an id says; `None` if it is not ours, not this purpose's, too old, or says nothing.
    pub(super) fn open(seal: &Seal, purpose: Purpose<'_>, id: &str, now: SystemTime) -> Option<Self> {
        let text = seal.open(purpose, id, now).ok()?;
        let parts = Raw::parse(&Bytes::from(text)).ok()?.array().ok()?;
        let [version, capabilities, info, carried] = &parts[..] else {
            return None;
        };
        let version = Version::parse(&version.to_text()?).filter(|version| version.era() == Era::Legacy)?;
        let info = (!info.is_null()).then(|| info.clone());
        let caller = Caller::new(Era::Legacy, &capabilities.object().ok()?, info);
        let carried: Vec<(String, u32, String)> = carried.read().ok()?;
        let carried = carried.into_iter().map(|(target, place, id)| Carried { target, place, id });
        Some(Self { handshake: Handshake { version, caller }, carried: carried.collect() })
    }

    fn spelled(&self) -> Vec<u8> {
        let Handshake { version, caller } = &self.handshake;
        let info = caller.info.as_ref().map(Raw::as_bytes).filter(|info| info.len() <= MOST_INFO);
        let mut out =
            Vec::with_capacity(64 + caller.capabilities.as_bytes().len() + info.map_or(0, <[u8]>::len));
        out.push(b'[');
        json::write_string(version.as_str(), &mut out);
        for part in [caller.capabilities.as_bytes(), info.unwrap_or(b"null")] {
            out.push(b',');
            out.extend_from_slice(part);
        }
        out.push(b',');
        out.extend_from_slice(
            json::array_of(&self.carried.iter().map(Carried::spelled).collect::<Vec<_>>()).as_bytes(),
        );
        out.push(b']');
        out
    }
}

#[cfg(test)]
mod tests;
