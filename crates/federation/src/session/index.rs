//! Where requests find their sessions. Apart from everything else that is known of them, and in many parts, because all threads
//! look here for each request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use upstream::spread::Apart;

use super::Session;
use crate::map::Map;

/// So many that threads which are busy with different sessions hardly ever meet at one.
const PARTS: usize = 64;

/// The sessions that are open, by id.
pub(super) struct Index([Apart<Mutex<Part>>; PARTS]);

type Part = Map<Arc<str>, Arc<Session>>;

impl Default for Index {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Apart::default()))
    }
}

impl Index {
    pub(super) fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.part(id).get(id).cloned()
    }

    pub(super) fn insert(&self, session: &Arc<Session>) {
        self.part(&session.id).insert(session.id.clone(), session.clone());
    }

    pub(super) fn remove(&self, id: &str) {
        let removed = self.part(id).remove(id);
        drop(removed);
    }

    /// The end of an id is as good as random: it belongs to what seals it.
    fn part(&self, id: &str) -> MutexGuard<'_, Part> {
        let end = id.as_bytes().iter().rev().take(4);
        let part = end.fold(0, |part: usize, byte| part.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.0[part % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
