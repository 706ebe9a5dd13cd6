//! A live connection to a target that speaks the target's era, whichever it is.
//!
//! Callers speak the modern shape. Each era has one file that turns it into what the target understands; nothing
//! above this module asks which era a target is of.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, Fuse, FusedFuture as _};
use futures::{FutureExt as _, StreamExt as _};
use protocol::method::notifications;
use protocol::{Era, Id, Message, Notification, Object, message, meta};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::events::{CancelOnDrop, end_of_call, events};
use self::late::Late;
use self::notice::{Ear, Owner};
use self::questions::{Asked, Questions};
use crate::queue;
use crate::reply::{Answer, Event, Reply};
use crate::settings::{Limits, Transport};
use crate::target::common::Common;
use crate::target::stats::{Counted, LinkKind};
use crate::task::Task;
use crate::turn::{Taken, Turn};
use crate::wire::{Frames, Label, Outgoing, Tie, Wire};
use crate::{Call, Caller, Error, ErrorKind, Latch};

pub mod handshake;
pub mod notice;

mod events;
mod late;
mod legacy;
mod level;
mod listening;
mod modern;
mod peer;
mod questions;

pub use listening::Listening;
pub use notice::{Heard, Notice};
pub use peer::Peer;

/// How many cancellations may wait to be told. The end of a session cancels all its calls at once.
const CANCELS: usize = 4096;

/// How long a target may take to accept a notification or a response.
const SAYING: Duration = Duration::from_secs(5);

/// A live connection to a target. Cheap to clone; the last clone that is dropped cuts the connection.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    _pump: Arc<Task>,
}

struct Shared {
    common: Arc<Common>,
    wire: Box<dyn Wire>,
    peer: Arc<Peer>,
    /// On whose account the link was opened.
    caller: Arc<Caller>,
    /// Whether a dropped stream is what tells this target that a call is cancelled.
    cancels_by_closing: bool,
    next_id: AtomicU64,
    cancels: queue::Sender<Id>,
    /// Who hears what belongs to no call.
    owner: Ear,
    questions: Questions,
    /// Made where it is needed.
    turn: OnceLock<Turn>,
    /// The rank of the least severe log messages that the target was asked for.
    level: Mutex<Option<usize>>,
    /// The link's place among those that are open.
    counted: Mutex<Option<Counted>>,
    late: Late,
    /// What runs over the link, and when the last of it ended.
    usage: Mutex<Usage>,
    /// Whether something failed on the link since the last answer.
    ill: AtomicBool,
    /// Set when a call found out that the link is of no use any more.
    dead: Latch,
    cause: Mutex<Option<Error>>,
}

/// What runs over a link.
struct Usage {
    /// Calls, and streams of changes.
    running: usize,
    /// When something began or ended last.
    used: Instant,
}

impl Link {
    /// Takes over a wire on which the handshake is done.
    fn new(
        common: &Arc<Common>,
        opened: handshake::Opened,
        owner: Owner,
        renewal: CancellationToken,
    ) -> Self {
        let (cancels, cancelled) = queue::channel(CANCELS);
        let cancels_by_closing =
            opened.peer.era == Era::Modern && matches!(common.settings().transport, Transport::Http(_));
        let shared = Arc::new(Shared {
            common: common.clone(),
            wire: opened.wire,
            peer: opened.peer,
            questions: Questions::new(&opened.caller),
            caller: opened.caller,
            cancels_by_closing,
            next_id: AtomicU64::new(opened.first_id),
            cancels,
            owner: Ear::new(owner),
            turn: OnceLock::new(),
            level: Mutex::new(None),
            counted: Mutex::new(None),
            late: Late::default(),
            usage: Mutex::new(Usage { running: 0, used: Instant::now() }),
            ill: AtomicBool::new(false),
            dead: Latch::default(),
            cause: Mutex::new(None),
        });
        let pump = pump(shared.clone(), opened.inbox, cancelled, renewal);
        Self { shared, _pump: Arc::new(Task::spawn("link", pump)) }
    }

