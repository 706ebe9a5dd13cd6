//! Sessions of legacy clients, as the API says them.

use federation::SessionStatus;
use protocol::Raw;
use serde::Serialize;
use serde_json::Value;

use super::shown::Shown;
use super::time;

/// A session.
#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    id: String,
    backend: String,
    client: Option<Value>,
    era: &'static str,
    protocol_version: Option<&'static str>,
    transport: &'static str,
    started_at: String,
    idle_since: Option<String>,
    running: usize,
    calls: u64,
    links: Vec<String>,
}

/// Every session, backend by backend.
pub(super) fn all(shown: &Shown) -> Vec<Session> {
    let of_backend = |(key, backend): (&str, &federation::Backend)| {
        let key = key.to_owned();
        backend.sessions().into_iter().map(move |session| Session::of(&key, session))
    };
    shown.backends().flat_map(of_backend).collect()
}

/// Ends a session. False if there is none under this handle.
pub(super) fn end(shown: &Shown, handle: &str) -> bool {
    let Some((backend, number)) = handle.rsplit_once('.') else { return false };
    let found = shown.backends().find(|(key, _)| slug(key) == backend);
    match (found, number.parse()) {
        (Some((_, backend)), Ok(number)) => backend.end_session(number),
        _ => false,
    }
}

/// What a session is called here. Its id is the client's secret, and not shown.
pub(super) fn handle(backend: &str, number: u64) -> String {
    format!("{}.{number}", slug(backend))
}

/// Who a client says it is.
pub(super) fn said_of_itself(info: Option<&Raw>) -> Option<Value> {
    info?.read().ok().filter(Value::is_object)
}

/// The key of a backend as one segment of a path. A `/` cannot occur in the names that keys are made of, so keys stay distinct
/// but for names that hold this very sign.
fn slug(key: &str) -> String {
    key.replace('/', "~")
}

impl Session {
    fn of(backend: &str, session: SessionStatus) -> Self {
        let SessionStatus { number, client, is_connection, began, idle, running, calls, links } = session;
        Self {
            id: handle(backend, number),
            backend: backend.to_owned(),
            client: client.as_ref().and_then(|(caller, _)| said_of_itself(caller.introduction())),
            era: "legacy",
            protocol_version: client.map(|(_, version)| version.as_str()),
            transport: if is_connection { "sse" } else { "streamable-http" },
            started_at: time(began),
            idle_since: idle.map(time),
            running,
            calls,
            links,
        }
    }
}
