//! Live updates for pages: `GET /api/events`, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use policy::origin::Origin;
use protocol::sse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::View;
use super::calls::Summary;
use super::failure::Failure;
use super::sessions::{self, Session};
use super::status::Status;
use crate::http::body::{Body, KEEP_ALIVE_AFTER};

/// How often it is looked whether something changed. Looking is cheap, and every state is covered, whoever changes it.
const LOOK: Duration = Duration::from_millis(500);

/// Who asks for a status.
#[derive(Deserialize)]
pub(super) struct Asking {
    origin: Option<String>,
}

impl Asking {
    /// The origin of the page that asks, if it says one.
    pub(super) fn page(&self) -> Option<Origin> {
        Origin::parse(self.origin.as_deref()?)
    }
}

/// A status and the sessions at the beginning and whenever they have changed, and each call when it has ended.
pub(super) async fn stream(
    State(view): State<Arc<View>>,
    Extension(finishing): Extension<CancellationToken>,
    asking: Result<Query<Asking>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asking) = asking?;
    let page = asking.page();
    let ended = view.journal.ended();
    let calls = futures::stream::unfold(ended, |mut ended| async move {
        loop {
            match ended.recv().await {
                Ok(entry) => return Some((event("call", &Summary::of(&entry)), ended)),
                // The page asks for all of them when it notices a gap in their numbers.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let events = futures::stream::select(changes(view, page), calls).take_until(finishing.cancelled_owned());
    let body = Body::events(events.boxed(), KEEP_ALIVE_AFTER);
    let body = body.map_frame(|frame| frame.map_data(|pieces| pieces.join()));
    let mut response = Response::new(axum::body::Body::new(body.map_err(|never: Infallible| match never {})));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// What was said last.
struct Said {
    view: Arc<View>,
    page: Option<Origin>,
    status: Option<Status>,
    sessions: Option<Vec<Session>>,
}

fn changes(view: Arc<View>, page: Option<Origin>) -> impl Stream<Item = Bytes> {
    let nothing = Said { view, page, status: None, sessions: None };
    futures::stream::unfold(nothing, |mut said| async move {
        loop {
            let begun = said.status.is_some();
            if begun {
                tokio::time::sleep(LOOK).await;
            }
            let mut events = Vec::new();
            let status = said.view.status(said.page.as_ref());
            if said.status.as_ref() != Some(&status) {
                events.extend_from_slice(&event("status", &status));
                said.status = Some(status);
            }
            let sessions = sessions::all(&said.view.shown());
            if said.sessions.as_ref() != Some(&sessions) {
                events.extend_from_slice(&event("sessions", &json!({ "sessions": sessions })));
                said.sessions = Some(sessions);
            }
            if !events.is_empty() {
                return Some((Bytes::from(events), said));
            }
        }
    })
}

fn event(name: &str, value: &impl Serialize) -> Bytes {
    let data = serde_json::to_vec(value).unwrap_or_default();
    let mut out = Vec::with_capacity(data.len() + 32);
    sse::write_event(Some(name), None, &data, &mut out);
    out.into()
}
