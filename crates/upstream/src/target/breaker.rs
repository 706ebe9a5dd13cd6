//! When a target is no longer called because it fails, and when it is tried again.
//!
//! Failures in a row open the breaker: calls are refused at once. After a pause one call is let through; the others are still
//! refused until it is known what becomes of it, or it has said nothing for a minute: the call may be a slow one. Any answer
//! closes the breaker, and a trial that fails doubles the pause.
//!
//! A failure counts only if no call was answered since the one that failed began: a hundred calls that hang together and time
//! out when the target is long back say nothing about the target as it is now.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::backoff;
use crate::settings;
use crate::spread::Apart;
use crate::{Error, ErrorKind};

/// The longest pause that doubling leads to.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a trial may say nothing before another call is one as well. Some calls are slow, and the deadline for them may be
/// hours.
const TRIAL: Duration = Duration::from_secs(60);

/// The breaker of one target.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Nothing failed since the last answer, so that there is nothing to look at.
    quiet: AtomicBool,
    /// Counts answers to calls.
    answers: Apart<AtomicU64>,
    openings: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// Failures in a row: of calls, and of lists.
    failures: [u32; 2],
    /// What failed last, and how.
    last: Option<(Kind, Error)>,
    /// Pauses in a row.
    pauses: u32,
    /// Counts trials, so that the current ones are known,
    trials: u64,
    /// and the first of them.
    first_trial: u64,
    /// The lists that could be read when they were asked for last, by method.
    read: BTreeSet<&'static str>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Stage {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    /// From this moment on another call is a trial, too.
    Trial {
        until: Instant,
    },
}

/// What is sent to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody's call.
    Call,
    /// A page of a list, which is read also while no calls are let through. It may come over another link than calls do, so that
    /// it says less about them. While other lists can be read, it says nothing: one list may be slow or broken for ever.
    List(&'static str),
}

impl Kind {
    /// The place of its count.
    fn place(self) -> usize {
        match self {
            Self::Call => 0,
            Self::List(_) => 1,
        }
    }
}

/// Leave to send something.
#[derive(Debug)]
pub(crate) struct Ticket {
    kind: Kind,
    /// How many calls had been answered before.
    since: u64,
    /// The number of the trial that it is.
    trial: Option<u64>,
}

impl Ticket {
    pub(super) fn is_trial(&self) -> bool {
        self.trial.is_some()
    }
}

/// Why a call is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// How often the target failed in a row.
    pub failures: u32,
    /// What happened last.
    pub because: ErrorKind,
    /// When it may be worth another try.
    pub retry: Duration,
}

/// What a change of the breaker is.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// It opened, for so long.
    Opened { failures: u32, pause: Duration },
    /// It closed.
    Closed,
}

/// How a breaker stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BreakerStatus {
    /// Whether calls are let through.
    pub position: Position,
    /// Failures in a row.
    pub failures: u32,
    /// What happened last, if something failed since the last answer.
    pub reason: Option<Error>,
    /// How often it has opened.
    pub openings: u64,
}

