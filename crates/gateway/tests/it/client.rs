//! The gateway as a process of its own, a raw HTTP client for it, and a target that says exactly what a test wants.
//!
//! Shares no code with the gateway, so that the two cannot be wrong in the same way.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long a test may take before it counts as stuck. It is never waited for.
pub(crate) const STUCK: Duration = Duration::from_secs(30);
/// The pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(15);

/// The program under test.
pub(crate) const EXE: &str = env!("CARGO_BIN_EXE_agentgateway");
/// The revision of the modern era.
pub(crate) const MODERN: &str = "2026-07-28";

/// The result of a future that has to complete soon.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(STUCK, future).await.expect("it is stuck")
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            sleep(LOOK).await;
        }
    };
    timeout(STUCK, looking).await.unwrap_or_else(|_| panic!("this never came about: {what}"))
}

/// A port that nobody uses at the moment.
pub(crate) async fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The address of a port of this machine.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

// === Configurations. JSON is YAML as well. ===

/// A target that is one of the program's own servers.
pub(crate) fn builtin(name: &str) -> Value {
    stdio(name, EXE, &["builtin", name])
}

/// A target that is a program.
pub(crate) fn stdio(name: &str, cmd: &str, args: &[&str]) -> Value {
    json!({ "name": name, "stdio": { "cmd": cmd, "args": args } })
}

/// A target that is a line of shell.
pub(crate) fn shell(name: &str, line: &str) -> Value {
    stdio(name, "sh", &["-c", line])
}

/// A target at a URL.
pub(crate) fn remote(name: &str, url: &str) -> Value {
    json!({ "name": name, "mcp": { "host": url } })
}

/// One backend with these targets, on a port of the system's choice.
pub(crate) fn serving(targets: Vec<Value>) -> Value {
    with_bind(json!({ "port": 0, "listeners": [listener(vec![backend(targets)])] }))
}

/// A configuration with this bind, an admin interface, and room for tests to change things.
pub(crate) fn with_bind(bind: Value) -> Value {
    let config = json!({
        "adminAddr": "127.0.0.1:0", "statsAddr": "127.0.0.1:0", "readinessAddr": "127.0.0.1:0", "logging": {},
    });
    json!({ "config": config, "binds": [bind] })
}

/// A listener for this machine, with one route.
pub(crate) fn listener(backends: Vec<Value>) -> Value {
    json!({ "address": "127.0.0.1", "routes": [{ "backends": backends }] })
}

/// A backend with these targets.
pub(crate) fn backend(targets: Vec<Value>) -> Value {
    json!({ "mcp": { "targets": targets } })
}

// === The program ===

/// What a process wrote so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<String>>);

impl Written {
    fn follow(&self, pipe: impl Read + Send + 'static) {
        let all = self.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&String::from_utf8_lossy(&line));
                all.push('\n');
            }
        });
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running gateway. It is killed when it is dropped; its children leave when their input ends.
pub(crate) struct Gateway {
    child: Child,
    log: Written,
    out: Written,
}

impl Gateway {
    /// Starts the program with a configuration and waits until it serves.
    pub(crate) async fn start(config: &Value) -> Self {
        Self::run(&["-c", &config.to_string()]).await
    }

    /// Starts the program with these arguments and waits until it serves.
    pub(crate) async fn run(args: &[&str]) -> Self {
        Self::fed(args, "").await
    }

    /// The same, with something on its standard input.
    pub(crate) async fn fed(args: &[&str], input: &str) -> Self {
        Self::spawn(args, input).serving().await
    }

    /// Starts the program by another one, which becomes it, and waits until it serves.
    pub(crate) async fn started(command: Command) -> Self {
        Self::of(command, "").serving().await
    }

    /// The same, in a folder.
    pub(crate) async fn run_in(folder: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(EXE);
        command.current_dir(folder).args(args);
        Self::of(command, "").serving().await
    }

    /// Starts the program with a configuration and an environment variable, and waits until it serves.
    pub(crate) async fn with_variable(config: &Value, name: &str, value: &std::ffi::OsStr) -> Self {
        let mut command = Command::new(EXE);
        command.args(["-c", &config.to_string()]).env(name, value);
        Self::of(command, "").serving().await
    }

    /// Runs a command that is the program or becomes it, and waits until it serves.
    pub(crate) async fn of_command(command: Command) -> Self {
        Self::of(command, "").serving().await
    }

    /// Starts the program with these arguments.
    pub(crate) fn spawn(args: &[&str], input: &str) -> Self {
        let mut command = Command::new(EXE);
        command.args(args);
        Self::of(command, input)
    }

