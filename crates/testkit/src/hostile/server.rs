//! What the connections of one hostile server share, and the messages that
//! every server has to answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::tools;
use crate::fixture::{Era, MODERN};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// What a transport is to send.
#[derive(Debug)]
pub(crate) enum Said {
    /// A message, framed as the transport frames them.
    Message(String),
    /// These bytes and nothing around them.
    Raw(Bytes),
}

/// The way out of a connection or a call. Saying waits for its reader.
pub(crate) type Voice = mpsc::Sender<Said>;

/// How many messages wait for the reader.
pub(crate) const QUEUE: usize = 64;

/// Says a message. False if nobody is there any more.
pub(crate) async fn say(voice: &Voice, message: &Value) -> bool {
    voice.send(Said::Message(message.to_string())).await.is_ok()
}

/// One hostile server.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) modern: bool,
    sessions: Mutex<HashSet<String>>,
    outside: Mutex<Vec<Outside>>,
}

/// A stream for what belongs to no call.
#[derive(Clone)]
struct Outside {
    voice: Voice,
    /// The listen request that opened it, in the modern era.
    listen: Option<Value>,
}

impl Server {
    pub(crate) fn new(name: &str, era: Era) -> Arc<Self> {
        let (sessions, outside) = (Mutex::default(), Mutex::default());
        Arc::new(Self { name: name.to_owned(), modern: era == Era::Modern, sessions, outside })
    }

    /// Answers a request that is no call of a tool.
    pub(crate) fn answer(&self, method: &str) -> Value {
        let list_changed = json!({ "listChanged": true });
        let capabilities = match self.modern {
            true => json!({ "tools": list_changed }),
            false => json!({ "tools": list_changed, "logging": {} }),
        };
        let info = json!({ "name": self.name, "version": "1" });
        let mut result = match method {
            "initialize" if !self.modern => {
                json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info })
            }
            "server/discover" if self.modern => {
                json!({ "supportedVersions": [MODERN], "capabilities": capabilities })
            }
            "tools/list" => json!({ "tools": tools::describe() }),
            "ping" | "logging/setLevel" if !self.modern => json!({}),
            _ => return json!({ "error": { "code": -32601, "message": "Method not found" } }),
        };
        if self.modern {
            result = self.complete(result);
            result["ttlMs"] = json!(60_000);
            result["cacheScope"] = json!("private");
        }
        json!({ "result": result })
    }

    /// Adds what every modern result carries.
    pub(crate) fn complete(&self, mut result: Value) -> Value {
        if self.modern {
            result["resultType"] = json!("complete");
            let info = json!({ "name": self.name, "version": "1" });
            result["_meta"]["io.modelcontextprotocol/serverInfo"] = info;
        }
        result
    }

    /// Takes a stream for what belongs to no call, until its reader is gone.
    pub(crate) fn open(&self, voice: Voice, listen: Option<Value>) {
        let mut outside = lock(&self.outside);
        outside.retain(|open| !open.voice.is_closed());
        outside.push(Outside { voice, listen });
    }

    /// Says a notification wherever somebody listens outside of calls, as fast
    /// as the slowest of them reads.
    pub(crate) async fn tell(&self, method: &str, params: &Value) {
        let all = lock(&self.outside).clone();
        for open in all {
            let mut params = params.clone();
            if let Some(listen) = &open.listen {
                params["_meta"] = json!({ SUBSCRIPTION: listen });
            }
            let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            say(&open.voice, &message).await;
        }
    }

    /// The acknowledgement of a listen request.
    pub(crate) fn acknowledged(id: &Value, params: &Value) -> Value {
        let wanted = json!({ "notifications": params["notifications"], "_meta": { SUBSCRIPTION: id } });
        json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": wanted })
    }

    pub(crate) fn add_session(&self, id: &str) {
        lock(&self.sessions).insert(id.to_owned());
    }

    pub(crate) fn knows(&self, session: &str) -> bool {
        lock(&self.sessions).contains(session)
    }

    /// Ends one session, or forgets all of them.
    pub(crate) fn forget(&self, session: Option<&str>) {
        match session {
            Some(session) => drop(lock(&self.sessions).remove(session)),
            None => lock(&self.sessions).clear(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
