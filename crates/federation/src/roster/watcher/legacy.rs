//! Watching at a legacy target: a subscription for each resource (spec 2025-11-25, server/resources "Subscriptions"), over
//! the discovery link, on which its updates come as notices.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use protocol::{Object, Raw};
use tokio::sync::broadcast;
use tokio::time::Instant;
use upstream::{Backoff, Call, Link, Notice, Target};

use super::book::{Book, Verdict};

/// How long the target may take over one subscription.
const ANSWER: Duration = Duration::from_secs(10);

/// How many are asked for at a time.
const AT_ONCE: usize = 8;

/// Subscribes and unsubscribes for as long as the link lives.
pub(super) async fn subscribe(target: &Target, book: &Book, link: &Link) -> Infallible {
    // Before the first subscription, so that none of its updates is missed.
    let mut notices = target.notices();
    tokio::select! {
        never = keep(book, link) => never,
        never = hear(book, &mut notices) => never,
    }
}

async fn keep(book: &Book, link: &Link) -> Infallible {
    let mut subscriptions = Subscriptions::none(link);
    let mut backoff = Backoff::new();
    let mut again = None;
    subscriptions.plan(book);
    loop {
        subscriptions.ask_on();
        if book.is_unasked() {
            again.get_or_insert_with(|| Instant::now() + backoff.pause());
        } else if subscriptions.are_settled() {
            backoff = Backoff::new();
        }
        tokio::select! {
            answered = subscriptions.answered() => subscriptions.take(book, answered),
            () = book.changed() => subscriptions.plan(book),
            () = reached(again) => {
                again = None;
                book.try_again();
                subscriptions.plan(book);
            }
        }
    }
}

async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What the target tells of, on its way to what is wanted. A resource about which the target does not answer holds up no
/// other.
struct Subscriptions<'a> {
    link: &'a Link,
    held: BTreeSet<String>,
    /// What is to be asked next.
    plan: VecDeque<Wanted>,
    /// What is being asked. There is one request about a resource at a time, so that none overtakes another.
    asked: BTreeSet<String>,
    answers: FuturesUnordered<BoxFuture<'a, (Wanted, Verdict)>>,
    /// Whether the plan was made while something was being asked, and knows nothing of what came of it.
    premature: bool,
}

/// What is to be done about a resource.
enum Wanted {
    Subscription(String),
    End(String),
}

impl<'a> Subscriptions<'a> {
    fn none(link: &'a Link) -> Self {
        Self {
            link,
            held: BTreeSet::new(),
            plan: VecDeque::new(),
            asked: BTreeSet::new(),
            answers: FuturesUnordered::new(),
            premature: false,
        }
    }

    /// Finds out what there is to ask.
    fn plan(&mut self, book: &Book) {
        let wanted = book.wanted();
        let unwanted = self.held.iter().filter(|uri| wanted.binary_search(uri).is_err());
        self.plan = unwanted.cloned().map(Wanted::End).collect();
        for uri in book.pending() {
            if self.held.contains(&uri) {
                // Taken back and wanted again before the target was told.
                book.settle(&uri, &Verdict::Honoured);
            } else if !self.asked.contains(&uri) {
                self.plan.push_back(Wanted::Subscription(uri));
            }
        }
        self.premature = !self.asked.is_empty();
    }

    /// Asks for what is planned, as much of it as may be asked at a time.
    fn ask_on(&mut self) {
        while self.asked.len() < AT_ONCE
            && let Some(wanted) = self.plan.pop_front()
        {
            if let Wanted::End(uri) = &wanted {
                self.held.remove(uri);
            }
            self.asked.insert(wanted.uri().to_owned());
            let link = self.link;
            self.answers.push(
                async move {
                    let verdict = ask(link, wanted.method(), wanted.uri()).await;
                    (wanted, verdict)
                }
                .boxed(),
            );
        }
    }

    async fn answered(&mut self) -> (Wanted, Verdict) {
        match self.answers.next().await {
            Some(answered) => answered,
            None => std::future::pending().await,
        }
    }

    /// Takes in what the target said.
    fn take(&mut self, book: &Book, (wanted, verdict): (Wanted, Verdict)) {
        self.asked.remove(wanted.uri());
        // The answer to an end does not matter: an update that comes nevertheless finds nobody.
        if let Wanted::Subscription(uri) = wanted {
            book.settle(&uri, &verdict);
            if verdict == Verdict::Honoured {
                self.held.insert(uri);
            }
        }
        if self.premature {
            self.plan(book);
        }
    }

    fn are_settled(&self) -> bool {
        self.plan.is_empty() && self.asked.is_empty()
    }
}

impl Wanted {
    fn uri(&self) -> &str {
        match self {
            Self::Subscription(uri) | Self::End(uri) => uri,
        }
    }

    fn method(&self) -> &'static str {
        match self {
            Self::Subscription(_) => "resources/subscribe",
            Self::End(_) => "resources/unsubscribe",
        }
    }
}

async fn ask(link: &Link, method: &str, uri: &str) -> Verdict {
    let Some(method) = protocol::method::find(method) else {
        return Verdict::Declined;
    };
    let params: Object = [("uri", Raw::string(uri))].into_iter().collect();
    let call = Call::quiet(method, params, link.caller().clone());
    match tokio::time::timeout(ANSWER, async { link.call(call).await?.answer().await }).await {
        Ok(Ok(Ok(_))) => Verdict::Honoured,
        Ok(Ok(Err(_))) => Verdict::Declined,
        Ok(Err(error)) => Verdict::Unavailable(error),
        Err(_) => {
            let (target, waited) = (link.target(), ANSWER.as_secs());
            let text = format!("target `{target}` did not answer {} within {waited} s", method.name);
            Verdict::Unavailable(upstream::Error::new(upstream::ErrorKind::Timeout, text))
        }
    }
}

/// Passes on the updates that the target tells of.
async fn hear(book: &Book, notices: &mut broadcast::Receiver<Notice>) -> Infallible {
    loop {
        match notices.recv().await {
            Ok(Notice::Updated(params)) => book.updated(&params),
            Ok(Notice::ListChanged(_) | Notice::Log(_) | Notice::Elicited(_) | Notice::Task(_)) => {}
            // Some were missed, and any of them may have been an update.
            Err(broadcast::error::RecvError::Lagged(_)) => book.updated_all(),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
