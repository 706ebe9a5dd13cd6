//! One case over one connection, and what is wrong with what came back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::case::Case;

/// How long an answer may take to begin, and to end if it is no stream. Lists and handshakes wait 10 s for targets, and a
/// machine may have much else to do.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a stream is listened to.
const LISTEN: Duration = Duration::from_millis(60);

/// What came back.
#[derive(Default)]
pub(super) struct Heard {
    /// None if the connection was closed, or left by us, without a head.
    pub(super) status: Option<u16>,
    pub(super) session: Option<String>,
    /// Ids of events.
    pub(super) events: Vec<String>,
}

/// Sends a case and reads what comes back. What is wrong with it is the error.
pub(super) async fn exchange(case: &Case, to: SocketAddr) -> Result<Heard, String> {
    let mut socket = timeout(PATIENCE, TcpStream::connect(to))
        .await
        .map_err(|_| "the gateway takes no connection".to_owned())?
        .map_err(|error| format!("the gateway refuses a connection: {error}"))?;
    for (index, piece) in case.pieces.iter().enumerate() {
        if index > 0 {
            sleep(Duration::from_millis(2)).await;
        }
        // It may answer and close before it has read everything.
        match timeout(PATIENCE, socket.write_all(piece)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => return Err("the gateway does not read the request".into()),
        }
    }
    // Half of a request is answered when its deadline is over, which nobody waits for here.
    let deadline = Instant::now() + if case.whole { PATIENCE } else { LISTEN };
    let mut read = Vec::new();
    let Some(head) = head(&mut socket, &mut read, deadline).await else {
        let hangs = case.whole && Instant::now() >= deadline;
        return if hangs { Err("no answer in time".into()) } else { Ok(Heard::default()) };
    };
    let mut heard = Heard { status: head.status, session: head.value("mcp-session-id"), ..Heard::default() };
    match heard.status {
        Some(status @ (500 | 501 | 502 | 504..)) => {
            return Err(format!("the status {status}: {}", lossy(&read)));
        }
        Some(100..) => {}
        other => return Err(format!("the status {other:?}: {}", lossy(&read))),
    }
    let kind = head.value("content-type").unwrap_or_default();
    if kind == "text/event-stream" {
        read_until(&mut socket, &mut read, Instant::now() + LISTEN, None).await;
        let ids = String::from_utf8_lossy(&read).into_owned();
        heard.events = ids.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect();
    } else if !case.head_only && case.whole {
        let length = head.value("content-length").and_then(|length| length.parse().ok());
        if !read_until(&mut socket, &mut read, deadline, length).await {
            return Err(format!("an answer without an end: {}", lossy(&read)));
        }
        let read = &read[..length.unwrap_or(read.len()).min(read.len())];
        let complete = length.is_some_and(|length| length == read.len());
        if kind == "application/json" && complete && serde_json::from_slice::<Lenient<'_>>(read).is_err() {
            return Err(format!("an answer that is no JSON: {}", lossy(read)));
        }
    }
    Ok(heard)
}

/// JSON of any depth and with numbers of any size.
type Lenient<'a> = &'a serde_json::value::RawValue;

struct Head {
    status: Option<u16>,
    text: String,
}

impl Head {
    fn value(&self, name: &str) -> Option<String> {
        let mut lines = self.text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

/// The head of the answer; what came of the body stays in `read`.
async fn head(socket: &mut TcpStream, read: &mut Vec<u8>, deadline: Instant) -> Option<Head> {
    loop {
        while let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            let text = String::from_utf8_lossy(read).into_owned();
            *read = rest;
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            if status != Some(100) {
                return Some(Head { status, text });
            }
        }
        let n = timeout_at(deadline, socket.read_buf(read)).await;
        if !matches!(n, Ok(Ok(1..))) {
            return None;
        }
    }
}

/// Reads on; whether there is nothing more to read.
async fn read_until(
    socket: &mut TcpStream,
    read: &mut Vec<u8>,
    deadline: Instant,
    length: Option<usize>,
) -> bool {
    while length.is_none_or(|length| read.len() < length) {
        match timeout_at(deadline, socket.read_buf(read)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return true,
            Err(_) => return false,
        }
    }
    true
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned()
}
