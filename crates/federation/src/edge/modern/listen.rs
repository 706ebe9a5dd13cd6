//! A modern client's listen stream (spec 2026-07-28, basic/patterns/subscriptions): first what of its wishes is honoured,
//! then what changes, and at the end a result. Dropping it takes every wish back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::notifications;
use protocol::{Era, Kind, Object, Raw, message, meta, name};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::filter::Filter;
use self::waiting::{News, Waiting};
use super::finish::Finish;
use crate::backend::Changes;
use crate::context::Context;
use crate::edge::refuse;
use crate::inbound::{Frame, Frames, Outcome};
use crate::roster::watcher::{Ear, Verdict, Watch};
use crate::task;
use crate::task::listen::Listening as Tasks;

mod filter;
mod waiting;

/// Opens a stream. It ends when the server stops, and when `closing` is cancelled.
pub(super) fn serve(
    context: Context,
    finish: Finish,
    closing: CancellationToken,
    params: &Object,
) -> Outcome {
    let filter = match Filter::read(params) {
        Ok(filter) => filter,
        Err(error) => return refuse(Some(&finish.id), &error, Era::Modern),
    };
    if let Err(error) = task::listen::check(&context, &filter.tasks) {
        return refuse(Some(&finish.id), &error, Era::Modern);
    }
    let backend = &context.backend;
    let stream = Stream {
        changes: backend.changes(),
        seen: *backend.changes().borrow(),
        wrap: backend.sessions.wrapping(),
        stopping: backend.stopping(),
        waiting: Arc::default(),
        finish,
        closing,
    };
    let frames = futures::stream::once(stream.open(context, filter)).flat_map(Open::frames);
    Outcome::Stream(Frames(frames.map(Frame::from).boxed()))
}

/// What a stream needs to say what changes.
struct Stream {
    changes: watch::Receiver<Changes>,
    /// The changes that were told.
    seen: Changes,
    /// Whether URIs carry their target now: a reload may change it under a running stream.
    wrap: Arc<AtomicBool>,
    stopping: CancellationToken,
    waiting: Arc<Waiting>,
    finish: Finish,
    closing: CancellationToken,
}

/// A stream that knows what it has to tell of.
struct Open {
    stream: Stream,
    lists: Vec<Kind>,
    watched: Vec<Watched>,
    tasks: Tasks,
}

/// A resource whose changes the stream tells of.
struct Watched {
    /// The URI as the client spelled it.
    uri: String,
    _watch: Watch,
}

// === Opening ===

impl Stream {
    /// Finds out what of the client's wishes can be honoured. One that ends meanwhile honours none.
    async fn open(self, context: Context, filter: Filter) -> Open {
        let (watched, tasks) = tokio::select! {
            biased;
            () = self.over() => (Vec::new(), Tasks::none()),
            both = async {
                let watched = self.watch(&context, &filter.uris);
                futures::future::join(watched, task::listen::listen(&context, &filter.tasks)).await
            } => both,
        };
        let catalog = context.backend.catalog();
        let lists = filter.lists.into_iter().filter(|kind| catalog.offers(kind.capability())).collect();
        Open { stream: self, lists, watched, tasks }
    }

    /// Wants to hear of all these resources at once, and keeps those of which a target tells.
    async fn watch(&self, context: &Context, uris: &[String]) -> Vec<Watched> {
        let mut wishes = Vec::new();
        for uri in uris {
            let Ok(to) = context.resource(uri).await else { continue };
            if let Some(watcher) = context.backend.watcher(to.target.name()) {
                let ear = self.ear(to.target.name(), &to.local);
                wishes.push((uri.clone(), watcher.watch(&to.local, ear)));
            }
        }
        let honoured = wishes.into_iter().map(|(uri, mut watch)| async move {
            (watch.verdict().await == Verdict::Honoured).then(|| Watched { uri, _watch: watch })
        });
        futures::future::join_all(honoured).await.into_iter().flatten().collect()
    }

