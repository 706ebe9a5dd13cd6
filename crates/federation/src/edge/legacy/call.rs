//! How a legacy client's call is run: on its own, saying what it has to say on a stream of the client's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{Abortable, BoxFuture};
use protocol::Request;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use upstream::spread::Lent;
use upstream::{Task, boxed};

use super::running::Running;
use crate::backend::Shared;
use crate::inbound::{Asking, Frames, Gist, Outcome, Single};
use crate::session::Session;
use crate::session::outlet::{Kind, Naming, Outlet, Reader};

/// How long a client waits for the first message of a call until its POST is answered with a stream. A stream can be kept
/// alive before proxies that cut what is silent, and it can be resumed: an answer that a broken connection loses before
/// there is one is lost for good.
const SILENCE: Duration = Duration::from_secs(1);

/// Serves a request that was POSTed alone: with JSON if the answer comes first and soon, else with a stream.
pub(super) async fn serve(
    backend: &Lent<Shared>,
    session: Option<Arc<Session>>,
    request: Request,
    asking: &Asking,
) -> Outcome {
    let outlet = Outlet::default();
    let reader = outlet.read();
    let client = Voice::to_the_end(&outlet, session.clone());
    let call = Running::new(backend, session.clone(), request, asking.gist.clone());
    let mut call = Finishing::new(|| unsaid(call, client, asking.head.closing.clone()));
    let first = async {
        tokio::select! {
            // First, because most calls say nothing before their answer.
            biased;
            last = &mut call => last,
            () = reader.ready() => None,
        }
    };
    // A call that says nothing for long goes on saying nothing on a stream.
    let last = timeout(SILENCE, first).await.unwrap_or_default();
    drop(call);
    if let Some(last) = last {
        return Outcome::One(last);
    }
    if reader.is_at_end() {
        // Cancelled: there is no answer, and the stream says so by ending.
        return Outcome::Stream(Frames(futures::stream::empty().boxed()));
    }
    Outcome::Stream(stream(session.as_deref(), &outlet, reader))
}

/// Without a session there is nothing in which a stream could be found again.
pub(super) fn stream(session: Option<&Session>, outlet: &Outlet, reader: Reader) -> Frames {
    match session {
        Some(session) => session.answer_with(outlet, reader),
        None => reader.frames(Naming::None),
    }
}

/// Starts a call that runs on its own.
pub(super) fn start(
    backend: &Lent<Shared>,
    session: Option<Arc<Session>>,
    request: Request,
    client: Voice,
    closing: CancellationToken,
    gist: Option<Arc<Gist>>,
) {
    let call = Running::new(backend, session, request, gist);
    Task::spawn_finite("call", async move {
        let last = run(call, &client, &closing).await;
        client.say_last(last).await;
    });
}

/// Runs a call until it is answered, cancelled by a notification, or its session ends. What it comes to is its last word, which
/// is still to be said; a client that cancelled it hears none. Once the way to the client is `closing`, nothing that it is asked
/// can be answered any more.
async fn run(call: Result<Running, Single>, client: &Voice, closing: &CancellationToken) -> Option<Single> {
    let mut call = match call {
        Ok(call) => call,
        Err(refusal) => return Some(refusal),
    };
    let unwanted = call.unwanted.take();
    let run = call.run(client, closing);
    // Looks first whether it is still wanted, because the end of a session also ends the links under its calls.
    let ended = match unwanted {
        Some(unwanted) => Abortable::new(run, unwanted).await,
        None => Ok(run.await),
    };
    if let Ok(last) = ended {
        return Some(last);
    }
    let farewell = call.farewell();
    if farewell.is_none() {
        tracing::debug!("a call was cancelled by its client");
    }
    farewell
}

/// Runs a call, and says its last word on the stream only if something was said there before.
async fn unsaid(call: Result<Running, Single>, client: Voice, closing: CancellationToken) -> Unsaid {
    let mut last = run(call, &client, &closing).await;
    if !client.outlet.is_unused() {
        client.say_last(last.take()).await;
    }
    Unsaid { last, client }
}

/// What a call has not said.
struct Unsaid {
    last: Option<Single>,
    /// How it could say it.
    client: Voice,
}

/// A call that runs where its client waits for it, which costs less than a task of its own. What is not finished when this is
/// dropped goes on in one: a client that loses its connection has not cancelled its call.
struct Finishing(Option<BoxFuture<'static, Unsaid>>);

impl Finishing {
    fn new<F: Future<Output = Unsaid> + Send + 'static>(call: impl FnOnce() -> F) -> Self {
        Self(Some(boxed(call)))
    }
}

impl Future for Finishing {
    /// The last word, if it is the only one.
    type Output = Option<Single>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Option<Single>> {
        let Some(call) = &mut self.0 else { return Poll::Ready(None) };
        let Unsaid { last, client: _ } = ready!(call.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(last)
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            Task::spawn_left_over("call", async move {
                let Unsaid { last, client } = call.await;
                client.say_last(last).await;
            });
        }
    }
}

/// A message of a call on its way to the client.
pub(super) enum Piece {
    /// Progress or a log message.
    Note(Bytes),
    /// The answer.
    Last(Single),
}

/// How a call speaks to its client, over whichever stream that is.
#[derive(Clone)]
pub(super) struct Voice {
    outlet: Outlet,
    _end: Option<Arc<End>>,
    _speaks: Option<TaskTrackerToken>,
}

impl Voice {
    /// Over a stream that goes on when the call has ended, and does not end by itself before that.
    pub(super) fn over(outlet: &Outlet, speaks: TaskTrackerToken) -> Self {
        Self { outlet: outlet.clone(), _end: None, _speaks: Some(speaks) }
    }

    /// Over a stream that ends when nobody speaks over it any more.
    pub(super) fn to_the_end(outlet: &Outlet, session: Option<Arc<Session>>) -> Self {
        let end = Arc::new(End { outlet: outlet.clone(), session });
        Self { outlet: outlet.clone(), _end: Some(end), _speaks: None }
    }

    /// The stream itself, for what is asked on it.
    pub(super) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// Says something; waits while a client that reads has enough to read. False if it is certain not to arrive.
    pub(super) async fn send(&self, piece: Piece) -> bool {
        match piece {
            Piece::Note(body) => self.outlet.say(Kind::Note, body).await,
            Piece::Last(single) => self.outlet.say(Kind::Answer(single.error), single.body).await,
        }
    }

    /// Says the last word of a call. A client that went away does not need it, and nobody else does.
    async fn say_last(&self, last: Option<Single>) {
        if let Some(last) = last {
            self.send(Piece::Last(last)).await;
        }
    }
}

/// Ends a stream when the last voice over it is gone.
struct End {
    outlet: Outlet,
    session: Option<Arc<Session>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.outlet.close();
        if let Some(session) = &self.session {
            session.tidy_streams();
        }
    }
}
