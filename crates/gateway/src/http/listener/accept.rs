//! Taking connections off a socket: under a limit, and whatever the system says.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// How long to wait when the system has no room for a connection. The connection stays in the queue
/// meanwhile, so trying again at once would only keep a processor busy.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be. A cheap handle: clones share the limit.
///
/// Beyond it, nothing is accepted until a connection ends; who connects waits in the queue of the system.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Semaphore>);

impl Permits {
    /// Room for so many connections.
    pub fn new(connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))))
    }

    /// Waits for room. `None` is not possible, as nobody closes the semaphore, but the type allows it.
    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// The accepting side of a socket.
pub(super) struct Acceptor {
    listener: TcpListener,
    permits: Permits,
    full: Seldom,
    failing: Seldom,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, permits: Permits) -> Self {
        Self { listener, permits, full: Seldom::default(), failing: Seldom::default() }
    }

    /// The next connection. May be dropped at any time without losing one.
    pub(super) async fn next(&mut self) -> Accepted {
        if self.permits.0.available_permits() == 0 && self.full.is_due() {
            tracing::warn!("the limit of connections is reached; new ones wait until others end");
        }
        let permit = self.permits.acquire().await;
        let (stream, peer) = insist(|| self.listener.accept(), &mut self.failing).await;
        Accepted { stream, peer, permit }
    }
}

/// Tries until it works.
async fn insist<T, F>(mut attempt: impl FnMut() -> F, failing: &mut Seldom) -> T
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        let error = match attempt().await {
            Ok(done) => return done,
            Err(error) if concerns_one_connection(&error) => continue,
            Err(error) => error,
        };
        if failing.is_due() {
            let hint = "if too many files are open, raise the limit (`ulimit -n`)";
            tracing::warn!(%error, hint, "connections cannot be accepted for now");
        }
        sleep(PAUSE).await;
    }
}

/// A line for the log that would otherwise be repeated many times a second.
#[derive(Default)]
struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    /// Whether the line may be written again. If so, it is taken as written.
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.last.is_none_or(|last| now - last >= Self::PAUSE);
        if due {
            self.last = Some(now);
        }
        due
    }

    const PAUSE: Duration = Duration::from_secs(60);
}

/// The client went away while it waited: the next one can be accepted at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_system_without_room_is_asked_again_after_a_pause() {
        const EMFILE: i32 = 24;
        let mut answers = vec![Ok(1), Err(EMFILE), Err(EMFILE), Err(EMFILE)];
        let start = Instant::now();
        let attempt = || {
            let answer = answers.pop().expect("an answer");
            async move { answer.map_err(io::Error::from_raw_os_error) }
        };
        assert_eq!(insist(attempt, &mut Seldom::default()).await, 1);
        assert_eq!(start.elapsed(), PAUSE * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_gave_up_costs_no_pause() {
        let mut answers =
            vec![Ok(1), Err(io::ErrorKind::ConnectionReset), Err(io::ErrorKind::ConnectionAborted)];
        let start = Instant::now();
        let attempt = || {
            let answer = answers.pop().expect("an answer");
            async move { answer.map_err(io::Error::from) }
        };
        assert_eq!(insist(attempt, &mut Seldom::default()).await, 1);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_not_flooded() {
        let mut line = Seldom::default();
        let mut written = 0;
        for _ in 0..125 {
            written += u32::from(line.is_due());
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(written, 3);
    }
}
