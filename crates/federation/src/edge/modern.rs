//! Clients of 2026-07-28: every request alone, described by its `_meta` and mirrored in its headers.

use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use protocol::method::{Local, Routing};
use protocol::{Era, Request, Version, method};
use upstream::spread::Lent;

use self::course::{Course, Piece};
use self::envelope::{Envelope, check_name};
use self::finish::Finish;
use self::resume::Opened;
use super::refuse;
use crate::backend::Shared;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Asking, Frame, Frames, Outcome};
use crate::journal::record::Record;

pub(super) use self::resume::state_in;

mod asking;
mod course;
mod envelope;
mod finish;
mod listen;
mod resume;

/// After this long without a word from the target the client gets a stream, so that it and the proxies before it see that
/// the call lives. An answer that comes before is a message of its own.
const SILENCE: Duration = Duration::from_secs(5);

/// Serves a request. Dropping what it returns cancels it at the target: here a closed stream is a cancellation.
pub(super) async fn request(backend: &Lent<Shared>, asking: &Asking, request: Request) -> Outcome {
    let Asking { head, gist } = asking;
    let id = request.id.clone();
    let envelope = match Envelope::open(head, &request) {
        Ok(envelope) => envelope,
        Err(error) => return refuse(Some(&id), &error, Era::Modern),
    };
    let Some(row) = method::lookup(&request.method, Era::Modern) else {
        let text = format!(
            "there is no method `{}` in revision {}",
            request.method,
            Version::NEWEST_MODERN.as_str()
        );
        return refuse(Some(&id), &Error::new(ErrorKind::UnknownMethod, text), Era::Modern);
    };
    if let Err(error) = check_name(head, row, &request.params) {
        return refuse(Some(&id), &error, Era::Modern);
    }
    let finish = Finish {
        backend: backend.clone(),
        id,
        row,
        params: request.params,
        caller: envelope.caller.clone(),
        principal: head.principal.clone(),
        token: envelope.token.clone(),
        level: envelope.level.clone(),
    };
    let closing = head.closing.clone();
    let record = Record::begin(backend, &finish.caller, None, (row, &finish.params), gist.clone());
    let context = envelope.context(backend, head, record.clone());
    if row.routing == Routing::Ours(Local::Listen) {
        return listen::serve(context, finish, closing, &envelope.params);
    }
    let opening = async move {
        match resume::open(&finish, &context, envelope.params).await {
            Ok(Opened::Answered(answer)) => Piece::Last(finish.answered(answer)).alone(),
            Ok(Opened::Listed(page)) => Piece::Last(finish.listed(&page)).alone(),
            Ok(Opened::Running(call)) => Course::new(finish, call).pieces(),
            Err(error) => Piece::Last(finish.failed(&error)).alone(),
        }
    };
    let patience = match row.routing {
        // Ours are answered in bounded time, and their errors have a status that a stream cannot have.
        Routing::Ours(_) | Routing::Gather(_) => Duration::MAX,
        Routing::ByName(_) | Routing::ByUri | Routing::ByRef | Routing::ByTask => SILENCE,
    };
    // Held until the end, or until nobody waits for it any more.
    let pieces = opening.flatten_stream().inspect(move |piece| {
        if let (Piece::Last(last), Some(record)) = (piece, &record) {
            record.end(&last.body);
        }
    });
    outcome(pieces.boxed(), patience).await
}

/// Waits for the first piece: an answer that comes first needs no stream.
async fn outcome(mut pieces: BoxStream<'static, Piece>, patience: Duration) -> Outcome {
    let first = match tokio::time::timeout(patience, pieces.next()).await {
        Ok(Some(Piece::Last(single))) => return Outcome::One(single),
        Ok(first) => first,
        Err(_) => None,
    };
    let frames = futures::stream::iter(first).chain(pieces).map(Piece::into_body).map(Frame::from);
    Outcome::Stream(Frames(frames.boxed()))
}

#[cfg(test)]
mod tests;
