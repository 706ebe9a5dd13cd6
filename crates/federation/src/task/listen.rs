//! What becomes of tasks, for modern clients that listen for it (ext-tasks, "Notifications").

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Object, meta};
use upstream::Notice;

use super::relayed::{find, require, told};
use crate::catalog::Destination;
use crate::dispatch::Context;
use crate::error::Error;

/// How many tasks one stream may be about. Each is named to its target.
const MOST: usize = 256;

/// An open stream of what becomes of tasks. Dropping it ends it at the targets.
pub(crate) struct Listening {
    /// The ids that their targets will tell of, as the client knows them.
    pub(crate) honoured: Vec<String>,
    /// The params of `notifications/tasks`, but for the subscription they belong to.
    pub(crate) notes: BoxStream<'static, Object>,
}

/// Listens for what becomes of these tasks. Ids that lead nowhere, and tasks of targets that tell nothing, are left out.
pub(crate) async fn listen(context: &Context, ids: &[String]) -> Result<Listening, Error> {
    require(context)?;
    let mut wanted: BTreeMap<String, (Destination, Vec<String>)> = BTreeMap::new();
    for id in ids.iter().take(MOST) {
        if let Some(to) = find(context, id).await {
            let local = to.local.clone();
            wanted.entry(to.target.name().to_owned()).or_insert_with(|| (to, Vec::new())).1.push(local);
        }
    }
    let opened = futures::future::join_all(wanted.into_values().map(|(to, ids)| open(to, ids))).await;
    let (honoured, notes): (Vec<_>, Vec<_>) = opened.into_iter().flatten().unzip();
    Ok(Listening { honoured: honoured.concat(), notes: futures::stream::select_all(notes).boxed() })
}

/// Listens at one target. One that cannot be listened to leaves its tasks to be asked after.
async fn open(to: Destination, ids: Vec<String>) -> Option<(Vec<String>, BoxStream<'static, Object>)> {
    let target = to.target.name().to_owned();
    let listening = match to.target.shared_link().await {
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
    let honoured = ids.iter().filter(|id| will_tell.contains(*id));
    let honoured = honoured.map(|id| super::expose(&target, wrap, id)).collect();
    let notes = listening.notices.filter_map(move |notice| {
        let _kept = &to;
        std::future::ready(match notice {
            Notice::Task(mut params) => {
                meta::strip_hop_of(&mut params);
                Some(told(params, &target, wrap))
            }
            Notice::ListChanged(_) | Notice::Updated(_) | Notice::Log(_) | Notice::Elicited(_) => None,
        })
    });
    Some((honoured, notes.boxed()))
}
