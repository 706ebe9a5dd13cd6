//! One line in: what it is and which era it belongs to.

use protocol::error::{INVALID_PARAMS, INVALID_REQUEST, PARSE, UNSUPPORTED_VERSION};
use protocol::{Era, Version, meta};
use serde_json::{Map, Value, json};

use super::call::{Fault, Level};

/// The members of a JSON object.
pub(super) type Object = Map<String, Value>;

/// A message from the client.
pub(super) enum Message {
    Request(Request),
    Notification {
        method: String,
        params: Object,
    },
    /// An answer to a request of ours. We never send one, so there is nothing to do with it.
    Response,
    /// Several messages in one line, which revision 2025-03-26 allows.
    Batch(Vec<Value>),
}

/// A message that wants an answer.
pub(super) struct Request {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Object,
}

/// What a request says about itself before its method is looked at.
pub(super) struct Terms {
    pub(super) era: Era,
    /// The least important log message that may be sent for this request.
    pub(super) level: Option<Level>,
}

/// Reads a line. A fault comes with the id that it has to be answered under, null if there is none to be found.
pub(super) fn read(line: &[u8]) -> Result<Message, (Value, Fault)> {
    let value = serde_json::from_slice(line)
        .map_err(|error| (Value::Null, Fault::new(PARSE, format!("not a line of JSON: {error}"))))?;
    classify(value)
}

/// Tells requests, notifications, responses and batches apart.
pub(super) fn classify(value: Value) -> Result<Message, (Value, Fault)> {
    let mut object = match value {
        Value::Object(object) => object,
        Value::Array(messages) => return Ok(Message::Batch(messages)),
        _ => return Err((Value::Null, invalid("a message is a JSON object"))),
    };
    let id = object.remove("id");
    let method = match object.remove("method") {
        Some(Value::String(method)) => method,
        None if object.contains_key("result") || object.contains_key("error") => {
            return Ok(Message::Response);
        }
        _ => return Err((id.filter(is_id).unwrap_or_default(), invalid("`method` must be a string"))),
    };
    let params = match object.remove("params") {
        None => Object::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            let fault = Fault::new(INVALID_PARAMS, "`params` must be an object");
            return Err((id.filter(is_id).unwrap_or_default(), fault));
        }
    };
    match id {
        None => Ok(Message::Notification { method, params }),
        Some(id) if is_id(&id) => Ok(Message::Request(Request { id, method, params })),
        Some(_) => Err((Value::Null, invalid("`id` must be a string or an integer"))),
    }
}

/// The era of a request: modern if its `_meta` names a revision, whatever came before on this pipe.
pub(super) fn terms(params: &Object, legacy_level: Option<Level>) -> Result<Terms, Fault> {
    let member = |key: &str| params.get("_meta").and_then(|meta| meta.get(key));
    let Some(version) = member(meta::PROTOCOL_VERSION) else {
        return Ok(Terms { era: Era::Legacy, level: legacy_level });
    };
    if version != Version::NEWEST_MODERN.as_str() {
        let data = json!({"supported": [Version::NEWEST_MODERN.as_str()], "requested": version});
        return Err(Fault::new(UNSUPPORTED_VERSION, "this protocol revision is not served").with_data(data));
    }
    if !member(meta::CLIENT_CAPABILITIES).is_some_and(Value::is_object) {
        let text = format!("params._meta must hold an object {:?}", meta::CLIENT_CAPABILITIES);
        return Err(Fault::invalid_params(text));
    }
    let level = member(meta::LOG_LEVEL).map(Level::read).transpose()?;
    Ok(Terms { era: Era::Modern, level })
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

fn invalid(text: &str) -> Fault {
    Fault::new(INVALID_REQUEST, text)
}
