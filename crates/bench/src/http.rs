//! HTTP/1.1 messages as they arrive: a head, and a body in any framing. No I/O.
//!
//! Hand-written, because both ends of a benchmark have to be cheaper than what stands between them; heads are read by
//! `httparse`. Buffers are used again for the next message on the connection.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much is read at once.
const PIECE: usize = 64 * 1024;
/// No head here has more headers.
pub(crate) const MOST_HEADERS: usize = 48;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    /// With its connection.
    Close,
}

/// A head that can be read from the beginning of some bytes.
pub(crate) trait Head: Default {
    /// Reads a head that is there as a whole, and says how long it is and how its body ends.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, Framing)>, Broken>;
}

/// Bytes that are not HTTP, or a message that was cut off.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

impl Broken {
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, broken.0)
    }
}

/// Where in a message we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    Length(usize),
    Close,
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
}

/// What arrives on a connection: one message after the other.
#[derive(Debug, Default)]
pub(crate) struct Inbox<H> {
    raw: Vec<u8>,
    used: usize,
    place: Place,
    /// The head of the latest message.
    pub(crate) head: H,
    /// Its body, without framing.
    pub(crate) body: Vec<u8>,
}

impl<H: Head> Inbox<H> {
    /// Waits for the next whole message. `false` if the connection ended before one began.
    pub(crate) async fn next(&mut self, socket: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        self.body.clear();
        while !self.advance()? {
            self.raw.reserve(PIECE);
            if socket.read_buf(&mut self.raw).await? == 0 {
                return self.ended();
            }
        }
        Ok(true)
    }

    /// Reads on in what has arrived. `true` at the end of a message.
    fn advance(&mut self) -> Result<bool, Broken> {
        loop {
            let rest = &self.raw[self.used..];
            match self.place {
                Place::Head => {
                    let Some((length, framing)) = self.head.read(rest)? else { break };
                    self.used += length;
                    self.place = match framing {
                        Framing::Length(length) => Place::Length(length),
                        Framing::Chunked => Place::ChunkSize,
                        Framing::Close => Place::Close,
                    };
                }
                Place::Length(left) => {
                    let left = left - self.take(left);
                    self.place = Place::Length(left);
                    if left == 0 {
                        return Ok(self.done());
                    }
                    break;
                }
                Place::Close => {
                    self.take(usize::MAX);
                    break;
                }
                Place::ChunkSize => {
                    let Some(end) = memchr::memmem::find(rest, b"\r\n") else { break };
                    let size = chunk_size(&rest[..end])?;
                    self.used += end + 2;
                    self.place = if size == 0 { Place::Trailers } else { Place::Chunk(size) };
                }
                Place::Chunk(left) => {
                    let left = left - self.take(left);
                    self.place = if left == 0 { Place::ChunkEnd } else { Place::Chunk(left) };
                    if left > 0 {
                        break;
                    }
                }
                Place::ChunkEnd => {
                    let Some(end) = rest.get(..2) else { break };
                    if end != b"\r\n" {
                        return Err(Broken::new("a chunk is longer than it says"));
                    }
                    self.used += 2;
                    self.place = Place::ChunkSize;
                }
                Place::Trailers => {
                    let Some(end) = memchr::memmem::find(rest, b"\r\n") else { break };
                    self.used += end + 2;
                    if end == 0 {
                        return Ok(self.done());
                    }
                }
            }
        }
        self.forget_used();
        Ok(false)
    }

    /// The connection ended.
    fn ended(&mut self) -> io::Result<bool> {
        match self.place {
            Place::Close => Ok(self.done()),
            Place::Head if self.raw.is_empty() => Ok(false),
            _ => Err(Broken::new("the connection ended in the middle of a message").into()),
        }
    }

    /// Moves up to so many bytes into the body.
    fn take(&mut self, most: usize) -> usize {
        let rest = &self.raw[self.used..];
        let taken = most.min(rest.len());
        self.body.extend_from_slice(&rest[..taken]);
        self.used += taken;
        taken
    }

    fn done(&mut self) -> bool {
        self.place = Place::Head;
        self.forget_used();
        true
    }

    fn forget_used(&mut self) {
        if self.used == self.raw.len() {
            self.raw.clear();
        } else {
            self.raw.drain(..self.used);
        }
        self.used = 0;
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Broken> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).map(str::trim).unwrap_or_default();
    usize::from_str_radix(digits, 16).map_err(|_| Broken::new("a chunk does not say how long it is"))
}

/// The headers that decide on framing, collected while a head is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framed {
    length: Option<usize>,
    chunked: bool,
}

impl Framed {
    pub(crate) fn note(&mut self, name: &str, value: &[u8]) -> Result<(), Broken> {
        if name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
            self.length = Some(length.ok_or_else(|| Broken::new("a content-length is no number"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.chunked = value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        }
        Ok(())
    }

    /// `otherwise` is for a message that says nothing.
    pub(crate) fn framing(self, otherwise: Framing) -> Framing {
        match self.length {
            _ if self.chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => otherwise,
        }
    }
}

/// The head of an answer, as far as a client of MCP looks at it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the body is a stream of events.
    pub(crate) events: bool,
    /// Whether the server hangs up after it.
    pub(crate) close: bool,
    pub(crate) session: Option<String>,
}

impl Head for Answer {
    fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, Framing)>, Broken> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(Broken(format!("that is no HTTP answer: {error}"))),
        };
        *self = Self { status: parsed.code.unwrap_or_default(), ..Self::default() };
        let mut framed = Framed::default();
        for header in parsed.headers.iter() {
            framed.note(header.name, header.value)?;
            if header.name.eq_ignore_ascii_case("content-type") {
                self.events = header.value.starts_with(b"text/event-stream");
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.close = header.value.eq_ignore_ascii_case(b"close");
            } else if header.name.eq_ignore_ascii_case("mcp-session-id") {
                self.session = Some(String::from_utf8_lossy(header.value).into_owned());
            }
        }
        let framing = match self.status {
            204 | 304 => Framing::Length(0),
            _ => framed.framing(Framing::Close),
        };
        self.close |= framing == Framing::Close;
        Ok(Some((length, framing)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out bytes in pieces of one size.
    async fn read(bytes: &[u8], piece: usize) -> io::Result<Vec<(u16, Vec<u8>)>> {
        let (mut from, mut to) = tokio::io::duplex(piece);
        let bytes = bytes.to_vec();
        let sending = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            to.write_all(&bytes).await
        });
        let mut inbox = Inbox::<Answer>::default();
        let mut all = Vec::new();
        while inbox.next(&mut from).await? {
            all.push((inbox.head.status, inbox.body.clone()));
        }
        sending.await.expect("no panic").expect("all is read");
        Ok(all)
    }

    const TWO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 202 Accepted\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n\
        HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end";

    #[tokio::test]
    async fn messages_come_out_whole_however_they_are_cut() {
        let expected = [
            (200, b"hello".to_vec()),
            (202, b"abc0123456789".to_vec()),
            (204, Vec::new()),
            (200, b"until the end".to_vec()),
        ];
        for piece in [1, 2, 3, 7, 40, 4096] {
            assert_eq!(read(TWO, piece).await.expect("HTTP"), expected, "in pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn what_is_cut_off_is_no_answer() {
        for short in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert!(read(short, 64).await.is_err(), "{}", String::from_utf8_lossy(short));
        }
    }
}
