//! The last handshake with a target. The next one mostly says the same, on both sides, and then it is neither spelled nor read anew.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use protocol::Raw;

use crate::Peer;

/// What was said in it.
#[derive(Debug, Default)]
pub(crate) struct LastHandshake {
    asked: Mutex<Option<(Raw, Bytes)>>,
    said: Mutex<Option<(Raw, Arc<Peer>)>>,
}

impl LastHandshake {
    /// The message that tells of these capabilities.
    pub(super) fn asking(&self, capabilities: &Raw, spell: impl FnOnce() -> Bytes) -> Bytes {
        if let Some(message) = of(&self.asked, capabilities) {
            return message;
        }
        let message = spell();
        put(&self.asked, capabilities.detached(), &message);
        message
    }

    /// What the target is that says this of itself.
    pub(super) fn peer<E>(
        &self,
        said: &Raw,
        read: impl FnOnce(&Raw) -> Result<Arc<Peer>, E>,
    ) -> Result<Arc<Peer>, E> {
        if let Some(peer) = of(&self.said, said) {
            return Ok(peer);
        }
        // What is kept lies alone: it may have come in a message of megabytes.
        let said = said.detached();
        let peer = read(&said)?;
        put(&self.said, said, &peer);
        Ok(peer)
    }
}

fn of<T: Clone>(last: &Mutex<Option<(Raw, T)>>, this: &Raw) -> Option<T> {
    let last = last.lock().unwrap_or_else(PoisonError::into_inner);
    last.as_ref().filter(|(last, _)| last == this).map(|(_, made)| made.clone())
}

fn put<T: Clone>(last: &Mutex<Option<(Raw, T)>>, this: Raw, made: &T) {
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some((this, made.clone()));
}
