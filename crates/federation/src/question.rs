//! What a target asks of the client: who asks, how it is said to a modern client, and what counts as an answer.

use memchr::memmem;
use protocol::{Object, Raw, Splice, error, meta, task};
use upstream::{Answer, Ask};

mod answer;

pub(crate) use self::answer::check;

pub(crate) const ELICITATION: &str = "elicitation/create";
const SAMPLING: &str = "sampling/createMessage";
const ROOTS: &str = "roots/list";

/// Says in the params of a question which target asks it: in `_meta` for programs and, in what a person reads, in words,
/// because a person must know to whom an answer goes (spec 2026-07-28, client/elicitation). Saying it twice changes nothing.
///
/// A target that wants the context of "this server" would get that of every target, because a client sees one server. It
/// gets none.
pub(crate) fn named(target: &str, method: &str, params: &mut Object) {
    let said = format!("{target}: ");
    let message = params.text("message").filter(|message| !message.starts_with(&said));
    if let Some(message) = message.filter(|_| method == ELICITATION) {
        params.set("message", Raw::string(&(said + &message)));
    }
    if let Some(id) = params.text("elicitationId") {
        params.set("elicitationId", Raw::string(&elicitation_id(target, &id)));
    }
    params.remove("includeContext");
    let mut meta = params.object("_meta").unwrap_or_default();
    meta.set(meta::TARGET, Raw::string(target));
    params.set("_meta", meta.to_raw());
}

/// What a client knows an elicitation by: targets choose these ids alone, and two may choose the same.
pub(crate) fn elicitation_id(target: &str, id: &str) -> String {
    let mark = format!("{target}+");
    if id.starts_with(&mark) { id.to_owned() } else { mark + id }
}

/// The same for whatever asks.
pub(crate) fn named_ask(target: &str, ask: Ask) -> Ask {
    match ask {
        Ask::Held(mut question) => {
            named(target, &question.method, &mut question.params);
            Ask::Held(question)
        }
        Ask::Replay { result } => Ask::Replay { result: named_replay(target, &result) },
    }
}

/// The same for the `inputRequests` of a modern target's result. All other bytes stay.
pub(crate) fn named_replay(target: &str, result: &Raw) -> Raw {
    let requests = result.object().ok().and_then(|result| result.object("inputRequests")).unwrap_or_default();
    let mut edit = Splice::new(result);
    for (_, raw) in requests.iter() {
        let Ok(mut request) = raw.object() else { continue };
        let Some(method) = request.text("method") else { continue };
        let mut params = request.object("params").unwrap_or_default();
        named(target, &method, &mut params);
        request.set("params", params.to_raw());
        edit.replace(raw, request.to_raw());
    }
    edit.finish()
}

/// The same for the elicitations of an error that says that somebody must open a URL first (2025-11-25).
pub(crate) fn named_answer(target: &str, answer: Answer) -> Answer {
    let error = match answer {
        Err(error) if memmem::find(error.as_bytes(), b"-32042").is_some() => error,
        answer => return answer,
    };
    let mut edit = Splice::new(&error);
    for raw in elicitations(&error) {
        if let Ok(mut params) = raw.object() {
            named(target, ELICITATION, &mut params);
            edit.replace(&raw, params.to_raw());
        }
    }
    Err(edit.finish())
}

/// What must be opened before a call can succeed, if that is what an error says (spec 2025-11-25, client/elicitation
/// "URL Elicitation Required Error").
pub(crate) fn elicitations(error: &Raw) -> Vec<Raw> {
    let read = || {
        let error = error.object().ok()?;
        let code: i64 = error.get("code")?.read().ok()?;
        let listed = error.object("data")?.get("elicitations")?.array().ok()?;
        (code == error::URL_ELICITATION_REQUIRED).then_some(listed)
    };
    read().unwrap_or_default()
}

/// A question in words for a modern client: `method` and `params`, without what only the target's hop understands.
pub(crate) fn input_request(method: &str, mut params: Object) -> Raw {
    for of_the_hop in ["elicitationId", "task"] {
        params.remove(of_the_hop);
    }
    meta::strip_hop_of(&mut params);
    task::unrelate(&mut params);
    [("method", Raw::string(method)), ("params", params.to_raw())].into_iter().collect::<Object>().to_raw()
}

/// One of the elicitations of such an error as the params of a question; `None` if it names no URL.
pub(crate) fn url_params(elicitation: &Raw) -> Option<Object> {
    let mut params = elicitation.object().ok()?;
    params.text("url")?;
    params.set("mode", Raw::string("url"));
    Some(params)
}

#[cfg(test)]
mod tests;
