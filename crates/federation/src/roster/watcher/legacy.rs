//! Watching at a legacy target: a subscription for each resource (spec 2025-11-25, server/resources "Subscriptions"), over
//! the shared link, on which its updates come as notices.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Object, Raw};
use tokio::sync::broadcast;
use upstream::{Backoff, Call, Caller, Link, Notice, Target};

use super::book::{Book, Verdict};
use super::rest;

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
    let mut subscribed = BTreeSet::new();
    let mut backoff = Backoff::new();
    loop {
        withdraw(book, link, &mut subscribed).await;
        ask_for_pending(book, link, &mut subscribed).await;
        if book.is_unasked() {
            rest(book, &mut backoff).await;
            book.try_again();
        } else {
            backoff = Backoff::new();
            book.changed().await;
        }
    }
}

/// Unsubscribes from what nobody wants any more.
async fn withdraw(book: &Book, link: &Link, subscribed: &mut BTreeSet<String>) {
    let wanted = book.wanted();
    let (kept, unwanted): (BTreeSet<_>, _) =
        std::mem::take(subscribed).into_iter().partition(|uri| wanted.binary_search(uri).is_ok());
    *subscribed = kept;
    let mut answers = ask_all(link, "resources/unsubscribe", unwanted);
    // Whatever the answer: an update that comes nevertheless finds nobody.
    while answers.next().await.is_some() {}
}

/// Subscribes to what is wanted since the last time.
async fn ask_for_pending(book: &Book, link: &Link, subscribed: &mut BTreeSet<String>) {
    let pending = book.pending();
    // Taken back and wanted again before the target was told.
    let (known, fresh): (BTreeSet<_>, _) = pending.into_iter().partition(|uri| subscribed.contains(uri));
    known.iter().for_each(|uri| book.settle(uri, &Verdict::Honoured));
    let mut answers = ask_all(link, "resources/subscribe", fresh);
    while let Some((uri, verdict)) = answers.next().await {
        book.settle(&uri, &verdict);
        if verdict == Verdict::Honoured {
            subscribed.insert(uri);
        }
    }
}

/// Makes a request for each of the resources, and hands out what the target said to each.
fn ask_all<'a>(
    link: &'a Link,
    method: &'static str,
    uris: BTreeSet<String>,
) -> BoxStream<'a, (String, Verdict)> {
    let asking = uris.into_iter().map(move |uri| async move {
        let verdict = ask(link, method, &uri).await;
        (uri, verdict)
    });
    futures::stream::iter(asking).buffer_unordered(AT_ONCE).boxed()
}

async fn ask(link: &Link, method: &str, uri: &str) -> Verdict {
    let Some(method) = protocol::method::find(method) else {
        return Verdict::Declined;
    };
    let params: Object = [("uri", Raw::string(uri))].into_iter().collect();
    let call = Call::quiet(method, params, Caller::gateway());
    match tokio::time::timeout(ANSWER, async { link.call(call).await?.answer().await }).await {
        Ok(Ok(Ok(_))) => Verdict::Honoured,
        Ok(Ok(Err(_))) => Verdict::Declined,
        Ok(Err(error)) => Verdict::Unavailable(error),
        Err(_) => {
            let text = format!("did not answer {} within {} s", method.name, ANSWER.as_secs());
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
