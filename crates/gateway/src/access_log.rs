//! The access log: a line on standard error for each request of a client.
//!
//! There may be tens of thousands in a second, so that lines are spelled by hand and written many at a time. They go the way of
//! no other line, and do not hang on its level.

use std::cell::Cell;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread::{self, Thread};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use federation::Gist;
use http::{Method, StatusCode};
use protocol::json::write_string;

use crate::config::LogFormat;

/// How long lines wait for others.
const TOGETHER: Duration = Duration::from_millis(100);

/// How long the end of the program waits for the last lines to be written.
const AT_THE_END: Duration = Duration::from_secs(1);

/// How long a line may be whose room is kept for the next one.
const LONGEST: usize = 4096;

/// How many bytes wait for a standard error that nobody reads. What is beyond is lost: a log that hangs must not stop the
/// gateway.
const MOST: usize = 4 << 20;

/// Where requests are noted. Cheap to clone.
#[derive(Clone)]
pub struct AccessLog(Arc<Inner>);

struct Inner {
    format: LogFormat,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    lost: u64,
    /// Who writes them, once there has been one.
    writer: Option<Thread>,
}

/// What is noted of a request.
pub struct Served<'a> {
    /// From where it came.
    pub peer: SocketAddr,
    /// Its method.
    pub method: &'a Method,
    /// Its path, without the query, which may hold secrets.
    pub path: &'a str,
    /// The status of the answer; 499 if the client left before there was one.
    pub status: StatusCode,
    /// How long it took until the answer began.
    pub took: Duration,
    /// What was found out about it.
    pub gist: &'a Gist,
}

impl AccessLog {
    /// A log whose lines have this form.
    pub fn new(format: LogFormat) -> Self {
        Self(Arc::new(Inner { format, state: Mutex::default() }))
    }

    /// Notes a request. Lines are in the order in which they came, which by moments may be another than that of their times.
    pub fn note(&self, served: &Served<'_>) {
        thread_local! {
            /// Room for a line.
            static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        // Spelled first: all threads meet at the lock.
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.clear();
        spell(served, self.0.format, &mut line);
        self.keep(&line);
        if line.capacity() <= LONGEST {
            // At the end of its thread there is no next line.
            let _ = LINE.try_with(|kept| kept.set(line));
        }
    }

    fn keep(&self, line: &[u8]) {
        let mut state = self.0.state();
        if state.lines.len() > MOST {
            state.lost += 1;
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        if was_empty {
            // Woken up once for many.
            match &state.writer {
                Some(writer) => writer.unpark(),
                None => state.writer = start(Arc::downgrade(&self.0)),
            }
        }
    }

    /// Writes what waits, at the end of the program. If nobody reads it, that is not waited for.
    pub fn flush(&self) {
        if self.0.state().writer.is_none() {
            return;
        }
        let (log, (done, written)) = (self.0.clone(), mpsc::channel());
        let write = move || {
            log.flush();
            // It may have taken too long.
            let _ = done.send(());
        };
        if thread::Builder::new().spawn(write).is_ok() {
            let _ = written.recv_timeout(AT_THE_END);
        }
    }
}

impl Inner {
    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits. Lines may be added meanwhile.
    fn flush(&self) {
        // Taken first, so that who waits for it at the end waits also for lines that are being written.
        let mut error = std::io::stderr().lock();
        let (mut lines, lost) = {
            let mut state = self.state();
            (std::mem::take(&mut state.lines), std::mem::take(&mut state.lost))
        };
        if lines.is_empty() {
            return;
        }
        // Nobody can be told that a log cannot be written.
        let _ = error.write_all(&lines);
        drop(error);
        if lost > 0 {
            tracing::warn!(lost, "standard error is not read fast enough; lines of the access log were lost");
        }
        // The room is used again.
        lines.clear();
        let mut state = self.state();
        if state.lines.is_empty() && lines.capacity() < MOST {
            state.lines = lines;
        }
    }
}

/// Starts the thread that writes, which ends with the log. Without one, lines wait for the end.
fn start(log: Weak<Inner>) -> Option<Thread> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of its own, without a runtime: standard error may block it"
    )]
    let write = move || {
        loop {
            thread::sleep(TOGETHER);
            let Some(log) = log.upgrade() else { return };
            log.flush();
            let is_idle = log.state().lines.is_empty();
            drop(log);
            if is_idle {
                // Woken up by the next line. The log may end meanwhile, which is looked for now and then.
                thread::park_timeout(TOGETHER * 50);
            }
        }
    };
    let spawned = thread::Builder::new().name("access-log".to_owned()).spawn(write);
    spawned.ok().map(|thread| thread.thread().clone())
}

