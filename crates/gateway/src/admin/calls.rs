//! Recent calls, as the API says them.

use bytes::Bytes;
use federation::{Ending, Entry, Kept};
use protocol::Object;
use serde::Serialize;
use serde_json::Value;

use super::{millis, sessions, time};

/// A call without its bodies.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    id: u64,
    at: String,
    client: Option<Value>,
    era: &'static str,
    session: Option<String>,
    backend: String,
    method: &'static str,
    item: Option<String>,
    target: Option<String>,
    outcome: &'static str,
    code: Option<i64>,
    message: Option<String>,
    duration_ms: f64,
    request_bytes: usize,
    response_bytes: usize,
}

/// A call with as much of its bodies as is kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    #[serde(flatten)]
    summary: Summary,
    params: Option<String>,
    params_cut: bool,
    response: Option<String>,
    response_cut: bool,
}

impl Summary {
    pub(super) fn of(entry: &Entry) -> Self {
        let (outcome, code, message) = match &entry.ending {
            Ending::Done => ("ok", None, None),
            Ending::ToolFailed => ("toolError", None, None),
            Ending::Failed { code, message } => ("error", Some(*code), Some(message.clone())),
            Ending::InputRequired => ("inputRequired", None, None),
            Ending::Cancelled => ("cancelled", None, None),
        };
        Self {
            id: entry.number,
            at: time(entry.at),
            client: sessions::said_of_itself(entry.client.as_ref()),
            era: entry.era.as_str(),
            session: entry.session.map(|number| sessions::handle(&entry.backend, number)),
            backend: entry.backend.to_string(),
            method: entry.method,
            item: entry.item().map(str::to_owned),
            target: entry.target().map(str::to_owned),
            outcome,
            code,
            message,
            duration_ms: millis(entry.duration),
            request_bytes: entry.request,
            response_bytes: entry.response,
        }
    }
}

impl Detail {
    pub(super) fn of(entry: &Entry) -> Self {
        let (params, response) = (entry.params(), entry.answer());
        let cut = |kept: Option<Kept<'_>>| kept.is_some_and(|kept| kept.cut);
        Self {
            summary: Summary::of(entry),
            params: params.map(|kept| text(kept.text)),
            params_cut: cut(params),
            response: response.map(|kept| answer(kept.text)),
            response_cut: cut(response),
        }
    }
}

/// The result or the error of the message, which is what differs from one call to the next; a message that was cut stays as
/// it is.
fn answer(message: &[u8]) -> String {
    let inside = || {
        let message = Object::parse(&Bytes::copy_from_slice(message)).ok()?;
        let inside = message.get("result").or_else(|| message.get("error"))?;
        Some(text(inside.as_bytes()))
    };
    inside().unwrap_or_else(|| text(message))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
