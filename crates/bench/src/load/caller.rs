//! One client: its connection, its session, and what it does over and over.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::check::{self, Expected};
use super::voice::Voice;
use super::{Act, Endpoint, Job};
use crate::era::Era;
use crate::http::{Answer, Inbox};

/// How tools are called where they are called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// One of each target.
    pub(crate) echoes: Vec<String>,
    pub(crate) large: String,
    pub(crate) hang: String,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection, or what came over it.
    Broken(io::Error),
    /// The answer.
    Wrong(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Broken(error) => write!(f, "{error}"),
            Fault::Wrong(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Broken(error)
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Fault::Wrong(text)
    }
}

/// A connected client.
pub(crate) struct Caller {
    job: Arc<Job>,
    number: usize,
    line: Line,
    voice: Voice,
    last_id: u64,
    said: String,
}

impl Caller {
    /// Connects, and shakes hands where that is done once.
    pub(crate) async fn connect(job: &Arc<Job>, number: usize) -> Result<Self, Fault> {
        let line = Line::open(&job.to).await?;
        let voice = Voice::new(&job.to, job.era);
        let mut caller = Self { job: job.clone(), number, line, voice, last_id: 0, said: String::new() };
        if job.era == Era::Legacy && job.act != Act::Visit {
            caller.shake_hands().await?;
        }
        Ok(caller)
    }

    /// Does once what it is there for.
    pub(crate) async fn act(&mut self) -> Result<(), Fault> {
        match self.job.act {
            Act::Small => self.call(false).await,
            Act::Large => self.call(true).await,
            Act::List => self.list().await,
            Act::Visit => {
                self.shake_hands().await?;
                self.call(false).await?;
                self.end_session().await
            }
        }
    }

    /// Ends the session, if there is one that lasts.
    pub(crate) async fn leave(mut self) -> Result<(), Fault> {
        match self.job.era {
            Era::Legacy if self.job.act != Act::Visit => self.end_session().await,
            _ => Ok(()),
        }
    }

    /// How many connections the server has ended in good order since this was asked last.
    pub(crate) fn take_reconnects(&mut self) -> u64 {
        std::mem::take(&mut self.line.reconnects)
    }

    async fn shake_hands(&mut self) -> Result<(), Fault> {
        self.voice.leave();
        let id = self.next_id();
        self.voice.initialize(id);
        self.line.exchange(&self.voice).await?;
        self.expect_status(&[200])?;
        check::result(&self.message(id)?, id)?;
        self.voice.enter(self.line.inbox.head.session.as_deref());
        self.voice.initialized();
        self.line.exchange(&self.voice).await?;
        self.expect_status(&[202, 200, 204])
    }

    async fn end_session(&mut self) -> Result<(), Fault> {
        self.voice.delete();
        self.line.exchange(&self.voice).await?;
        self.voice.leave();
        // A server need not let clients end sessions.
        self.expect_status(&[200, 202, 204, 405])
    }

    /// Calls a tool of the first target.
    pub(crate) async fn call(&mut self, large: bool) -> Result<(), Fault> {
        self.call_at(0, large).await
    }

    /// Calls a tool of a target that repeats what is said to it, or the one whose answers are large.
    pub(crate) async fn call_at(&mut self, target: usize, large: bool) -> Result<(), Fault> {
        let id = self.next_id();
        self.said.clear();
        // Writing into a string does not fail.
        let _ = write!(self.said, "{}-{id}", self.number);
        let names = &self.job.names;
        let echo = names.echoes.get(target).map(String::as_str).unwrap_or_default();
        self.voice.call(id, if large { &names.large } else { echo }, &self.said);
        self.line.exchange(&self.voice).await?;
        self.expect_status(&[200])?;
        check::call(&self.message(id)?, &Expected { id, said: &self.said, large })?;
        Ok(())
    }

    /// Asks for a page of the list of tools, and gives the id under which the answer lies there.
    async fn ask_for_page(&mut self, cursor: Option<&str>) -> Result<u64, Fault> {
        let id = self.next_id();
        self.voice.list(id, cursor);
        self.line.exchange(&self.voice).await?;
        self.expect_status(&[200])?;
        Ok(id)
    }

