//! The questions of one call that wait for its client.

use std::future::Future;
use std::pin::Pin;
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
    strays: Option<mpsc::Receiver<Stray>>,
    waiting: Crowd<'a>,
    /// Strays that were asked on this call's stream. They may be about another call, which then goes on waiting for them.
    guests: Crowd<'static>,
    /// Cancelled when the client can answer nothing any more.
    closing: &'a CancellationToken,
}

impl<'a> Open<'a> {
    pub(super) fn new(
        session: Option<&'a Arc<Session>>,
        client: &'a Outlet,
        strays: Option<mpsc::Receiver<Stray>>,
        closing: &'a CancellationToken,
    ) -> Self {
        Self { session, client, strays, waiting: Crowd::default(), guests: Crowd::default(), closing }
    }

    /// Brings a question to the client. Where nobody can answer, dropping it refuses it.
    pub(super) fn ask(&mut self, target: String, question: Question) {
        let Some(session) = self.session.filter(|_| !self.closing.is_cancelled()).cloned() else {
            return;
        };
        let client = self.client;
        let asking = async move { session.relay_question(&target, client, question).await };
        self.waiting.add(asking);
    }

    /// The same for a stray.
    fn ask_for_another(&mut self, Stray { target, question }: Stray) {
        let Some(session) = self.session.filter(|_| !self.closing.is_cancelled()).cloned() else {
            return;
        };
        let client = self.client.clone();
        let asking = async move { session.relay_question(&target, &client, question).await };
        self.guests.add(asking);
    }

    /// Does some work of the call while questions are asked and answered. It stays where it is: what is moved in here would have
    /// a place here as well.
    pub(super) async fn during<T>(&mut self, mut work: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> T {
        loop {
            tokio::select! {
                biased;
                // First, so that what was taken in is asked before the answer ends the stream.
                () = self.guests.next() => {}
                () = self.closing.cancelled(), if !self.waiting.is_empty() || !self.guests.is_empty() => {
                    // The target hears that nobody answers, and can end the call in time.
                    self.waiting = Crowd::default();
                    self.guests = Crowd::default();
                }
                done = &mut work => return done,
                () = self.waiting.next() => {}
                Some(stray) = next(&mut self.strays) => self.ask_for_another(stray),
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
        if let Some(strays) = &mut self.strays {
            strays.close();
            while let Ok(stray) = strays.try_recv() {
                session.place(stray);
            }
        }
        if let Some(guests) = self.guests.0.take()
            && session.may_be_asked()
        {
            Task::spawn_finite("question", guests.collect());
        }
    }
}

async fn next(strays: &mut Option<mpsc::Receiver<Stray>>) -> Option<Stray> {
    match strays {
        Some(strays) => strays.recv().await,
        None => None,
    }
}

/// Questions that wait. Most calls ask none, and this costs them nothing.
#[derive(Default)]
struct Crowd<'a>(Option<FuturesUnordered<BoxFuture<'a, ()>>>);

impl<'a> Crowd<'a> {
    fn add(&mut self, asking: impl Future<Output = ()> + Send + 'a) {
        self.0.get_or_insert_default().push(asking.boxed());
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Completes when one of them has been answered; never, if there is none.
    async fn next(&mut self) {
        let Some(asking) = &mut self.0 else { return std::future::pending().await };
        asking.next().await;
        if asking.is_empty() {
            self.0 = None;
        }
    }
}
