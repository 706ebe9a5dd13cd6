//! Answers that ask the client for something: `input_required` (spec 2026-07-28, basic/patterns/mrtr), and the error that says
//! what a client would have to declare.

use protocol::{Era, Object, Raw, RpcError, capability, error, meta};

use super::finish::{Finish, signed};
use crate::extensions;
use crate::inbound::Single;
use crate::parking::OpenCall;
use crate::question::{self, ELICITATION};

/// Asks the client what a legacy target asks, and parks the call.
pub(super) fn park(finish: &Finish, mut call: OpenCall) -> Single {
    let requests: Object = call
        .asked
        .iter()
        .map(|asked| {
            let question = &asked.question;
            (&asked.key, question::input_request(&question.method, question.params.clone()))
        })
        .collect();
    call.round += 1;
    tracing::debug!(round = call.round, "a call waits for its client: {}", whose(&call));
    match finish.backend.parking.park(call, finish.digest()) {
        Ok(state) => finish.single(Ok(input_required(&requests, &state))),
        Err(error) => finish.failed(&error),
    }
}

/// The targets that ask, for the log.
fn whose(call: &OpenCall) -> String {
    let target = |params: &Object| params.object("_meta").and_then(|meta| meta.text(meta::TARGET));
    let asking = call.asked.iter().map(|asked| {
        format!("`{}` of `{}`", asked.question.method, target(&asked.question.params).unwrap_or_default())
    });
    asking.collect::<Vec<_>>().join(", ")
}

/// Caching hints, which a result that asks for something must not carry (spec 2026-07-28, server/utilities/caching).
const HINTS: [&str; 2] = ["ttlMs", "cacheScope"];

/// Passes on what a modern target asks, with its own state. It may only ask where and what a client can be asked.
pub(super) fn replay(finish: &Finish, result: &Raw) -> Single {
    finish.single(match illegal(finish, result) {
        None => match result.object() {
            Ok(mut result) => {
                result.retain(|key| !HINTS.contains(&key));
                Ok(signed(result))
            }
            Err(error) => Err(RpcError::new(error::INTERNAL, error.to_string())),
        },
        Some(what) => {
            tracing::warn!("a target answered {} with `input_required`, and {what}", finish.row.name);
            Err(RpcError::new(error::INTERNAL, format!("the target asks for input, and {what}")))
        }
    })
}

/// What is wrong with a target's `input_required`.
fn illegal(finish: &Finish, result: &Raw) -> Option<String> {
    if !finish.row.may_ask {
        return Some(format!("{} has no place for that", finish.row.name));
    }
    let Ok(result) = result.object() else {
        return Some("the result is not a valid object".to_owned());
    };
    let (requests, state) = (result.get("inputRequests"), result.get("requestState"));
    if state.is_some_and(|state| state.to_text().is_none()) {
        return Some("its `requestState` is not a string".to_owned());
    }
    let Some(requests) = requests else {
        return state.is_none().then(|| "it says neither for what nor in which state".to_owned());
    };
    let Ok(requests) = requests.object() else {
        return Some("its `inputRequests` are not an object".to_owned());
    };
    let capabilities = finish.capabilities();
    requests.iter().find_map(|(_, request)| unaskable(request, &capabilities))
}

/// Why a client with these capabilities cannot be asked something.
fn unaskable(request: &Raw, capabilities: &Object) -> Option<String> {
    let request = request.object().unwrap_or_default();
    let method = request.text("method").unwrap_or_default();
    let needed =
        capability::permits(capabilities, &method, &request.object("params").unwrap_or_default()).err()?;
    Some(if needed.is_empty() {
        format!("no client can be asked for `{method}`")
    } else {
        format!("the client did not declare what `{method}` needs")
    })
}

/// A legacy target says by an error that somebody must open URLs before the call can succeed: the client is asked to, and to
/// make the call again. `None` if the error says something else.
pub(super) fn open_first(finish: &Finish, error: &Raw) -> Option<Result<Raw, RpcError>> {
    if !finish.row.may_ask {
        return None;
    }
    let asked: Vec<Object> = question::elicitations(error).iter().filter_map(question::url_params).collect();
    let first = asked.first()?;
    if let Err(needed) = capability::permits(&finish.capabilities(), ELICITATION, first) {
        return Some(Err(undeclared(&needed)));
    }
    let keys = (1..=asked.len()).map(|number| format!("ask-{number}"));
    let requests = asked.into_iter().map(|params| question::input_request(ELICITATION, params));
    let requests: Object = keys.zip(requests).collect();
    let state = finish.backend.parking.again(finish.digest());
    Some(state.map(|state| input_required(&requests, &state)).map_err(|error| error.to_rpc(Era::Modern)))
}

/// The error for a client that would have to declare these capabilities.
pub(super) fn undeclared(needed: &Object) -> RpcError {
    let names: Vec<_> = needed.iter().map(|(name, _)| name).collect();
    let text = format!("the call needs capabilities that the client did not declare: {}", names.join(", "));
    let data: Object = [("requiredCapabilities", needed.to_raw())].into_iter().collect();
    RpcError::new(error::MISSING_CLIENT_CAPABILITY, text).with_data(data.to_raw())
}

/// The same error of a modern target. It is about what the client declared, unless it is about an extension, of which the
/// target hears only if we carry it.
pub(super) fn passed_on(error: RpcError) -> RpcError {
    let required =
        || error.data.as_ref()?.object().ok()?.object("requiredCapabilities")?.object("extensions");
    let (required, known) = (required().unwrap_or_default(), extensions::known(Era::Modern));
    let foreign = required.iter().map(|(id, _)| id).find(|id| !known.contains(id));
    match foreign {
        None => error,
        Some(id) => {
            let text = format!("the target requires the extension `{id}`, which this gateway does not carry");
            RpcError::new(error::INTERNAL, text)
        }
    }
}

fn input_required(requests: &Object, state: &str) -> Raw {
    let result = [
        ("resultType", Raw::string("input_required")),
        ("inputRequests", requests.to_raw()),
        ("requestState", Raw::string(state)),
    ];
    signed(result.into_iter().collect())
}
