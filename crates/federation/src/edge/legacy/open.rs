//! The questions of one call that wait for its client.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use upstream::{Question, Task};

use crate::session::outlet::Outlet;
use crate::session::{Session, Stray};

/// The questions that wait, and where further ones come from.
pub(super) struct Open<'a> {
    session: Option<&'a Arc<Session>>,
    client: &'a Outlet,
    strays: mpsc::Receiver<Stray>,
    waiting: FuturesUnordered<BoxFuture<'a, ()>>,
    /// Strays that were asked on this call's stream. They may be about another call, which then goes on waiting for them.
    guests: FuturesUnordered<BoxFuture<'static, ()>>,
    /// Cancelled when the client can answer nothing any more.
    closing: CancellationToken,
}

impl<'a> Open<'a> {
    pub(super) fn new(
        session: Option<&'a Arc<Session>>,
        client: &'a Outlet,
        strays: mpsc::Receiver<Stray>,
        closing: CancellationToken,
    ) -> Self {
        let (waiting, guests) = (FuturesUnordered::new(), FuturesUnordered::new());
        Self { session, client, strays, waiting, guests, closing }
    }

    /// Brings a question to the client. Where nobody can answer, dropping it refuses it.
    pub(super) fn ask(&mut self, target: String, question: Question) {
        let Some(session) = self.session.filter(|_| !self.closing.is_cancelled()).cloned() else {
            return;
        };
        let client = self.client;
        let asking = async move { session.relay_question(&target, client, question).await };
        self.waiting.push(asking.boxed());
    }

    /// The same for a stray.
    fn ask_for_another(&mut self, Stray { target, question }: Stray) {
        let Some(session) = self.session.filter(|_| !self.closing.is_cancelled()).cloned() else {
            return;
        };
        let client = self.client.clone();
        let asking = async move { session.relay_question(&target, &client, question).await };
        self.guests.push(asking.boxed());
    }

    /// Does some work of the call while questions are asked and answered.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                // First, so that what was taken in is asked before the answer ends the stream.
                Some(()) = self.guests.next(), if !self.guests.is_empty() => {}
                () = self.closing.cancelled(), if !self.waiting.is_empty() || !self.guests.is_empty() => {
                    // The target hears that nobody answers, and can end the call in time.
                    self.waiting.clear();
                    self.guests.clear();
                }
                done = &mut work => return done,
                Some(()) = self.waiting.next(), if !self.waiting.is_empty() => {}
                Some(stray) = self.strays.recv() => self.ask_for_another(stray),
            }
        }
    }
}

/// The call's own questions end with it. Strays wait on for as long as there is another call that they may be about.
impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session else {
            return;
        };
        self.strays.close();
        while let Ok(stray) = self.strays.try_recv() {
            session.place(stray);
        }
        let guests = std::mem::take(&mut self.guests);
        if !guests.is_empty() && session.may_be_asked() {
            Task::spawn_finite("question", guests.collect());
        }
    }
}
