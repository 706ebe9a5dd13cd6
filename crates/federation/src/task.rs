//! Tasks of targets: what a call becomes when its target answers with a task, and requests about tasks.
//!
//! Who knows tasks follows them: modern clients that declare the extension ([`relayed`]), and sessions of 2025-11-25 that
//! ask for a task ([`kept`]). For everybody else the link follows a task to its end, as if there were none.

use futures::StreamExt as _;
use protocol::method::Routing;
use protocol::{Era, Kind, Method, Object, Raw, RpcError, error, task};
use upstream::{Answer, Call, Caller, Event};

use crate::catalog::{Catalog, Destination, Tasks};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::extensions;
use crate::relay::{Links, Served};

pub(crate) mod kept;
pub(crate) mod listen;
mod relayed;

/// Sends a call of a tool to its target.
pub(crate) async fn call(context: &Context, to: &Destination, mut call: Call) -> Result<Served, Error> {
    let wanted = call.params.remove("task").filter(|wanted| !wanted.is_null());
    if let (Some(wanted), Links::Session(session)) = (wanted, &context.links) {
        if matches!(to.tasks, Tasks::Optional | Tasks::Required) {
            call.params.set("task", wanted);
            return Ok(kept::begun(session, context.send(to, call).await?, to));
        }
        // A client that hears of no tasks from us asks in vain, and gets a plain answer. One that does hear must get a task
        // or an error.
        if context.backend.catalog().keeps_tasks() {
            let text = format!("the tool `{}` does not run as a task", to.local);
            return Err(Error::new(ErrorKind::UnknownMethod, text));
        }
    }
    match to.tasks {
        Tasks::AtWill if follows(&context.caller) => Ok(relayed::begun(context.send(to, call).await?, to)),
        // A modern target is not told of the extension for a modern client that did not declare it: what it answers then is
        // the client's to know.
        Tasks::AtWill => {
            call.drive = context.caller.era == Era::Legacy;
            context.send(to, call).await
        }
        Tasks::Required => {
            call.drive = true;
            context.send(to, call).await
        }
        Tasks::Forbidden | Tasks::Optional => Ok(asked_for(context.send(to, call).await?)),
        Tasks::Never => context.send(to, call).await,
    }
}

/// Serves a request about a task.
pub(crate) async fn about(
    context: &Context,
    method: &'static Method,
    params: Object,
) -> Result<Served, Error> {
    match (&context.links, context.caller.era) {
        (Links::Session(session), _) => kept::about(context, session, method, params).await,
        (_, Era::Modern) => relayed::about(context, method, params).await,
        (_, Era::Legacy) => Err(not_offered()),
    }
}

/// Whether any target makes tasks: one that is there now, or if none is, one of those that were just started. A request
/// about a task of a target that is there does not wait for others.
async fn any(context: &Context, makes: fn(&Catalog) -> bool) -> bool {
    makes(&context.backend.catalog()) || makes(&*context.backend.settled_catalog().await)
}

/// Whether a client takes a task for an answer of this method.
pub(crate) fn may_answer(method: &Method, caller: &Caller) -> bool {
    method.routing == Routing::ByName(Kind::Tool) && follows(caller)
}

/// Whether the client follows tasks of the extension itself.
fn follows(caller: &Caller) -> bool {
    caller.era == Era::Modern && extensions::declares(&caller.capabilities, task::EXTENSION)
}

fn not_offered() -> Error {
    Error::new(ErrorKind::UnknownMethod, "no target of this server offers tasks")
}

fn unknown(id: &str) -> Error {
    Error::new(ErrorKind::InvalidParams, format!("unknown task: `{id}`"))
}

/// A target's task id as clients see it.
fn expose(target: &str, wrap: bool, id: &str) -> String {
    if wrap { task::wrap(target, id) } else { id.to_owned() }
}

/// A task without an id, which nobody could ask after.
fn nameless() -> Raw {
    RpcError::new(error::INTERNAL, "the target made a task of the call that has no id").to_raw()
}

/// An answer that is a task although nobody asked for one means nothing to the client.
fn asked_for(served: Served) -> Served {
    let refused = |answer: Answer| match answer {
        Ok(result) if task::created(Era::Legacy, &result).is_some() => {
            let text = "the target made a task of the call, which nobody asked for";
            Err(RpcError::new(error::INTERNAL, text).to_raw())
        }
        answer => answer,
    };
    changed(served, refused, |event| event)
}

/// Changes the answer, and what happens before it.
fn changed(
    served: Served,
    mut answer: impl FnMut(Answer) -> Answer + Send + 'static,
    mut before: impl FnMut(Event) -> Event + Send + 'static,
) -> Served {
    match served {
        Served::One(one) => Served::One(answer(one)),
        Served::Listed(page) => Served::Listed(page),
        Served::Stream { target, events } => {
            let events = events.map(move |event| match event {
                Ok(Event::Answer(last)) => Ok(Event::Answer(answer(last))),
                event => event.map(&mut before),
            });
            Served::Stream { target, events: events.boxed() }
        }
    }
}

/// Changes the result, if there is one.
fn changed_result(served: Served, mut change: impl FnMut(Raw) -> Raw + Send + 'static) -> Served {
    changed(served, move |answer| answer.map(&mut change), |event| event)
}
