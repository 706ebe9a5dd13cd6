//! Hostile targets on sockets of their own. One speaks HTTP, in raw bytes, because a library would not let it lie about
//! lengths; one speaks lines, for a child that does nothing but to carry them to its own standard output.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::script::{Era, lines};
use crate::client::{remote, shell};
use crate::fuzz::dice::Dice;

/// How a target is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    Child,
}

/// What all hostile targets of a run have in common.
pub(super) struct Mood {
    hostile: AtomicBool,
    seed: AtomicU64,
}

impl Mood {
    pub(super) fn hostile(seed: u64) -> Arc<Self> {
        Arc::new(Self { hostile: AtomicBool::new(true), seed: AtomicU64::new(seed) })
    }

    /// From now on all are as good as any.
    pub(super) fn improve(&self) {
        self.hostile.store(false, Ordering::Relaxed);
    }

    /// How one message is met. Most handshakes pass, because there is more to be spoiled behind them.
    fn meet(&self, message: &Value) -> (Dice, bool) {
        let mut dice = Dice::new(self.seed.fetch_add(1, Ordering::Relaxed));
        let method = message["method"].as_str().unwrap_or_default();
        let opening = ["server/discover", "initialize", "notifications/initialized"].contains(&method);
        let hostile = self.hostile.load(Ordering::Relaxed) && (!opening || dice.one_in(8));
        (dice, hostile)
    }

    /// How far the seeds have come.
    pub(super) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }
}

