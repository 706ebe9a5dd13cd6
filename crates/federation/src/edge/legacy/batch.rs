//! Batches, which only 2025-03-26 has (spec 2025-03-26, basic/index "Batching").

use bytes::Bytes;
use protocol::{Era, Message, Version, message};
use upstream::Task;
use upstream::spread::Lent;

use super::call::{self, Piece, Voice};
use super::{heed, session_or_none};
use crate::backend::Shared;
use crate::edge::{refuse, refuse_unscanned};
use crate::error::{Error, ErrorKind};
use crate::inbound::{Head, Outcome};
use crate::session::Session;
use crate::session::outlet::Outlet;

/// Serves a batch of a client of that version; others are refused. One stream carries what its calls say.
pub(in crate::edge) fn serve(backend: &Lent<Shared>, head: &Head, body: &Bytes) -> Outcome {
    let session = match session_or_none(backend, head) {
        Ok(session) => session,
        Err(error) => return refuse(None, &error, Era::Legacy),
    };
    if !may_come(session.as_deref(), head) {
        let text =
            "batches exist only in sessions of protocol version 2025-03-26; send one message per request";
        return refuse(None, &Error::new(ErrorKind::Malformed, text), Era::Legacy);
    }
    let messages = match message::scan_batch(body) {
        Ok(messages) => messages,
        Err(error) => return refuse_unscanned(error),
    };
    let outlet = Outlet::default();
    let reader = outlet.read();
    let client = Voice::to_the_end(&outlet, session.clone());
    let mut answers = 0;
    for message in messages {
        match message {
            Ok(Message::Notification(notification)) => {
                session.iter().for_each(|session| heed(session, &notification));
            }
            Ok(Message::Response(response)) => {
                if let Some(session) = &session {
                    session.answered(response);
                }
            }
            Ok(Message::Request(request)) => {
                answers += 1;
                call::start(backend, session.clone(), request, client.clone(), head.closing.clone(), None);
            }
            Err(error) => {
                answers += 1;
                let Outcome::One(refusal) = refuse_unscanned(error) else { continue };
                let client = client.clone();
                Task::spawn_finite("batched refusal", async move {
                    client.send(Piece::Last(refusal)).await;
                });
            }
        }
    }
    if answers == 0 {
        return Outcome::Accepted;
    }
    Outcome::Stream(call::stream(session.as_deref(), &outlet, reader))
}

/// Whether a batch may come from this client. One without a session is of the version that its header says; in 2025-03-26
/// there was no such header yet.
fn may_come(session: Option<&Session>, head: &Head) -> bool {
    let version = match session {
        Some(session) => session.handshake().map(|handshake| handshake.version),
        None => head
            .version
            .as_deref()
            .map_or(Some(Version::V2025_03_26), |version| Version::parse(version.trim())),
    };
    version == Some(Version::V2025_03_26)
}
