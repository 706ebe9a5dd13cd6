//! Tasks: work that goes on after its request was answered, under an id.
//!
//! There are two kinds. Revision 2025-11-25 has them in its core (basic/utilities/tasks): the client asks for a task with
//! `params.task`, and waits for its end in `tasks/result`. From 2026-07-28 on they are an extension
//! ([`EXTENSION`], ext-tasks): the target makes a task if the client declared that it can follow one, and the client asks
//! after it with `tasks/get`.

use crate::meta::RELATED_TASK;
use crate::name::URI_SEAM;
use crate::{Era, Object, Raw, Splice, Word};

/// The extension's id among the capabilities.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The member that holds a task's id, wherever one stands.
const ID: &str = "taskId";

/// The exposed form of a target's task id. A target's name holds no seam, so there is one way back.
pub fn wrap(target: &str, id: &str) -> String {
    format!("{target}{URI_SEAM}{id}")
}

/// Target and local id of an exposed one; `None` if it holds no seam.
pub fn unwrap(exposed: &str) -> Option<(&str, &str)> {
    exposed.split_once(URI_SEAM)
}

/// How a task is doing, in both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It runs.
    Working,
    /// It waits for input from the client.
    InputRequired,
    /// It ended with a result.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl Status {
    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "working" => Some(Self::Working),
            "input_required" => Some(Self::InputRequired),
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// A task with which a target answered instead of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id; none if the target gave it none, or one that is no text. Nobody can ask after such a task.
    pub id: Option<String>,
}

/// The task that a target of this era made of a call, if its answer says that it made one.
pub fn created(era: Era, result: &Raw) -> Option<Created> {
    if !result.holds(Word::Task) {
        return None;
    }
    let object = result.object().ok()?;
    let task = match era {
        Era::Modern => (object.text("resultType").as_deref() == Some("task")).then_some(object)?,
        // `task` holds it. A result of a tool has `content`, whatever else it may have.
        Era::Legacy => object.object("task").filter(|_| !is_result(&object))?,
    };
    Some(Created { id: task.text(ID) })
}

/// Whether this is what a tool returned.
fn is_result(object: &Object) -> bool {
    object.get("content").is_some()
}

/// Gives the task that a message is about another id: the one at the top, the one in `task`, and the one in
/// [`RELATED_TASK`]. What a tool returned is its own but for the last. All other bytes stay as they are.
///
/// `rewrite` gets an id and returns its new form, or `None` to leave it.
pub fn rename(value: &Raw, mut rewrite: impl FnMut(&str) -> Option<String>) -> Raw {
    let Ok(object) = value.object() else {
        return value.clone();
    };
    let described = (!is_result(&object)).then_some(&object);
    let own = described.and_then(|task| task.get(ID).cloned());
    let task = described.and_then(|holder| holder.object("task")?.get(ID).cloned());
    let related =
        object.object("_meta").and_then(|meta| meta.object(RELATED_TASK)).and_then(|r| r.get(ID).cloned());
    let mut edit = Splice::new(value);
    for place in [own, task, related].into_iter().flatten() {
        if let Some(new) = place.to_text().and_then(|id| rewrite(&id)) {
            edit.replace(&place, Raw::string(&new));
        }
    }
    edit.finish()
}

/// The same in `_meta` alone, for params and results that are about something else and only belong to a task.
pub fn rename_related(holder: &mut Object, rewrite: impl FnOnce(&str) -> Option<String>) {
    let Some(mut meta) = holder.object("_meta") else {
        return;
    };
    let Some(mut related) = meta.object(RELATED_TASK) else {
        return;
    };
    if let Some(new) = related.text(ID).and_then(|id| rewrite(&id)) {
        related.set(ID, Raw::string(&new));
        meta.set(RELATED_TASK, related.to_raw());
        holder.set("_meta", meta.to_raw());
    }
}

/// Says in `_meta` which task a message belongs to.
pub fn relate(holder: &mut Object, id: &str) {
    let mut meta = holder.object("_meta").unwrap_or_default();
    let related: Object = [(ID, Raw::string(id))].into_iter().collect();
    meta.set(RELATED_TASK, related.to_raw());
    holder.set("_meta", meta.to_raw());
}

/// Takes out of `_meta` which task a message belongs to, for readers who know of no task. Says whether it was there.
pub fn unrelate(holder: &mut Object) -> bool {
    let Some(mut meta) = holder.object("_meta") else {
        return false;
    };
    if meta.remove(RELATED_TASK).is_none() {
        return false;
    }
    if meta.is_empty() {
        holder.remove("_meta");
    } else {
        holder.set("_meta", meta.to_raw());
    }
    true
}

#[cfg(test)]
mod tests;
