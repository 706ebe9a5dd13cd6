//! What a client says: requests as bytes, written into the same buffer again and again.

use std::io::Write as _;

use super::Endpoint;
use crate::era::Era;
use crate::text::TAIL;

const CLIENT: &str = r#"{"name":"bench","version":"1.0.0"}"#;
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}"#;

/// The requests of one client.
pub(super) struct Voice {
    era: Era,
    path: String,
    /// The headers of every request.
    usual: String,
    /// Those of a session.
    session: String,
    params: String,
    body: Vec<u8>,
    /// The whole request that was written last.
    pub(super) out: Vec<u8>,
}

impl Voice {
    pub(super) fn new(to: &Endpoint, era: Era) -> Self {
        let mut usual = format!(
            "host: {}\r\nuser-agent: bench/1.0\r\naccept: application/json, text/event-stream\r\n",
            to.address
        );
        for (name, value) in &to.headers {
            usual.push_str(&format!("{name}: {value}\r\n"));
        }
        let path = to.path.clone();
        let (session, params) = (String::new(), String::new());
        Self { era, path, usual, session, params, body: Vec::new(), out: Vec::new() }
    }

    /// From now on everything is said in this session.
    pub(super) fn enter(&mut self, session: Option<&str>) {
        self.session = format!("mcp-protocol-version: {}\r\n", self.era.version());
        if let Some(id) = session {
            self.session.push_str(&format!("mcp-session-id: {id}\r\n"));
        }
    }

    /// From now on nothing is said in a session.
    pub(super) fn leave(&mut self) {
        self.session.clear();
    }

    pub(super) fn initialize(&mut self, id: u64) {
        let version = self.era.version();
        self.params = format!(r#""protocolVersion":"{version}","capabilities":{{}},"clientInfo":{CLIENT}"#);
        self.request(id, "initialize", None);
    }

    pub(super) fn initialized(&mut self) {
        self.body.clear();
        self.body.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self.post("notifications/initialized", None);
    }

    pub(super) fn list(&mut self, id: u64, cursor: Option<&str>) {
        self.params = match cursor {
            Some(cursor) => format!(r#""cursor":{}"#, serde_json::Value::from(cursor)),
            None => String::new(),
        };
        self.request(id, "tools/list", None);
    }

    /// A call with an argument that begins with these words.
    pub(super) fn call(&mut self, id: u64, tool: &str, said: &str) {
        self.params.clear();
        for part in [r#""name":""#, tool, r#"","arguments":{"text":""#, said, TAIL, r#""}"#] {
            self.params.push_str(part);
        }
        self.request(id, "tools/call", Some(tool));
    }

    pub(super) fn delete(&mut self) {
        self.head("DELETE");
        self.out.extend_from_slice(b"\r\n");
    }

    pub(super) fn listen(&mut self) {
        self.head("GET");
        self.out.extend_from_slice(b"\r\n");
    }

    /// A request with the parameters that were put down.
    fn request(&mut self, id: u64, method: &str, name: Option<&str>) {
        self.body.clear();
        // Writing into a vector does not fail.
        let _ = write!(self.body, r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"#);
        self.body.extend_from_slice(self.params.as_bytes());
        if self.era == Era::Modern {
            if !self.params.is_empty() {
                self.body.push(b',');
            }
            self.body.extend_from_slice(META.as_bytes());
        }
        self.body.extend_from_slice(b"}}");
        self.post(method, name);
    }

    fn post(&mut self, method: &str, name: Option<&str>) {
        self.head("POST");
        if self.era == Era::Modern {
            let version = self.era.version();
            let _ = write!(self.out, "mcp-protocol-version: {version}\r\nmcp-method: {method}\r\n");
            if let Some(name) = name {
                let _ = write!(self.out, "mcp-name: {name}\r\n");
            }
        }
        let length = self.body.len();
        let _ = write!(self.out, "content-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        self.out.extend_from_slice(&self.body);
    }

    fn head(&mut self, verb: &str) {
        self.out.clear();
        for part in [verb, " ", &self.path, " HTTP/1.1\r\n", &self.usual, &self.session] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }
}
