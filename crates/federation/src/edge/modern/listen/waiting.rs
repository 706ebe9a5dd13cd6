//! What is to be said on a listen stream and has not been read yet: each thing once, so that a client that reads slowly costs
//! no more than one that reads.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{Object, Raw};
use tokio::sync::Notify;

/// When the news are this many, a part of a resource is no longer told of by itself but as the resource that the client named.
const MOST_PARTS: usize = 256;

/// The news of one stream, oldest first.
#[derive(Default)]
pub(super) struct Waiting {
    news: Mutex<VecDeque<News>>,
    some: Notify,
}

/// Something that happened, however often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A list changed: the notification that says so.
    Changed(&'static str),
    /// A resource changed.
    Updated {
        target: String,
        /// The URI that the target knows.
        uri: String,
        /// The params of the newest notification.
        params: Object,
    },
    /// A task changed: the params of the newest notification, under our names.
    Task(Object),
}

impl Waiting {
    /// Notes that a list changed.
    pub(super) fn changed(&self, method: &'static str) {
        self.put(News::Changed(method));
    }

    /// Notes that a resource changed, or a part of it.
    pub(super) fn updated(&self, target: &str, named: &str, params: &Object) {
        let (target, part) = (target.to_owned(), params.text("uri").unwrap_or_default());
        let many = self.news().len() >= MOST_PARTS;
        self.put(if many && part != named {
            let params = [("uri", Raw::string(named))].into_iter().collect();
            News::Updated { target, uri: named.to_owned(), params }
        } else {
            News::Updated { target, uri: part, params: params.clone() }
        });
    }

    /// Notes that a task changed.
    pub(super) fn task(&self, params: Object) {
        self.put(News::Task(params));
    }

    /// The oldest news.
    pub(super) fn take(&self) -> Option<News> {
        self.news().pop_front()
    }

    /// Resolves when there may be some.
    pub(super) async fn some(&self) {
        self.some.notified().await;
    }

    /// What waits already keeps its place, so that one thing that changes all the time does not hold up the others.
    fn put(&self, news: News) {
        let mut waiting = self.news();
        match waiting.iter_mut().find(|other| other.is_about_the_same_as(&news)) {
            Some(older) => *older = news,
            None => waiting.push_back(news),
        }
        drop(waiting);
        self.some.notify_one();
    }

    /// Never held over an await. Every change is complete in itself, so a panic elsewhere leaves nothing half done.
    fn news(&self) -> MutexGuard<'_, VecDeque<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl News {
    fn is_about_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Changed(one), Self::Changed(two)) => one == two,
            (Self::Updated { target, uri, .. }, Self::Updated { target: t, uri: u, .. }) => {
                target == t && uri == u
            }
            (Self::Task(one), Self::Task(two)) => one.get("taskId") == two.get("taskId"),
            (Self::Changed(_) | Self::Updated { .. } | Self::Task(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(waiting: &Waiting, target: &str, named: &str, uri: &str) {
        waiting.updated(target, named, &[("uri", Raw::string(uri))].into_iter().collect());
    }

    fn all(waiting: &Waiting) -> Vec<String> {
        let spell = |news| match news {
            News::Changed(method) => method.to_owned(),
            News::Updated { target, uri, .. } => format!("{target} {uri}"),
            News::Task(params) => params.text("status").unwrap_or_default(),
        };
        std::iter::from_fn(|| waiting.take()).map(spell).collect()
    }

    #[test]
    fn what_happens_often_waits_once_and_keeps_its_place() {
        let waiting = Waiting::default();
        for _ in 0..3 {
            update(&waiting, "a", "x:1", "x:1");
            waiting.changed("tools");
            update(&waiting, "b", "x:1", "x:1");
        }
        assert_eq!(all(&waiting), ["a x:1", "tools", "b x:1"]);
    }

    #[test]
    fn of_each_task_only_the_newest_waits() {
        let waiting = Waiting::default();
        for (id, status) in [("1", "working"), ("2", "working"), ("1", "completed")] {
            let params = [("taskId", Raw::string(id)), ("status", Raw::string(status))];
            waiting.task(params.into_iter().collect());
        }
        assert_eq!(all(&waiting), ["completed", "working"]);
    }

    #[test]
    fn parts_without_number_become_the_resource_they_are_parts_of() {
        let waiting = Waiting::default();
        (0..10_000).for_each(|n| update(&waiting, "a", "x:1", &format!("x:1/{n}")));
        let all = all(&waiting);
        assert_eq!(all.len(), MOST_PARTS + 1);
        assert_eq!(all.last().map(String::as_str), Some("a x:1"));
    }
}