    fn ear(&self, target: &str, uri: &str) -> Ear {
        let (waiting, target, uri) = (self.waiting.clone(), target.to_owned(), uri.to_owned());
        Arc::new(move |params| waiting.updated(&target, &uri, params))
    }

    /// Resolves when nothing more will be told.
    async fn over(&self) {
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = self.stopping.cancelled() => {}
        }
    }
}

// === Telling ===

impl Open {
    fn frames(self) -> BoxStream<'static, Bytes> {
        let first = self.acknowledgement();
        let rest = futures::stream::unfold(Some(self), async |open| {
            let mut open = open?;
            match open.next().await {
                Some(news) => Some((open.spell(news), Some(open))),
                None => Some((open.end(), None)),
            }
        });
        futures::stream::iter([first]).chain(rest).boxed()
    }

    /// The next news; none when it is over.
    async fn next(&mut self) -> Option<News> {
        loop {
            self.note_changes();
            let stream = &mut self.stream;
            if stream.closing.is_cancelled() || stream.stopping.is_cancelled() {
                return None;
            }
            if let Some(news) = stream.waiting.take() {
                return Some(news);
            }
            tokio::select! {
                () = stream.closing.cancelled() => return None,
                () = stream.stopping.cancelled() => return None,
                changed = stream.changes.changed() => if changed.is_err() { return None },
                () = stream.waiting.some() => {}
                Some(params) = self.tasks.notes.next() => stream.waiting.task(params),
            }
        }
    }

    /// Puts lists that changed among the news, if they were asked for.
    fn note_changes(&mut self) {
        let stream = &mut self.stream;
        let now = *stream.changes.borrow_and_update();
        let before = std::mem::replace(&mut stream.seen, now);
        let differs = |kind: &Kind| now[*kind as usize] != before[*kind as usize];
        for kind in Kind::ALL.into_iter().filter(differs) {
            if self.lists.iter().any(|list| list.changed() == kind.changed()) {
                stream.waiting.changed(kind.changed());
            }
        }
    }
}

// === Spelling ===

impl Open {
    fn acknowledgement(&self) -> Bytes {
        let mut honoured = Object::default();
        self.lists.iter().for_each(|kind| honoured.set(kind.listen_key(), Raw::of(&true)));
        if !self.watched.is_empty() {
            let uris: Vec<&str> = self.watched.iter().map(|watched| &*watched.uri).collect();
            honoured.set("resourceSubscriptions", Raw::of(&uris));
        }
        if !self.tasks.honoured.is_empty() {
            honoured.set("taskIds", Raw::of(&self.tasks.honoured));
        }
        let params = [("notifications", honoured.to_raw())].into_iter().collect();
        self.notification(notifications::ACKNOWLEDGED, params)
    }

    fn spell(&self, news: News) -> Bytes {
        match news {
            News::Changed(method) => self.notification(method, Object::default()),
            News::Updated { target, uri, mut params } => {
                meta::strip_hop_of(&mut params);
                let wrap = self.stream.wrap.load(Ordering::Relaxed);
                params.set("uri", Raw::string(&if wrap { name::wrap_uri(&target, &uri) } else { uri }));
                self.notification(notifications::RESOURCE_UPDATED, params)
            }
            News::Task(params) => self.notification(notifications::TASK, params),
        }
    }

    fn notification(&self, method: &str, mut params: Object) -> Bytes {
        params.set("_meta", self.tagged(params.object("_meta").unwrap_or_default()));
        message::notification(method, &params)
    }

    /// The result with which a stream ends in good order.
    fn end(&self) -> Bytes {
        let result: Object = [("_meta", self.tagged(Object::default()))].into_iter().collect();
        self.stream.finish.answered(Ok(result.to_raw())).body.join()
    }

    /// What every message carries: to which of the client's streams it belongs, by the id of its request.
    fn tagged(&self, mut meta: Object) -> Raw {
        meta.set(meta::SUBSCRIPTION_ID, self.stream.finish.id.to_raw());
        meta.to_raw()
    }
}