    /// What the target said of itself.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.shared.peer
    }

    /// On whose account the link was opened: requests that are no client's are made on it as well.
    pub fn caller(&self) -> &Arc<Caller> {
        &self.shared.caller
    }

    /// Where the target keeps what it knows of the caller. A modern one keeps nothing.
    pub fn tie(&self) -> Tie {
        match self.shared.peer.era {
            Era::Legacy => self.shared.wire.tie(),
            Era::Modern => Tie::Nothing,
        }
    }

    /// Sends a call. Dropping the returned future or stream cancels the call at the target, in the way of its era.
    pub async fn call(&self, call: Call) -> Result<Reply, Error> {
        if call.drive {
            return Box::pin(crate::drive::call(self, call)).await;
        }
        let shared = &self.shared;
        let turn = match self.takes_turns(&call) {
            true => Some(Box::pin(self.turn(call.method.name)).await?),
            false => None,
        };
        if let Some(level) = call.log_level.as_deref().and_then(meta::level_rank) {
            Box::pin(self.want_level(level)).await;
        }
        let out = match shared.peer.era {
            Era::Legacy => legacy::outgoing(shared.fresh_id(), &call, shared.peer.version),
            Era::Modern => modern::outgoing(shared.fresh_id(), &call, shared.peer.version),
        };
        let mut guard = CancelOnDrop::new(shared, out.id.clone(), turn);
        let until = Instant::now() + shared.limits().longest_call;
        let frames = match shared.until_silent(call.method.name, until, shared.wire.request(out)).await? {
            Ok(frames) => frames,
            Err(error) => {
                guard.disarm();
                return Err(shared.note(error));
            }
        };
        match frames {
            Frames::One(message, _) => {
                guard.disarm();
                shared.answer(message).map(|outcome| match end_of_call(shared.peer.era, outcome) {
                    Event::Answer(answer) => Reply::One(answer),
                    ask => Reply::Stream(futures::stream::iter([Ok(ask)]).boxed()),
                })
            }
            Frames::Stream(frames) => Ok(Reply::Stream(events(guard, frames, call.method.name, until))),
        }
    }

    /// Asks for a page of a list, for as long as the target may take over one.
    pub async fn list(&self, call: Call) -> Result<Answer, Error> {
        let shared = &self.shared;
        let (method, deadline) = (call.method.name, shared.limits().list);
        let ticket = shared.common.list(method);
        let answer = tokio::time::timeout(deadline, async { self.call(call).await?.answer().await })
            .await
            .unwrap_or_else(|_| Err(self.late(method, deadline)));
        match &answer {
            Ok(_) => shared.common.answered(&ticket),
            Err(error) => shared.common.failed(&ticket, error),
        }
        answer
    }

    /// The name of the target.
    pub fn target(&self) -> &str {
        self.shared.target()
    }

    /// The error of a call that was given up because its answer was late.
    pub(crate) fn late(&self, method: &str, waited: Duration) -> Error {
        self.shared.note(self.shared.silent(method, waited))
    }

    /// Whether the target could ask about this call without saying that it is this one.
    fn takes_turns(&self, call: &Call) -> bool {
        call.method.may_ask && self.shared.questions.may_come() && !self.shared.wire.attributes()
    }

    async fn turn(&self, method: &str) -> Result<Taken, Error> {
        let deadline = self.shared.limits().call;
        tokio::time::timeout(deadline, self.shared.turns().take()).await.map_err(|_| {
            let (target, waited) = (self.shared.target(), deadline.as_secs());
            let text =
                format!("target `{target}` was busy with another call for {waited} s; {method} was not sent");
            Error::new(ErrorKind::Busy, text)
        })
    }

    /// Sends a notification.
    pub async fn notify(&self, method: &str, params: &Object) -> Result<(), Error> {
        self.shared.say(message::notification(method, params)).await
    }

    /// For how long nothing has run over the link; none while something runs, or the target waits for an answer.
    pub fn idle(&self) -> Option<Duration> {
        let usage = self.shared.usage();
        (usage.running == 0 && !self.shared.questions.any_open()).then(|| usage.used.elapsed())
    }

    /// Counts the link among those of a kind, for as long as it is open.
    pub(crate) fn serves(&self, kind: LinkKind) {
        self.counts(Counted::new(&self.shared.common, kind));
    }

    /// The same, where it was counted before it was open.
    pub(crate) fn counts(&self, counted: Counted) {
        *self.shared.counted() = (!self.is_dead()).then_some(counted);
    }

    /// Begins the time of idleness anew: somebody is about to use the link.
    pub fn touch(&self) {
        self.shared.usage().used = Instant::now();
    }

    /// Resolves when the link is of no use any more, with the reason.
    pub async fn closed(&self) -> Error {
        tokio::select! {
            error = self.shared.wire.closed() => error,
            () = self.shared.dead.wait() => self.shared.take_cause(),
        }
    }

    /// Whether it was opened to the target that has this in common with its links.
    pub(crate) fn is_to(&self, common: &Arc<Common>) -> bool {
        Arc::ptr_eq(&self.shared.common, common)
    }

    /// Whether a call on this link can no longer succeed.
    pub fn is_dead(&self) -> bool {
        self.shared.dead.is_set()
    }

    /// Ends the link in good order, without waiting for it; the end of its target does. Where nothing runs any more that could
    /// end it, it is cut.
    pub fn discard(self) {
        let closing = self.shared.common.closing();
        Task::spawn_left_over("close link", async move {
            self.close().await;
            drop(closing);
        });
    }

    /// Ends the link in good order and returns when nothing of it is left.
    pub async fn close(&self) {
        self.shared.wire.close().await;
        self.shared.fail(Error::new(ErrorKind::Stopped, "the link was closed"));
    }
}

