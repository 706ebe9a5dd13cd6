//! Streams of changes that a modern target is asked for.

use std::collections::HashSet;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::{Kind, notifications};
use protocol::{Message, Object};

use super::events::CancelOnDrop;
use super::{Link, Notice, modern, notice};
use crate::Error;
use crate::wire::{Frames, Outgoing};

/// An open stream of changes. Dropping it ends the subscription at the target.
pub struct Listening {
    honoured: Object,
    /// What changes, until the target ends the stream. It may be asked again then, and says nothing more.
    pub notices: BoxStream<'static, Notice>,
}

impl Listening {
    /// The resources of which the target said that it will announce changes. One that says nothing of resources announces
    /// none.
    pub fn uris(&self) -> HashSet<String> {
        self.honoured("resourceSubscriptions")
    }

    /// The tasks of which the target said that it will announce what becomes of them.
    pub fn tasks(&self) -> HashSet<String> {
        self.honoured("taskIds")
    }

    fn honoured(&self, key: &str) -> HashSet<String> {
        self.honoured.get(key).and_then(|honoured| honoured.read().ok()).unwrap_or_default()
    }
}

impl Link {
    /// Opens a stream of changes: of the lists of these kinds and of these resources. Modern targets only; legacy ones
    /// send what changes as notices of the link. Returns once the target has said what of it it will announce.
    pub async fn listen(&self, lists: &[Kind], uris: &[String]) -> Result<Listening, Error> {
        let shared = &self.shared;
        let own = modern::Own { version: shared.peer.version, capabilities: &shared.caller.modern };
        self.open(own.listen(shared.fresh_id(), lists, uris)).await
    }

    /// Opens a stream of what becomes of these tasks of the extension, under the target's own ids.
    pub async fn listen_to_tasks(&self, tasks: &[String]) -> Result<Listening, Error> {
        let shared = &self.shared;
        self.open(modern::listen_to_tasks(shared.fresh_id(), tasks, shared.peer.version)).await
    }

    async fn open(&self, out: Outgoing) -> Result<Listening, Error> {
        let shared = self.shared.clone();
        let guard = CancelOnDrop::new(&shared, out.id.clone(), None);
        let opening = async {
            let Frames::Stream(mut frames) = shared.wire.request(out).await? else {
                return Err(shared.protocol_error("refuses to be listened to"));
            };
            match frames.next().await {
                Some(Ok(Message::Notification(first))) if &*first.method == notifications::ACKNOWLEDGED => {
                    Ok((first.params.object("notifications").unwrap_or_default(), frames))
                }
                Some(Err(error)) => Err(error),
                Some(Ok(_)) | None => Err(shared.protocol_error("refuses to be listened to")),
            }
        };
        let deadline = shared.limits().connect;
        let (honoured, frames) = tokio::time::timeout(deadline, opening)
            .await
            .map_err(|_| shared.silent("subscriptions/listen", deadline))??;
        let notices = frames.filter_map(move |frame| {
            let _held = &guard;
            std::future::ready(match frame {
                Ok(Message::Notification(notification)) => notice::read(notification),
                _ => None,
            })
        });
        Ok(Listening { honoured, notices: notices.fuse().boxed() })
    }
}
