//! What is written into the log, for tests of what an operator is told.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// Everything that this test logs, for as long as it is held.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
    _until_dropped: DefaultGuard,
}

impl Log {
    /// Begins to take notes.
    pub(crate) fn start() -> Self {
        let lines = Arc::<Mutex<Vec<_>>>::default();
        let guard = tracing::subscriber::set_default(Notes(lines.clone()));
        Self { lines, _until_dropped: guard }
    }

    /// The messages of a level so far that contain this.
    pub(crate) fn said(&self, level: Level, part: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = lines.iter().filter(|(of, line)| *of == level && line.contains(part));
        of_it.map(|(_, line)| line.clone()).collect()
    }
}

struct Notes(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((*event.metadata().level(), message.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
