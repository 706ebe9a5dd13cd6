//! The loop: lines in, lines out, in whichever era each line speaks.
//!
//! Tool calls run on threads of their own, so that a slow one can be cancelled and does not hold up the others;
//! everything else is answered at once, in order.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use protocol::error::{INTERNAL, INVALID_REQUEST};
use protocol::method::{self, notifications};
use protocol::{Era, Version, meta};
use serde_json::{Value, json};

use super::call::{Answer, Call, Fault, Level, Wire};
use super::envelope::{self, Message, Object, Request};

/// More tool calls than this at once are refused.
const MAX_CALLS: usize = 64;

/// How long a modern client may reuse what does not change while we run.
const TTL_MS: u64 = 3_600_000;

/// What makes one server different from another.
pub(super) trait Service: Sync {
    /// The name it gives itself.
    fn name(&self) -> &'static str;
    /// What it offers, as both eras write it.
    fn capabilities(&self) -> Value;
    /// What a model should know before it uses the tools.
    fn instructions(&self) -> &'static str;
    /// Answers everything that is not about the connection.
    fn answer(&self, call: &Call<'_>) -> Answer;
}

/// Serves until `input` ends. What was asked by then is still answered, but nothing waits any longer.
pub(super) fn serve(service: &dyn Service, input: impl BufRead, output: impl Write + Send) -> io::Result<()> {
    let shared = Shared { service, wire: Mutex::new(output), running: Mutex::default() };
    thread::scope(|scope| {
        let mut connection = Connection { shared: &shared, scope, version: None, level: None };
        let outcome = input.split(b'\n').try_for_each(|line| connection.line(&line?));
        shared.hurry();
        outcome
    })
}

/// What the threads of the calls need.
struct Shared<'a, W> {
    service: &'a dyn Service,
    wire: Mutex<W>,
    /// The running tool calls: the JSON of their ids, and how to stop them.
    running: Mutex<HashMap<String, Sender<()>>>,
}

/// The reading side.
struct Connection<'scope, 'env, W> {
    shared: &'scope Shared<'env, W>,
    scope: &'scope Scope<'scope, 'env>,
    /// What a legacy client has settled with us, if one said `initialize`. A modern client settles nothing.
    version: Option<Version>,
    /// The least important log message that a legacy client wants.
    level: Option<Level>,
}

// ---- Reading

impl<W: Write + Send> Connection<'_, '_, W> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match envelope::read(line) {
            Ok(Message::Batch(batch)) if self.version == Some(Version::V2025_03_26) => {
                batch.into_iter().try_for_each(|message| self.message(envelope::classify(message)))
            }
            message => self.message(message),
        }
    }

    fn message(&mut self, message: Result<Message, (Value, Fault)>) -> io::Result<()> {
        match message {
            Ok(Message::Request(request)) => self.request(request),
            Ok(Message::Notification { method, params }) => {
                self.notified(&method, &params);
                Ok(())
            }
            Ok(Message::Response) => Ok(()),
            Ok(Message::Batch(_)) => {
                let fault = Fault::new(INVALID_REQUEST, "batches exist only in revision 2025-03-26");
                self.shared.reply(&Value::Null, Err(fault))
            }
            Err((id, fault)) => self.shared.reply(&id, Err(fault)),
        }
    }

    fn notified(&self, method: &str, params: &Object) {
        if method == notifications::CANCELLED
            && let Some(id) = params.get("requestId")
        {
            self.shared.running().remove(&id.to_string());
        }
    }

    fn request(&mut self, Request { id, method, params }: Request) -> io::Result<()> {
        let terms = match envelope::terms(&params, self.level) {
            Ok(terms) => terms,
            Err(fault) => return self.shared.reply(&id, Err(fault)),
        };
        let (stop, cancelled) = channel();
        let wire = &self.shared.wire;
        let call = Call { era: terms.era, method, params, level: terms.level, wire, cancelled };
        let answer = match call.era {
            Era::Legacy if self.version.is_none() => self.greet(&call),
            _ if call.method == "tools/call" => return self.start(id, call, stop),
            Era::Legacy => self.legacy(&call),
            Era::Modern => self.modern(&call, &id),
        };
        self.shared.reply(&id, answer.map(|result| self.shared.finish(&call, result)))
    }
}

// ---- Answering about the connection

