//! What comes back from a target: an answer, or a stream that ends in one.
//!
//! The core speaks the modern shape, in which a server that needs input says so in its result; what a legacy server
//! asks in the middle of a call can be said in it, and not the other way round.

use std::fmt;

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
    /// The target asked for something that the caller did not declare, and was refused. This is what the caller would have
    /// to declare, in the shape of client capabilities; if the call fails now, that is why.
    Refused(Object),
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
    /// The call is still open at the target, which asks this in the middle of it. More may follow before it is answered.
    Held(Question),
    /// A modern target ended the call with `input_required`: call again with the answers and its `requestState`.
    Replay {
        /// The target's whole result, with `inputRequests` and `requestState` as they came.
        result: Raw,
    },
}

/// One request of a target to the client. Dropping it refuses it, in the way that its method has for that.
#[derive(Debug)]
pub struct Question {
    /// `sampling/createMessage`, `elicitation/create` or `roots/list`.
    pub method: Box<str>,
    /// Its params, without what describes the target's hop.
    pub params: Object,
    answer: oneshot::Sender<Answer>,
    translation: Option<Translation>,
}

/// What becomes of an answer on its way to the target.
struct Translation(Box<dyn FnOnce(Answer) -> Answer + Send>);

impl fmt::Debug for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Translation")
    }
}

impl Question {
    /// A question, and where its answer arrives. Dropping the receiver withdraws the question.
    pub fn new(method: &str, params: Object) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        (Self { method: method.into(), params, answer, translation: None }, receiver)
    }

    /// Gives the client's result or error to the target.
    pub fn answer(self, answer: Answer) {
        let answer = match self.translation {
            Some(Translation(translate)) => translate(answer),
            None => answer,
        };
        // A target that has withdrawn its question needs no answer.
        let _ = self.answer.send(answer);
    }

    /// Has the answer changed on its way to the target, for a question that was changed on its way to the client.
    #[must_use]
    pub fn translated(mut self, translate: impl FnOnce(Answer) -> Answer + Send + 'static) -> Self {
        let before = self.translation.take();
        self.translation = Some(Translation(Box::new(move |answer| match before {
            Some(Translation(before)) => before(translate(answer)),
            None => translate(answer),
        })));
        self
    }

    /// Resolves when the target no longer wants an answer.
    pub async fn withdrawn(&mut self) {
        self.answer.closed().await;
    }

    /// Whether the target no longer wants an answer.
    pub fn is_withdrawn(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Reply {
    /// Waits for the answer and lets everything before it pass unseen. An ask is refused.
    pub async fn answer(self) -> Result<Answer, Error> {
        match self {
            Self::One(answer) => Ok(answer),
            Self::Stream(mut events) => loop {
                match events.next().await {
                    Some(Ok(Event::Answer(answer))) => return Ok(answer),
                    Some(Ok(Event::Note(_) | Event::Refused(_) | Event::Ask(Ask::Held(_)))) => {}
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