impl Shared {
    fn target(&self) -> &str {
        self.common.name()
    }

    /// The limits in force.
    fn limits(&self) -> Limits {
        self.common.settings().limits
    }

    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is on the link.
    fn turns(&self) -> &Turn {
        self.turn.get_or_init(Turn::default)
    }

    fn counted(&self) -> MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh_id(&self) -> Id {
        Id::from(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Reads the response to a request of ours.
    fn answer(&self, message: Message) -> Result<Answer, Error> {
        match message {
            Message::Response(response) => {
                self.ill.store(false, Ordering::Relaxed);
                Ok(response.outcome)
            }
            Message::Request(_) | Message::Notification(_) => {
                Err(self.protocol_error("answered with a message that is no response"))
            }
        }
    }

    fn protocol_error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("target `{}` {what}", self.target()))
    }

    fn silent(&self, method: &str, waited: Duration) -> Error {
        let target = self.target();
        Error::new(
            ErrorKind::Timeout,
            format!("target `{target}` did not answer {method} within {} s", waited.as_secs_f32()),
        )
    }

    /// Waits for the next thing that belongs to a call, which ends at `until` at the latest. A silence longer than the
    /// call's deadline is an error, but for one in which the target waits for an answer of the client.
    async fn until_silent<T>(
        &self,
        method: &str,
        until: Instant,
        next: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut next = std::pin::pin!(next);
        loop {
            let patience = self.limits().call;
            let silent = Instant::now() + patience;
            match tokio::time::timeout_at(silent.min(until), &mut next).await {
                Ok(next) => return Ok(next),
                Err(_) if until <= Instant::now() => return Err(self.note(self.endless(method))),
                Err(_) if self.questions.any_open() => {}
                Err(_) => return Err(self.note(self.silent(method, patience))),
            }
        }
    }

    fn endless(&self, method: &str) -> Error {
        let (target, most) = (self.target(), self.limits().longest_call.as_secs());
        Error::new(ErrorKind::Timeout, format!("target `{target}` did not end {method} within {most} s"))
    }

    /// Remembers errors after which the link is of no use, so that its owner opens another. A call whose connection broke
    /// is not one of them: over HTTP the next call has a connection of its own, and other wires say themselves that they
    /// are closed.
    fn note(&self, error: Error) -> Error {
        self.ill.store(true, Ordering::Relaxed);
        match error.kind {
            ErrorKind::Unreachable | ErrorKind::SessionLost => self.fail(error.clone()),
            ErrorKind::Closed => {
                // Known before the pump sees it, so that a call that is sent again goes elsewhere.
                if let Some(error) = self.wire.closed().now_or_never() {
                    self.fail(error);
                }
            }
            ErrorKind::Timeout
            | ErrorKind::Unauthorized
            | ErrorKind::Status(_)
            | ErrorKind::Protocol
            | ErrorKind::TooLarge
            | ErrorKind::Stopped
            | ErrorKind::Busy => {}
        }
        error
    }

