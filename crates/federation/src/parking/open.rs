//! A call that is open at its target, as it passes from one request of its client to the next.

use futures::stream::BoxStream;
use protocol::Object;
use upstream::{Event, Question};

use crate::error::Error;

/// What there is of a call that is not over.
pub(crate) struct OpenCall {
    /// Where it runs.
    pub(crate) target: String,
    /// What the target asks. Before the events: a question is refused first, then the call is cancelled.
    pub(crate) asked: Vec<Asked>,
    /// What will happen. Dropping it cancels the call.
    pub(crate) events: BoxStream<'static, Result<Event, Error>>,
    /// What the client would have had to declare, as far as the target was refused something.
    pub(crate) refused: Object,
    /// The last progress that the client was told of: it must increase, over all rounds.
    pub(crate) progress: Option<f64>,
    /// How many questions the call has had.
    pub(crate) questions: u32,
    /// How often the client was asked.
    pub(crate) round: u32,
}

/// A question, and the name under which the client answers it.
pub(crate) struct Asked {
    pub(crate) key: String,
    pub(crate) question: Question,
}

impl OpenCall {
    /// A call of which nothing was heard yet.
    pub(crate) fn new(target: String, events: BoxStream<'static, Result<Event, Error>>) -> Self {
        Self {
            target,
            asked: Vec::new(),
            events,
            refused: Object::default(),
            progress: None,
            questions: 0,
            round: 0,
        }
    }

    /// Takes a question in, under a key that no other question of this call has or had.
    pub(crate) fn ask(&mut self, question: Question) {
        self.questions += 1;
        self.asked.push(Asked { key: format!("ask-{}", self.questions), question });
    }

    /// Takes note of what the client would have had to declare.
    pub(crate) fn lacks(&mut self, needed: &Object) {
        merge(&mut self.refused, needed);
    }
}

/// Adds capabilities to others; what both have is merged in depth.
fn merge(into: &mut Object, more: &Object) {
    for (key, value) in more.iter() {
        match (into.object(key), value.object()) {
            (Some(mut before), Ok(added)) => {
                merge(&mut before, &added);
                into.set(key.to_owned(), before.to_raw());
            }
            _ => into.set(key.to_owned(), value.clone()),
        }
    }
}
