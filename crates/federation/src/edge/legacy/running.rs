//! A legacy client's call while it runs: from its row to its answer.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::AbortRegistration;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use protocol::method::{Method, Routing, notifications};
use protocol::{Era, Id, Object, Raw, Request, Version, message, meta, method};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use upstream::spread::Lent;
use upstream::{Answer, Ask, Caller, Event, Note};

use super::call::{Piece, Voice};
use super::finish::{self, transport_level};
use super::open::Open;
use super::own;
use super::round::{self, MOST_ROUNDS, Refusal, Rounds};
use crate::backend::Shared;
use crate::context::Context;
use crate::edge::single;
use crate::error::{Error, ErrorKind};
use crate::gather::Listed;
use crate::inbound::{Gist, Single};
use crate::journal::record::Record;
use crate::relay::{Links, Served};
use crate::session::{Begun, Session, Stray};
use crate::task;

/// A call that is about to run.
pub(super) struct Running {
    context: Context,
    session: Option<Arc<Session>>,
    id: Id,
    row: &'static Method,
    params: Object,
    progress: Option<Raw>,
    /// The last progress that the client was told.
    reached: f64,
    /// None where nothing can be asked about the call.
    strays: Option<mpsc::Receiver<Stray>>,
    /// Tells that its client no longer wants it, or that its session has ended.
    pub(super) unwanted: Option<AbortRegistration>,
}

impl Running {
    pub(super) fn new(
        backend: &Lent<Shared>,
        session: Option<Arc<Session>>,
        request: Request,
        gist: Option<Arc<Gist>>,
    ) -> Result<Self, Single> {
        let Request { id, method, mut params } = request;
        let refusal = |error: Error| Single {
            error: transport_level(error.kind),
            ..single(Some(&id), &error, Era::Legacy)
        };
        let handshake = match session.as_ref().map(|session| session.handshake()) {
            // Either side may ping the other before that (spec 2025-11-25, basic/lifecycle).
            Some(None) if &*method == "ping" => None,
            Some(None) => {
                let error = Error::new(
                    ErrorKind::Malformed,
                    "the session is not initialized: begin with `initialize`",
                );
                return Err(refusal(error));
            }
            Some(Some(handshake)) => Some(handshake.clone()),
            None => None,
        };
        let Some(row) = method::lookup(&method, Era::Legacy) else {
            return Err(refusal(Error::new(
                ErrorKind::UnknownMethod,
                format!("there is no method `{method}`"),
            )));
        };
        let progress = take_token(&mut params);
        if !handshake.as_ref().is_some_and(|handshake| task::kept::knows(handshake.version)) {
            params.remove("task");
        }
        let caller = handshake.map_or_else(anonymous, |handshake| handshake.caller);
        let Begun { unwanted, strays } = match &session {
            Some(session) => session.begin(&id, row.may_ask && caller.interactive).ok_or_else(|| {
                refusal(Error::new(
                    ErrorKind::Malformed,
                    format!("too many requests are running, or one with the id {id}"),
                ))
            })?,
            None => Begun::default(),
        };
        let number = session.as_ref().map(|session| session.number);
        let record = Record::begin(backend, &caller, number, (row, &params), gist);
        let context = Context {
            backend: backend.clone(),
            links: session.clone().map_or(Links::Shared, Links::Session),
            caller,
            log_level: session.as_ref().and_then(|session| session.level()),
            progress: progress.is_some(),
            mirrored: None,
            record,
        };
        Ok(Self { context, session, id, row, params, progress, reached: f64::NEG_INFINITY, strays, unwanted })
    }

    /// What a client is told whose session ends under the call; nothing if it cancelled the call itself, or was answered.
    pub(super) fn farewell(&self) -> Option<Single> {
        let session = self.session.as_ref().filter(|session| session.is_over())?;
        let (number, method) = (session.number, self.row.name);
        tracing::debug!("session {number} ended under a call of {method}");
        let text = "the session was ended, by its client or by the gateway, before the call was answered; it may have run; \
                    begin again with `initialize`";
        Some(self.refusal(&Error::new(ErrorKind::UnknownSession, text)))
    }