    async fn serving(self) -> Self {
        self.logged("Listening on ").await;
        self
    }

    fn of(mut command: Command, input: &str) -> Self {
        command.env_remove("RUST_LOG");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let (log, out) = (Written::default(), Written::default());
        log.follow(child.stderr.take().expect("standard error"));
        out.follow(child.stdout.take().expect("standard output"));
        // A program that does not read its input may be gone already.
        let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        Self { child, log, out }
    }

    /// Everything that was logged.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until a line with this text was logged, and returns it.
    pub(crate) async fn logged(&self, text: &str) -> String {
        let looking = async {
            loop {
                if let Some(line) = self.log().lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                sleep(LOOK).await;
            }
        };
        timeout(STUCK, looking).await.unwrap_or_else(|_| panic!("no line with {text:?} in\n{}", self.log()))
    }

    /// Everything that was printed on standard output.
    pub(crate) fn out(&self) -> String {
        self.out.text()
    }

    /// The addresses it listens on, in the order in which it began to.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let log = self.log();
        let listening = log.lines().filter_map(|line| line.split_once("Listening on "));
        listening.map(|(_, address)| address.trim().parse().expect("an address")).collect()
    }

    /// The first address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        *self.addresses().first().expect("an address")
    }

    /// The address of the admin interface.
    pub(crate) async fn admin(&self) -> SocketAddr {
        let line = self.logged("Admin UI available at http://").await;
        let (_, rest) = line.split_once("http://").expect("a URL");
        rest.split('/').next().and_then(|host| host.parse().ok()).expect("an address")
    }

    /// What the admin interface shows.
    pub(crate) async fn status(&self) -> Value {
        Ask::get("/api/status").send(self.admin().await).await.json().await
    }

    /// What the admin interface shows of a target of the first backend.
    pub(crate) async fn target(&self, name: &str) -> Option<Value> {
        target_in(&self.status().await, name)
    }

    /// Waits until a target is ready, and returns the process id of its child.
    pub(crate) async fn ready(&self, name: &str) -> u32 {
        let ready = async || {
            let target = self.target(name).await.filter(|target| target["state"] == "ready")?;
            Some(pid_of(&target).unwrap_or_default())
        };
        eventually(&format!("target {name} is ready"), ready).await
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Waits for the end of the program.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the end of the program", async || child.try_wait().expect("a child")).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A target in what the admin interface shows.
pub(crate) fn target_in(status: &Value, name: &str) -> Option<Value> {
    let backends = status["backends"].as_array()?;
    let mut targets = backends.iter().filter_map(|backend| backend["targets"].as_array()).flatten();
    targets.find(|target| target["name"] == name).cloned()
}

/// The process id of a target's one child.
pub(crate) fn pid_of(target: &Value) -> Option<u32> {
    target["processes"][0].as_u64().and_then(|pid| pid.try_into().ok())
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().expect("`kill`");
    assert!(sent.success(), "{pid} could not be sent SIG{name}");
}

/// Whether there is a process, other than one that only waits to be reaped.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// How a run of the program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end.
pub(crate) async fn run(args: &[&str], input: &str) -> Ended {
    let mut program = Gateway::spawn(args, input);
    let code = program.ended().await.code();
    // The readers are threads: the last lines may be a moment behind the exit.
    let mut before = None;
    let settled = async || {
        let now = (program.out.text(), program.log.text());
        let same = before.replace(now.clone()) == Some(now.clone());
        let done = same && Arc::strong_count(&program.out.0) == 1 && Arc::strong_count(&program.log.0) == 1;
        done.then_some(now)
    };
    let (out, err) = eventually("the end of the output", settled).await;
    Ended { code, out, err }
}

// === Requests ===

/// A request to the gateway.
#[derive(Clone)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: String,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: String::new() }
    }

    /// A GET.
    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// The GET of the stream of a session.
    pub(crate) fn stream(session: &str) -> Self {
        Self::get("/mcp").with("accept", "text/event-stream").with("mcp-session-id", session)
    }

    /// A POST of a message to `/mcp`, with the headers that every client sends.
    pub(crate) fn post(body: impl ToString) -> Self {
        let ask = Self { body: body.to_string(), ..Self::new(Method::POST, "/mcp") };
        ask.with("content-type", "application/json").with("accept", "application/json, text/event-stream")
    }

    /// A modern request, with its envelope and the headers that mirror it.
    pub(crate) fn modern(method: &str, params: Value) -> Self {
        Self::modern_as(1, method, enveloped(params))
    }

    /// The same with an id, and params that have their envelope.
    pub(crate) fn modern_as(id: impl Into<Value>, method: &str, params: Value) -> Self {
        let ask = Self::post(request(id, method, params.clone()));
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str);
        let ask = ask.with("mcp-protocol-version", MODERN).with("mcp-method", method);
        match name {
            Some(name) => ask.with("mcp-name", name),
            None => ask,
        }
    }

    /// Another path.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// Another body.
    pub(crate) fn saying(mut self, body: impl ToString) -> Self {
        self.body = body.to_string();
        self
    }

    /// Sets a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("the name of a header");
        self.headers.insert(name, HeaderValue::try_from(value).expect("the value of a header"));
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends it over a connection of its own and waits for the head of the response.
    pub(crate) async fn send(self, to: SocketAddr) -> Reply {
        self.try_send(to).await.unwrap_or_else(|error| panic!("no response from {to}: {error}"))
    }

    /// The same, for gateways that may not be there.
    pub(crate) async fn try_send(self, to: SocketAddr) -> Result<Reply, String> {
        let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
        self.send_over(stream, to).await
    }

    /// The same, over a connection that is open.
    pub(crate) async fn send_over<S>(self, stream: S, to: SocketAddr) -> Result<Reply, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let request = self.into_request(to);
        let (mut sender, connection) =
            soon(http1::handshake(TokioIo::new(stream))).await.map_err(|error| error.to_string())?;
        let connection = Connection(tokio::spawn(async move {
            // What goes wrong is seen where the response is read.
            let _ = connection.await;
        }));
        let response = soon(sender.send_request(request)).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let events = Events { body, buffer: Vec::new(), _connection: connection };
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, events })
    }
}

