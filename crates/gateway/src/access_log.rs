//! The access log: a line on standard error for each request of a client.
//!
//! There may be tens of thousands in a second, so that lines are spelled by hand and written many at a time. They go the way of
//! no other line, and do not hang on its level.

use std::fmt::{self, Arguments, Display, Formatter};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread::{self, Thread};
use std::time::Duration;

use federation::Gist;
use http::{Method, StatusCode};
use protocol::json::write_string;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use crate::config::LogFormat;

/// How long lines wait for others.
const TOGETHER: Duration = Duration::from_millis(100);

/// How long the end of the program waits for the last lines to be written.
const AT_THE_END: Duration = Duration::from_secs(1);

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

    /// Notes a request.
    pub fn note(&self, served: &Served<'_>) {
        let mut state = self.0.state();
        if state.lines.len() > MOST {
            state.lost += 1;
            return;
        }
        let was_empty = state.lines.is_empty();
        match self.0.format {
            LogFormat::Text => write_text(served, &mut state.lines),
            LogFormat::Json => write_json(served, &mut state.lines),
        }
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
fn write_text(served: &Served<'_>, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(out, "{Now} INFO agentgateway: request");
    each_field(served, |name, value| {
        let _ = write!(out, " {name}=");
        match value {
            Value::Number(value) | Value::Plain(value) => drop(out.write_fmt(value)),
            Value::Quoted(text) => write_string(text, out),
        }
    });
    out.push(b'\n');
}

fn write_json(served: &Served<'_>, out: &mut Vec<u8>) {
    let _ = write!(out, r#"{{"timestamp":"{Now}","level":"INFO","message":"request""#);
    each_field(served, |name, value| {
        let _ = write!(out, r#","{name}":"#);
        match value {
            Value::Number(value) => drop(out.write_fmt(value)),
            Value::Plain(value) => drop(write!(out, r#""{value}""#)),
            Value::Quoted(text) => write_string(text, out),
        }
    });
    out.extend_from_slice(b",\"target\":\"agentgateway::access_log\"}\n");
}

/// How a field is written.
enum Value<'a> {
    Number(Arguments<'a>),
    /// A word in which nothing has to be escaped.
    Plain(Arguments<'a>),
    Quoted(&'a str),
}

fn each_field(served: &Served<'_>, mut write: impl FnMut(&str, Value<'_>)) {
    let Served { peer, method, path, status, took, gist } = served;
    write("src.addr", Value::Plain(format_args!("{peer}")));
    write("http.method", Value::Plain(format_args!("{method}")));
    write("http.path", Value::Quoted(path));
    write("http.status", Value::Number(format_args!("{}", status.as_u16())));
    let known =
        [("mcp.method.name", gist.method()), ("mcp.item", gist.item()), ("mcp.target", gist.target())];
    for (name, value) in known {
        value.into_iter().for_each(|value| write(name, Value::Quoted(value)));
    }
    let micros = took.as_micros();
    write("duration_ms", Value::Number(format_args!("{}.{:03}", micros / 1000, micros % 1000)));
}

/// The time, as other lines have it.
struct Now;

impl Display for Now {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        SystemTime.format_time(&mut Writer::new(f))
    }
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

    #[test]
    fn a_line_is_one_line_whatever_a_path_holds() {
        let gist = Gist::default();
        let mut text = Vec::new();
        write_text(&served(&gist), &mut text);
        let text = String::from_utf8(text).expect("text");
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
        let mut json = Vec::new();
        write_json(&served(&gist), &mut json);
        let mut json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
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
