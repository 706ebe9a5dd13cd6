//! Requests that are about the session itself: its log level, its subscriptions, its tasks.

use std::sync::Arc;

use protocol::method::{Local, Method};
use protocol::{Era, Object, Raw, meta};
use upstream::settings::Sharing;
use upstream::{Answer, Call};

use crate::catalog::Destination;
use crate::context::{Context, offered, required_text};
use crate::error::{Error, ErrorKind};
use crate::relay::{self, Links, Served};
use crate::session::{Session, Source, Subscription};
use crate::task;

/// Serves a request that is ours to answer.
pub(super) async fn serve(
    context: &Context,
    session: &Arc<Session>,
    method: &'static Method,
    local: Local,
    params: Object,
) -> Result<Served, Error> {
    match local {
        Local::Ping => Ok(nothing()),
        Local::SetLevel => set_level(context, session, &params).await,
        Local::Subscribe => subscribe(context, session, method, params).await,
        Local::Unsubscribe => unsubscribe(context, session, method, params).await,
        Local::ListTasks => task::kept::list(context, session, &params).await,
        Local::Initialize | Local::Discover | Local::Listen => context.serve(method, params).await,
    }
}

fn nothing() -> Served {
    Served::One(Ok(Raw::empty_object()))
}

async fn set_level(context: &Context, session: &Session, params: &Object) -> Result<Served, Error> {
    offered(&*context.backend.settled_catalog().await, "logging")?;
    let level = required_text(params, "level")?;
    if meta::level_rank(&level).is_none() {
        let text = format!("`{level}` is not a log level; levels are {}", meta::LEVELS.join(", "));
        return Err(Error::new(ErrorKind::InvalidParams, text));
    }
    session.set_level(&level).await;
    Ok(nothing())
}

/// A subscription belongs to the session, and outlives a restart of the target. A legacy target is told over the session's
/// own link; one that everybody shares is watched.
async fn subscribe(
    context: &Context,
    session: &Arc<Session>,
    method: &'static Method,
    params: Object,
) -> Result<Served, Error> {
    let to = context.resource(&required_text(&params, "uri")?).await?;
    let subscription = named(&to);
    session.may_subscribe(&subscription)?;
    if is_everybodys(&to).await? {
        let watcher = context.backend.watcher(to.target.name());
        let watcher = watcher.ok_or_else(|| Error::unavailable(to.target.name()))?;
        session.watch(&watcher, subscription).await?;
        return Ok(nothing());
    }
    let answer = tell(context, session, method, params, &to).await?;
    if answer.is_ok() {
        session.subscribed(subscription);
    }
    Ok(Served::One(answer))
}

async fn unsubscribe(
    context: &Context,
    session: &Arc<Session>,
    method: &'static Method,
    params: Object,
) -> Result<Served, Error> {
    let to = context.resource(&required_text(&params, "uri")?).await?;
    // Forgotten first: also a target that cannot be told now must not be asked for updates when it is back.
    let is_told = match session.unsubscribed(&named(&to)) {
        Some(Source::Watch) => false,
        // Also if it is shared by now.
        Some(Source::OwnLink) => era(&to).await? == Era::Legacy,
        None => !is_everybodys(&to).await?,
    };
    Ok(match is_told {
        true => Served::One(tell(context, session, method, params, &to).await?),
        false => nothing(),
    })
}

fn named(to: &Destination) -> Subscription {
    Subscription { target: to.target.name().to_owned(), uri: to.local.clone() }
}

/// Whether the target tells of its resources over the link that everybody shares.
async fn is_everybodys(to: &Destination) -> Result<bool, Error> {
    Ok(era(to).await? == Era::Modern || to.target.settings().sharing == Sharing::Shared)
}

async fn era(to: &Destination) -> Result<Era, Error> {
    let link = to.target.discovery_link().await;
    Ok(link.map_err(|error| Error::of_target(to.target.name(), &error))?.peer().era)
}

/// Passes a request on to a legacy target, over the session's own link; over a fresh one if the target has forgotten that.
async fn tell(
    context: &Context,
    session: &Arc<Session>,
    method: &'static Method,
    mut params: Object,
    to: &Destination,
) -> Result<Answer, Error> {
    params.set("uri", Raw::string(&to.local));
    let call = Call::quiet(method, params, context.caller.clone());
    let reply = relay::send(&Links::Session(session.clone()), to, call).await?;
    reply.answer().await.map_err(|error| Error::of_target(to.target.name(), &error))
}
