//! A request that says where it comes from: is it the next round of a call of ours, or a call of its own?

use bytes::Bytes;
use memchr::memmem;
use protocol::{Message, Object, message};
use upstream::Answer;

use super::finish::Finish;
use crate::context::Context;
use crate::error::Error;
use crate::gather::Listed;
use crate::parking::{OpenCall, Retry, State, same_request};
use crate::relay::Served;

/// How a request begins.
pub(super) enum Opened {
    /// With its answer.
    Answered(Answer),
    /// With a page of a list.
    Listed(Listed),
    /// As a call that runs.
    Running(OpenCall),
}

/// Takes up the call that a request's state names, or makes a call of it. A state that we cannot open is not ours: it may be
/// that of a modern target, or of a gateway behind us, and goes where the request goes.
pub(super) async fn open(finish: &Finish, context: &Context, mut params: Object) -> Result<Opened, Error> {
    match ours(finish)? {
        None => {}
        Some((State::Parked(ticket), retry)) => {
            context.check_mirrored(finish.row, &finish.params)?;
            let call = finish.backend.parking.resume(ticket, retry).await?;
            context.reaches(&call.target);
            return Ok(Opened::Running(call));
        }
        Some((State::Again(digest), retry)) => {
            same_request(&digest, &retry)?;
            params.remove("inputResponses");
            params.remove("requestState");
        }
    }
    Ok(match context.serve(finish.row, params).await? {
        Served::One(answer) => Opened::Answered(answer),
        Served::Listed(page) => Opened::Listed(page),
        Served::Stream { target, events } => Opened::Running(OpenCall::new(target, events)),
    })
}

/// The `requestState` of a body, if it has one. Looks for the word first, which few bodies have.
pub(in crate::edge) fn state_in(body: &Bytes) -> Option<String> {
    memmem::find(body, b"requestState")?;
    match message::scan(body).ok()? {
        Message::Request(request) => request.params.text("requestState"),
        Message::Notification(_) | Message::Response(_) => None,
    }
}

fn ours(finish: &Finish) -> Result<Option<(State, Retry)>, Error> {
    let Some(text) = finish.params.text("requestState").filter(|_| finish.row.may_ask) else {
        return Ok(None);
    };
    let Some(state) = finish.backend.parking.read(&text)? else {
        return Ok(None);
    };
    let retry = Retry::read(finish.digest(), &finish.params)?;
    Ok(Some((state, retry)))
}
