//! Newline-delimited JSON-RPC over a pair of byte streams (spec 2025-11-25, basic/transports "stdio").

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::wire::lines::Lines;
use crate::wire::pending::Pending;
use crate::wire::{Frames, Inbox, Named, Outgoing, Wire};
use crate::{Error, ErrorKind, Task};

/// How many messages wait for a target that does not read. A caller waits for room within its own deadline.
const OUTBOX: usize = 64;

/// When one end of the connection is gone, how long the other may take to say the rest.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long [`PipeWire::close`] waits for the peer to hang up.
const HANG_UP: Duration = Duration::from_secs(2);

/// A wire over a reader and a writer.
///
/// One task carries all messages in both directions. A caller hands its line over in one step, so that lines are
/// never interleaved and giving up on a request never leaves half a line behind.
pub struct PipeWire {
    pending: Pending,
    outbox: mpsc::Sender<Bytes>,
    closing: CancellationToken,
    finished: CancellationToken,
    _task: Task,
}

impl PipeWire {
    /// A wire to the target `name`, which may send messages of at most `limit` bytes.
    pub fn new(
        name: &str,
        limit: usize,
        inbox: Inbox,
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
    ) -> Self {
        Self::mortal(name, limit, inbox, reader, writer, None)
    }

    /// The same, where something besides the two streams can end the wire: `death` resolves to a better reason than
    /// "the output was closed".
    pub(crate) fn mortal(
        target: impl Into<Named>,
        limit: usize,
        inbox: Inbox,
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
        death: Option<BoxFuture<'static, Error>>,
    ) -> Self {
        let pending = Pending::new(target, inbox);
        let (outbox, lines) = mpsc::channel(OUTBOX);
        let closing = CancellationToken::new();
        let finished = CancellationToken::new();
        let carry = {
            let (pending, closing, finished) = (pending.clone(), closing.clone(), finished.clone());
            async move {
                let _finished = finished.drop_guard();
                let read = read(reader, limit, &pending);
                let write = write(writer, lines, closing);
                let reason = carry(read, write, death).await;
                pending.fail(reason);
            }
        };
        Self { pending, outbox, closing, finished, _task: Task::spawn("pipe", carry) }
    }

    /// Stops taking messages, and closes the writer once what was taken is written.
    pub(crate) fn shut(&self) {
        self.pending.fail(Error::new(ErrorKind::Stopped, "the target is being stopped"));
        self.closing.cancel();
    }

    /// Whether the peer has hung up, too, and nothing is left to carry.
    pub(crate) async fn finished(&self) {
        self.finished.cancelled().await;
    }

    async fn post(&self, body: Bytes) -> Result<(), Error> {
        if self.outbox.send(one_line(body)).await.is_ok() {
            return Ok(());
        }
        // The task takes no more lines because it ended or is about to. The line was not written.
        self.pending.dead().await;
        self.pending.alive()
    }

    async fn exchange(&self, out: Outgoing) -> Result<Frames, Error> {
        let Some(id) = out.id else {
            return Err(Error::new(ErrorKind::Protocol, "a request needs an id"));
        };
        let waiting = self.pending.enter(id)?;
        self.post(out.body).await?;
        waiting.into_frames().await
    }
}

impl Wire for PipeWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        self.exchange(out).boxed()
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            self.pending.alive()?;
            self.post(out.body).await
        }
        .boxed()
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.pending.dead().boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.shut();
            // A peer that does not hang up is cut when the wire is dropped.
            let _ = timeout(HANG_UP, self.finished()).await;
        }
        .boxed()
    }
}

/// The task ends with the wire, and so do those who wait for it.
impl Drop for PipeWire {
    fn drop(&mut self) {
        self.pending.fail(Error::new(ErrorKind::Stopped, "the connection was dropped"));
    }
}

/// Runs both directions until one of them or the peer ends, and says why.
async fn carry(
    read: impl Future<Output = Error>,
    write: impl Future<Output = Error>,
    death: Option<BoxFuture<'static, Error>>,
) -> Error {
    let explained = death.is_some();
    let mut death = death.unwrap_or_else(|| futures::future::pending().boxed());
    let (mut read, write) = (pin!(read), pin!(write));
    // What a peer said before it went away is still to be read, and it may hold answers.
    let cause = tokio::select! {
        cause = &mut read => cause,
        cause = write => timeout(LAST_WORDS, read).await.unwrap_or(cause),
        reason = &mut death => {
            let _ = timeout(LAST_WORDS, read).await;
            return reason;
        }
    };
    if explained && cause.kind == ErrorKind::Closed {
        return timeout(LAST_WORDS, death).await.unwrap_or(cause);
    }
    cause
}

async fn read(reader: impl AsyncRead, limit: usize, pending: &Pending) -> Error {
    let mut reader = pin!(reader);
    let mut lines = Lines::new(limit);
    loop {
        match reader.read_buf(lines.room()).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                return Error::new(ErrorKind::Closed, format!("the target cannot be read: {error}"));
            }
        }
        loop {
            match lines.next_line() {
                Ok(Some(line)) => pending.take_in(&line),
                Ok(None) => break,
                // The rest of the line cannot be told from the next one without reading it, so the wire ends here.
                Err(_) => {
                    let detail = format!("the target sent a message of more than {limit} bytes");
                    return Error::new(ErrorKind::TooLarge, detail);
                }
            }
        }
    }
    if let Some(line) = lines.rest() {
        pending.take_in(&line);
    }
    Error::new(ErrorKind::Closed, "the target closed its output")
}

/// Writes lines until the target takes no more. When we are closing, hangs up and leaves the end to the reader.
async fn write(
    writer: impl AsyncWrite,
    mut lines: mpsc::Receiver<Bytes>,
    closing: CancellationToken,
) -> Error {
    match write_all(writer, &mut lines, &closing).await {
        Ok(()) => futures::future::pending().await,
        Err(error) => Error::new(ErrorKind::Closed, format!("the target takes no messages: {error}")),
    }
}

/// Takes the writer with it: returning closes it.
async fn write_all(
    writer: impl AsyncWrite,
    lines: &mut mpsc::Receiver<Bytes>,
    closing: &CancellationToken,
) -> std::io::Result<()> {
    let mut writer = Box::pin(writer);
    let mut open = true;
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = closing.cancelled(), if open => {
                open = false;
                lines.close();
                continue;
            }
        };
        let Some(line) = line else { break };
        writer.write_all_buf(&mut line.chain(&b"\n"[..])).await?;
        writer.flush().await?;
    }
    writer.shutdown().await
}

/// Makes a message into one line. Raw members come as a client spelled them, perhaps pretty-printed; a line break in
/// JSON can only be white space between tokens. A carriage return ends a line for Python's text streams, too.
fn one_line(body: Bytes) -> Bytes {
    if !body.contains(&b'\n') && !body.contains(&b'\r') {
        return body;
    }
    body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests;
