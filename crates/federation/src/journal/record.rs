//! A call while it runs, on its way into the journal.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::{Buf as _, Bytes};
use memchr::memmem;
use protocol::method::Routing;
use protocol::{Method, Object, Pieces, Raw, RpcError, Word, message};
use tokio::time::Instant;
use upstream::spread::Lent;
use upstream::{Answer, Caller};

use super::entry::{Words, short, size};
use super::tally::{CallOutcome, Ended, OfTarget};
use super::{Books, Ending, Entry, Keep};
use crate::backend::Shared;
use crate::error::{Error, ErrorKind};
use crate::inbound::Gist;

/// A call that runs. It enters the journal when it ends, and if it is dropped before that, as cancelled.
pub(crate) struct Record {
    books: Lent<Books>,
    caller: Arc<Caller>,
    session: Option<u64>,
    method: &'static Method,
    params: Object,
    at: SystemTime,
    began: Instant,
    gist: Option<Arc<Gist>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    target: Option<OfTarget>,
    /// Why there is no answer of the target, if it is the way to it that failed.
    failure: Option<ErrorKind>,
    /// Whether the target's last answer is a result that says nothing of a failure or of input that is needed.
    is_plain: bool,
    over: bool,
}

impl Record {
    /// Begins to record a request, if it is one that a target answers.
    pub(crate) fn begin(
        backend: &Shared,
        caller: &Arc<Caller>,
        session: Option<u64>,
        (method, params): (&'static Method, &Object),
        gist: Option<Arc<Gist>>,
    ) -> Option<Arc<Self>> {
        match method.routing {
            Routing::Ours(_) | Routing::Gather(_) => return None,
            Routing::ByName(_) | Routing::ByUri | Routing::ByRef | Routing::ByTask => {}
        }
        gist.iter().for_each(|gist| gist.note_item(item(method, params).as_deref()));
        Some(Arc::new(Self {
            books: backend.books(),
            caller: caller.clone(),
            session,
            method,
            params: params.clone(),
            at: SystemTime::now(),
            began: Instant::now(),
            gist,
            state: Mutex::default(),
        }))
    }

    /// Notes which target gets the call.
    pub(crate) fn reaches(&self, target: &str) {
        let mut state = self.state();
        if state.target.as_ref().is_some_and(|tally| tally.name() == target) {
            return;
        }
        self.gist.iter().for_each(|gist| gist.note_target(target));
        let tally = self.books.tallies.of(target);
        tally.begin();
        if let Some(before) = state.target.replace(tally) {
            before.pass_on();
        }
    }

    /// Notes that there will be no answer of the target, if there is a failure.
    pub(crate) fn note_failure(&self, failure: Option<&Error>) {
        if let Some(error) = failure {
            self.state().failure = Some(error.kind);
        }
    }

    /// Notes what the target answered. What the client gets for it says the same.
    pub(crate) fn note_answer(&self, answer: &Answer) {
        let says_more =
            |result: &Raw| [Word::Failed, Word::InputRequired].iter().any(|word| result.holds(*word));
        self.state().is_plain = answer.as_ref().is_ok_and(|result| !says_more(result));
    }

    /// The call has ended with this message.
    pub(crate) fn end(&self, message: &Pieces) {
        let is_plain = self.state().is_plain;
        let ending = match is_plain && message::carries_result(message.chunk()) {
            true => Ending::Done,
            false => ending(&message.join()),
        };
        self.enter(ending, Some(message));
    }

    fn enter(&self, ending: Ending, message: Option<&Pieces>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.over, true) {
            return;
        }
        let (target, failure) = (state.target.take(), state.failure);
        drop(state);
        let now = Instant::now();
        let duration = now.duration_since(self.began);
        let outcome = outcome(&ending, target.is_some(), failure);
        let tally = target.as_ref().map_or(self.books.tallies.nobodys(), |tally| tally);
        tally.end(&Ended { method: self.method, duration, outcome });
        let journal = &self.books.journal;
        let Keep { calls, bodies } = journal.kept();
        if calls == 0 {
            return journal.count(now, duration, ending.is_failure());
        }
        let item = item(self.method, &self.params);
        let target = target.as_ref().map(|tally| tally.name());
        journal.enter(
            now,
            Entry {
                number: 0,
                at: self.at,
                era: self.caller.era,
                client: self.caller.introduction().cloned(),
                session: self.session,
                backend: self.books.key.clone(),
                method: self.method.name,
                ending,
                duration,
                request: size(&self.params),
                response: message.map_or(0, Pieces::len),
                words: Words::with(item.as_deref(), target, (&self.params, message), bodies),
            },
        );
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.enter(Ending::Cancelled, None);
    }
}

/// The ending in one word. What failed is known best by who saw it; an error that nobody noted came from the target.
fn outcome(ending: &Ending, reached: bool, failure: Option<ErrorKind>) -> CallOutcome {
    match (ending, failure) {
        (Ending::Done, _) => CallOutcome::Ok,
        (Ending::ToolFailed, _) => CallOutcome::ToolError,
        (Ending::InputRequired, _) => CallOutcome::InputRequired,
        (Ending::Cancelled, _) => CallOutcome::Cancelled,
        (Ending::Failed { .. }, Some(ErrorKind::TargetUnavailable)) => CallOutcome::Unavailable,
        (Ending::Failed { .. }, Some(ErrorKind::TargetSilent)) => CallOutcome::Timeout,
        (Ending::Failed { .. }, Some(ErrorKind::TargetFailed)) => CallOutcome::Failed,
        (Ending::Failed { .. }, None) if reached => CallOutcome::RpcError,
        (Ending::Failed { .. }, _) => CallOutcome::Refused,
    }
}

/// What the client named.
fn item<'p>(method: &Method, params: &'p Object) -> Option<Cow<'p, str>> {
    if method.routing == Routing::ByRef {
        let reference = params.object("ref")?;
        return reference.text("name").or_else(|| reference.text("uri")).map(Cow::Owned);
    }
    params.get(method.named_by()?)?.text()
}

/// How the message that answers a call says that it ended. Looks for what says so first, which few messages have, and reads
/// the message only if it is there.
fn ending(message: &Bytes) -> Ending {
    let has = |word: &[u8]| memmem::find(message, word).is_some();
    if !has(b"\"error\":{") && !says_that_it_failed(message) && !has(b"\"input_required\"") {
        return Ending::Done;
    }
    let Ok(envelope) = Object::parse(message) else {
        return Ending::Done;
    };
    if let Some(error) = envelope.get("error") {
        let RpcError { code, message, .. } = RpcError::from_raw(error);
        return Ending::Failed { code, message: short(&message).into_owned() };
    }
    let result = envelope.object("result").unwrap_or_default();
    if result.get("isError").is_some_and(|value: &Raw| value.as_bytes() == b"true") {
        return Ending::ToolFailed;
    }
    match result.text("resultType").as_deref() {
        Some("input_required") => Ending::InputRequired,
        _ => Ending::Done,
    }
}

/// Whether `"isError": true` stands anywhere in a message. Many servers write the same with `false` into every result.
fn says_that_it_failed(message: &[u8]) -> bool {
    const KEY: &[u8] = b"\"isError\"";
    memmem::find_iter(message, KEY).any(|at| {
        let rest = message[at + KEY.len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
    })
}
