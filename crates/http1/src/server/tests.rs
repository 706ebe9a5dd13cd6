//! The server's side of a connection, against a client that is a script, or that the test leads step by step.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};

use futures::FutureExt as _;
use http::Request;
use http_body::{Frame, SizeHint};

use super::*;

mod bodies;
mod conversation;
mod keeping;
mod requests;
mod responses;
mod streaming;

/// How large a head may be in these tests.
const LARGEST: usize = 16 * 1024;

/// A client, and the line to it. Its clones are the same one, so that a test can hold it while a connection does.
#[derive(Debug, Clone, Default)]
struct Script(Arc<Mutex<Line>>);

#[derive(Debug, Default)]
struct Line {
    /// What the client says, a read each.
    pieces: VecDeque<Vec<u8>>,
    then: Then,
    reader: Option<Waker>,
    /// How many reads brought something, or the end.
    reads: usize,
    /// What the client heard, in how many writes, and the most places that one of them took it from.
    heard: Vec<u8>,
    writes: usize,
    most_slices: usize,
    /// How much one write takes, and how much is taken before the client has to read.
    at_once: Option<usize>,
    room: Option<usize>,
    writer: Option<Waker>,
    /// What becomes of a write for which there is no room.
    refuses: Option<io::ErrorKind>,
    /// Whether it is TLS, say, which takes everything, and has it on the way only when it is flushed.
    buffers: bool,
    unflushed: Vec<u8>,
    is_shut: bool,
}

/// What comes after the last piece.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Then {
    #[default]
    Silence,
    End,
    Reset,
}

impl Script {
    fn says<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let script = Self::default();
        script.line().pieces =
            pieces.into_iter().map(<[u8]>::to_vec).filter(|piece| !piece.is_empty()).collect();
        script
    }

    fn text(text: &str) -> Self {
        Self::says([text.as_bytes()])
    }

    fn then(self, then: Then) -> Self {
        self.line().then = then;
        self
    }

    /// Of which one write takes no more than this.
    fn takes(self, at_once: usize) -> Self {
        self.line().at_once = Some(at_once);
        self
    }

    /// Which has room for so much, and then has to read.
    fn with_room(self, room: usize) -> Self {
        self.line().room = Some(room);
        self
    }

    fn buffers(self) -> Self {
        self.line().buffers = true;
        self
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("no test panics with it")
    }

    /// The client says this now.
    fn tells(&self, text: impl AsRef<[u8]>) {
        let piece = text.as_ref().to_vec();
        // An empty one would be the end.
        if !piece.is_empty() {
            self.change(|line| {
                line.pieces.push_back(piece);
                line.reader.take()
            });
        }
    }

    /// From now on, this is what comes after the last piece.
    fn goes(&self, then: Then) {
        self.change(|line| {
            line.then = then;
            line.reader.take()
        });
    }

    /// The client reads so much.
    fn makes_room(&self, more: usize) {
        self.change(|line| {
            line.room = line.room.map(|room| room.saturating_add(more));
            line.writer.take()
        });
    }

    fn change(&self, change: impl FnOnce(&mut Line) -> Option<Waker>) {
        let waker = change(&mut self.line());
        waker.into_iter().for_each(Waker::wake);
    }

    fn heard(&self) -> String {
        String::from_utf8(self.line().heard.clone()).expect("text")
    }

    /// What was heard since it was asked last.
    fn heard_since(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.line().heard)).expect("text")
    }

    fn reads(&self) -> usize {
        self.line().reads
    }

    fn writes(&self) -> usize {
        self.line().writes
    }
}