    async fn list(&mut self) -> Result<(), Fault> {
        let mut tools = 0;
        let mut cursor: Option<String> = None;
        loop {
            let id = self.ask_for_page(cursor.as_deref()).await?;
            let (more, next) = check::page(&self.message(id)?, id)?;
            tools += more;
            if next.is_none() {
                break;
            }
            cursor = next;
        }
        match tools == self.job.tools {
            true => Ok(()),
            false => Err(Fault::Wrong(format!("the list has {tools} tools and not {}", self.job.tools))),
        }
    }

    /// Looks once through the whole list of tools: their names.
    pub(crate) async fn tools(&mut self) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let id = self.ask_for_page(cursor.as_deref()).await?;
            let result = check::result(&self.message(id)?, id)?;
            let tools = result["tools"].as_array().into_iter().flatten();
            names.extend(tools.filter_map(|tool| tool["name"].as_str()).map(str::to_owned));
            cursor = result["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(names);
            }
        }
    }

    /// Makes a call that is never answered, and leaves it open for as long as this value lives.
    pub(crate) async fn hang(&mut self) -> Result<(), Fault> {
        let id = self.next_id();
        self.voice.call(id, &self.job.names.hang, "for ever");
        Ok(self.line.socket.write_all(&self.voice.out).await?)
    }

    /// Sends a call but for its end: its head is complete, and its body is not.
    pub(crate) async fn break_off(&mut self) -> Result<(), Fault> {
        let id = self.next_id();
        self.voice.call(id, &self.job.names.hang, "most of it");
        let most = self.voice.out.len() - self.voice.out.len() / 8;
        Ok(self.line.socket.write_all(&self.voice.out[..most]).await?)
    }

    /// Begins another session on the same connection, and leaves the one before as it is.
    pub(crate) async fn another_session(&mut self) -> Result<(), Fault> {
        self.shake_hands().await
    }

    /// Opens the session's own stream. The connection is taken by it from now on.
    pub(crate) async fn listen(&mut self) -> Result<(), Fault> {
        use tokio::io::AsyncReadExt as _;
        self.voice.listen();
        self.line.socket.write_all(&self.voice.out).await?;
        let mut head = Vec::new();
        while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
            if self.line.socket.read_buf(&mut head).await? == 0 {
                return Err(Fault::Wrong("the stream ended before it began".into()));
            }
        }
        match head.starts_with(b"HTTP/1.1 200") {
            true => Ok(()),
            false => Err(Fault::Wrong(format!("no stream: {}", String::from_utf8_lossy(&head)))),
        }
    }

    /// An id that was never used before in this session.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn message(&self, id: u64) -> Result<std::borrow::Cow<'_, [u8]>, String> {
        check::response(&self.line.inbox.body, self.line.inbox.head.events, id)
    }

    fn expect_status(&self, expected: &[u16]) -> Result<(), Fault> {
        let Inbox { head: Answer { status, .. }, body, .. } = &self.line.inbox;
        if expected.contains(status) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
        Err(Fault::Wrong(format!("status {status}: {text}")))
    }
}

/// A connection that is opened again when the server said that it would end it.
struct Line {
    to: Endpoint,
    socket: TcpStream,
    inbox: Inbox<Answer>,
    reconnects: u64,
}

impl Line {
    async fn open(to: &Endpoint) -> io::Result<Self> {
        let inbox = Inbox::default();
        Ok(Self { to: to.clone(), socket: connect(to).await?, inbox, reconnects: 0 })
    }

    /// Sends a request and waits for the whole answer.
    async fn exchange(&mut self, voice: &Voice) -> io::Result<()> {
        if self.inbox.head.close {
            self.socket = connect(&self.to).await?;
            self.inbox = Inbox::default();
            self.reconnects += 1;
        }
        self.socket.write_all(&voice.out).await?;
        match self.inbox.next(&mut self.socket).await? {
            true => Ok(()),
            false => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended instead of an answer"))
            }
        }
    }
}

async fn connect(to: &Endpoint) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(to.address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}