impl Ask {
    /// The request as it goes over the connection to a host.
    pub(crate) fn into_request(self, to: SocketAddr) -> Request<Full<Bytes>> {
        let Self { method, path, headers, body } = self;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        *request.headers_mut() = headers;
        let host = HeaderValue::try_from(to.to_string()).expect("a host");
        request.headers_mut().entry("host").or_insert(host);
        request
    }
}

/// A connection, closed when it is dropped.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response whose body is still to be read. Dropping it closes the connection.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    events: Events,
}

impl Reply {
    /// A header's value, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The whole body.
    pub(crate) async fn text(self) -> String {
        let body = soon(self.events.body.collect()).await.expect("a whole body").to_bytes();
        String::from_utf8(body.into()).expect("UTF-8")
    }

    /// The whole body as JSON.
    pub(crate) async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }

    /// The body as events.
    pub(crate) fn events(self) -> Events {
        assert_eq!(self.header("content-type"), "text/event-stream", "status {}", self.status);
        self.events
    }

    /// The last message of the body, which is the response: of an event stream, or all there is.
    pub(crate) async fn answer(self) -> Value {
        if self.header("content-type") != "text/event-stream" {
            return self.json().await;
        }
        self.events().last().await
    }

    /// Status, JSON-RPC code and message of an error.
    pub(crate) async fn refusal(self) -> (u16, i64, String) {
        let status = self.status;
        let body = self.json().await;
        let error = &body["error"];
        (
            status,
            error["code"].as_i64().unwrap_or_default(),
            error["message"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

/// A stream of server-sent events. Dropping it closes the connection.
pub(crate) struct Events {
    body: Incoming,
    buffer: Vec<u8>,
    _connection: Connection,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) retry: String,
    pub(crate) data: String,
}

impl Event {
    /// Its data as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error} in {:?}", self.data))
    }
}

impl Events {
    /// The next event; none if the stream has ended as it should. Panics if the connection broke. Comments that keep the
    /// stream alive are none, and neither is what only opens it.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if !event.data.is_empty() {
                return Some(event);
            }
        }
    }

    /// The same, with what only opens the stream.
    pub(crate) async fn any(&mut self) -> Option<Event> {
        soon(self.wait()).await
    }

    async fn wait(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).expect("UTF-8");
                let field = |name: &str| {
                    let values =
                        block.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim_start);
                    values.collect::<Vec<_>>().join("\n")
                };
                let event = Event {
                    name: field("event:"),
                    id: field("id:"),
                    retry: field("retry:"),
                    data: field("data:"),
                };
                if event.data.is_empty() && event.id.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let frame = self.body.frame().await?.expect("an unbroken stream");
            self.buffer.extend_from_slice(frame.data_ref().map(|data| &data[..]).unwrap_or_default());
        }
    }

    /// Reads on to the end, which has to be a proper one, and returns the last message.
    pub(crate) async fn last(&mut self) -> Value {
        let mut last = Value::Null;
        while let Some(event) = self.next().await {
            last = event.json();
        }
        last
    }

    /// Reads on until a message of this method comes.
    pub(crate) async fn until(&mut self, method: &str) -> Value {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {method}"));
            if event.json()["method"] == method {
                return event.json();
            }
        }
    }
}

