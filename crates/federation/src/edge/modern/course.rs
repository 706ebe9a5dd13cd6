//! What happens between a request and its answer: notes pass, questions of a legacy target are collected, and a call that
//! waits for its client is parked.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use protocol::method::notifications;
use protocol::{Object, Pieces, capability, message, meta};
use tokio::time::Instant;
use upstream::{Answer, Ask, Event, Note, Question};

use super::asking;
use super::finish::Finish;
use crate::error::Error;
use crate::inbound::Single;
use crate::parking::OpenCall;

/// For how long a question waits for others of the same call, so that the client is asked once.
const SIBLINGS: Duration = Duration::from_millis(20);
/// How many questions a client is asked at once. More are refused.
const QUESTIONS: usize = 64;

/// Something for the client.
pub(super) enum Piece {
    Note(Bytes),
    Last(Single),
}

impl Piece {
    /// The only one there is.
    pub(super) fn alone(self) -> BoxStream<'static, Self> {
        stream::iter([self]).boxed()
    }

    pub(super) fn into_body(self) -> Pieces {
        match self {
            Self::Note(body) => body.into(),
            Self::Last(single) => single.body,
        }
    }
}

/// A call on its way to the end of one request.
pub(super) struct Course {
    finish: Finish,
    call: OpenCall,
    /// When the client is asked what the target asked so far.
    ask_at: Option<Instant>,
}

impl Course {
    pub(super) fn new(finish: Finish, mut call: OpenCall) -> Self {
        let left = std::mem::take(&mut call.asked);
        let mut course = Self { finish, call, ask_at: None };
        for asked in left {
            if course.may_ask(&asked.question) {
                course.call.asked.push(asked);
                course.ask_soon();
            }
        }
        course
    }

    /// What there is to say to the client, in order. The last piece is the end.
    pub(super) fn pieces(self) -> BoxStream<'static, Piece> {
        stream::unfold(Some(self), |course| async move { Some(course?.advance().await) }).boxed()
    }

    /// The next piece, and the rest of the way if there is one.
    async fn advance(mut self) -> (Piece, Option<Self>) {
        loop {
            let Some(event) = self.next_event().await else {
                match self.ask() {
                    Some(last) => return (Piece::Last(last), None),
                    None => continue,
                }
            };
            let last = match event {
                Ok(Event::Note(note)) => match self.note(note) {
                    Some(note) => return (Piece::Note(note), Some(self)),
                    None => continue,
                },
                Ok(Event::Ask(Ask::Held(question))) => {
                    self.take(question);
                    continue;
                }
                Ok(Event::Refused(needed)) => {
                    self.call.lacks(&needed);
                    continue;
                }
                Ok(Event::Ask(Ask::Replay { result })) => asking::replay(&self.finish, &result),
                Ok(Event::Answer(answer)) => self.answered(answer),
                Err(error) => self.finish.failed(&error),
            };
            return (Piece::Last(last), None);
        }
    }

    /// Waits for the next event; `None` if it is time to ask the client.
    async fn next_event(&mut self) -> Option<Result<Event, Error>> {
        let event = match self.ask_at {
            None => self.call.events.next().await,
            // Looked at here, because of a target that always has something to say the timeout alone would never be noticed.
            Some(at) if at <= Instant::now() => return None,
            Some(at) => tokio::time::timeout_at(at, self.call.events.next()).await.ok()?,
        };
        Some(event.unwrap_or_else(|| Err(Error::unanswered())))
    }

    /// Keeps a question for the client, if it may be asked. Dropping a question refuses it, and the target goes on.
    fn take(&mut self, question: Question) {
        if self.may_ask(&question) && self.call.asked.len() < QUESTIONS {
            self.call.ask(question);
            self.ask_soon();
        }
    }

    /// Whether this client can be asked this. The link has held the target to what the client declared that began the call;
    /// its retry may declare less.
    fn may_ask(&mut self, Question { method, params, .. }: &Question) -> bool {
        if !self.finish.row.may_ask {
            tracing::warn!("a target asks for `{method}` where it cannot be asked for; refused");
            return false;
        }
        let needed = capability::permits(&self.finish.capabilities(), method, params).err();
        if let Some(needed) = &needed {
            self.call.lacks(needed);
        }
        needed.is_none()
    }

    fn ask_soon(&mut self) {
        self.ask_at.get_or_insert_with(|| Instant::now() + SIBLINGS);
    }

    /// Asks the client what is still to be asked, and parks the call; `None` if the target wants no answer any more.
    fn ask(&mut self) -> Option<Single> {
        self.ask_at = None;
        self.call.asked.retain(|asked| !asked.question.is_withdrawn());
        if self.call.asked.is_empty() {
            return None;
        }
        let rest = futures::stream::empty().boxed();
        let call = std::mem::replace(&mut self.call, OpenCall::new(String::new(), rest));
        Some(asking::park(&self.finish, call))
    }

    /// The answer, unless the call failed for want of something that the client could have declared.
    fn answered(&self, answer: Answer) -> Single {
        if self.call.refused.is_empty() || !has_failed(&answer) {
            return self.finish.answered(answer);
        }
        self.finish.single(Err(asking::undeclared(&self.call.refused)))
    }

    /// A note, if the client asked for notes of its kind.
    fn note(&mut self, note: Note) -> Option<Bytes> {
        match note {
            Note::Progress(params) => self.progress(params),
            Note::Log(params) => self.log(&params),
        }
    }

    /// Progress must increase (spec 2026-07-28, basic/patterns/progress). What does not is dropped; what does keeps its
    /// spelling.
    fn progress(&mut self, mut params: Object) -> Option<Bytes> {
        let value: f64 = params.get("progress")?.read().ok()?;
        params.set(meta::PROGRESS_TOKEN, self.finish.token.clone()?);
        if self.call.progress.is_some_and(|last| value <= last) {
            return None;
        }
        self.call.progress = Some(value);
        Some(message::notification(notifications::PROGRESS, &params))
    }

    fn log(&self, params: &Object) -> Option<Bytes> {
        let wanted = meta::level_rank(self.finish.level.as_deref()?)?;
        let rank = params.text("level").as_deref().and_then(meta::level_rank)?;
        (rank >= wanted).then(|| message::notification(notifications::MESSAGE, params))
    }
}

fn has_failed(answer: &Answer) -> bool {
    let is_error = |result: Object| result.get("isError").is_some_and(|value| value.as_bytes() == b"true");
    answer.as_ref().map_or(true, |result| result.object().is_ok_and(is_error))
}
