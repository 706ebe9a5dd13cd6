//! What becomes of tasks, for modern clients that listen for it (ext-tasks, "Notifications").

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Object, meta};
use upstream::Notice;

use super::relayed::{find, offered, require, told};
use crate::catalog::Destination;
use crate::context::Context;
use crate::error::Error;

/// An open stream of what becomes of tasks. Dropping it ends it at the targets.
pub(crate) struct Listening {
    /// The ids that their targets will tell of, as the client knows them.
    pub(crate) honoured: Vec<String>,
    /// The params of `notifications/tasks`, but for the subscription they belong to.
    pub(crate) notes: BoxStream<'static, Object>,
}

impl Listening {
    /// A stream of which nothing comes.
    pub(crate) fn none() -> Self {
        Self { honoured: Vec::new(), notes: futures::stream::empty().boxed() }
    }
}

/// Who wants to hear of tasks must say that it knows them. Where no target makes any, the wish means nothing.
pub(crate) fn check(context: &Context, ids: &[String]) -> Result<(), Error> {
    if ids.is_empty() || !offered(&context.backend.catalog()) { Ok(()) } else { require(context) }
}

/// Listens for what becomes of these tasks. Ids that lead nowhere, and tasks of targets that tell nothing, are left out.
pub(crate) async fn listen(context: &Context, ids: &[String]) -> Listening {
    if check(context, ids).is_err() {
        return Listening::none();
    }
    let mut wanted: BTreeMap<String, (Destination, Vec<String>)> = BTreeMap::new();
    for id in ids {
        if let Some(to) = find(context, id).await {
            let local = to.local.clone();
            wanted.entry(to.target.name().to_owned()).or_insert_with(|| (to, Vec::new())).1.push(local);
        }
    }
    let opened = futures::future::join_all(wanted.into_values().map(|(to, ids)| open(to, ids))).await;
    let (honoured, notes): (Vec<_>, Vec<_>) = opened.into_iter().flatten().unzip();
    Listening { honoured: honoured.concat(), notes: futures::stream::select_all(notes).boxed() }
}

/// Listens at one target. One that cannot be listened to leaves its tasks to be asked after.
async fn open(to: Destination, ids: Vec<String>) -> Option<(Vec<String>, BoxStream<'static, Object>)> {
    let target = to.target.name().to_owned();
    let listening = match to.target.discovery_link().await {
        Ok(link) => link.listen_to_tasks(&ids).await,
        Err(error) => Err(error),
    };
    let listening = match listening {
        Ok(listening) => listening,
        Err(error) => {
            tracing::debug!("tasks of target `{target}` cannot be listened to: {error}");
            return None;
        }
    };
    let wrap = to.wrap;
    let will_tell = listening.tasks();
    let ids: Vec<String> = ids.into_iter().filter(|id| will_tell.contains(id)).collect();
    let honoured = ids.iter().map(|id| super::expose(&target, wrap, id)).collect();
    let notes = listening.notices.filter_map(move |notice| {
        let _kept = &to;
        std::future::ready(match notice {
            // Whatever else the target tells was not asked for.
            Notice::Task(mut params) if params.text("taskId").is_some_and(|id| ids.contains(&id)) => {
                meta::strip_hop_of(&mut params);
                Some(told(params, &target, wrap))
            }
            Notice::Task(_)
            | Notice::ListChanged(_)
            | Notice::Updated(_)
            | Notice::Log(_)
            | Notice::Elicited(_) => None,
        })
    });
    Some((honoured, notes.boxed()))
}
