//! The server over Streamable HTTP.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::Settings;
use super::answers::{Answers, Outcome};
use super::message::Message;
use crate::era::Era;
use crate::http::{Broken, Framed, Framing, Head, Inbox, MOST_HEADERS};

const SESSION: &str = "mcp-session-id";

/// What all connections share.
struct Server {
    answers: Answers,
    era: Era,
    sse: bool,
    sessions: Mutex<HashSet<u64>>,
    next_session: AtomicU64,
}

impl Server {
    fn begin(&self) -> u64 {
        // Well spread, so that ids look like those of other servers.
        let id = self.next_session.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        id
    }

    fn knows(&self, id: u64) -> bool {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    fn end(&self, id: u64) -> bool {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

/// Serves for good, and prints the address as soon as there is one.
pub(crate) async fn serve(settings: Settings) -> io::Result<()> {
    let server = Arc::new(Server {
        answers: Answers::new(&settings),
        era: settings.era,
        sse: settings.sse,
        sessions: Mutex::default(),
        next_session: AtomicU64::new(1),
    });
    let listener = TcpListener::bind(settings.listen).await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let others: Vec<_> = (1..settings.threads).map(|_| thread(&server)).collect::<io::Result<_>>()?;
    for turn in 0_usize.. {
        let (socket, _) = listener.accept().await?;
        match turn % settings.threads.max(1) {
            0 => drop(tokio::spawn(connection(server.clone(), socket))),
            other => drop(others[other - 1].send(socket.into_std()?)),
        }
    }
    Ok(())
}

/// Another thread that serves the connections that it is given.
fn thread(server: &Arc<Server>) -> io::Result<mpsc::UnboundedSender<std::net::TcpStream>> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let server = server.clone();
    std::thread::Builder::new().spawn(move || {
        runtime.block_on(async {
            while let Some(socket) = receiver.recv().await {
                if let Ok(socket) = TcpStream::from_std(socket) {
                    tokio::spawn(connection(server.clone(), socket));
                }
            }
        });
    })?;
    Ok(sender)
}

async fn connection(server: Arc<Server>, mut socket: TcpStream) {
    let _ = socket.set_nodelay(true);
    let mut inbox = Inbox::<Request>::default();
    let (mut out, mut body) = (Vec::new(), Vec::new());
    // A client that goes away is no error here: whoever misses its answer will say so.
    while let Ok(true) = inbox.next(&mut socket).await {
        out.clear();
        body.clear();
        if answer(&server, &inbox, &mut body, &mut out) == Outcome::Never {
            // Until the client gives up.
            let _ = socket.read_u8().await;
            return;
        }
        if socket.write_all(&out).await.is_err() {
            return;
        }
    }
}

/// Writes the whole answer to a request.
fn answer(server: &Server, inbox: &Inbox<Request>, body: &mut Vec<u8>, out: &mut Vec<u8>) -> Outcome {
    let head = &inbox.head;
    let (status, session, outcome) = match head.verb {
        Verb::Post => post(server, head, &inbox.body, body),
        Verb::Delete if server.era == Era::Legacy => {
            (if head.session.is_some_and(|id| server.end(id)) { 200 } else { 404 }, None, Outcome::Nothing)
        }
        Verb::Delete | Verb::Other => (405, None, Outcome::Nothing),
    };
    if outcome == Outcome::Never {
        return outcome;
    }
    let answered = matches!(outcome, Outcome::Response | Outcome::Begun);
    write_head(out, status, session, server.sse && answered, body.len());
    if server.sse && answered {
        let _ = write!(out, "{:x}\r\nevent: message\ndata: ", body.len() + EVENT.len());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\n\n\r\n0\r\n\r\n");
    } else {
        out.extend_from_slice(body);
    }
    outcome
}

/// What stands around the message of an event.
const EVENT: &str = "event: message\ndata: \n\n";

fn post(server: &Server, head: &Request, content: &[u8], body: &mut Vec<u8>) -> (u16, Option<u64>, Outcome) {
    let refused = |body: &mut Vec<u8>, status| {
        Answers::invalid(body);
        (status, None, Outcome::Refusal(status))
    };
    let Some(message) = Message::read(content) else { return refused(body, 400) };
    match server.era {
        // A request is what its headers say it is (spec 2026-07-28, basic/transports "Streamable HTTP").
        Era::Modern if message.id.is_some() => {
            let named = message.method != "tools/call" || head.name == message.params.name.as_bytes();
            let version = server.era.version().as_bytes();
            if head.method != message.method.as_bytes() || !named || head.version != version {
                return refused(body, 400);
            }
        }
        Era::Modern => {}
        Era::Legacy if message.method == "initialize" => {}
        Era::Legacy => match head.session {
            None => return refused(body, 400),
            Some(id) if !server.knows(id) => return refused(body, 404),
            Some(_) => {}
        },
    }
    let outcome = server.answers.answer(&message, body);
    match outcome {
        Outcome::Response | Outcome::Never => (200, None, outcome),
        Outcome::Refusal(status) => (status, None, outcome),
        Outcome::Begun => (200, Some(server.begin()), outcome),
        Outcome::Nothing => (202, None, outcome),
    }
}

fn write_head(out: &mut Vec<u8>, status: u16, session: Option<u64>, events: bool, length: usize) {
    let reason = match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        404 => "Not Found",
        _ => "Method Not Allowed",
    };
    // Writing into a vector does not fail.
    let _ = write!(out, "HTTP/1.1 {status} {reason}\r\n");
    if let Some(session) = session {
        let _ = write!(out, "{SESSION}: {session:016x}\r\n");
    }
    let _ = if events {
        write!(
            out,
            "content-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
        )
    } else if length > 0 {
        write!(out, "content-type: application/json\r\ncontent-length: {length}\r\n\r\n")
    } else {
        write!(out, "content-length: 0\r\n\r\n")
    };
}

#[derive(Clone, Copy, Debug, Default)]
enum Verb {
    Post,
    Delete,
    #[default]
    Other,
}

/// The head of a request. Its buffers are used again for the next one.
#[derive(Debug, Default)]
struct Request {
    verb: Verb,
    session: Option<u64>,
    version: Vec<u8>,
    method: Vec<u8>,
    name: Vec<u8>,
}

impl Head for Request {
    fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, Framing)>, Broken> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(Broken(format!("that is no HTTP request: {error}"))),
        };
        self.verb = match parsed.method {
            Some("POST") => Verb::Post,
            Some("DELETE") => Verb::Delete,
            _ => Verb::Other,
        };
        self.session = None;
        for kept in [&mut self.version, &mut self.method, &mut self.name] {
            kept.clear();
        }
        let mut framed = Framed::default();
        for header in parsed.headers.iter() {
            framed.note(header.name, header.value)?;
            let kept = match header.name {
                name if name.eq_ignore_ascii_case("mcp-method") => &mut self.method,
                name if name.eq_ignore_ascii_case("mcp-name") => &mut self.name,
                name if name.eq_ignore_ascii_case("mcp-protocol-version") => &mut self.version,
                name if name.eq_ignore_ascii_case(SESSION) => {
                    let text = std::str::from_utf8(header.value).unwrap_or_default();
                    // An id that is none of ours belongs to no session.
                    self.session = Some(u64::from_str_radix(text, 16).unwrap_or(0));
                    continue;
                }
                _ => continue,
            };
            kept.extend_from_slice(header.value);
        }
        Ok(Some((length, framed.framing(Framing::Length(0)))))
    }
}
