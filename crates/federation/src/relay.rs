//! One call to one target: its own names in the request, ours in what comes back.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::uris::{self, Shape};
use protocol::{Object, Raw, Splice, name};
use upstream::{Answer, Call, ErrorKind as UpstreamKind, Event, Link, Reply};

use crate::catalog::Destination;
use crate::error::Error;
use crate::question;
use crate::session::Session;

/// Over which links a caller reaches targets.
#[derive(Clone)]
pub(crate) enum Links {
    /// Those of its session.
    Session(Arc<Session>),
    /// Those that everybody shares.
    Shared,
}

impl Links {
    async fn link(&self, to: &Destination) -> Result<Link, upstream::Error> {
        match self {
            Self::Session(session) => session.link(&to.target).await,
            Self::Shared => to.target.shared_link().await,
        }
    }
}

/// A reply under our names, with failures in words for the client.
pub(crate) enum Served {
    /// The answer, and nothing before it.
    One(Answer),
    /// What happens until the answer, and the answer. Dropping it cancels the call.
    Stream(BoxStream<'static, Result<Event, Error>>),
}

/// Sends a call to its target and hands the reply back under our names.
pub(crate) async fn relay(links: &Links, to: &Destination, call: Call) -> Result<Served, Error> {
    Ok(restore(send(links, to, call).await?, to))
}

/// The failure of a call: the details for the log, and what the client may know.
fn explain(target: &str, error: &upstream::Error) -> Error {
    tracing::warn!("a call to target `{target}` failed: {error}");
    Error::of_target(target, error)
}

/// Sends a call, and once more over a fresh link if it is certain that it did not run: the target had forgotten our session,
/// or the link had died unnoticed.
async fn send(links: &Links, to: &Destination, call: Call) -> Result<Reply, Error> {
    let target = to.target.name();
    let mut retried = false;
    loop {
        let link = links.link(to).await.map_err(|error| {
            tracing::warn!("target `{target}` could not be called: {error}");
            Error::unavailable(target)
        })?;
        match link.call(call.clone()).await {
            Ok(reply) => return Ok(reply),
            Err(error)
                if !retried
                    && matches!(error.kind, UpstreamKind::SessionLost | UpstreamKind::Unreachable) =>
            {
                retried = true;
            }
            Err(error) => return Err(explain(target, &error)),
        }
    }
}

/// Gives every URI in a reply its target's name, if URIs carry it, so that the client can read it back through us.
fn restore(reply: Reply, to: &Destination) -> Served {
    let (target, wrap) = (to.target.name().to_owned(), to.wrap);
    let answered = move |answer, target: &str| {
        let answer = question::named_answer(target, answer);
        if wrap { restore_answer(answer, target) } else { answer }
    };
    match reply {
        Reply::One(answer) => Served::One(answered(answer, &target)),
        Reply::Stream(events) => Served::Stream(
            events
                .map(move |event| match event {
                    Ok(Event::Answer(answer)) => Ok(Event::Answer(answered(answer, &target))),
                    Ok(Event::Ask(ask)) => Ok(Event::Ask(question::named_ask(&target, ask))),
                    Ok(event @ (Event::Note(_) | Event::Refused(_))) => Ok(event),
                    Err(error) => Err(explain(&target, &error)),
                })
                .boxed(),
        ),
    }
}

fn restore_answer(answer: Answer, target: &str) -> Answer {
    let wrap = |uri: &str| Some(name::wrap_uri(target, uri));
    match answer {
        Ok(result) => Ok(uris::rewrite(&result, Shape::Result, wrap)),
        Err(error) => Err(restore_error(&error, target)),
    }
}

/// `data.uri` of a "resource not found".
fn restore_error(error: &Raw, target: &str) -> Raw {
    let uri = error
        .object()
        .ok()
        .and_then(|object| object.object("data"))
        .and_then(|data: Object| data.get("uri").cloned());
    let mut edit = Splice::new(error);
    if let Some((uri, text)) = uri.and_then(|uri| Some((uri.clone(), uri.to_text()?))) {
        edit.replace(&uri, Raw::string(&name::wrap_uri(target, &text)));
    }
    edit.finish()
}
