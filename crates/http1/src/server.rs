//! The server's side of a connection, for the task that takes requests from it and answers them one after the other.
//!
//! [`Connection::request`], then [`Connection::attend`] to whoever makes the answer, then [`Connection::respond`]; and again as
//! long as it [keeps](Connection::keeps).

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http::{Method, Response, Version};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::framing::{Fault, Framing, Next};
use crate::head::Finder;
use crate::memory::Memory;
use body::Feed;
use head::{Head, Known, Preface};
use response::{Asked, Measure, write_chunk_size, write_head};

mod body;
mod head;
mod response;

pub use body::Incoming;

pub use crate::head::MOST_HEADERS;

/// How much is read at once. It lies on the stack, so that a connection on which nothing comes needs no memory for it.
const READ: usize = 8 * 1024;

/// How much is read at once of a body that is known to be large.
const LARGE_READ: usize = 64 * 1024;

/// Data up to this is copied next to its head, which takes less than to tell the system of two places.
const COPIED: usize = 4 * 1024;

/// How much room a connection keeps for what it writes next.
const KEPT: usize = 512;

/// How many pieces of an answer the system is told of at once.
const SLICES: usize = 16;

/// What is written in answer to `Expect: 100-continue`.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What came over a connection.
#[derive(Debug)]
pub enum Heard {
    /// A request: its head, but for the length of the body, which the body knows. A head that says the same as the one before it
    /// is the same one.
    Request(Arc<Parts>, Incoming),
    /// The beginning of HTTP/2, which is for somebody else: [`Connection::into_parts`] gives back what was read.
    Http2,
    /// The end.
    End,
}

/// Why there is no request.
#[derive(Debug)]
pub enum Unheard {
    /// What came is refused. The connection is good for one answer that says so.
    Refused(Refusal),
    /// The connection broke, or ended amid a head.
    Broken(io::Error),
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its head has too many bytes or too many headers.
    HeadTooLarge,
    /// It is no request, or could be read in two ways.
    Malformed(Fault),
}

/// A connection from a client.
#[derive(Debug)]
pub struct Connection<I> {
    io: I,
    /// What was read and belongs to nobody yet.
    input: BytesMut,
    finder: Finder,
    memory: Memory<Known>,
    /// The most bytes that a head may have.
    largest_head: usize,
    /// Whether nothing came yet, so that it may be HTTP/2.
    is_new: bool,
    /// What is left of the body of the request, and who waits for it.
    framing: Framing,
    feed: Option<Feed>,
    /// Whether the client waits for a word before it sends the body.
    expects_word: bool,
    asked: Asked,
    keep: bool,
    out: Output,
}

