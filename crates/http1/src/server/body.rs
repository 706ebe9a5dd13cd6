//! The body of a request, from the connection that reads it to whoever asked for it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a request. What has come with the head is there; the rest is read when it is asked for, and not before.
#[derive(Debug)]
pub struct Incoming(Inner);

#[derive(Debug)]
enum Inner {
    Here(Bytes),
    Coming(Arc<Mutex<Slot>>),
}

/// What the two ends have in common.
#[derive(Debug, Default)]
struct Slot {
    piece: Bytes,
    /// How many bytes are to come, where that is known.
    left: Option<u64>,
    end: Option<io::Result<()>>,
    /// Whether the reader waits for a piece.
    wanted: bool,
    reader: Option<Waker>,
    feeder: Option<Waker>,
}

/// The connection's end of a body that is still coming.
#[derive(Debug)]
pub(super) struct Feed(Arc<Mutex<Slot>>);

impl Incoming {
    /// A body that is here.
    pub(super) fn here(bytes: Bytes) -> Self {
        Self(Inner::Here(bytes))
    }

    /// A body that comes from the other end, of a known length or not.
    pub(super) fn coming(length: Option<u64>) -> (Feed, Self) {
        let slot = Arc::new(Mutex::new(Slot { left: length, ..Slot::default() }));
        (Feed(slot.clone()), Self(Inner::Coming(slot)))
    }
}

/// Every change is one step, so a panic elsewhere leaves nothing half done.
fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let slot = match &mut self.get_mut().0 {
            Inner::Here(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Inner::Here(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Coming(slot) => slot,
        };
        let mut slot = lock(slot);
        if !slot.piece.is_empty() {
            let piece = std::mem::take(&mut slot.piece);
            slot.left = slot.left.map(|left| left.saturating_sub(piece.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match slot.end.replace(Ok(())) {
            Some(Ok(())) => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => slot.end = None,
        }
        slot.wanted = true;
        slot.reader = Some(cx.waker().clone());
        let feeder = slot.feeder.take();
        drop(slot);
        feeder.into_iter().for_each(Waker::wake);
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Here(bytes) => bytes.is_empty(),
            Inner::Coming(slot) => {
                let slot = lock(slot);
                slot.piece.is_empty() && matches!(slot.end, Some(Ok(())))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Here(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Coming(slot) => lock(slot).left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

impl Feed {
    /// Completes when more is asked for. It never does where nobody is left who could ask.
    pub(super) fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = lock(&self.0);
        if slot.wanted {
            return Poll::Ready(());
        }
        if Arc::strong_count(&self.0) > 1 {
            slot.feeder = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Hands a piece over that is not empty.
    pub(super) fn push(&self, piece: Bytes) {
        self.change(|slot| slot.piece = piece);
    }

    /// There is no more of it, or there will not be.
    pub(super) fn end(&self, end: io::Result<()>) {
        self.change(|slot| slot.end = Some(end));
    }

    fn change(&self, change: impl FnOnce(&mut Slot)) {
        let mut slot = lock(&self.0);
        change(&mut slot);
        slot.wanted = false;
        let reader = slot.reader.take();
        drop(slot);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let has_end = lock(&self.0).end.is_some();
        if !has_end {
            self.end(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection is gone")));
        }
    }
}
