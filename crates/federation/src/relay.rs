//! One call to one target: its own names in the request, ours in what comes back.

use std::sync::Arc;

use futures::StreamExt as _;
use protocol::uris::{self, Shape};
use protocol::{Object, Raw, Splice, name};
use upstream::{Answer, Call, ErrorKind as UpstreamKind, Event, Link, Reply};

use crate::catalog::Destination;
use crate::error::Error;
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
            Self::Session(session) => session.link(&to.target, to.wrap).await,
            Self::Shared => to.target.shared_link().await,
        }
    }
}

/// Sends a call to its target and hands the reply back under our names.
pub(crate) async fn relay(links: &Links, to: &Destination, call: Call) -> Result<Reply, Error> {
    let reply = send(links, to, call).await.map_err(|error| {
        tracing::warn!("a call to target `{}` failed: {error}", to.target.name());
        Error::of_target(to.target.name(), &error)
    })?;
    Ok(if to.wrap { restore(reply, to.target.name().to_owned()) } else { reply })
}

/// Sends a call, and once more over a fresh link if it is certain that it did not run because the session was lost.
async fn send(links: &Links, to: &Destination, call: Call) -> Result<Reply, upstream::Error> {
    let first = links.link(to).await?.call(call.clone()).await;
    match first {
        Err(error) if error.kind == UpstreamKind::SessionLost => links.link(to).await?.call(call).await,
        other => other,
    }
}

/// Gives every URI in a reply its target's name, so that the client can read it back through us.
fn restore(reply: Reply, target: String) -> Reply {
    match reply {
        Reply::One(answer) => Reply::One(restore_answer(answer, &target)),
        Reply::Stream(events) => Reply::Stream(
            events
                .map(move |event| {
                    event.map(|event| match event {
                        Event::Answer(answer) => Event::Answer(restore_answer(answer, &target)),
                        event @ (Event::Note(_) | Event::Ask(_)) => event,
                    })
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
    let uri = error.object().ok().and_then(|object| object.object("data")).and_then(|data: Object| data.get("uri").cloned());
    let mut edit = Splice::new(error);
    if let Some((uri, text)) = uri.and_then(|uri| Some((uri.clone(), uri.to_text()?))) {
        edit.replace(&uri, Raw::string(&name::wrap_uri(target, &text)));
    }
    edit.finish()
}