impl Line {
    fn write(&mut self, cx: &Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        assert!(offered > 0, "a write of nothing");
        let at_once = self.at_once.unwrap_or(usize::MAX);
        if at_once == 0 {
            return Poll::Ready(Ok(0));
        }
        let room = if self.buffers { usize::MAX } else { self.room.unwrap_or(usize::MAX) };
        let taken = offered.min(at_once).min(room);
        if taken == 0 {
            return match self.refuses {
                Some(kind) => Poll::Ready(Err(kind.into())),
                None => {
                    self.writer = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        self.writes += 1;
        self.most_slices = self.most_slices.max(slices.len());
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(taken).collect();
        if self.buffers {
            self.unflushed.extend_from_slice(&bytes);
        } else {
            self.heard.extend_from_slice(&bytes);
            self.room = self.room.map(|room| room - taken);
        }
        Poll::Ready(Ok(taken))
    }

    fn flush(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let taken = self.unflushed.len().min(self.room.unwrap_or(usize::MAX));
        self.heard.extend(self.unflushed.drain(..taken));
        self.room = self.room.map(|room| room - taken);
        if self.unflushed.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut line = self.line();
        let Some(mut piece) = line.pieces.pop_front() else {
            return match line.then {
                Then::Silence => {
                    line.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                Then::End => {
                    line.reads += 1;
                    Poll::Ready(Ok(()))
                }
                Then::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        };
        line.reads += 1;
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            line.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line().write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line().write(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line().flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line().is_shut = true;
        Poll::Ready(Ok(()))
    }
}

/// A future that is polled when it was woken up, and only then. One that nobody wakes up hangs, as it would in earnest.
struct Task<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + 'f>>,
    woken: Arc<Woken>,
    seen: usize,
}

#[derive(Debug, Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<'f, T> Task<'f, T> {
    fn new(future: impl Future<Output = T> + 'f) -> Self {
        let woken = Arc::new(Woken(AtomicUsize::new(1)));
        Self { future: Box::pin(future), woken, seen: 0 }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst) > self.seen
    }

    /// Goes on for as long as it is woken up.
    fn run(&mut self) -> Option<T> {
        // More than any of them needs.
        for _ in 0..1_000_000 {
            let woken = self.woken.0.load(Ordering::SeqCst);
            if woken == self.seen {
                return None;
            }
            self.seen = woken;
            let waker = Waker::from(self.woken.clone());
            if let Poll::Ready(done) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(done);
            }
        }
        panic!("it wakes itself up for ever");
    }

    /// What it comes to, if nothing more has to happen.
    fn done(mut self) -> T {
        self.run().expect("nobody wakes it up again")
    }
}

/// What a connection made of what its client said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// A request, its body, and whether another may follow.
    Request(String, Got, bool),
    /// A request whose body did not come to its end, because the client is gone, or waits.
    Gone(String),
    Waits(String),
    Http2(Vec<u8>),
    Refused(Refusal),
    Broken,
    End,
    Silence,
}

/// What a reader got of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Got {
    data: Vec<u8>,
    fault: Option<String>,
}

impl Got {
    fn whole(data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), fault: None }
    }
}

/// The next piece of a body; nothing at its end.
async fn piece(body: &mut Incoming) -> Option<io::Result<Bytes>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(frame.map(|frame| frame.into_data().expect("data")))
}

/// Reads a body to its end, which it has to keep its word about.
async fn read(mut body: Incoming) -> Got {
    let mut got = Got::default();
    let mut said = body.size_hint();
    while let Some(next) = piece(&mut body).await {
        match next {
            Ok(next) => {
                assert!(!next.is_empty(), "a piece of nothing");
                got.data.extend_from_slice(&next);
                let says = body.size_hint();
                if let Some(length) = said.exact() {
                    assert_eq!(says.exact(), Some(length - next.len() as u64));
                }
                said = says;
            }
            Err(error) => {
                got.fault = Some(error.to_string());
                assert!(piece(&mut body).await.is_none(), "nothing follows an error");
                return got;
            }
        }
    }
    assert!(said.exact().is_none_or(|left| left == 0), "it said that more comes: {said:?}");
    assert!(body.is_end_stream());
    assert!(piece(&mut body).await.is_none(), "the end stays the end");
    got
}

