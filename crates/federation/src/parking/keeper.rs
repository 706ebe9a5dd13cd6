//! Looks after one parked call: hears what its target says meanwhile, so that neither the target nor its other callers are
//! held up, and ends it when its time is over.

use std::collections::VecDeque;
use std::sync::Weak;

use futures::StreamExt as _;
use tokio::sync::oneshot;
use tokio::time::Instant;
use upstream::{Ask, Event, Task};

use super::Inner;
use super::open::OpenCall;
use super::state::Ticket;
use crate::error::Error;

/// How many notes wait for the client. Of more, the oldest go.
const NOTES: usize = 64;
/// How many further questions wait for the client. More are refused.
const QUESTIONS: usize = 64;

/// The owner of a parked call. Dropping it ends the call.
pub(super) struct Keeper {
    wanted: oneshot::Sender<()>,
    call: oneshot::Receiver<OpenCall>,
    _task: Task,
}

impl Keeper {
    /// Keeps a call until a moment, at which its entry in the table goes too.
    pub(super) fn start(call: OpenCall, until: Instant, table: Weak<Inner>, ticket: Ticket) -> Self {
        let (wanted, asked_for) = oneshot::channel();
        let (handover, handed) = oneshot::channel();
        let kept = Kept { seen: VecDeque::new(), call, over: false };
        let counted = table.upgrade().map(|table| table.keepers.token());
        let work = async move {
            // Given back after the call, also where the task is cut.
            let _counted = counted;
            let mut kept = kept;
            if kept.watch(until, asked_for).await {
                // A client that went away in this moment has cancelled the call.
                let _ = handover.send(kept.into_call());
                return;
            }
            tracing::debug!("a call was given up: its client did not answer in time");
            let expired = table.upgrade().and_then(|table| table.lock().remove(&ticket));
            // Its questions are refused before it is cancelled.
            drop(expired);
            drop(kept);
        };
        Self { wanted, call: handed, _task: Task::spawn("parked call", work) }
    }

    /// Takes the call out; `None` if it has just expired.
    pub(super) async fn stop(self) -> Option<OpenCall> {
        let _ = self.wanted.send(());
        self.call.await.ok()
    }
}

/// A parked call and what was heard of it since.
struct Kept {
    seen: VecDeque<Result<Event, Error>>,
    call: OpenCall,
    /// Nothing more will be heard.
    over: bool,
}

impl Kept {
    /// Reads on until the call is wanted, or until its time is over: then false.
    async fn watch(&mut self, until: Instant, mut wanted: oneshot::Receiver<()>) -> bool {
        let expiry = tokio::time::sleep_until(until);
        tokio::pin!(expiry);
        loop {
            tokio::select! {
                biased;
                _ = &mut wanted => return true,
                () = &mut expiry => return false,
                event = self.call.events.next(), if !self.over => self.hear(event),
            }
        }
    }

    fn hear(&mut self, event: Option<Result<Event, Error>>) {
        match &event {
            Some(Ok(Event::Note(_))) => self.make_room(),
            Some(Ok(Event::Ask(Ask::Held(_)))) if self.questions() >= QUESTIONS => return,
            Some(Ok(Event::Ask(Ask::Held(_)))) => {}
            Some(Ok(Event::Refused(needed))) => return self.call.lacks(needed),
            Some(Ok(Event::Answer(_) | Event::Ask(Ask::Replay { .. })) | Err(_)) | None => {
                self.over = true;
                // The target is done with the call, and its link need not wait for the client.
                self.call.events = futures::stream::empty().boxed();
            }
        }
        self.seen.extend(event);
    }

    fn questions(&self) -> usize {
        self.seen.iter().filter(|event| matches!(event, Ok(Event::Ask(_)))).count()
    }

    fn make_room(&mut self) {
        let is_note = |event: &Result<Event, Error>| matches!(event, Ok(Event::Note(_)));
        if self.seen.iter().filter(|event| is_note(event)).count() >= NOTES
            && let Some(oldest) = self.seen.iter().position(is_note)
        {
            self.seen.remove(oldest);
        }
    }

    fn into_call(mut self) -> OpenCall {
        self.call.events = futures::stream::iter(self.seen).chain(self.call.events).boxed();
        self.call
    }
}
