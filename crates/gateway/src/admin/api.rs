//! The admin API: what there is to see and to do, as JSON. docs/admin-api.md describes it.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, delete, get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use policy::origin::Origin;
use serde::Deserialize;
use serde_json::json;

use super::calls::{Detail, Summary};
use super::catalog::Item;
use super::events::Asking;
use super::failure::Failure;
use super::status::{Circumstances, Status};
use super::{View, configuration, effective, events, pages, sessions};
use crate::config::Level;

/// Every path of the admin listener.
pub(super) fn router(view: Arc<View>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/ui/") }))
        .route("/ui", get(|| async { Redirect::temporary("/ui/") }))
        .route("/ui/", get(pages::index))
        .route("/ui/{*path}", get(pages::file))
        .route("/api/status", get(status))
        .route("/api/events", get(events::stream))
        .route("/api/sessions", get(all_sessions))
        .route("/api/sessions/{id}", delete(end_session))
        .route("/api/catalog", get(catalog))
        .route("/api/calls", get(calls))
        .route("/api/calls/{id}", get(call))
        .route("/api/backends/{backend}/targets/{target}/restart", post(restart))
        .route("/api/log-level", put(log_level))
        .route("/api/config/effective", get(effective_config))
        .route("/api/health/live", get(|| async { Json(json!({ "live": true })) }))
        .route("/api/health/ready", get(ready))
        .fallback(any(|| async {
            Failure::new(
                StatusCode::NOT_FOUND,
                "notFound",
                "there is nothing here; the UI is at /ui/, and GET /api/status shows how everything is doing",
            )
        }))
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "badRequest", "this path is not for this method")
        })
        .with_state(view.clone())
        .merge(configuration::routes(view.configuration.clone()))
}

impl View {
    pub(super) fn status(&self, page: Option<&Origin>) -> Status {
        let circumstances = Circumstances {
            started: self.started,
            log: self.levels.current(),
            traffic: self.journal.traffic(),
            writable: self.configuration.is_writable(),
            page,
        };
        Status::of(&self.shown(), circumstances)
    }
}

async fn status(
    State(view): State<Arc<View>>,
    asking: Result<Query<Asking>, QueryRejection>,
) -> Result<Json<Status>, Failure> {
    let Query(asking) = asking?;
    Ok(Json(view.status(asking.page().as_ref())))
}

async fn ready(State(view): State<Arc<View>>) -> Response {
    let ready = view.status(None).is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready }))).into_response()
}

async fn effective_config(State(view): State<Arc<View>>) -> impl IntoResponse {
    Json(effective::of(&view.shown().config))
}

async fn all_sessions(State(view): State<Arc<View>>) -> impl IntoResponse {
    Json(json!({ "sessions": sessions::all(&view.shown()) }))
}

async fn end_session(State(view): State<Arc<View>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    if sessions::end(&view.shown(), &id) {
        tracing::info!("session {id} was ended, as was asked for");
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Failure::not_found("there is no such session; it may have ended already"))
}

#[derive(Deserialize)]
struct OfBackend {
    backend: String,
}

async fn catalog(
    State(view): State<Arc<View>>,
    query: Result<Query<OfBackend>, QueryRejection>,
) -> Result<impl IntoResponse, Failure> {
    let Query(OfBackend { backend }) = query?;
    let shown = view.shown();
    let backend = shown.backend(&backend).ok_or_else(no_backend)?;
    Ok(Json(json!({ "items": backend.catalog().into_iter().map(Item::of).collect::<Vec<_>>() })))
}

async fn calls(State(view): State<Arc<View>>) -> impl IntoResponse {
    let keep = view.journal.kept();
    let calls: Vec<_> = view.journal.recent().iter().map(|entry| Summary::of(entry)).collect();
    Json(json!({ "keep": keep.calls, "bodies": keep.bodies, "calls": calls }))
}

async fn call(State(view): State<Arc<View>>, Path(id): Path<String>) -> Result<Json<Detail>, Failure> {
    let entry = id.parse().ok().and_then(|id| view.journal.find(id));
    let entry = entry.ok_or_else(|| {
        let keep = view.journal.kept().calls;
        Failure::not_found(format!(
            "the call is no longer known; the last {keep} are (`config.activity.calls`)"
        ))
    })?;
    Ok(Json(Detail::of(&entry)))
}

async fn restart(
    State(view): State<Arc<View>>,
    Path((backend, target)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let shown = view.shown();
    let backend = shown.backend(&backend).ok_or_else(no_backend)?;
    if backend.restart(&target) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(Failure::not_found(format!("the backend has no target `{target}`")))
}

fn no_backend() -> Failure {
    Failure::not_found("there is no backend of this key; GET /api/status lists them")
}

#[derive(Deserialize)]
struct NewLevel {
    level: Level,
}

async fn log_level(
    State(view): State<Arc<View>>,
    body: Result<Json<NewLevel>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(NewLevel { level }) = body?;
    view.levels.override_with(level);
    tracing::info!("the log level is `{}` now, as was asked for", level.as_str());
    Ok(StatusCode::NO_CONTENT)
}
