//! A connection of HTTP/1: one request after the other.

use std::future::{poll_fn, ready};
use std::pin::pin;

use futures::future::{BoxFuture, Either};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use http::{Response, StatusCode};
use http1::server::{Connection, Heard, Refusal, Unheard};
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::paced::{Course, Paced};
use super::{Body, From, Guard, HEAD, Incoming, Reason, answer, lingered, respond, too_large};
use crate::http::deadline::Deadline;

/// What may happen to a connection other than by its requests.
enum Turn {
    /// It is time to finish.
    Finish,
    /// The time to finish is over.
    Cut,
}

/// Serves a connection to its end, unless its client speaks HTTP/2: then it is handed back as it is.
pub(super) async fn serve<IO>(
    mut connection: Connection<Paced<IO>>,
    from: &From,
    course: &Course,
    running: &Guard,
) -> Option<Connection<Paced<IO>>>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (peer, counts) = (from.info.peer, &from.terms.counts);
    let turns: [BoxFuture<'_, Turn>; 2] =
        [running.cut().map(|()| Turn::Cut).boxed(), lingered(running).map(|()| Turn::Finish).boxed()];
    // A set looks only at those that were woken up, which is hardly ever; each takes a lock.
    let mut turns = FuturesUnordered::from_iter(turns);
    let mut finishing = false;
    let mut head = Deadline::new(HEAD);
    while connection.keeps() && (connection.is_amid_head() || !finishing) {
        let heard = tokio::select! {
            // What has arrived is a request before it is too late for it.
            biased;
            heard = connection.request() => heard,
            Some(turn) = turns.next() => match turn {
                Turn::Cut => return cut(from),
                Turn::Finish => {
                    finishing = true;
                    continue;
                }
            },
            () = poll_fn(|context| head.poll_over(context)) => {
                if course.is_unheard() {
                    counts.refuse(Reason::SlowHead);
                }
                tracing::debug!(%peer, "a client did not ask for anything in time");
                return None;
            }
        };
        let answer = match heard {
            Ok(Heard::Request(head, body)) => Either::Left(answer(from, course, head, Incoming::One(body))),
            Ok(Heard::Http2) => return Some(connection),
            Ok(Heard::End) => break,
            Err(Unheard::Refused(refusal)) => Either::Right(ready(refused(from, course, refusal))),
            Err(Unheard::Broken(error)) => {
                tracing::debug!(%peer, %error, "a connection broke");
                return None;
            }
        };
        let exchange = async {
            let response = connection.attend(answer).await?;
            connection.respond(response).await
        };
        let mut exchange = pin!(exchange);
        let done = loop {
            tokio::select! {
                biased;
                done = exchange.as_mut() => break done,
                Some(turn) = turns.next() => match turn {
                    Turn::Cut => return cut(from),
                    Turn::Finish => finishing = true,
                },
            }
        };
        if let Err(error) = done {
            tracing::debug!(%peer, %error, "a connection ended amid a request or its answer");
            if course.has_stalled() {
                counts.refuse(Reason::SlowReader);
            }
            return None;
        }
        head.restart();
    }
    let closed = async {
        if let Err(error) = connection.close().await {
            tracing::debug!(%peer, %error, "a connection broke at its end");
            if course.has_stalled() {
                counts.refuse(Reason::SlowReader);
            }
        }
    };
    tokio::select! {
        () = closed => None,
        () = running.cut() => cut(from),
    }
}

fn cut<C>(from: &From) -> Option<C> {
    tracing::debug!(peer = %from.info.peer, "a connection was cut");
    None
}

/// Says what is wrong with what is no request.
fn refused(from: &From, course: &Course, refusal: Refusal) -> Response<Body> {
    course.answer(true);
    match refusal {
        Refusal::HeadTooLarge => too_large(&from.terms),
        Refusal::Malformed(fault) => {
            from.terms.counts.refuse(Reason::Malformed);
            tracing::debug!(peer = %from.info.peer, fault, "refused what is no valid request");
            respond::error(StatusCode::BAD_REQUEST, fault)
        }
    }
}
