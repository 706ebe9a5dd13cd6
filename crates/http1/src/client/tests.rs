//! The protocol on one connection, against a script that says when which bytes come.

use std::collections::VecDeque;

use futures::FutureExt as _;
use http::{HeaderMap, Method, Uri};

use super::*;

mod framing;
mod sending;

/// A server whose bytes come in these pieces, and what it heard.
#[derive(Debug, Default)]
struct Script {
    pieces: VecDeque<Vec<u8>>,
    then: Then,
    heard: Vec<u8>,
    /// How much of the request it takes, and what writing more brings.
    takes: Option<usize>,
    refuses: Option<io::ErrorKind>,
}

/// What comes after the last piece.
#[derive(Debug, Default, Clone, Copy)]
enum Then {
    #[default]
    Silence,
    End,
    Reset,
}

impl Script {
    fn says<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let pieces = pieces.into_iter().map(<[u8]>::to_vec).filter(|piece| !piece.is_empty()).collect();
        Self { pieces, ..Self::default() }
    }

    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return match self.then {
                Then::Silence => Poll::Pending,
                Then::End => Poll::Ready(Ok(())),
                Then::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        };
        let _ = cx;
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.takes.map_or(bytes.len(), |takes| bytes.len().min(takes - self.heard.len()));
        if taken == 0 {
            return self.refuses.map_or(Poll::Pending, |kind| Poll::Ready(Err(kind.into())));
        }
        self.heard.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Io for Script {}

/// What a caller got of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    reusable: bool,
}

fn request(method: Method, body: impl Into<Bytes>) -> Request {
    Opening::new(method, &Uri::from_static("http://h/mcp"), &HeaderMap::new()).request(body.into())
}

/// The answer to a request over a connection that says nothing but this; nothing if more would have to come.
fn answer(connection: &mut Connection<Script>, method: Method) -> Option<Result<Answer, String>> {
    let request = request(method, "{}");
    let head = match connection.exchange(&request).now_or_never()? {
        Ok(head) => head,
        Err(lost) => return Some(Err(lost.error.to_string())),
    };
    let mut body = Vec::new();
    loop {
        match next_chunk(connection, false)? {
            Ok(Some(chunk)) => {
                assert!(!chunk.is_empty(), "a chunk of nothing");
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    Some(Ok(Answer { status: head.status.as_u16(), body, reusable: connection.is_reusable() }))
}

fn next_chunk(connection: &mut Connection<Script>, whole: bool) -> Option<io::Result<Option<Bytes>>> {
    poll_fn(|cx| connection.poll_chunk(cx, whole)).now_or_never()
}

/// The answer of a server that says these pieces, and then nothing more.
fn answer_of<'p>(
    method: Method,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Option<Result<Answer, String>> {
    answer(&mut Connection::new(Script::says(pieces)), method)
}