/// Whether calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// They are.
    #[default]
    Closed,
    /// They are refused. From this moment on one is let through.
    Open {
        /// The moment.
        until: Instant,
    },
    /// One is, and the others are refused until it has an answer.
    Trial,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            quiet: AtomicBool::new(true),
            answers: Apart::default(),
            openings: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Leave to send a call.
    pub(super) fn call(&self, settings: &settings::Breaker) -> Result<Ticket, Paused> {
        let mut trial = None;
        if !self.quiet.load(Ordering::Acquire) {
            let mut state = self.state();
            if settings.failures == 0 {
                self.settle(&mut state);
            }
            let now = Instant::now();
            trial = match state.stage {
                Stage::Closed => None,
                Stage::Open { until } | Stage::Trial { until } if until <= now => Some(state.begin_trial()),
                Stage::Open { until } => return Err(state.paused(until - now)),
                Stage::Trial { .. } => return Err(state.paused(Duration::from_secs(1))),
            };
        }
        Ok(Ticket { kind: Kind::Call, since: self.answers.load(Ordering::Acquire), trial })
    }

    /// A page of a list is asked for.
    pub(super) fn list(&self, method: &'static str) -> Ticket {
        Ticket { kind: Kind::List(method), since: self.answers.load(Ordering::Acquire), trial: None }
    }

    /// An answer came, whatever it says.
    pub(super) fn answered(&self, ticket: &Ticket) -> Option<Change> {
        let mut state = match ticket.kind {
            Kind::Call => {
                self.answers.fetch_add(1, Ordering::AcqRel);
                if self.quiet.load(Ordering::Acquire) {
                    return None;
                }
                self.state()
            }
            Kind::List(method) => {
                let mut state = self.state();
                state.read.insert(method);
                state.failures[ticket.kind.place()] = 0;
                if !matches!(state.last, Some((Kind::List(_), _))) {
                    return None;
                }
                state
            }
        };
        self.settle(&mut state)
    }

    /// Something came that is no answer yet. For a trial that is enough: it may run for hours.
    pub(super) fn heard(&self, ticket: &Ticket) -> Option<Change> {
        if !ticket.is_trial() || self.quiet.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state();
        if state.is_current(ticket) { self.settle(&mut state) } else { None }
    }

    /// It failed in a way that says that the target is ill.
    pub(super) fn failed(
        &self,
        ticket: &Ticket,
        error: &Error,
        settings: &settings::Breaker,
    ) -> Option<Change> {
        if settings.failures == 0 {
            return None;
        }
        if !is_illness(error.kind) {
            return if is_word(error.kind) { self.heard(ticket) } else { None };
        }
        let mut state = self.state();
        let counts = match state.stage {
            Stage::Closed => {
                ticket.since == self.answers.load(Ordering::Acquire) && state.is_news(ticket.kind)
            }
            Stage::Open { .. } => false,
            Stage::Trial { .. } => state.is_current(ticket),
        };
        if !counts {
            return None;
        }
        self.quiet.store(false, Ordering::Release);
        state.failures[ticket.kind.place()] += 1;
        state.last = Some((ticket.kind, error.clone()));
        let failures = state.failures[ticket.kind.place()];
        if failures < settings.failures && !ticket.is_trial() {
            return None;
        }
        let pause = state.pause(settings.pause);
        self.openings.fetch_add(1, Ordering::Relaxed);
        Some(Change::Opened { failures, pause })
    }

    /// Nobody knows what became of it. If it was the trial, the next call is one.
    pub(super) fn given_up(&self, ticket: &Ticket) {
        if !ticket.is_trial() {
            return;
        }
        let mut state = self.state();
        if state.is_current(ticket) && ticket.trial == Some(state.trials) {
            state.stage = Stage::Open { until: Instant::now() };
        }
    }

    /// The target was away and is back: neither it nor a trial from before need be waited for.
    pub(super) fn revived(&self) {
        let mut state = self.state();
        if let Stage::Open { until } | Stage::Trial { until } = &mut state.stage {
            *until = Instant::now();
        }
    }

    pub(super) fn status(&self) -> BreakerStatus {
        let state = self.state();
        BreakerStatus {
            position: match state.stage {
                Stage::Closed => Position::Closed,
                Stage::Open { until } => Position::Open { until },
                Stage::Trial { .. } => Position::Trial,
            },
            failures: state.in_a_row(),
            reason: state.last.as_ref().map(|(_, error)| error.clone()),
            openings: self.openings.load(Ordering::Relaxed),
        }
    }

    /// Everything is forgotten. What began before says nothing any more.
    fn settle(&self, state: &mut State) -> Option<Change> {
        let was_closed = matches!(state.stage, Stage::Closed);
        let read = std::mem::take(&mut state.read);
        *state = State { trials: state.trials, read, ..State::default() };
        self.answers.fetch_add(1, Ordering::AcqRel);
        self.quiet.store(true, Ordering::Release);
        (!was_closed).then_some(Change::Closed)
    }

    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin_trial(&mut self) -> u64 {
        self.trials += 1;
        if !matches!(self.stage, Stage::Trial { .. }) {
            self.first_trial = self.trials;
        }
        self.stage = Stage::Trial { until: Instant::now() + TRIAL };
        self.trials
    }

    /// Whether it is a trial, and what it was to find out is still open.
    fn is_current(&self, ticket: &Ticket) -> bool {
        matches!(self.stage, Stage::Trial { .. })
            && ticket.trial.is_some_and(|trial| trial >= self.first_trial)
    }

    /// Whether a failure says something about calls: that of a call does, and that of a list unless others can be read.
    fn is_news(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Call => true,
            Kind::List(method) => {
                self.read.remove(method);
                self.read.is_empty()
            }
        }
    }

    fn in_a_row(&self) -> u32 {
        self.failures.into_iter().max().unwrap_or_default()
    }

    fn paused(&self, retry: Duration) -> Paused {
        let because = self.last.as_ref().map_or(ErrorKind::Closed, |(_, error)| error.kind);
        Paused { failures: self.in_a_row(), because, retry }
    }

    /// Opens for a pause that is longer each time.
    fn pause(&mut self, first: Duration) -> Duration {
        let nominal = first.saturating_mul(1 << self.pauses.min(16)).min(LONGEST.max(first));
        self.pauses += 1;
        let pause = backoff::about(nominal);
        self.stage = Stage::Open { until: Instant::now() + pause };
        pause
    }
}