    /// Runs it to its answer.
    pub(super) async fn run(&mut self, client: &Voice, closing: &CancellationToken) -> Single {
        // After a panic nothing of the call is used again but its id.
        let last = AssertUnwindSafe(self.converse(client, closing)).catch_unwind().await;
        let last = last.unwrap_or_else(|_| self.failed());
        if let Some(record) = &self.context.record {
            record.end(&last.body);
        }
        // Before the answer is sent, so that a client that has it may use the id again; and only once, so that the next call
        // under that id is not taken for this one.
        if let Some(session) = self.session.take() {
            session.finish(&self.id);
        }
        last
    }

    /// The call, and as often as a modern target asks for input first, the call again with the client's answers.
    async fn converse(&mut self, client: &Voice, closing: &CancellationToken) -> Single {
        let mut params = std::mem::take(&mut self.params);
        let session = self.session.clone();
        let mut open = Open::new(session.as_ref(), client.outlet(), self.strays.take(), closing);
        let mut rounds = Rounds::default();
        for _ in 0..=MOST_ROUNDS {
            let served = open.during(pin!(self.serve(params.clone()))).await;
            let (target, end) = match served {
                Ok(Served::One(answer)) => return self.answer(answer),
                Ok(Served::Listed(page)) => return self.listed(&page),
                Ok(Served::Stream { target, events }) => {
                    let end = Box::pin(self.follow(&target, events, &mut open, client)).await;
                    (target, end)
                }
                Err(error) => return self.refusal(&error),
            };
            let result = match end {
                End::Last(last) => return last,
                End::Again(result) => result,
            };
            let answered = match session.as_ref() {
                Some(session) => {
                    let mut answers = rounds.answer(session, &target, client.outlet(), &result).boxed();
                    let asking = open.during(answers.as_mut());
                    let answered = closing.run_until_cancelled(asking).await;
                    answered.unwrap_or_else(|| Err(Refusal::Failed(round::CLOSING.into())))
                }
                None => Err(Refusal::Failed(round::NOBODY.into())),
            };
            params = match answered {
                Ok(answers) => answers.into_params(params),
                Err(refusal) => return self.unanswered(&target, refusal),
            };
        }
        let text = format!("the target asked for input {MOST_ROUNDS} times and more; the call was given up");
        self.refusal(&Error::new(ErrorKind::CannotRelay, text))
    }

    async fn serve(&self, params: Object) -> Result<Served, Error> {
        match (self.row.routing, &self.session) {
            (Routing::Ours(local), Some(session)) => {
                // Elsewhere: what is ours is seldom asked for, and the way of most calls is to be short, also in memory.
                Box::pin(own::serve(&self.context, session, self.row, local, params)).await
            }
            _ => self.context.serve(self.row, params).await,
        }
    }

    /// Passes on what happens until the end, and returns the end.
    async fn follow(
        &mut self,
        target: &str,
        mut events: BoxStream<'static, Result<Event, Error>>,
        open: &mut Open<'_>,
        client: &Voice,
    ) -> End {
        while let Some(event) = open.during(pin!(events.next())).await {
            match event {
                Ok(Event::Note(note)) => {
                    if let Some(frame) = self.note(note) {
                        // A question may wait for the same room, and must not be left waiting when it gets it.
                        open.during(pin!(client.send(Piece::Note(frame)))).await;
                    }
                }
                Ok(Event::Answer(answer)) => return End::Last(self.answer(answer)),
                Ok(Event::Ask(Ask::Held(question))) => open.ask(target.to_owned(), question),
                Ok(Event::Ask(Ask::Replay { result })) => return End::Again(result),
                // The target knows what it was refused, and says so in its answer.
                Ok(Event::Refused(_)) => {}
                Err(error) => return End::Last(self.refusal(&error)),
            }
        }
        End::Last(self.refusal(&Error::unanswered()))
    }