impl<'scope, W: Write + Send> Connection<'scope, '_, W> {
    /// Before the handshake there is little to talk about, unless each request brings its own terms.
    fn greet(&mut self, call: &Call<'_>) -> Answer {
        match call.method.as_str() {
            "initialize" => self.initialize(call),
            "ping" => Ok(json!({})),
            _ => Err(Fault::invalid_params(
                "say `initialize` first, or name the protocol revision in params._meta as 2026-07-28 does",
            )),
        }
    }

    fn legacy(&mut self, call: &Call<'_>) -> Answer {
        match call.method.as_str() {
            "initialize" => self.initialize(call),
            "ping" => Ok(json!({})),
            "logging/setLevel" if self.shared.service.capabilities().get("logging").is_some() => {
                self.level = Some(Level::read(call.params.get("level").unwrap_or(&Value::Null))?);
                Ok(json!({}))
            }
            _ => self.shared.answer(call),
        }
    }

    fn modern(&self, call: &Call<'_>, id: &Value) -> Answer {
        match call.method.as_str() {
            "server/discover" => Ok(json!({
                "supportedVersions": [Version::NEWEST_MODERN.as_str()],
                "capabilities": self.shared.service.capabilities(),
                "instructions": self.shared.service.instructions(),
            })),
            "subscriptions/listen" => {
                // Nothing here ever changes: no part of the filter is honoured, and the subscription ends at once.
                let about = json!({meta::SUBSCRIPTION_ID: id});
                let params = json!({"notifications": {}, "_meta": about});
                call.notify(notifications::ACKNOWLEDGED, params);
                Ok(json!({"_meta": about}))
            }
            _ => self.shared.answer(call),
        }
    }

    fn initialize(&mut self, call: &Call<'_>) -> Answer {
        let version = Version::negotiate(call.text("protocolVersion")?);
        self.version = Some(version);
        Ok(json!({
            "protocolVersion": version.as_str(),
            "capabilities": self.shared.service.capabilities(),
            "serverInfo": self.shared.info(),
            "instructions": self.shared.service.instructions(),
        }))
    }

    /// Runs a tool call on a thread of its own.
    fn start(&self, id: Value, call: Call<'scope>, stop: Sender<()>) -> io::Result<()> {
        let key = id.to_string();
        if let Err(fault) = self.shared.admit(&key, stop) {
            return self.shared.reply(&id, Err(fault));
        }
        let shared = self.shared;
        let run = move || {
            let answer = shared.answer(&call).map(|result| shared.finish(&call, result));
            if shared.still_wanted(&key, &call) {
                // A client that is gone is noticed where we read.
                let _ = shared.reply(&id, answer);
            }
        };
        thread::Builder::new().spawn_scoped(self.scope, run).map(drop)
    }
}

// ---- What both sides use

impl<W: Write + Send> Shared<'_, W> {
    fn answer(&self, call: &Call<'_>) -> Answer {
        if call.method.ends_with("/list") && call.params.contains_key("cursor") {
            return Err(Fault::invalid_params("every list has one page, so this cursor is not ours"));
        }
        self.service.answer(call)
    }

    /// Adds what a modern result has to say about itself.
    fn finish(&self, call: &Call<'_>, mut result: Value) -> Value {
        if call.era == Era::Modern {
            result["resultType"] = json!("complete");
            result["_meta"][meta::SERVER_INFO] = self.info();
            if method::find(&call.method).is_some_and(|method| method.cacheable) {
                result["ttlMs"] = json!(TTL_MS);
                result["cacheScope"] = json!("public");
            }
        }
        result
    }

    fn reply(&self, id: &Value, answer: Answer) -> io::Result<()> {
        let mut message = json!({"jsonrpc": "2.0", "id": id});
        match answer {
            Ok(result) => message["result"] = result,
            Err(Fault::Cancelled) => return Ok(()),
            Err(Fault::Error { code, message: text, data }) => {
                message["error"] = json!({"code": code, "message": text});
                if let Some(data) = data {
                    message["error"]["data"] = data;
                }
            }
        }
        self.wire.send(&message)
    }

    fn admit(&self, key: &str, stop: Sender<()>) -> Result<(), Fault> {
        let mut running = self.running();
        if running.contains_key(key) {
            return Err(Fault::new(INVALID_REQUEST, "a call with this id is still running"));
        }
        if running.len() >= MAX_CALLS {
            return Err(Fault::new(INTERNAL, format!("{MAX_CALLS} calls are running, which is the limit")));
        }
        running.insert(key.into(), stop);
        Ok(())
    }

    /// Takes a call that has ended off the list. One that was cancelled is off already, and its id may be in use
    /// again, so it is the call's own channel that knows.
    fn still_wanted(&self, key: &str, call: &Call<'_>) -> bool {
        let mut running = self.running();
        let wanted = call.cancelled.try_recv() != Err(TryRecvError::Disconnected);
        if wanted {
            running.remove(key);
        }
        wanted
    }

    /// Ends the waiting of every running call.
    fn hurry(&self) {
        for stop in self.running().values() {
            // A call that has just ended does not listen any more.
            let _ = stop.send(());
        }
    }

    fn info(&self) -> Value {
        json!({"name": self.service.name(), "version": env!("CARGO_PKG_VERSION")})
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Sender<()>>> {
        // The map is whole after each operation on it, so a panic elsewhere does not make it wrong.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
