//! What comes back from a target: an answer, or a stream that ends in one.
//!
//! The core speaks the modern shape, in which a server that needs input says so in its result; what a legacy server
//! asks in the middle of a call can be said in it, and not the other way round.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Object, Raw};
use tokio::sync::oneshot;

use crate::Error;

/// The reply to a call.
pub enum Reply {
    /// The answer, and nothing before it.
    One(Answer),
    /// Notes and asks, ending in an answer. Dropping the stream cancels the call at the target.
    Stream(BoxStream<'static, Result<Event, Error>>),
}

/// The end of a call: the target's raw result, or its raw error object.
pub type Answer = Result<Raw, Raw>;

/// Something that happens while a call runs.
#[derive(Debug)]
pub enum Event {
    /// Worth telling the caller.
    Note(Note),
    /// The target needs input before it can go on.
    Ask(Ask),
    /// The end.
    Answer(Answer),
}

/// A notification that belongs to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The params of `notifications/progress`, without the token, which is each hop's own.
    Progress(Object),
    /// The params of `notifications/message`.
    Log(Object),
}

/// Requests that the client must answer before the call can finish, and how to go on.
#[derive(Debug)]
pub enum Ask {
    /// The call is still open at a legacy target, which sent these requests in the middle of it. Dropping `answers`
    /// refuses them.
    Held {
        /// Key, method and params of each request.
        requests: Vec<(String, String, Object)>,
        /// Takes the answers, by key.
        answers: oneshot::Sender<Vec<(String, Answer)>>,
    },
    /// A modern target ended the call with `input_required`: call again with the answers and its `requestState`.
    Replay {
        /// The target's whole result, with `inputRequests` and `requestState` as they came.
        result: Raw,
    },
}

impl Reply {
    /// Waits for the answer and lets everything before it pass unseen. An ask is refused.
    pub async fn answer(self) -> Result<Answer, Error> {
        match self {
            Self::One(answer) => Ok(answer),
            Self::Stream(mut events) => loop {
                match events.next().await {
                    Some(Ok(Event::Answer(answer))) => return Ok(answer),
                    Some(Ok(Event::Note(_) | Event::Ask(Ask::Held { .. }))) => {}
                    Some(Ok(Event::Ask(Ask::Replay { .. }))) => {
                        return Err(Error::new(
                            crate::ErrorKind::Protocol,
                            "the target asks for input where none can be given",
                        ));
                    }
                    Some(Err(error)) => return Err(error),
                    None => {
                        return Err(Error::new(
                            crate::ErrorKind::Closed,
                            "the target ended the stream without an answer",
                        ));
                    }
                }
            },
        }
    }
}
