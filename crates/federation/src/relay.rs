//! One call to one target: its own names in the request, ours in what comes back.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::{Local, Routing};
use protocol::uris::{self, Shape};
use protocol::{Era, Method, Object, Raw, Splice, name};
use upstream::pool::Borrowed;
use upstream::pool::plain::PlainLink;
use upstream::settings::Sharing;
use upstream::{Answer, Ask, Call, ErrorKind as UpstreamKind, Event, Link, Note, Pass, Reply, Target};

use crate::catalog::Destination;
use crate::error::{Error, ErrorKind};
use crate::gather::Listed;
use crate::logger::signed;
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

/// A link, for as long as a call runs.
enum Way {
    /// To a modern target, for everybody.
    Open(Link),
    /// It is the session's, which has told the target its log level.
    Own(Link),
    /// To a legacy target, for calls about which it can ask nothing.
    Plain(PlainLink),
    /// Nobody else calls on it.
    Alone(Borrowed),
}

impl Links {
    async fn way(&self, to: &Destination, call: &Call, pass: &Pass) -> Result<Way, Error> {
        let unreachable = |error: upstream::Error| {
            let target = to.target.name();
            tracing::warn!("target `{target}` could not be called: {error}");
            Error::unreachable(target, &error)
        };
        let unopened = |error: upstream::Error| {
            pass.failed(&error);
            unreachable(error)
        };
        // Most calls go this way, on which nothing is asked that all threads would have to wait for.
        if let Self::Session(session) = self
            && call.params.get("requestState").is_none()
            && keeps_to_its_session(&to.target, call)
            && let Some(link) = session.link_there(&to.target)
        {
            return Ok(Way::Own(link));
        }
        // What is known to be away, the target or the plain link, is tried again by itself: that is no failure of this call.
        let discovery = to.target.discovery_link().await.map_err(unreachable)?;
        if discovery.peer().era == Era::Modern {
            return Ok(Way::Open(discovery));
        }
        // Legacy targets have no such state, and ours was found before the call came here.
        if call.params.get("requestState").is_some() {
            let text = "the `requestState` is not known here: it has expired, was used already, or is not of this gateway; \
                        make the call again without it";
            return Err(Error::new(ErrorKind::InvalidParams, text));
        }
        match self {
            Self::Session(session) if keeps_to_its_session(&to.target, call) => {
                Ok(Way::Own(session.link(&to.target).await.map_err(unopened)?))
            }
            // A target that may ask its client must not be able to ask the wrong one.
            Self::Session(_) | Self::Shared if call.may_ask() => {
                Ok(Way::Alone(to.target.borrow(&call.caller).await.map_err(unopened)?))
            }
            Self::Session(_) | Self::Shared => {
                Ok(Way::Plain(to.target.plain_link().await.map_err(unreachable)?))
            }
        }
    }
}

/// Whether a call runs over the session's own link, because the target may keep something there for the session. Tasks and
/// subscriptions are something that it keeps, whatever the configuration says.
fn keeps_to_its_session(target: &Target, call: &Call) -> bool {
    let is_kept = match call.method.routing {
        Routing::ByTask | Routing::Ours(Local::Subscribe | Local::Unsubscribe) => true,
        _ => call.params.get("task").is_some(),
    };
    is_kept || target.sharing() == Sharing::Session
}

impl Way {
    async fn call(self, call: Call) -> Result<Reply, upstream::Error> {
        match self {
            Self::Open(link) => link.call(call).await,
            Self::Own(link) => link.call(Call { log_level: None, ..call }).await,
            Self::Plain(link) => link.call(call).await,
            Self::Alone(link) => link.call(call).await,
        }
    }
}

/// A reply under our names, with failures in words for the client.
pub(crate) enum Served {
    /// The answer, and nothing before it.
    One(Answer),
    /// The same, if it is a page of a merged list.
    Listed(Listed),
    /// What happens until the answer, and the answer. Dropping it cancels the call.
    Stream {
        /// Who says it.
        target: String,
        /// What is said.
        events: BoxStream<'static, Result<Event, Error>>,
    },
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

/// Sends a call, and again over a fresh link if that does no harm: it did not run, because the target had forgotten our
/// session or the link had died unnoticed, or the connection broke under one that only reads.
pub(crate) async fn send(links: &Links, to: &Destination, call: Call) -> Result<Reply, Error> {
    let target = to.target.name();
    let pass = to.target.admit().map_err(|refusal| Error::refused(target, &refusal))?;
    let mut resends = Resends::default();
    loop {
        let way = links.way(to, &call, &pass).await?;
        let alone = matches!(way, Way::Own(_) | Way::Alone(_));
        match way.call(call.clone()).await {
            Err(error) if resends.allow(call.method, error.kind) => {}
            reply => {
                let pass = if alone { pass.alone() } else { pass };
                return pass.follow(reply).map_err(|error| explain(target, &error));
            }
        }
    }
}

/// The failures after which a call was sent again: once after each, because a target that could not be reached may have
/// forgotten the session as well.
#[derive(Default)]
struct Resends(Vec<UpstreamKind>);

impl Resends {
    /// Whether a call is sent again after this failure.
    fn allow(&mut self, method: &Method, failure: UpstreamKind) -> bool {
        let is_allowed = may_be_sent_again(method, failure) && !self.0.contains(&failure);
        self.0.extend(is_allowed.then_some(failure));
        is_allowed
    }
}

fn may_be_sent_again(method: &Method, failure: UpstreamKind) -> bool {
    match failure {
        UpstreamKind::SessionLost | UpstreamKind::Unreachable => true,
        UpstreamKind::Closed => method.reads,
        UpstreamKind::Timeout
        | UpstreamKind::Unauthorized
        | UpstreamKind::Status(_)
        | UpstreamKind::Protocol
        | UpstreamKind::TooLarge
        | UpstreamKind::Stopped
        | UpstreamKind::Busy => false,
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
        Reply::Stream(events) => Served::Stream {
            target: target.clone(),
            events: events
                .map(move |event| match event {
                    Ok(Event::Note(Note::Log(params))) if wrap => {
                        Ok(Event::Note(Note::Log(signed(params, &target))))
                    }
                    Ok(Event::Answer(answer)) => Ok(Event::Answer(answered(answer, &target))),
                    Ok(Event::Ask(ask)) => {
                        let ask = if wrap { restore_ask(ask, &target) } else { ask };
                        Ok(Event::Ask(question::named_ask(&target, ask)))
                    }
                    Ok(event @ (Event::Note(_) | Event::Refused(_))) => Ok(event),
                    Err(error) => Err(explain(&target, &error)),
                })
                .boxed(),
        },
    }
}

fn restore_answer(answer: Answer, target: &str) -> Answer {
    let wrap = |uri: &str| Some(name::wrap_uri(target, uri));
    match answer {
        Ok(result) => Ok(uris::rewrite(&result, Shape::Result, wrap)),
        Err(error) => Err(restore_error(&error, target)),
    }
}

/// What a model is asked may hold what a tool returned.
fn restore_ask(ask: Ask, target: &str) -> Ask {
    let wrap = |uri: &str| Some(name::wrap_uri(target, uri));
    match ask {
        Ask::Replay { result } => Ask::Replay { result: uris::rewrite(&result, Shape::Unfinished, wrap) },
        Ask::Held(mut question) => {
            let params = uris::rewrite(&question.params.to_raw(), Shape::Result, wrap);
            question.params = params.object().unwrap_or(question.params);
            Ask::Held(question)
        }
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
