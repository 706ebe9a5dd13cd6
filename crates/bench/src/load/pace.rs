//! A fixed rate. Timers of the runtime are exact to a millisecond, which is more than a gateway adds; the kernel's are exact
//! to microseconds, and a thread waits for them.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Clock, Phase};

/// How often somebody who waits for a call looks whether it is over.
const LOOK: Duration = Duration::from_millis(100);

/// Says when calls are due.
pub(super) struct Pacer {
    every: Duration,
    begun: Instant,
    /// One permit for each call that is due and that nobody has taken.
    due: Semaphore,
    taken: AtomicU32,
}

impl Pacer {
    /// So many calls per second, from now on and until it is dropped.
    pub(super) fn start(rate: f64) -> io::Result<Arc<Self>> {
        let every = Duration::from_secs_f64(1.0 / rate.max(0.001));
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
        let begun = Instant::now();
        timer.set(Expiration::Interval(TimeSpec::from_duration(every)), TimerSetTimeFlags::empty())?;
        let pacer = Arc::new(Self { every, begun, due: Semaphore::new(0), taken: AtomicU32::new(0) });
        let weak = Arc::downgrade(&pacer);
        std::thread::Builder::new().name("pace".into()).spawn(move || release(&timer, &weak))?;
        Ok(pacer)
    }

    /// Waits for the next call that nobody has taken, and says when it was due. `None` when it is time to leave.
    pub(super) async fn next(&self, clock: &Clock) -> Option<Instant> {
        while !clock.is(Phase::Ending) {
            if let Ok(permit) = tokio::time::timeout(LOOK, self.due.acquire()).await {
                permit.ok()?.forget();
                return Some(self.begun + self.every * (self.taken.fetch_add(1, Ordering::Relaxed) + 1));
            }
        }
        None
    }
}

/// Lets calls go when they are due.
fn release(timer: &TimerFd, pacer: &Weak<Pacer>) {
    let mut released = 0;
    while timer.wait().is_ok() {
        let Some(pacer) = pacer.upgrade() else { return };
        // This thread may be late itself.
        let due = pacer.begun.elapsed().as_nanos() / pacer.every.as_nanos();
        let due = usize::try_from(due).unwrap_or(usize::MAX);
        pacer.due.add_permits(due.saturating_sub(released).min(Semaphore::MAX_PERMITS / 2));
        released = due.max(released);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_due_at_the_rate_also_when_nobody_had_time_for_them() {
        let pacer = Pacer::start(200.0).expect("a timer");
        let clock = Clock::default();
        let first = pacer.next(&clock).await.expect("a call");
        // A server that stalls: what is due in the meantime is not forgotten, and is late.
        let stall = Duration::from_millis(100);
        tokio::time::sleep(stall).await;
        for number in 1..=15 {
            let due = pacer.next(&clock).await.expect("a call");
            assert_eq!(due - first, Duration::from_millis(5) * number);
            assert!(first.elapsed() >= stall && due < first + stall, "it was due while nobody looked");
        }
        clock.set(Phase::Ending);
        assert!(pacer.next(&clock).await.is_none());
    }
}