    /// The end of a call whose target did not get the input that it needs. A tool says so in its result, for a model to
    /// read.
    fn unanswered(&self, target: &str, refusal: Refusal) -> Single {
        let text = match refusal {
            Refusal::Failed(text) => text,
            Refusal::Declined(method, error) => {
                format!("target `{target}` needs an answer to `{method}`, which the client refused: {error}")
            }
        };
        if self.row.name == "tools/call" {
            return self.answer(Ok(finish::tool_error(&text)));
        }
        self.refusal(&Error::new(ErrorKind::CannotRelay, text))
    }

    /// A note as the client may hear it. Progress only ever grows, also when the call is made again with answers (spec
    /// 2025-11-25, basic/utilities/progress).
    fn note(&mut self, note: Note) -> Option<Bytes> {
        match note {
            Note::Progress(mut params) => {
                let progress = params.get("progress").and_then(|value| value.read::<f64>().ok())?;
                if progress <= self.reached {
                    return None;
                }
                self.reached = progress;
                params.set(meta::PROGRESS_TOKEN, self.progress.clone()?);
                Some(message::notification(notifications::PROGRESS, &params))
            }
            Note::Log(params) => {
                let wanted = self.session.as_ref().is_none_or(|session| session.wants_log(&params));
                wanted.then(|| message::notification(notifications::MESSAGE, &params))
            }
        }
    }

    fn answer(&self, answer: Answer) -> Single {
        let answer = match answer {
            Err(error) if self.row.name == "tools/call" => finish::soften(error),
            answer => answer,
        };
        let outcome = match answer {
            Ok(result) => match finish::down(self.row.name, &result, self.version()) {
                Ok(result) => Ok(result),
                Err(error) => return self.refusal(&error),
            },
            Err(error) => Err(finish::explain(self.row.name, error)),
        };
        Single::plain(message::answered(&self.id, outcome.as_ref()))
    }

    fn listed(&self, page: &Listed) -> Single {
        let version = self.version();
        match page.spelled(version, |result| finish::down(self.row.name, result, version)) {
            Ok(spelled) => Single::plain(message::answer(&self.id, spelled)),
            Err(error) => self.refusal(&error),
        }
    }

    /// The revision that was agreed on. Without a session nobody remembers it, and the newest leaves most as it is.
    fn version(&self) -> Version {
        let handshake = self.session.as_ref().and_then(|session| session.handshake());
        handshake.map_or(Version::NEWEST_LEGACY, |handshake| handshake.version)
    }

    /// The end of a call that panicked. What the panic says is on standard error.
    fn failed(&self) -> Single {
        tracing::error!(method = self.row.name, "a call failed in the gateway; please report this");
        self.refusal(&Error::new(
            ErrorKind::Internal,
            "the gateway failed to serve this request; its log says more",
        ))
    }

    fn refusal(&self, error: &Error) -> Single {
        Single { error: transport_level(error.kind), ..single(Some(&self.id), error, Era::Legacy) }
    }
}

/// How a round of a call ends.
enum End {
    /// With what the client gets.
    Last(Single),
    /// With a result that asks for input.
    Again(Raw),
}

/// The call has ended, however it ended.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            session.finish(&self.id);
        }
    }
}

/// A client of which nothing is known, because there is no session in which it said so.
fn anonymous() -> Arc<Caller> {
    Caller::new(Era::Legacy, &Object::default(), None)
}

/// Takes the client's progress token out; the rest of `_meta` goes to the target. A token is a string or an integer, like an
/// id; some clients say `null` for none.
fn take_token(params: &mut Object) -> Option<Raw> {
    let token = params.object("_meta")?.get(meta::PROGRESS_TOKEN).cloned();
    meta::strip_hop_of(params);
    token.filter(|token| Id::from_raw(token).is_some())
}