fn connection(script: &Script) -> Connection<Script> {
    Connection::new(script.clone(), LARGEST)
}

fn line_of<B>(request: &Request<B>) -> String {
    format!("{} {} {:?}", request.method(), request.uri(), request.version())
}

/// Takes one request, reads its body and answers.
fn serve(connection: &mut Connection<Script>) -> Outcome {
    serve_noting(connection, |_| {})
}

/// And also shows the head of the request to whom it concerns.
fn serve_noting(connection: &mut Connection<Script>, note: impl FnOnce(&Request<Incoming>)) -> Outcome {
    let request = match connection.request().now_or_never() {
        None => return Outcome::Silence,
        Some(Ok(Heard::Request(head, body))) => whole(head, body),
        Some(Ok(Heard::Http2)) => return Outcome::Http2(connection.input.to_vec()),
        Some(Ok(Heard::End)) => return Outcome::End,
        Some(Err(Unheard::Broken(_))) => return Outcome::Broken,
        Some(Err(Unheard::Refused(refusal))) => {
            assert!(!connection.keeps(), "after {refusal:?} nobody knows where a request begins");
            respond(connection, Response::new(Stream::sized(["no"])))
                .expect("it takes an answer that says so");
            assert!(!connection.keeps(), "and the answer changes nothing");
            return Outcome::Refused(refusal);
        }
    };
    note(&request);
    let line = line_of(&request);
    let got = match connection.attend(read(request.into_body())).now_or_never() {
        None => return Outcome::Waits(line),
        Some(Err(_)) => return Outcome::Gone(line),
        Some(Ok(got)) => got,
    };
    respond(connection, Response::new(Stream::sized(["ok"]))).expect("an answer");
    Outcome::Request(line, got, connection.keeps())
}

/// Serves a client for as long as something is to be had.
fn served(script: &Script) -> Vec<Outcome> {
    let mut connection = connection(script);
    let mut outcomes = Vec::new();
    loop {
        let outcome = serve(&mut connection);
        let goes_on = matches!(outcome, Outcome::Request(_, _, true));
        outcomes.push(outcome);
        if !goes_on {
            return outcomes;
        }
    }
}

fn whole(head: Arc<Parts>, body: Incoming) -> Request<Incoming> {
    Request::from_parts(Arc::unwrap_or_clone(head), body)
}

/// The request that was just sent whole, or at least its head.
fn request(connection: &mut Connection<Script>) -> Request<Incoming> {
    match connection.request().now_or_never().expect("it is there") {
        Ok(Heard::Request(head, body)) => whole(head, body),
        other => panic!("no request: {other:?}"),
    }
}

fn respond<D: Buf>(connection: &mut Connection<Script>, response: Response<Stream<D>>) -> io::Result<()> {
    Task::new(connection.respond(response)).done()
}

/// The body of an answer, of which clones are the same one.
#[derive(Debug)]
struct Stream<D = Bytes>(Arc<Mutex<Source<D>>>);

#[derive(Debug)]
struct Source<D> {
    steps: VecDeque<Step<D>>,
    size: SizeHint,
    ended: bool,
    /// How often it was asked.
    asked: usize,
    waker: Option<Waker>,
}

/// What a body does when it is asked.
#[derive(Debug)]
enum Step<D> {
    Data(D),
    Trailers,
    /// It has nothing, and wakes up who asked at once.
    Pause,
}

impl<D> Clone for Stream<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Buf> Stream<D> {
    fn new(steps: impl IntoIterator<Item = Step<D>>, size: SizeHint, ended: bool) -> Self {
        let steps = steps.into_iter().collect();
        Self(Arc::new(Mutex::new(Source { steps, size, ended, asked: 0, waker: None })))
    }