/// A running target. It ends when this is dropped.
pub(super) struct Target {
    pub(super) name: &'static str,
    way: Way,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Target {
    pub(super) async fn start(name: &'static str, way: Way, era: Era, mood: &Arc<Mood>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut serving = JoinSet::new();
        let mood = mood.clone();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let mood = mood.clone();
                open.spawn(async move {
                    // The gateway may close at any time.
                    let _ = match way {
                        Way::Http => http(socket, era, &mood).await,
                        Way::Child => piped(socket, era, &mood).await,
                    };
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self { name, way, address, _serving: serving }
    }

    /// The target in a configuration.
    pub(super) fn configured(&self) -> Value {
        match self.way {
            Way::Http => remote(self.name, &format!("http://{}/mcp", self.address)),
            Way::Child => {
                let open = format!("exec 3<>/dev/tcp/{}/{}", self.address.ip(), self.address.port());
                let mut target = shell(self.name, &format!("{open}; cat <&3 & exec cat >&3"));
                target["stdio"]["cmd"] = json!("bash");
                target
            }
        }
    }
}

async fn piped(socket: TcpStream, era: Era, mood: &Mood) -> std::io::Result<()> {
    let (read, mut write) = socket.into_split();
    let mut asked = BufReader::new(read).lines();
    while let Some(line) = asked.next_line().await? {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let (mut dice, hostile) = mood.meet(&message);
        for line in lines(&mut dice, era, &message, hostile) {
            // A line end in the middle of a message makes two of it.
            write.write_all(&line).await?;
            write.write_all(if hostile && dice.one_in(30) { b"\r" } else { b"\n" }).await?;
        }
        if hostile {
            match dice.below(60) {
                0 => return Ok(()),
                1 => write.write_all(&b"noise ".repeat(20_000)).await?,
                2 => write.write_all(b"\n\n \n\xff\xfe\n\0\n").await?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// A request as far as it matters here.
struct Asked {
    post: bool,
    message: Value,
}

async fn http(socket: TcpStream, era: Era, mood: &Mood) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    while let Some(asked) = asked(&mut socket).await? {
        let (mut dice, hostile) = mood.meet(&asked.message);
        let said = lines(&mut dice, era, &asked.message, hostile);
        if hostile {
            if !badly(&mut dice, &mut socket, &asked, &said).await? {
                return Ok(());
            }
            continue;
        }
        let (status, kind, body) = match (asked.post, said.first()) {
            (true, Some(answer)) => ("200 OK", "application/json", answer.clone()),
            (true, None) => ("202 Accepted", "text/plain", Vec::new()),
            (false, _) => ("405 Method Not Allowed", "text/plain", Vec::new()),
        };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
    Ok(())
}

async fn asked(socket: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let (mut post, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        post.get_or_insert_with(|| line.starts_with("POST "));
        if let Some((_, value)) =
            line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case("content-length"))
        {
            length = value.parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok(Some(Asked {
        post: post.unwrap_or_default(),
        message: serde_json::from_slice(&body).unwrap_or_default(),
    }))
}

const STATUSES: &[&str] = &[
    "200 OK",
    "202 Accepted",
    "204 No Content",
    "206 Partial",
    "301 Moved",
    "400 Bad Request",
    "401 Unauthorized",
    "404 Not Found",
    "405 No",
    "429 Slow Down",
    "500 Oops",
    "503 Later",
    "599 \u{e9}",
    "999 x",
    "100 Continue",
    "101 Switching Protocols",
    "-1",
    "",
];
const KINDS: &[&str] = &[
    "application/json",
    "text/event-stream",
    "text/html",
    "application/octet-stream",
    "",
    "text/event-stream; charset=latin1",
    "\u{e9}",
];

/// Answers in one of many ways; whether the connection is of further use.
async fn badly(
    dice: &mut Dice,
    socket: &mut BufReader<TcpStream>,
    asked: &Asked,
    said: &[Vec<u8>],
) -> std::io::Result<bool> {
    let events = said.len() != 1 || dice.one_in(2) || !asked.post;
    let body = if events { events_of(dice, said) } else { said.concat() };
    let usual = if !asked.post && dice.one_in(2) { "405 No" } else { "200 OK" };
    let status = if dice.one_in(10) { dice.pick(STATUSES) } else { usual };
    let kind = if dice.one_in(12) {
        dice.pick(KINDS)
    } else if events {
        "text/event-stream"
    } else {
        "application/json"
    };
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n");
    match dice.below(30) {
        0 => head.push_str("mcp-session-id: \u{e9}\r\n"),
        1 => head.push_str(&format!("mcp-session-id: {}\r\n", "s".repeat(9000))),
        2..=6 => head.push_str("mcp-session-id: s\r\n"),
        7 => head.push_str("location: http://127.0.0.1:1/\r\nset-cookie: a=b\r\n"),
        8 => head.push_str("content-encoding: gzip\r\n"),
        9 => head.push_str("mcp-protocol-version: 1\r\nwww-authenticate: Bearer realm=\"x\r\n"),
        10 => head.push_str("no colon here\r\n"),
        11 => {
            // Headers without an end.
            socket.write_all(head.as_bytes()).await?;
            for _ in 0..20_000 {
                socket.write_all(b"x-more: and more and more and more and more\r\n").await?;
            }
            return Ok(false);
        }
        _ => {}
    }
    match dice.below(12) {
        0 => {
            // More is announced than comes.
            socket.write_all(format!("{head}content-length: {}\r\n\r\n", body.len() + 10).as_bytes()).await?;
            socket.write_all(&body).await?;
            return Ok(false);
        }
        1 => {
            // An end in the middle of a chunk.
            socket
                .write_all(
                    format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len() + 1).as_bytes(),
                )
                .await?;
            socket.write_all(&body).await?;
            return Ok(false);
        }
        2 => {
            socket.write_all(format!("{head}\r\n").as_bytes()).await?;
            socket.write_all(&body).await?;
            return Ok(false);
        }
        3 => {
            // Half, a pause, and the other half.
            let (one, other) = body.split_at(body.len() / 2);
            socket.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await?;
            for part in [one, other].into_iter().filter(|part| !part.is_empty()) {
                socket
                    .write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
                    .await?;
                sleep(Duration::from_millis(20)).await;
            }
            socket.write_all(b"0\r\n\r\n").await?;
        }
        4 if dice.one_in(3) => return Ok(false),
        _ => {
            let head = format!("{head}content-length: {}\r\n\r\n", body.len());
            socket.write_all(&[head.as_bytes(), &body].concat()).await?;
        }
    }
    Ok(true)
}

/// The messages as events, among others that mean nothing.
fn events_of(dice: &mut Dice, said: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in said {
        let end: &[u8] = if dice.one_in(10) { b"\r" } else { b"\n" };
        match dice.below(10) {
            0 => out.extend_from_slice(b": a comment\nretry: 0\nid: \0\n"),
            1 => out.extend_from_slice(b"event: nothing\ndata: {}\n\n"),
            2 => out.extend_from_slice(b"retry: 99999999999999999999\n"),
            3 => out.extend_from_slice(b"id: 7\n"),
            4 => out.extend_from_slice("data\u{feff}: x\n".as_bytes()),
            _ => {}
        }
        for line in message.split(|byte| *byte == b'\n') {
            out.extend_from_slice(&[b"data: ", line, end].concat());
        }
        out.extend_from_slice(end);
    }
    if dice.one_in(8) {
        out.truncate(dice.below(out.len()));
    }
    out
}
