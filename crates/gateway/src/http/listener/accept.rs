//! Taking connections off a socket, whatever the system says.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// How long to wait when the system has no room for a connection. The connection stays in the queue
/// meanwhile, so trying again at once would only keep a processor busy.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that was accepted. No runtime has it yet.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
}

/// The accepting side of a socket.
pub(super) struct Acceptor {
    listener: TcpListener,
    failing: Seldom,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, failing: Seldom::default() }
    }

    /// The next connection. May be dropped at any time without losing one.
    pub(super) async fn next(&mut self) -> Accepted {
        let accept = || async {
            let (stream, peer) = self.listener.accept().await?;
            Ok(Accepted { stream: stream.into_std()?, peer })
        };
        insist(accept, &mut self.failing).await
    }

    /// Closes the socket, and returns the connections that the system had taken already: their clients may have sent a
    /// request. One that comes between the last look and the end is reset, as it would have been refused a moment later.
    pub(super) fn close(self) -> Vec<Accepted> {
        // The runtime may not have heard yet of connections that the system has.
        let Ok(listener) = self.listener.into_std() else { return Vec::new() };
        let mut last = Vec::new();
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    let prepared = stream.set_nonblocking(true);
                    last.extend(prepared.ok().map(|()| Accepted { stream, peer }));
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(_) => return last,
            }
        }
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
pub(super) struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    /// Whether the line may be written again. If so, it is taken as written.
    pub(super) fn is_due(&mut self) -> bool {
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