    fn source(&self) -> MutexGuard<'_, Source<D>> {
        self.0.lock().expect("no test panics with it")
    }

    fn sends(&self, data: D) {
        self.change(|source| source.steps.push_back(Step::Data(data)));
    }

    fn ends(&self) {
        self.change(|source| source.ended = true);
    }

    /// Several things at once.
    fn change(&self, change: impl FnOnce(&mut Source<D>)) {
        let mut source = self.source();
        change(&mut source);
        let waker = source.waker.take();
        drop(source);
        waker.into_iter().for_each(Waker::wake);
    }

    fn asked(&self) -> usize {
        self.source().asked
    }

    /// Whether somebody else still has it.
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Stream {
    /// A body of these pieces, of which nobody knows how long it is.
    fn of<P: Into<Bytes>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::new(pieces.into_iter().map(|piece| Step::Data(piece.into())), SizeHint::default(), true)
    }

    /// A body of these pieces that says how long it is.
    fn sized<P: Into<Bytes>>(pieces: impl IntoIterator<Item = P>) -> Self {
        let pieces: Vec<Bytes> = pieces.into_iter().map(Into::into).collect();
        let size = pieces.iter().map(Bytes::len).sum::<usize>();
        Self::of(pieces).says(size as u64)
    }

    /// A body that has nothing yet.
    fn open() -> Self {
        Self::new([], SizeHint::default(), false)
    }

    fn says(self, size: u64) -> Self {
        self.source().size = SizeHint::with_exact(size);
        self
    }
}

impl<D: Buf> Body for Stream<D> {
    type Data = D;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<D>, Infallible>>> {
        let mut source = self.source();
        source.asked += 1;
        match source.steps.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(http::HeaderMap::new())))),
            Some(Step::Pause) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None if source.ended => Poll::Ready(None),
            None => {
                source.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.source().size
    }
}

/// An answer as its client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heeded {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The sizes of the chunks, where there are any.
    chunks: Vec<usize>,
    /// What follows the answer.
    rest: Vec<u8>,
}

impl Heeded {
    /// Reads an answer in the plainest way, and takes nothing that is not quite right.
    fn of(heard: &[u8], head_only: bool) -> Self {
        let (head, mut rest) = cut(heard, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(head.to_vec()).expect("text");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("a first line").to_owned();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut heeded = Self { line, headers, body: Vec::new(), chunks: Vec::new(), rest: Vec::new() };
        let length = heeded.header("content-length").map(|length| length.parse::<usize>().expect("a number"));
        let in_chunks = heeded.header("transfer-encoding").inspect(|coding| assert_eq!(coding, "chunked"));
        assert!(length.is_none() || in_chunks.is_none(), "{:?}", heeded.headers);
        let has_body = !head_only && ![" 204 ", " 304 "].iter().any(|status| heeded.line.contains(status));
        if !has_body {
            heeded.rest = rest.to_vec();
            return heeded;
        }
        if let Some(length) = length {
            heeded.body = rest[..length].to_vec();
            rest = &rest[length..];
        } else if in_chunks.is_some() {
            loop {
                let (size, after) = cut(rest, b"\r\n").expect("the size of a chunk");
                let size = std::str::from_utf8(size).expect("text");
                let size = usize::from_str_radix(size, 16).expect("a size");
                let (data, after) = after.split_at(size);
                rest = after.strip_prefix(b"\r\n").expect("the end of a chunk");
                if size == 0 {
                    break;
                }
                heeded.body.extend_from_slice(data);
                heeded.chunks.push(size);
            }
        } else {
            heeded.body = rest.to_vec();
            rest = b"";
        }
        heeded.rest = rest.to_vec();
        heeded
    }

    /// A header that is there at most once.
    fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.iter().filter(|header| header.0 == name);
        let value = values.next().map(|header| header.1.clone());
        assert!(values.next().is_none(), "{name} is there twice: {:?}", self.headers);
        value
    }

    /// What is said of the length and the connection.
    fn framing(&self) -> [Option<String>; 3] {
        ["content-length", "transfer-encoding", "connection"].map(|name| self.header(name))
    }
}

fn cut<'b>(bytes: &'b [u8], at: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}
