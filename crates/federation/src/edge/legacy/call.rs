//! How a legacy client's call is run: on its own, saying what it has to say on a stream of the client's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use protocol::Request;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use upstream::Task;

use super::running::Running;
use crate::backend::Shared;
use crate::inbound::{Frames, Gist, Head, Outcome, Single};
use crate::session::Session;
use crate::session::outlet::{First, Kind, Naming, Outlet, Reader};

/// How long a client waits for the first message of a call until its POST is answered with a stream. A stream can be kept
/// alive before proxies that cut what is silent, and it can be resumed: an answer that a broken connection loses before
/// there is one is lost for good.
const SILENCE: Duration = Duration::from_secs(1);

/// Serves a request that was POSTed alone: with JSON if the answer comes first and soon, else with a stream.
pub(super) async fn serve(
    backend: &Arc<Shared>,
    session: Option<Arc<Session>>,
    request: Request,
    head: &Head,
) -> Outcome {
    let outlet = Outlet::default();
    let reader = outlet.read();
    let client = Voice::to_the_end(&outlet, session.clone());
    let call = Running::new(backend, session.clone(), request, head.gist.clone());
    let mut call = Finishing::new(run(call, client, head.closing.clone()));
    let first = async {
        tokio::select! {
            // First, because most calls say nothing before their answer.
            biased;
            () = &mut call => {}
            () = reader.ready() => {}
        }
    };
    // A call that says nothing for long goes on saying nothing on a stream.
    let _ = timeout(SILENCE, first).await;
    drop(call);
    match reader.first() {
        First::Answer(single) => Outcome::One(single),
        First::Stream => Outcome::Stream(stream(session.as_deref(), &outlet, reader)),
        // Cancelled: there is no answer, and the stream says so by ending.
        First::Nothing => Outcome::Stream(Frames(futures::stream::empty().boxed())),
    }
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
    backend: &Arc<Shared>,
    session: Option<Arc<Session>>,
    request: Request,
    client: Voice,
    closing: CancellationToken,
    gist: Option<Arc<Gist>>,
) {
    Task::spawn_finite("call", run(Running::new(backend, session, request, gist), client, closing));
}

/// Runs a call until it is answered, cancelled by a notification, or its session ends. Once the way to the client is `closing`,
/// nothing that it is asked can be answered any more.
async fn run(call: Result<Running, Single>, client: Voice, closing: CancellationToken) {
    let mut call = match call {
        Ok(call) => call,
        Err(refusal) => {
            client.send(Piece::Last(refusal)).await;
            return;
        }
    };
    let token = call.token.clone();
    tokio::select! {
        // First, because the end of a session also ends the links under its calls.
        biased;
        () = token.cancelled() => {}
        () = call.run(&client, &closing) => return,
    }
    match call.farewell() {
        Some(farewell) => drop(client.send(Piece::Last(farewell)).await),
        None => tracing::debug!("a call was cancelled by its client"),
    }
}

/// A call that runs where its client waits for it, which costs less than a task of its own. What is not finished when this is
/// dropped goes on in one: a client that loses its connection has not cancelled its call.
struct Finishing(Option<BoxFuture<'static, ()>>);

impl Finishing {
    fn new(call: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(call.boxed()))
    }
}

impl Future for Finishing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<()> {
        if let Some(call) = &mut self.0 {
            ready!(call.as_mut().poll(context));
            self.0 = None;
        }
        Poll::Ready(())
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            Task::spawn_left_over("call", call);
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