    /// The target failed again and again. What is reached over HTTP is one server, which may have forgotten all of its sessions;
    /// a child that did not fail itself is another process than the one that did, and what it keeps is worth something. Calls
    /// that run over the link may end.
    fn renew(&self) {
        if self.ill.load(Ordering::Relaxed) || self.common.settings().transport.is_http() {
            let text = format!("target `{}` failed again and again, and is reached anew", self.target());
            self.fail(Error::new(ErrorKind::SessionLost, text));
        }
    }

    fn fail(&self, error: Error) {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.dead.set();
        self.owner.close();
        drop(self.counted().take());
    }

    fn take_cause(&self) -> Error {
        let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        cause.clone().unwrap_or_else(|| Error::new(ErrorKind::Closed, "the link is closed"))
    }

    fn message(&self, body: bytes::Bytes) -> Outgoing {
        let label = match self.peer.era {
            Era::Legacy => Label::of(self.peer.version),
            Era::Modern => Label::default(),
        };
        Outgoing { id: None, opens: false, body, label }
    }

    /// Sends what no answer is due to. A target that does not take it must not hold up what comes after.
    async fn say(&self, body: bytes::Bytes) -> Result<(), Error> {
        tokio::time::timeout(SAYING, self.wire.send(self.message(body)))
            .await
            .unwrap_or_else(|_| Err(self.silent("a notification or response", SAYING)))
    }

    /// Takes in a notification that belongs to no call of ours.
    fn heed(&self, notification: Notification) {
        if &*notification.method == notifications::CANCELLED {
            if let Some(id) = notification.params.get("requestId").and_then(Id::from_raw) {
                self.questions.withdraw(&id);
            }
        } else if let Some(notice) = notice::read(notification) {
            self.pass_on(notice);
        }
    }

    /// Tells the owner, unless the target says too much. What is said only once is always told, and lists are read again no
    /// more often than they may be, however often they change.
    fn pass_on(&self, notice: Notice) {
        let notice = match notice {
            Notice::Log(_) if !self.common.hears(notifications::MESSAGE) => return,
            Notice::Updated(params) if !self.common.hears(notifications::RESOURCE_UPDATED) => {
                self.late.keep(params);
                return;
            }
            notice => notice,
        };
        self.owner.tell(Heard::Notice(notice));
    }

    async fn cancel(&self, id: &Id) {
        let params: Object = [("requestId", id.to_raw())].into_iter().collect();
        let body = message::notification(notifications::CANCELLED, &params);
        if let Err(error) = self.say(body).await {
            tracing::debug!("a call could not be cancelled at target `{}`: {error}", self.target());
        }
    }
}

/// Carries what belongs to no call: notices and questions up, cancellations down. Ends with the wire, and is cut with the
/// last handle of the link. A target that takes no cancellations or says something all the time holds up nothing else.
async fn pump(
    shared: Arc<Shared>,
    mut inbox: queue::Receiver<Message>,
    mut cancelled: queue::Receiver<Id>,
    renewal: CancellationToken,
) {
    let mut closed = shared.wire.closed();
    let mut renewal = std::pin::pin!(renewal.cancelled().fuse());
    let mut late = std::pin::pin!(shared.late.due());
    let mut cancelling = Fuse::<BoxFuture<'_, ()>>::terminated();
    loop {
        tokio::select! {
            biased;
            () = &mut renewal => shared.renew(),
            () = &mut cancelling => {}
            Some(id) = cancelled.recv(), if cancelling.is_terminated() => {
                let shared = &shared;
                cancelling = async move { shared.cancel(&id).await }.boxed().fuse();
            }
            message = inbox.recv() => match message {
                Some(Message::Request(request)) => {
                    // Elsewhere: few targets ask, and every link has a pump.
                    if let Asked::Question(question) = shared.asked(request).boxed().await {
                        shared.owner.tell(Heard::Question(question));
                    }
                }
                Some(Message::Notification(notification)) => shared.heed(notification),
                Some(Message::Response(_)) => {}
                None => return shared.owner.close(),
            },
            error = &mut closed => return shared.fail(error),
            updates = &mut late => {
                late.set(shared.late.due());
                updates.into_iter().for_each(|params| shared.owner.tell(Heard::Notice(Notice::Updated(params))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
