//! The questions of one call that wait for its client.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use upstream::Question;

use crate::session::outlet::Outlet;
use crate::session::{Session, Stray};

/// The questions that wait, and where further ones come from.
pub(super) struct Open<'a> {
    session: Option<&'a Arc<Session>>,
    client: &'a Outlet,
    strays: mpsc::Receiver<Stray>,
    waiting: FuturesUnordered<BoxFuture<'a, ()>>,
}

impl<'a> Open<'a> {
    pub(super) fn new(
        session: Option<&'a Arc<Session>>,
        client: &'a Outlet,
        strays: mpsc::Receiver<Stray>,
    ) -> Self {
        Self { session, client, strays, waiting: FuturesUnordered::new() }
    }

    /// Brings a question to the client. Without a session nobody can answer, and dropping it refuses it.
    pub(super) fn ask(&mut self, target: String, question: Question) {
        let Some(session) = self.session.cloned() else {
            return;
        };
        let client = self.client;
        let asking = async move { session.relay_question(&target, client, question).await };
        self.waiting.push(asking.boxed());
    }

    /// Does some work of the call while questions are asked and answered.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(()) = self.waiting.next(), if !self.waiting.is_empty() => {}
                Some(Stray { target, question }) = self.strays.recv() => self.ask(target, question),
            }
        }
    }
}
