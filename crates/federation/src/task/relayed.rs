//! Tasks of the extension, for modern clients that declare it: the client follows a task itself, under an id that leads
//! back to the target that made it.

use protocol::task::{self, Created};
use protocol::uris::{self, Shape};
use protocol::{Era, Method, Object, Raw, name};

use super::{changed, changed_result, expose, follows, nameless, not_offered, unknown};
use crate::catalog::{Catalog, Destination, Tasks};
use crate::context::{Context, required_text};
use crate::error::{Error, ErrorKind};
use crate::question;
use crate::relay::Served;

/// What became of a call: a task of which the client is told, or an answer.
pub(super) fn begun(served: Served, to: &Destination) -> Served {
    let (target, wrap) = (to.target.name().to_owned(), to.wrap);
    let told = move |result: Raw| match task::created(Era::Modern, &result) {
        Some(Created { id: Some(_) }) => {
            Ok(task::rename(&result, |id| wrap.then(|| task::wrap(&target, id))))
        }
        Some(Created { id: None }) => Err(nameless()),
        None => Ok(result),
    };
    changed(served, move |answer| answer.and_then(&told), |event| event)
}

/// Serves `tasks/get`, `tasks/update` or `tasks/cancel`.
pub(super) async fn about(
    context: &Context,
    method: &'static Method,
    mut params: Object,
) -> Result<Served, Error> {
    if !super::any(context, offered).await {
        return Err(not_offered());
    }
    require(context)?;
    let id = required_text(&params, "taskId")?;
    let to = find(context, &id).await.ok_or_else(|| unknown(&id))?;
    params.set("taskId", Raw::string(&to.local));
    let served = context.send(&to, context.call(method, params)).await?;
    Ok(changed_result(served, move |state| match state.object() {
        Ok(state) => told(state, to.target.name(), to.wrap).to_raw(),
        Err(_) => state,
    }))
}

/// Who asks after tasks must say that it knows them (ext-tasks, "Capabilities").
pub(super) fn require(context: &Context) -> Result<(), Error> {
    if follows(&context.caller) {
        return Ok(());
    }
    let text = format!("tasks are for clients that declare the extension `{}`", task::EXTENSION);
    let required = serde_json::json!({ "requiredCapabilities": { "extensions": { task::EXTENSION: {} } } });
    Err(Error::new(ErrorKind::MissingCapability, text).with_data(Raw::of(&required)))
}

/// Where a task's id leads, if its target makes tasks of the extension.
pub(super) async fn find(context: &Context, id: &str) -> Option<Destination> {
    let to = context.find(|catalog| catalog.by_task(id)).await;
    to.filter(|to| to.tasks == Tasks::AtWill)
}

/// Whether any target makes tasks of the extension.
pub(super) fn offered(catalog: &Catalog) -> bool {
    catalog.targets.iter().any(|entry| entry.tasks == Tasks::AtWill)
}

/// What a target says about a task, under our names: its id, URIs in the result that it ended with, and who asks for input.
/// Some targets call the description a `task` itself; it is a complete answer.
pub(super) fn told(mut state: Object, target: &str, wrap: bool) -> Object {
    if state.get("resultType").is_some() {
        state.set("resultType", Raw::string("complete"));
    }
    if let Some(id) = state.text("taskId") {
        state.set("taskId", Raw::string(&expose(target, wrap, &id)));
    }
    if wrap {
        let restored =
            uris::rewrite(&state.to_raw(), Shape::Unfinished, |uri| Some(name::wrap_uri(target, uri)));
        state = restored.object().unwrap_or(state);
    }
    question::named_replay(target, &state.to_raw()).object().unwrap_or(state)
}

#[cfg(test)]
mod tests;
