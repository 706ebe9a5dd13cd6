//! Tasks of 2025-11-25, for sessions of that revision: the client asks for a task, and the session keeps which ones it
//! made. They live at the session's own links, under ids that lead back there.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use protocol::task::{self, Created};
use protocol::{Era, Method, Object, Raw, RpcError, Version, error, json, method};
use tokio::time::Instant;
use upstream::{Answer, Ask, Call, Event, Note};

use super::{changed, nameless, not_offered, unknown};
use crate::catalog::{Catalog, Destination};
use crate::context::{Context, required_text};
use crate::error::{Error, ErrorKind};
use crate::relay::Served;
use crate::session::{Made, Session, asked, expose_related};

/// How many tasks are asked after at once for a list of them.
const AT_ONCE: usize = 16;

/// How long a list waits for all of them.
const ASKING: Duration = Duration::from_secs(30);

/// Whether a client of this revision may ask for tasks.
pub(crate) fn knows(version: Version) -> bool {
    version == Version::V2025_11_25
}

/// What became of a call that was to be a task.
pub(super) fn begun(session: &Arc<Session>, served: Served, to: &Destination) -> Served {
    let (session, target) = (session.clone(), to.target.name().to_owned());
    let entered = move |answer: Answer| {
        match answer.as_ref().ok().and_then(|result| task::created(Era::Legacy, result)) {
            Some(Created { id: Some(id) }) => session.tasks.enter(&target, &id),
            Some(Created { id: None }) => return Err(nameless()),
            None => {}
        }
        answer
    };
    exposed(changed(served, entered, |event| event), to)
}

/// Serves `tasks/get`, `tasks/result` or `tasks/cancel`.
pub(super) async fn about(
    context: &Context,
    session: &Session,
    method: &'static Method,
    mut params: Object,
) -> Result<Served, Error> {
    check(context, session).await?;
    let id = required_text(&params, "taskId")?;
    let made = |to: &Destination| session.tasks.holds(to.target.name(), &to.local);
    let to = context.backend.catalog().by_task(&id).filter(made).ok_or_else(|| unknown(&id))?;
    params.set("taskId", Raw::string(&to.local));
    let served = context.send(&to, context.call(method, params)).await?;
    Ok(exposed(served, &to))
}

/// Serves `tasks/list`: how each of the session's tasks is doing. Each is asked after by itself, because a target lists what
/// others made as well, and need not list at all. What a target no longer knows is left out from then on.
pub(crate) async fn list(context: &Context, session: &Session, params: &Object) -> Result<Served, Error> {
    check(context, session).await?;
    if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        // The list has one page, and so no other begins anywhere.
        return Err(Error::new(ErrorKind::InvalidParams, "`cursor` is not one of this server"));
    }
    let Some(get) = method::find("tasks/get") else {
        return Err(not_offered());
    };
    let catalog = context.backend.catalog();
    let made = session.tasks.all();
    let until = Instant::now() + ASKING;
    let ask = |made: &'_ Made| {
        let to = catalog.task(&made.target, &made.id)?;
        Some(describe(context, get, made.clone(), to, until).boxed())
    };
    let asking: Vec<_> = made.iter().filter_map(ask).collect();
    let mut asking = futures::stream::iter(asking).buffered(AT_ONCE);
    let mut tasks = Vec::new();
    while let Some((made, task)) = asking.next().await {
        match task {
            Some(Ok(task)) => tasks.push(task),
            Some(Err(error)) if RpcError::from_raw(&error).code == error::INVALID_PARAMS => {
                session.tasks.strike(&made);
            }
            Some(Err(_)) | None => {}
        }
    }
    let result: Object = [("tasks", json::array_of(&tasks))].into_iter().collect();
    Ok(Served::One(Ok(result.to_raw())))
}

/// How a task is doing, as its target says; none if the target does not say it in time.
async fn describe(
    context: &Context,
    get: &'static Method,
    made: Made,
    to: Destination,
    until: Instant,
) -> (Made, Option<Answer>) {
    let params = [("taskId", Raw::string(&made.id))].into_iter().collect();
    let call = Call::quiet(get, params, context.caller.clone());
    let asking = async { answer(exposed(context.send(&to, call).await.ok()?, &to)).await };
    let answer = tokio::time::timeout_at(until, asking).await.ok().flatten();
    (made, answer)
}

async fn answer(served: Served) -> Option<Answer> {
    let mut events = match served {
        Served::One(answer) => return Some(answer),
        Served::Listed(_) => return None,
        Served::Stream { events, .. } => events,
    };
    loop {
        match events.next().await? {
            Ok(Event::Answer(answer)) => return Some(answer),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Requests about tasks exist for sessions of 2025-11-25, where a target makes any.
async fn check(context: &Context, session: &Session) -> Result<(), Error> {
    let version = session.handshake().map(|handshake| handshake.version);
    if version.is_some_and(knows) && super::any(context, Catalog::keeps_tasks).await {
        return Ok(());
    }
    Err(not_offered())
}

// === Ids on their way to the client ===

/// What a target says in answer to a request about a task, or to one that makes a task.
fn exposed(served: Served, to: &Destination) -> Served {
    if !to.wrap {
        return served;
    }
    let (target, answering) = (to.target.name().to_owned(), to.target.name().to_owned());
    let answer = move |answer: Answer| {
        answer.map(|result| task::rename(&result, |id| Some(task::wrap(&answering, id))))
    };
    changed(served, answer, move |event| said(event, &target))
}

fn said(event: Event, target: &str) -> Event {
    match event {
        Event::Ask(Ask::Held(question)) => Event::Ask(Ask::Held(asked(question, target))),
        Event::Note(Note::Progress(mut params)) => {
            expose_related(&mut params, target, true);
            Event::Note(Note::Progress(params))
        }
        Event::Note(Note::Log(mut params)) => {
            expose_related(&mut params, target, true);
            Event::Note(Note::Log(params))
        }
        other @ (Event::Answer(_) | Event::Ask(Ask::Replay { .. }) | Event::Refused(_)) => other,
    }
}