/// Whether an error says that the target is ill, and not that a call was wrong or unwanted.
fn is_illness(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Unreachable | ErrorKind::Closed | ErrorKind::Timeout | ErrorKind::Protocol => true,
        // The others among 400 to 499 are about one request.
        ErrorKind::Status(status) => {
            !(400..500).contains(&status) || matches!(status, 404 | 405 | 408 | 410 | 429)
        }
        ErrorKind::SessionLost
        | ErrorKind::Unauthorized
        | ErrorKind::TooLarge
        | ErrorKind::Stopped
        | ErrorKind::Busy => false,
    }
}

/// Whether an error is the target's own word, so that it is there.
fn is_word(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Status(_) | ErrorKind::Unauthorized | ErrorKind::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: settings::Breaker = settings::Breaker { failures: 3, pause: Duration::from_secs(10) };

    fn timeout() -> Error {
        Error::new(ErrorKind::Timeout, "late")
    }

    fn call(breaker: &Breaker) -> Ticket {
        breaker.call(&SETTINGS).expect("leave")
    }

    fn fail(breaker: &Breaker) -> Option<Change> {
        breaker.failed(&call(breaker), &timeout(), &SETTINGS)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        assert_eq!((fail(&breaker), fail(&breaker)), (None, None));
        assert!(matches!(fail(&breaker), Some(Change::Opened { failures: 3, .. })));
        breaker
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_for_a_while_and_a_trial_that_is_answered_closes_it() {
        let breaker = opened();
        let paused = breaker.call(&SETTINGS).expect_err("refused");
        assert_eq!((paused.failures, paused.because), (3, ErrorKind::Timeout));
        assert!((8..=12).contains(&paused.retry.as_secs()), "{paused:?}");
        pass(12).await;
        let trial = call(&breaker);
        assert!(trial.is_trial());
        assert!(breaker.call(&SETTINGS).is_err(), "one at a time");
        assert_eq!(breaker.answered(&trial), Some(Change::Closed));
        assert!(!call(&breaker).is_trial());
        assert_eq!(breaker.status(), BreakerStatus { openings: 1, ..BreakerStatus::default() });
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_begins_the_count_anew() {
        let breaker = Breaker::new();
        for _ in 0..10 {
            assert_eq!((fail(&breaker), fail(&breaker)), (None, None));
            breaker.answered(&call(&breaker));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_trial_that_fails_doubles_the_pause_up_to_a_minute() {
        let breaker = opened();
        for nominal in [10, 20, 40, 60, 60, 60] {
            let Position::Open { until } = breaker.status().position else { panic!("not open") };
            let pause = until - Instant::now();
            assert!(pause >= Duration::from_secs(nominal).mul_f64(0.79), "{pause:?}");
            assert!(pause <= Duration::from_secs(nominal).mul_f64(1.21), "{pause:?}");
            tokio::time::advance(pause).await;
            assert!(matches!(fail(&breaker), Some(Change::Opened { .. })));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_began_before_the_last_answer_say_nothing_when_they_fail_after_it() {
        let breaker = Breaker::new();
        let together: Vec<_> = (0..100).map(|_| call(&breaker)).collect();
        breaker.answered(&call(&breaker));
        for late in &together {
            assert_eq!(breaker.failed(late, &timeout(), &SETTINGS), None);
        }
        assert_eq!(breaker.status(), BreakerStatus::default());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_time_out_together_open_it_once_and_not_again_after_it_healed() {
        let breaker = Breaker::new();
        let together: Vec<_> = (0..100).map(|_| call(&breaker)).collect();
        let late = together.iter().filter_map(|late| breaker.failed(late, &timeout(), &SETTINGS));
        assert_eq!(late.take(50).count(), 1);
        pass(12).await;
        breaker.answered(&call(&breaker));
        for late in &together {
            assert_eq!(breaker.failed(late, &timeout(), &SETTINGS), None);
        }
        assert_eq!(breaker.status().openings, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_up_leaves_the_next_call_as_one() {
        let breaker = opened();
        pass(12).await;
        let trial = call(&breaker);
        breaker.given_up(&trial);
        let next = call(&breaker);
        assert!(next.is_trial());
        // What is heard of the first is late.
        assert_eq!(breaker.heard(&trial), None);
        assert_eq!(breaker.heard(&next), Some(Change::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn lists_that_fail_open_it_and_lists_that_are_read_do_not_excuse_calls() {
        let breaker = Breaker::new();
        for _ in 0..2 {
            breaker.failed(&breaker.list("tools/list"), &timeout(), &SETTINGS);
        }
        breaker.answered(&breaker.list("tools/list"));
        assert_eq!(breaker.status().failures, 0);
        for _ in 0..3 {
            breaker.failed(&breaker.list("tools/list"), &timeout(), &SETTINGS);
        }
        assert!(breaker.call(&SETTINGS).is_err());
        assert_eq!(breaker.answered(&breaker.list("tools/list")), Some(Change::Closed));
        assert_eq!((fail(&breaker), fail(&breaker)), (None, None));
        breaker.answered(&breaker.list("tools/list"));
        assert!(matches!(fail(&breaker), Some(Change::Opened { .. })));
        assert_eq!(breaker.answered(&breaker.list("tools/list")), None);
        assert!(breaker.call(&SETTINGS).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn turned_off_it_never_opens_and_an_open_one_closes() {
        const OFF: settings::Breaker = settings::Breaker { failures: 0, ..SETTINGS };
        let breaker = opened();
        let ticket = breaker.call(&OFF).expect("leave");
        for _ in 0..10 {
            assert_eq!(breaker.failed(&ticket, &timeout(), &OFF), None);
        }
        assert_eq!(breaker.status().position, Position::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_says_nothing_is_not_all_that_is_tried() {
        let breaker = opened();
        pass(12).await;
        let first = call(&breaker);
        pass(59).await;
        assert!(breaker.call(&SETTINGS).is_err(), "it may still be answered");
        pass(1).await;
        let second = call(&breaker);
        assert!(second.is_trial());
        assert!(breaker.call(&SETTINGS).is_err(), "one at a time");
        // That the first was given up leaves the second in its place.
        breaker.given_up(&first);
        assert!(breaker.call(&SETTINGS).is_err(), "one at a time");
        assert_eq!(breaker.heard(&second), Some(Change::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_of_any_trial_opens_it_again_and_once() {
        let breaker = opened();
        pass(12).await;
        let first = call(&breaker);
        pass(60).await;
        let second = call(&breaker);
        assert!(matches!(breaker.failed(&first, &timeout(), &SETTINGS), Some(Change::Opened { .. })));
        assert_eq!(breaker.failed(&second, &timeout(), &SETTINGS), None);
        pass(25).await;
        let third = call(&breaker);
        assert_eq!(breaker.failed(&second, &timeout(), &SETTINGS), None, "late");
        assert_eq!(breaker.heard(&third), Some(Change::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_refuses_its_trial_is_there() {
        use ErrorKind::{SessionLost, Status, TooLarge, Unauthorized};
        for (kind, closes) in [
            (Status(400), true),
            (Status(422), true),
            (Unauthorized, true),
            (TooLarge, true),
            (ErrorKind::Busy, false),
            (ErrorKind::Stopped, false),
            (SessionLost, false),
        ] {
            let breaker = opened();
            pass(12).await;
            let change = breaker.failed(&call(&breaker), &Error::new(kind, "no"), &SETTINGS);
            assert_eq!(change, closes.then_some(Change::Closed), "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_fails_next_to_one_that_is_read_says_nothing_of_calls() {
        let breaker = Breaker::new();
        breaker.answered(&breaker.list("tools/list"));
        for _ in 0..2 {
            for _ in 0..10 {
                assert_eq!(breaker.failed(&breaker.list("resources/list"), &timeout(), &SETTINGS), None);
            }
            // With this everything else is forgotten.
            breaker.failed(&call(&breaker), &timeout(), &SETTINGS);
            breaker.answered(&call(&breaker));
        }
        for _ in 0..2 {
            assert_eq!(breaker.failed(&breaker.list("tools/list"), &timeout(), &SETTINGS), None);
        }
        let opened = breaker.failed(&breaker.list("resources/list"), &timeout(), &SETTINGS);
        assert!(matches!(opened, Some(Change::Opened { .. })), "none is read");
    }

    #[test]
    fn what_is_the_fault_of_a_call_is_no_illness() {
        for kind in [400, 413, 422, 431].map(ErrorKind::Status) {
            assert!(!is_illness(kind), "{kind:?}");
        }
        for kind in [301, 404, 429, 500, 502, 503].map(ErrorKind::Status) {
            assert!(is_illness(kind), "{kind:?}");
        }
    }
}
