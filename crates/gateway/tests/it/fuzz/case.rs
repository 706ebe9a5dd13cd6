//! One connection's worth of bytes: a request that is right, odd, unfinished or none at all.

use serde_json::{Value, json};

use super::dice::Dice;
use super::message;
use super::spoil::{odd, spoiled};

/// What is sent over one connection, and what may be expected then.
pub(super) struct Case {
    /// Sent one after the other, with a moment between them.
    pub(super) pieces: Vec<Vec<u8>>,
    /// Whether the request is as long as it says, so that there has to be an answer.
    pub(super) whole: bool,
    /// Whether the answer has no body, whatever its head says.
    pub(super) head_only: bool,
}

/// What a case may refer to.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) host: &'a str,
    pub(super) sessions: &'a [String],
    pub(super) events: &'a [String],
}

const METHODS: &[&str] =
    &["GET", "GET", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH", "post", "BREW", "CONNECT", "TRACE"];
const PATHS: &[&str] = &[
    "/mcp",
    "/",
    "/sse",
    "/sse?sessionId=",
    "/sse?sessionId=x&sessionId=y",
    "/mcp?x=%00",
    "//",
    "/mcp/../api",
    "/%ff%fe",
    "*",
    "http://evil.example/mcp",
    "/mcp#x",
    "/a;b=c",
    "?",
    "/.well-known/oauth-protected-resource",
];
const ADMIN_PATHS: &[&str] = &[
    "/",
    "/ui/",
    "/ui/app.js",
    "/ui/../../etc/passwd",
    "/ui/%2e%2e/x",
    "/api/status",
    "/api/status?origin=http://a",
    "/api/status?origin=%ff",
    "/api/sessions",
    "/api/sessions/1",
    "/api/sessions/99999999999999999999",
    "/api/sessions/%00",
    "/api/catalog",
    "/api/catalog?backend=x",
    "/api/calls",
    "/api/calls/1",
    "/api/calls/-1",
    "/api/backends/x/targets/y/restart",
    "/api/log-level",
    "/api/config/effective",
    "/api/health/live",
    "/api/health/ready",
    "/api/config",
    "/api/config/schema",
    "/api/config/target",
    "/api/config/target?backend=x&target=y",
    "/api/config/check",
    "/api/config/edit",
    "/api/events",
    "/api/nothing",
];
const TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/jsonx",
    "",
    "multipart/form-data; boundary=x",
];
const ACCEPTS: &[&str] = &[
    "application/json, text/event-stream",
    "*/*",
    "text/event-stream",
    "text/html",
    ";;q=,",
    "application/*;q=0",
];
const VERSIONS: &[&str] =
    &["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "1900-01-01", "", "x"];
const ORIGINS: &[&str] = &[
    "null",
    "http://evil.example",
    "https://app.example",
    "http://localhost",
    "http://[::1",
    "file://",
    "http://127.0.0.1:99999",
];
const HOSTS: &[&str] =
    &["evil.example", "localhost", "", "127.0.0.1:0", "[::1]:3000", "a b", "127.0.0.1, evil.example"];

/// What about a request may be wrong. Where everything is, nothing comes further than the first check.
#[derive(Clone, Copy)]
struct Wrong {
    body: bool,
    head: bool,
    framing: bool,
}

impl Wrong {
    fn any(dice: &mut Dice) -> Self {
        let one = dice.below(8);
        let all = one == 0;
        Self { body: all || one <= 3, head: all || one == 4, framing: all || one == 5 }
    }
}

/// A request to the port for clients.
pub(super) fn mcp(dice: &mut Dice, known: Known<'_>) -> Case {
    let wrong = Wrong::any(dice);
    let (message, version) = message::any(dice);
    let body = if wrong.body { wrong_body(dice, &message) } else { message.to_string().into_bytes() };
    let method = if wrong.head && dice.one_in(3) { dice.pick(METHODS) } else { "POST" };
    let method = if dice.one_in(12) { dice.pick(&["GET", "GET", "DELETE"]) } else { method };
    let path = if wrong.head && dice.one_in(3) { dice.pick(PATHS) } else { "/mcp" };
    let mut headers =
        vec![("content-type", usual(dice, wrong, TYPES)), ("accept", usual(dice, wrong, ACCEPTS))];
    let session = session(dice, known);
    if version != "2026-07-28" || (wrong.head && dice.one_in(8)) {
        let opens = message["method"] == "initialize";
        headers.extend(session.filter(|_| !opens).map(|session| ("mcp-session-id", session.to_owned())));
    } else {
        let name = message["params"]["name"].as_str().or(message["params"]["uri"].as_str());
        headers.push(("mcp-method", message["method"].as_str().unwrap_or("x").to_owned()));
        headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
    }
    match wrong.head && dice.one_in(4) {
        true => headers.push(("mcp-protocol-version", dice.pick(VERSIONS).to_owned())),
        // The session knows which of the legacy revisions it has.
        false if version == "2026-07-28" => headers.push(("mcp-protocol-version", version.to_owned())),
        false => {}
    }
    if method == "GET" && dice.one_in(2) {
        headers.push(("last-event-id", event(dice, known)));
    }
    assemble(dice, wrong, known.host, (method, path), headers, body)
}

fn wrong_body(dice: &mut Dice, message: &Value) -> Vec<u8> {
    match dice.below(12) {
        0 | 1 => {
            let batch = json!([message, message::any(dice).0, odd(dice)]);
            spoiled(dice, &batch)
        }
        2 => odd(dice).to_string().into_bytes(),
        3 if dice.one_in(8) => vec![b'['; 200_000],
        3 => Vec::new(),
        _ => spoiled(dice, message),
    }
}

/// A request to the admin port. None of them saves a configuration that could come into force: the gateway has no file.
pub(super) fn admin(dice: &mut Dice, known: Known<'_>) -> Case {
    let wrong = Wrong::any(dice);
    let text = "mcp: {targets: [{name: a, stdio: {cmd: b}}]}";
    let bodies = [
        json!({ "text": text }),
        json!({ "text": text, "version": "x" }),
        json!({ "text": text, "edit": { "kind": "removeTarget", "target": "a" } }),
        json!({ "level": "info" }),
        json!({}),
    ];
    let body = match dice.below(3) {
        0 => Vec::new(),
        _ => {
            let body = &bodies[dice.below(bodies.len())];
            spoiled(dice, body)
        }
    };
    let method = dice.pick(&["GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]);
    let path = dice.pick(ADMIN_PATHS);
    let mut headers = vec![("content-type", usual(dice, wrong, TYPES))];
    if dice.one_in(4) {
        headers.push(("sec-fetch-site", dice.pick(&["cross-site", "same-origin", "none", "x"]).to_owned()));
    }
    if dice.one_in(6) {
        headers.push(("authorization", dice.pick(&["Bearer x", "Basic !!!", "", "Bearer"]).to_owned()));
    }
    assemble(dice, wrong, known.host, (method, path), headers, body)
}

/// The usual value, which stands first, or any other.
fn usual(dice: &mut Dice, wrong: Wrong, values: &[&str]) -> String {
    if wrong.head && dice.one_in(4) { dice.pick(values).to_owned() } else { values[0].to_owned() }
}

fn session(dice: &mut Dice, known: Known<'_>) -> Option<String> {
    match dice.below(10) {
        0 => None,
        1 => Some("x".repeat([1, 22, 4000][dice.below(3)])),
        _ => known.sessions.get(dice.below(known.sessions.len())).cloned(),
    }
}

fn event(dice: &mut Dice, known: Known<'_>) -> String {
    let odd = [
        "0-0",
        "1-0",
        "0-18446744073709551615",
        "99999999999999999999-1",
        "-",
        "1-",
        "x",
        "",
        "1-1-1",
        "-1-1",
    ];
    let seen = known.events.get(dice.below(known.events.len()));
    seen.filter(|_| dice.below(2) == 0).cloned().unwrap_or_else(|| dice.pick(&odd).to_owned())
}

/// Puts a request into bytes, in one of many ways.
fn assemble(
    dice: &mut Dice,
    wrong: Wrong,
    host: &str,
    (method, path): (&str, &str),
    mut headers: Vec<(&str, String)>,
    body: Vec<u8>,
) -> Case {
    headers.push((
        "host",
        if wrong.head && dice.one_in(8) { dice.pick(HOSTS).to_owned() } else { host.to_owned() },
    ));
    if wrong.head && dice.one_in(5) {
        headers.push(("origin", dice.pick(ORIGINS).to_owned()));
        headers.push(("access-control-request-method", "POST".into()));
    }
    let mut hidden = false;
    match dice.below(if wrong.head { 16 } else { 0 }) {
        0 if wrong.head => drop((!headers.is_empty()).then(|| headers.remove(dice.below(headers.len())))),
        1 => headers.push(headers[dice.below(headers.len())].clone()),
        2 => headers.push(("mcp-param-x", "=?base64?!!?=".into())),
        3 => headers.push(("mcp-name", "\u{e9}".into())),
        4 => headers.push(("x", "y".repeat([5000, 70_000][dice.below(2)]))),
        5 => headers.extend((0..150).map(|_| ("mcp-param-y", "1".to_owned()))),
        6 => headers.push(("expect", dice.pick(&["100-continue", "200-ok"]).to_owned())),
        7 => headers.push(("content-encoding", "gzip".into())),
        8 => headers.push(("upgrade", dice.pick(&["h2c", "websocket"]).to_owned())),
        9 => headers.push(("x\r\nmcp-session-id", "smuggled".into())),
        10 => {
            hidden = true;
            headers.push((
                "transfer-encoding",
                dice.pick(&["gzip", "chunked, gzip", "chunked,chunked"]).to_owned(),
            ));
        }
        _ => {}
    }
    let version = if dice.one_in(30) {
        dice.pick(&["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 "])
    } else {
        "HTTP/1.1"
    };
    let mut head = format!("{method} {path} {version}\r\n");
    headers.push(("connection", "close".into()));
    for (name, value) in &headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let framed = framed(dice, wrong, head, body);
    Case { whole: framed.1 && !hidden, head_only: method == "HEAD", pieces: cut(dice, wrong, framed.0) }
}

/// The request with its body, and whether it is all there.
fn framed(dice: &mut Dice, wrong: Wrong, mut head: String, body: Vec<u8>) -> (Vec<u8>, bool) {
    match dice.below(12) {
        0 | 1 => {
            head.push_str("transfer-encoding: chunked\r\n\r\n");
            let mut bytes = head.into_bytes();
            let size = 1 + dice.below(body.len() + 10);
            for chunk in body.chunks(size) {
                bytes.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            let ends: [(&[u8], bool); 4] = [
                (b"0\r\n\r\n", true),
                (b"0\r\nx-trailer: y\r\n\r\n", true),
                (b"ffffffffffffffffff\r\n", false),
                (b"", false),
            ];
            let (end, whole) = ends[dice.below(if wrong.framing { 4 } else { 2 })];
            bytes.extend_from_slice(end);
            (bytes, whole)
        }
        kind => {
            let lengths = ["-1", "x", "18446744073709551616", "99999999", ""];
            let (length, whole) = match kind {
                2..=4 if wrong.framing => (dice.pick(&lengths).to_owned(), false),
                5 | 6 if wrong.framing => ((body.len() + 10).to_string(), false),
                7 | 8 if wrong.framing => ((body.len() / 2).to_string(), true),
                _ => (body.len().to_string(), true),
            };
            head.push_str(&format!("content-length: {length}\r\n\r\n"));
            let mut bytes = head.into_bytes();
            bytes.extend_from_slice(&body);
            (bytes, whole)
        }
    }
}

/// The bytes in one or several pieces, some of them scratched beyond recognition.
fn cut(dice: &mut Dice, wrong: Wrong, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if wrong.framing && dice.one_in(10) {
        bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &bytes].concat();
    }
    match dice.below(8) {
        0 => bytes.chunks(1 + bytes.len() / 3).map(<[u8]>::to_vec).collect(),
        1 => {
            let at = dice.below(bytes.len().min(300));
            vec![bytes[..at].to_vec(), bytes[at..].to_vec()]
        }
        _ => vec![bytes],
    }
}

/// Bytes that are no request.
pub(super) fn noise(dice: &mut Dice) -> Case {
    let bytes: Vec<u8> = (0..dice.below(400)).map(|_| dice.number().to_le_bytes()[0]).collect();
    let starts: [&[u8]; 5] = [
        b"",
        b"GET ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"POST /mcp HTTP/1.1\r\n",
    ];
    Case { pieces: vec![[starts[dice.below(5)], &bytes].concat()], whole: false, head_only: false }
}
