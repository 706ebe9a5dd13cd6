//! A deadline that is put off all the time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// A time that may pass without something, and begins anew whenever there is something.
///
/// The timer is not set back each time, which would take a lock; when it goes off, it is set to when the time is over by then.
#[derive(Debug)]
pub(super) struct Deadline {
    within: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// The time begins now.
    pub(super) fn new(within: Duration) -> Self {
        Self { within, since: Instant::now(), timer: Box::pin(sleep(within)) }
    }

    /// It begins anew.
    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Completes when it is over.
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let end = self.since + self.within;
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(end);
        }
    }
}