/// What is on its way to the client.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Connection<I> {
    /// A connection that was just accepted, and takes heads of so many bytes.
    pub fn new(io: I, largest_head: usize) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            finder: Finder::default(),
            memory: Memory::default(),
            largest_head,
            is_new: true,
            framing: Framing::Done,
            feed: None,
            expects_word: false,
            asked: Asked::default(),
            keep: true,
            out: Output::default(),
        }
    }

    /// Waits for a request. Dropping the future loses nothing.
    pub async fn request(&mut self) -> Result<Heard, Unheard> {
        poll_fn(|cx| self.poll_request(cx)).await
    }

    /// Whether something came that is no whole head yet.
    pub fn is_amid_head(&self) -> bool {
        // Empty lines are nothing.
        self.input.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// Waits for whoever makes the answer, and feeds it the body of the request as it asks for it.
    ///
    /// # Errors
    ///
    /// The client is gone. Whoever made the answer is not asked any more.
    pub async fn attend<T>(&mut self, answer: impl Future<Output = T>) -> io::Result<T> {
        let mut answer = pin!(answer);
        let attended = poll_fn(|cx| {
            loop {
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(Ok(answer));
                }
                match self.poll_feed(cx) {
                    // It may be able to go on.
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
        self.keep &= attended.is_ok();
        attended
    }

    /// Writes the answer.
    ///
    /// # Errors
    ///
    /// The client is gone, or the body was not as long as it said. The connection is of no more use.
    pub async fn respond<B>(&mut self, response: Response<B>) -> io::Result<()>
    where
        B: Body<Error = Infallible> + Unpin,
    {
        let (parts, mut body) = response.into_parts();
        self.end_request(response::says_close(&parts.headers));
        let size = body.size_hint();
        let measure = Measure::of(self.asked, parts.status, &size);
        self.keep &= measure != Measure::Close;
        write_head(&parts, self.asked, measure, &size, self.keep, &mut self.out.bytes);
        drop(parts);
        let mut answer = Answer::new(measure);
        let responded = poll_fn(|cx| self.poll_respond(cx, &mut answer, &mut body)).await;
        self.keep &= responded.is_ok();
        responded
    }

    /// Whether the connection may serve another request.
    pub fn keeps(&self) -> bool {
        self.keep
    }

    /// Ends the connection in good order.
    pub async fn close(&mut self) -> io::Result<()> {
        self.io.shutdown().await
    }

    /// What it runs over, and what was read from it and used by nobody.
    pub fn into_parts(self) -> (I, Bytes) {
        (self.io, self.input.freeze())
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, Unheard>> {
        loop {
            if let Some(heard) = self.take_request().transpose() {
                return Poll::Ready(heard.map_err(|refusal| {
                    // Whatever follows, nobody knows where it begins.
                    self.keep = false;
                    self.asked = Asked::default();
                    Unheard::Refused(refusal)
                }));
            }
            if self.input.is_empty() {
                // It may be long until there is another.
                self.input = BytesMut::new();
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) if !self.is_amid_head() => return Poll::Ready(Ok(Heard::End)),
                Ok(0) => {
                    self.keep = false;
                    let ended =
                        io::Error::new(io::ErrorKind::UnexpectedEof, "it ended amid the head of a request");
                    return Poll::Ready(Err(Unheard::Broken(ended)));
                }
                Ok(_) => {}
                Err(error) => {
                    self.keep = false;
                    return Poll::Ready(Err(Unheard::Broken(error)));
                }
            }
        }
    }

    /// The request at the front of what was read, if it has its whole head.
    fn take_request(&mut self) -> Result<Option<Heard>, Refusal> {
        if self.input.is_empty() {
            return Ok(None);
        }
        if self.is_new {
            match Preface::of(&self.input) {
                Preface::Whole => return Ok(Some(Heard::Http2)),
                Preface::Part => return Ok(None),
                Preface::Other => self.is_new = false,
            }
        }
        let Some(head) = head::take(&mut self.finder, &mut self.memory, &mut self.input, self.largest_head)?
        else {
            return Ok(None);
        };
        Ok(Some(self.begin(head)))
    }

    fn begin(&mut self, head: Head) -> Heard {
        let Head { parts, framing, keep, expects_word } = head;
        self.asked =
            Asked { head_only: parts.method == Method::HEAD, old: parts.version == Version::HTTP_10 };
        self.keep = keep;
        self.framing = framing;
        let body = match self.framing {
            Framing::Length(length) if length > self.input.len() as u64 => {
                self.coming(Some(length), expects_word)
            }
            Framing::Length(length) => {
                self.framing = Framing::Done;
                // No more than there is.
                Incoming::here(self.input.split_to(length as usize).freeze())
            }
            Framing::Chunked(_) | Framing::Close => self.coming(None, expects_word),
            Framing::Done => Incoming::here(Bytes::new()),
        };
        Heard::Request(parts, body)
    }

    fn coming(&mut self, length: Option<u64>, expects_word: bool) -> Incoming {
        self.expects_word = expects_word && self.input.is_empty();
        let (feed, body) = Incoming::coming(length);
        self.feed = Some(feed);
        body
    }

    /// Reads on while an answer is being made: what is asked for of the body, and after it only to notice the end. Ready when
    /// something was handed over, or the client is gone.
    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(feed) = &self.feed else { return self.poll_gone(cx).map(Err) };
        ready!(feed.poll_wanted(cx));
        if self.expects_word {
            self.out.bytes.extend_from_slice(CONTINUE);
            self.expects_word = false;
        }
        loop {
            ready!(self.out.poll_write(&mut self.io, cx, &mut None::<&[u8]>, &mut &b""[..]))?;
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            let Some(feed) = &self.feed else { return Poll::Ready(Ok(())) };
            match self.framing.next(&mut self.input) {
                Ok(Next::Data(length)) => {
                    self.framing.taken(length);
                    feed.push(self.input.split_to(length).freeze());
                    // Its end is known with its last piece.
                    if let Ok(Next::End) = self.framing.next(&mut self.input) {
                        self.end_feed(Ok(()));
                    }
                    return Poll::Ready(Ok(()));
                }
                Ok(Next::End) => {
                    self.end_feed(Ok(()));
                    return Poll::Ready(Ok(()));
                }
                Ok(Next::More) => {}
                Err(fault) => {
                    self.keep = false;
                    self.end_feed(Err(io::Error::new(io::ErrorKind::InvalidData, fault)));
                    return Poll::Ready(Ok(()));
                }
            }
            if ready!(self.poll_fill(cx))? == 0 {
                // Who has only closed its own side hears the answer.
                self.keep = false;
                self.end_feed(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended amid a body")));
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn end_feed(&mut self, end: io::Result<()>) {
        if let Some(feed) = self.feed.take() {
            feed.end(end);
        }
    }

    /// Completes when the client is gone. Of what it sends beyond the request only so much is read that it is noticed.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.input.is_empty() {
            return Poll::Pending;
        }
        // It may be long until there is more.
        self.input = BytesMut::new();
        match ready!(self.poll_fill(cx)) {
            Ok(0) => Poll::Ready(io::Error::new(io::ErrorKind::UnexpectedEof, "the client is gone")),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    /// What is here of the rest of the body is thrown away. With more to come the connection ends, since who refuses a body
    /// does not want to read it.
    fn end_request(&mut self, close: bool) {
        self.feed = None;
        self.expects_word = false;
        self.keep &= !close;
        while let Ok(Next::Data(length)) = self.framing.next(&mut self.input) {
            self.framing.taken(length);
            self.input.advance(length);
        }
        self.keep &= matches!(self.framing, Framing::Done);
        self.framing = Framing::Done;
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let announced = usize::try_from(self.framing.left()).unwrap_or(usize::MAX);
        let announced = announced.saturating_sub(self.input.len()).min(LARGE_READ);
        if announced > READ {
            self.input.reserve(announced);
            return poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input);
        }
        let mut room = [const { MaybeUninit::uninit() }; READ];
        let mut read = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        self.input.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_respond<B>(
        &mut self,
        cx: &mut Context<'_>,
        answer: &mut Answer<B::Data>,
        body: &mut B,
    ) -> Poll<io::Result<()>>
    where
        B: Body<Error = Infallible> + Unpin,
    {
        loop {
            if !answer.is_writing {
                answer.gather(&mut self.out.bytes, body, cx)?;
            }
            if answer.is_writing || !self.out.is_empty() || answer.big.is_some() {
                answer.is_writing = true;
                ready!(self.out.poll_write(&mut self.io, cx, &mut answer.big, &mut answer.after))?;
                ready!(Pin::new(&mut self.io).poll_flush(cx))?;
                answer.is_writing = false;
            } else if !answer.ended {
                // The body was asked just now, and wakes us up.
                return self.poll_gone(cx).map(Err);
            }
            if answer.ended && answer.next.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// An answer on its way.
struct Answer<D> {
    measure: Measure,
    /// Data that is too large to be copied.
    big: Option<D>,
    /// What is written after it.
    after: &'static [u8],
    /// Data that comes after that.
    next: Option<D>,
    /// Whether something is being written. Before that is done, nothing is added to it.
    is_writing: bool,
    /// Whether all of the body was taken.
    ended: bool,
}

impl<D: Buf> Answer<D> {
    fn new(measure: Measure) -> Self {
        let ended = measure == Measure::Nothing;
        Self { measure, big: None, after: b"", next: None, is_writing: false, ended }
    }

    /// Takes what the body has at the moment, as far as it can be written at once. Behind something large it only looks whether
    /// that was the last.
    fn gather<B>(&mut self, out: &mut Vec<u8>, body: &mut B, cx: &mut Context<'_>) -> io::Result<()>
    where
        B: Body<Data = D, Error = Infallible> + Unpin,
    {
        loop {
            if self.big.is_none()
                && let Some(data) = self.next.take()
            {
                self.put(out, data)?;
            }
            if self.ended || self.next.is_some() || out.len() >= LARGE_READ {
                return Ok(());
            }
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => self.end(out)?,
                Poll::Ready(Some(Ok(frame))) => {
                    self.next = frame.into_data().ok().filter(Buf::has_remaining);
                }
            }
        }
    }

    fn put(&mut self, out: &mut Vec<u8>, mut data: D) -> io::Result<()> {
        let length = data.remaining();
        if let Measure::Length(left) = &mut self.measure {
            *left = left
                .checked_sub(length as u64)
                .ok_or_else(|| io::Error::other("the answer is longer than it says"))?;
            // It need not be asked for more.
            self.ended = *left == 0;
        }
        let in_chunks = self.measure == Measure::Chunks;
        if in_chunks {
            write_chunk_size(length, out);
        }
        if length <= COPIED {
            while data.has_remaining() {
                let chunk = data.chunk();
                out.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
            if in_chunks {
                out.extend_from_slice(b"\r\n");
            }
        } else {
            self.after = if in_chunks { b"\r\n" } else { b"" };
            self.big = Some(data);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.ended = true;
        match (self.measure, &self.big) {
            (Measure::Length(1..), _) => Err(io::Error::other("the answer is shorter than it says")),
            (Measure::Chunks, Some(_)) => {
                self.after = b"\r\n0\r\n\r\n";
                Ok(())
            }
            (Measure::Chunks, None) => {
                out.extend_from_slice(b"0\r\n\r\n");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Output {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes all of the bytes, then the data, then what comes after it. Nothing is left of any of them.
    fn poll_write<D: Buf, I: AsyncWrite + Unpin>(
        &mut self,
        io: &mut I,
        cx: &mut Context<'_>,
        data: &mut Option<D>,
        after: &mut &'static [u8],
    ) -> Poll<io::Result<()>> {
        loop {
            let bytes = self.bytes.get(self.written..).unwrap_or_default();
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            if !bytes.is_empty() {
                slices[0] = IoSlice::new(bytes);
                count = 1;
            }
            if let Some(data) = &*data {
                let first = count;
                count += data.chunks_vectored(&mut slices[first..SLICES - 1]);
                let shown: usize = slices[first..count].iter().map(|slice| slice.len()).sum();
                if shown == data.remaining() && !after.is_empty() {
                    slices[count] = IoSlice::new(after);
                    count += 1;
                }
            }
            let mut written = match &slices[..count] {
                [] => break,
                [one] => ready!(Pin::new(&mut *io).poll_write(cx, one))?,
                several => ready!(Pin::new(&mut *io).poll_write_vectored(cx, several))?,
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_bytes = written.min(bytes.len());
            self.written += of_bytes;
            written -= of_bytes;
            if let Some(data) = data {
                let of_data = written.min(data.remaining());
                data.advance(of_data);
                *after = &after[written - of_data..];
            }
        }
        *data = None;
        self.rest();
        Poll::Ready(Ok(()))
    }

    /// Forgets what was written. A connection keeps room for a head, and no more.
    fn rest(&mut self) {
        self.written = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests;
