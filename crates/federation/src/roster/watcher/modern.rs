//! Watching at a modern target: one stream for everything that is wanted (spec 2026-07-28, basic/patterns/subscriptions).
//!
//! What a stream carries cannot be changed. So another one is opened when the wishes change, and the old one is dropped
//! only when the target has acknowledged the new one: in between an update comes on both rather than on none.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;
use upstream::{Backoff, ErrorKind, Link, Listening, Notice};

use super::book::{Book, Verdict};

/// For how long an old stream is still read after the new one was acknowledged. Over HTTP they are two connections, of
/// which the old one may bring late what was sent before the new one began.
const LINGER: Duration = Duration::from_millis(200);

/// A stream that is open.
struct Open {
    listening: Listening,
    /// What it carries of what is wanted.
    uris: Vec<String>,
    since: Instant,
}

/// Listens for as long as the link lives.
pub(super) async fn listen(book: &Book, link: &Link) -> Infallible {
    let mut stream: Option<Open> = None;
    let mut asked = Vec::new();
    let mut backoff = Backoff::new();
    loop {
        let wanted = book.wanted();
        if wanted.is_empty() {
            stream = None;
        } else if !book.pending().is_empty() || is_outdated(&wanted, &asked, stream.as_ref()) {
            let opened = tokio::select! {
                opened = link.listen(&[], &wanted) => opened,
                never = hear_meanwhile(book, &mut stream) => match never {},
            };
            match opened {
                Ok(listening) => replace(book, &mut stream, &wanted, listening).await,
                Err(error) => {
                    tracing::debug!("resources cannot be listened to: {error}");
                    book.settle_pending(&refusal(error));
                }
            }
            if stream.is_none() {
                asked.clear();
                rest(book, &mut backoff).await;
                continue;
            }
        }
        asked = wanted;
        tokio::select! {
            () = book.changed() => {}
            () = hear(book, &mut stream) => {
                backoff.lived_for(stream.take().map_or(Duration::ZERO, |open| open.since.elapsed()));
                asked.clear();
                book.begin_again();
                rest(book, &mut backoff).await;
            }
        }
    }
}

/// Whether another stream is due: not if the open one carries just what is wanted, and not if just this was asked for,
/// whatever came of it.
fn is_outdated(wanted: &[String], asked: &[String], stream: Option<&Open>) -> bool {
    stream.is_none_or(|open| open.uris != wanted) && wanted != asked
}

/// What a target that refuses to be listened to says with that about each resource.
fn refusal(error: upstream::Error) -> Verdict {
    match error.kind {
        ErrorKind::Protocol => Verdict::Declined,
        _ => Verdict::Unavailable(error),
    }
}

/// Puts a stream in the place of the one before.
async fn replace(book: &Book, stream: &mut Option<Open>, wanted: &[String], listening: Listening) {
    let honoured: HashSet<String> = listening.uris();
    let uris: Vec<String> = wanted.iter().filter(|uri| honoured.contains(*uri)).cloned().collect();
    let mut before = stream.replace(Open { listening, uris, since: Instant::now() });
    for uri in wanted {
        let verdict = if honoured.contains(uri) { Verdict::Honoured } else { Verdict::Declined };
        book.settle(uri, &verdict);
    }
    if before.is_some() {
        let both = futures::future::join(hear(book, &mut before), hear(book, stream));
        let _ = tokio::time::timeout(LINGER, both).await;
    }
}

/// Passes on what a stream brings until it ends. Where there is none, nothing ends.
async fn hear(book: &Book, stream: &mut Option<Open>) {
    let Some(open) = stream else {
        return std::future::pending().await;
    };
    while let Some(notice) = open.listening.notices.next().await {
        if let Notice::Updated(params) = notice {
            book.updated(&params);
        }
    }
}

/// The same while another stream is being opened. One that ends meanwhile leaves a gap until then.
async fn hear_meanwhile(book: &Book, stream: &mut Option<Open>) -> Infallible {
    hear(book, stream).await;
    *stream = None;
    book.begin_again();
    std::future::pending().await
}

/// Waits before another attempt, and less long if somebody wants something else meanwhile.
async fn rest(book: &Book, backoff: &mut Backoff) {
    let pause = backoff.pause();
    let wanted = async {
        tokio::time::sleep(backoff.floor()).await;
        book.changed().await;
    };
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = wanted => {}
    }
}