// === Messages ===

/// A request.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A notification.
pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// Params with the envelope of a modern request, from a client that can do nothing.
pub(crate) fn enveloped(params: Value) -> Value {
    declaring(params, json!({}))
}

/// The same from a client that can do this.
pub(crate) fn declaring(mut params: Value, capabilities: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "raw", "version": "1" });
    params
}

/// The handshake's request.
pub(crate) fn initialize(version: &str) -> Value {
    initialize_with(version, &json!({}))
}

/// The same from a client that can do this.
pub(crate) fn initialize_with(version: &str, capabilities: &Value) -> Value {
    let info = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": info });
    request(0, "initialize", params)
}

/// A legacy session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) address: SocketAddr,
    pub(crate) id: String,
    pub(crate) version: String,
}

impl Session {
    /// Shakes hands at the newest legacy revision.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::at_version(address, "2025-11-25").await
    }

    /// Shakes hands at a revision.
    pub(crate) async fn at_version(address: SocketAddr, version: &str) -> Self {
        Self::declaring(address, version, &json!({})).await
    }

    /// The same for a client that can do this.
    pub(crate) async fn declaring(address: SocketAddr, version: &str, capabilities: &Value) -> Self {
        let reply = Ask::post(initialize_with(version, capabilities)).send(address).await;
        assert_eq!(reply.status, 200);
        let id = reply.header("mcp-session-id").to_owned();
        let answer = reply.json().await;
        let version = answer["result"]["protocolVersion"].as_str().expect("a version").to_owned();
        let session = Self { address, id, version };
        let noted = session.post(notification("notifications/initialized", json!({}))).await;
        assert_eq!(noted.status, 202);
        session
    }

    /// A POST in the session.
    pub(crate) fn ask(&self, body: impl ToString) -> Ask {
        Ask::post(body).with("mcp-session-id", &self.id).with("mcp-protocol-version", &self.version)
    }

    /// POSTs in the session.
    pub(crate) async fn post(&self, body: impl ToString) -> Reply {
        self.ask(body).send(self.address).await
    }

    /// Calls a method under an id of its own and returns the response.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        static IDS: AtomicU64 = AtomicU64::new(1000);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        let answer = self.post(request(id, method, params)).await.answer().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool and returns the response.
    pub(crate) async fn tool(&self, name: &str, arguments: Value) -> Value {
        self.call("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// The names of the tools.
    pub(crate) async fn tools(&self) -> Vec<String> {
        names(&self.call("tools/list", json!({})).await)
    }

    /// Ends the session.
    pub(crate) async fn end(&self) {
        let end = Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &self.id);
        assert_eq!(end.send(self.address).await.status, 204);
    }

    /// Opens the stream.
    pub(crate) async fn stream(&self) -> Events {
        let reply = Ask::stream(&self.id).send(self.address).await;
        assert_eq!(reply.status, 200);
        reply.events()
    }
}

/// The names of the tools in the response to `tools/list`.
pub(crate) fn names(answer: &Value) -> Vec<String> {
    let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools in {answer}"));
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

/// The text of a tool's result.
pub(crate) fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

// === A scripted target ===

/// A legacy MCP server over HTTP, with one tool `scripted`, that answers to the letter.
pub(crate) struct Scripted {
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Scripted {
    /// Starts it. Every call of its tool is answered with this result.
    pub(crate) async fn start(result: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let script = Arc::new((result.to_owned(), heard.clone()));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = script.clone();
                let service = service_fn(move |request| answer(script.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, heard, serving }
    }

    /// The bodies of the tool calls that came in.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    script: Arc<(String, Arc<Mutex<Vec<String>>>)>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (result, heard) = &*script;
    let respond = |status: u16, body: String| {
        let response = Response::builder().status(status).header("content-type", "application/json");
        Ok(response.body(Full::new(Bytes::from(body))).expect("a response"))
    };
    if request.method() != Method::POST {
        return respond(405, String::new());
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let message: HashMap<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    let Some(id) = message.get("id") else {
        return respond(202, String::new());
    };
    let result = match message.get("method").and_then(Value::as_str).unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "scripted", "version": "1" },
        })
        .to_string(),
        "tools/list" => {
            json!({ "tools": [{ "name": "scripted", "inputSchema": { "type": "object" } }] }).to_string()
        }
        "tools/call" => {
            let call = String::from_utf8_lossy(&body).into_owned();
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            result.clone()
        }
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return respond(200, json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
        }
    };
    respond(200, format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"))
}
