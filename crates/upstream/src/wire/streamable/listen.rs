//! The stream on which a legacy server sends what belongs to no request of ours.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use protocol::Version;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::endpoint::Endpoint;
use super::life::Stage;
use crate::wire::http_client::body::{drain, is_event_stream};
use crate::wire::http_client::events::{Events, message_data};
use crate::wire::http_client::shown;
use crate::wire::intake;

/// The first and the longest wait between two connections, where the server names none.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The shortest wait, also for a server that asks for none: two programs must not chase each other.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// How long a session must last in which a server is asked for a stream that offered none in the last one. Most are shorter
/// whose client is a program that makes one call. Asked it is, because another server may have taken its place.
const LASTS: Duration = Duration::from_secs(2);

/// Listens for as long as the server offers a stream and somebody reads the inbox. The task ends with the wire. What is
/// dropped when the server first answers tells those who wait for that; if there are none, it need not be now.
pub(super) async fn listen(endpoint: Arc<Endpoint>, version: Version, answered: Option<oneshot::Sender<()>>) {
    let wire = endpoint.clone();
    let mut over = pin!(wire.life.until(Stage::Over));
    if answered.is_none() && endpoint.place.is_streamless() {
        tokio::select! {
            biased;
            () = &mut over => return,
            () = sleep(LASTS) => {}
        }
    }
    // Elsewhere: most sessions end before that.
    let reading = Box::pin(read(endpoint, version, answered));
    tokio::select! {
        biased;
        () = over => {}
        () = reading => {}
    }
}

async fn read(endpoint: Arc<Endpoint>, version: Version, mut answered: Option<oneshot::Sender<()>>) {
    let mut events: Option<Events> = None;
    let mut in_vain = 0;
    loop {
        let last = events.as_ref().and_then(|events| events.last_id.as_deref());
        let response = endpoint.get(Some(version), last).await;
        drop(answered.take());
        if let Ok(response) = response {
            let status = response.status;
            if !status.is_success() || !is_event_stream(&response.headers) {
                drain(response.body);
                // It took the stream in this session before.
                if status == StatusCode::NOT_FOUND && events.is_some() {
                    return endpoint.forgotten();
                }
                if matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) {
                    endpoint.place.note_stream(false);
                }
                if offers_none(status) {
                    tracing::debug!("{} offers no stream of its own ({status})", shown(&endpoint.place.url));
                    return;
                }
            } else {
                endpoint.place.note_stream(true);
                let body = response.body;
                let stream = match &mut events {
                    Some(events) => {
                        events.resume(body);
                        events
                    }
                    none => none.insert(Events::new(&[], body, endpoint.limit)),
                };
                if forward(stream, &endpoint).await == Reader::Gone {
                    return;
                }
                if stream.heard {
                    in_vain = 0;
                }
            }
        }
        sleep(wait(events.as_ref().and_then(|events| events.retry), in_vain)).await;
        in_vain += 1;
    }
}

/// Whether a status is an answer for good: 405 as the specification has it, and whatever else servers say instead.
/// What a server or a proxy cannot do just now is asked for again. So is a stream that the session has already: the server may
/// not have noticed yet that the connection broke over which it went, or another replica has it, and may leave it.
fn offers_none(status: StatusCode) -> bool {
    match status {
        StatusCode::CONFLICT => false,
        StatusCode::NOT_IMPLEMENTED => true,
        status => !status.is_server_error(),
    }
}

/// Whether somebody reads the inbox.
#[derive(PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

/// Passes messages on until the connection ends. Nothing but these messages comes over it, so it waits for room.
async fn forward(events: &mut Events, endpoint: &Endpoint) -> Reader {
    while let Ok(Some(event)) = events.next().await {
        let Some(data) = message_data(event) else { continue };
        let mut messages = Vec::new();
        intake::each(&data, |message| match message {
            Ok(message) => messages.push(message),
            Err(_) => endpoint.noise.warn(intake::excerpt(&data, 120)),
        });
        for message in messages {
            if endpoint.inbox.send(message).await.is_err() {
                return Reader::Gone;
            }
        }
    }
    Reader::There
}

/// How long to wait before the next connection: never less than the server asks for, longer each time that nothing
/// came, and not the same for all who lost the same server.
fn wait(retry: Option<Duration>, in_vain: u32) -> Duration {
    let base = retry.unwrap_or(FIRST_WAIT).max(SHORTEST_WAIT);
    let grown = base.saturating_mul(1 << in_vain.min(5)).min(LONGEST_WAIT.max(base));
    let share = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
    grown + grown.mul_f64(share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_respect_the_server() {
        for in_vain in 0..40 {
            let plain = wait(None, in_vain);
            assert!((FIRST_WAIT..=LONGEST_WAIT.mul_f64(1.5)).contains(&plain), "{plain:?}");
            assert!(wait(Some(Duration::from_secs(90)), in_vain) >= Duration::from_secs(90));
        }
        assert!(wait(None, 10) >= LONGEST_WAIT);
        assert!(wait(Some(Duration::ZERO), 0) >= SHORTEST_WAIT);
    }
}