/// As other lines are written: time, level, program, sentence, fields.
fn spell(served: &Served<'_>, format: LogFormat, out: &mut Vec<u8>) {
    match format {
        LogFormat::Text => {
            write_now(out);
            out.extend_from_slice(b" INFO agentgateway: request");
        }
        LogFormat::Json => {
            out.extend_from_slice(br#"{"timestamp":""#);
            write_now(out);
            out.extend_from_slice(br#"","level":"INFO","message":"request""#);
        }
    }
    write_fields(served, &mut Fields { out, format });
    if format == LogFormat::Json {
        out.extend_from_slice(br#","target":"agentgateway::access_log"}"#);
    }
    out.push(b'\n');
}

/// The name of a field with what stands around it, so that it is copied as one piece.
struct Name {
    text: &'static str,
    json: &'static str,
    /// The same before a text of which nothing has to be escaped.
    json_word: &'static str,
}

macro_rules! name {
    ($name:literal) => {
        Name {
            text: concat!(" ", $name, "="),
            json: concat!(",\"", $name, "\":"),
            json_word: concat!(",\"", $name, "\":\""),
        }
    };
}

fn write_fields(served: &Served<'_>, fields: &mut Fields<'_>) {
    let Served { peer, method, path, status, took, gist } = served;
    fields.word(&name!("src.addr"), |out| write_address(*peer, out));
    fields.word(&name!("http.method"), |out| out.extend_from_slice(method.as_str().as_bytes()));
    fields.text(&name!("http.path"), Some(path));
    fields.number(&name!("http.status"), |out| out.extend_from_slice(status.as_str().as_bytes()));
    let known = gist.known();
    fields.text(&name!("mcp.method.name"), known.method());
    fields.text(&name!("mcp.item"), known.item());
    fields.text(&name!("mcp.target"), known.target());
    drop(known);
    fields.number(&name!("duration_ms"), |out| write_millis(*took, out));
}

/// The fields of a line that is being written.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    format: LogFormat,
}

impl Fields<'_> {
    fn number(&mut self, name: &Name, write: impl FnOnce(&mut Vec<u8>)) {
        let name = if self.format == LogFormat::Json { name.json } else { name.text };
        self.out.extend_from_slice(name.as_bytes());
        write(self.out);
    }

    /// In which nothing has to be escaped.
    fn word(&mut self, name: &Name, write: impl FnOnce(&mut Vec<u8>)) {
        let (name, after) = match self.format {
            LogFormat::Json => (name.json_word, Some(b'"')),
            LogFormat::Text => (name.text, None),
        };
        self.out.extend_from_slice(name.as_bytes());
        write(self.out);
        self.out.extend(after);
    }

    /// Nothing, where nothing is known.
    fn text(&mut self, name: &Name, text: Option<&str>) {
        if let Some(text) = text {
            self.number(name, |out| write_string(text, out));
        }
    }
}

fn write_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number in so many digits, with zeros before it.
fn write_fraction(number: u32, digits: u32, out: &mut Vec<u8>) {
    out.extend((0..digits).rev().map(|place| b'0' + (number / 10_u32.pow(place) % 10) as u8));
}

fn write_millis(took: Duration, out: &mut Vec<u8>) {
    write_number(took.as_millis() as u64, out);
    out.push(b'.');
    write_fraction(took.subsec_micros() % 1000, 3, out);
}

fn write_address(address: SocketAddr, out: &mut Vec<u8>) {
    match address {
        SocketAddr::V4(address) => {
            for (index, octet) in address.ip().octets().into_iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"." });
                write_number(octet, out);
            }
            out.push(b':');
            write_number(address.port(), out);
        }
        // Writing to memory does not fail.
        SocketAddr::V6(_) => drop(write!(out, "{address}")),
    }
}

/// The time, as other lines have it: in UTC, to the microsecond.
fn write_now(out: &mut Vec<u8>) {
    /// How `2026-11-22T08:30:00` is spelled.
    type Spelled = [u8; 19];
    thread_local! {
        /// The second that was spelled last on this thread.
        static LAST: Cell<(u64, Spelled)> = const { Cell::new((u64::MAX, [b' '; 19])) };
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (last, mut spelled) = LAST.get();
    if last != since.as_secs() {
        let second = jiff::Timestamp::from_second(since.as_secs().cast_signed()).unwrap_or_default();
        spelled.iter_mut().zip(second.to_string().bytes()).for_each(|(to, from)| *to = from);
        LAST.set((since.as_secs(), spelled));
    }
    out.extend_from_slice(&spelled);
    out.push(b'.');
    write_fraction(since.subsec_micros(), 6, out);
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(gist: &Gist) -> Served<'_> {
        Served {
            peer: ([127, 0, 0, 1], 4711).into(),
            method: &Method::POST,
            path: "/mcp\"\n",
            status: StatusCode::OK,
            took: Duration::from_micros(1_023_456),
            gist,
        }
    }

    fn spelled(served: &Served<'_>, format: LogFormat) -> Vec<u8> {
        let mut line = Vec::new();
        spell(served, format, &mut line);
        line
    }

    #[test]
    fn a_line_is_one_line_whatever_a_path_holds() {
        let gist = Gist::default();
        let text = String::from_utf8(spelled(&served(&gist), LogFormat::Text)).expect("text");
        let (time, rest) = text.split_at(27);
        assert!(time.parse::<jiff::Timestamp>().is_ok_and(|time| time.as_second() > 1_700_000_000), "{time}");
        assert_eq!(
            rest,
            " INFO agentgateway: request src.addr=127.0.0.1:4711 http.method=POST http.path=\"/mcp\\\"\\n\" \
             http.status=200 duration_ms=1023.456\n"
        );
    }

    #[test]
    fn a_line_of_json_says_the_same() {
        let gist = Gist::default();
        let line = spelled(&served(&gist), LogFormat::Json);
        let mut json: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        assert!(json["timestamp"].take().is_string());
        let expected = serde_json::json!({
            "timestamp": null, "level": "INFO", "message": "request", "src.addr": "127.0.0.1:4711", "http.method": "POST",
            "http.path": "/mcp\"\n", "http.status": 200, "duration_ms": 1023.456, "target": "agentgateway::access_log",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn of_lines_that_nobody_reads_only_so_many_wait() {
        let log = AccessLog::new(LogFormat::Json);
        log.0.state().lines = vec![b' '; MOST + 1];
        log.note(&served(&Gist::default()));
        let mut state = log.0.state();
        assert_eq!((state.lines.len(), state.lost), (MOST + 1, 1));
        // It is not to be written.
        (state.lines, state.lost) = (Vec::new(), 0);
    }
}
