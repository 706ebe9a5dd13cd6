//! What every request to the admin listener passes: is it meant for us, and does it come from our own pages?
//!
//! Whoever may use the API may start programs, so no other page may. A page of another origin cannot send what is refused
//! here, and one that rebinds its name to this address sends the wrong `Host`.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use futures::StreamExt as _;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyDataStream, BodyExt as _};
use tower_service::Service as _;

use super::View;
use super::failure::Failure;
use crate::http::body::{Body, Incoming, is_json};
use crate::http::listener::ConnInfo;

/// Where a request comes from, as browsers say it (the Fetch metadata specification).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// On every response.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (http::header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Serves one request.
pub(super) async fn serve(
    view: Arc<View>,
    mut router: Router,
    request: Request<Incoming>,
    from: Arc<ConnInfo>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let refused = match view.guard.check(&parts, None) {
        Err(refusal) => {
            tracing::warn!(
                kind = refusal.kind().as_str(),
                "refused a request to the admin interface: {refusal}"
            );
            Some(Failure::new(StatusCode::FORBIDDEN, "refused", refusal.text()))
        }
        Ok(_) => foreign(&parts.method, parts.uri.path(), &parts.headers),
    };
    let mut response = match refused {
        Some(failure) => failure.into_response(),
        None => {
            let mut request = Request::from_parts(parts, axum::body::Body::new(body));
            request.extensions_mut().insert(from.finishing.clone());
            match router.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    response.headers_mut().extend(HEADERS);
    if !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    ours(response).await
}

/// Why a request is refused that our own pages would not send.
fn foreign(method: &Method, path: &str, headers: &HeaderMap) -> Option<Failure> {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    let foreign = matches!(site, Some(b"cross-site" | b"same-site"));
    // Somebody may follow a link to the UI from anywhere.
    if foreign && (path.starts_with("/api/") || method != Method::GET) {
        let text = "pages of other origins may not use this API";
        return Some(Failure::new(StatusCode::FORBIDDEN, "refused", text));
    }
    // A form can send anything but this type, and needs no permission to do so.
    let plain = method == Method::GET || method == Method::HEAD || method == Method::DELETE;
    if !plain && !is_json(headers) {
        let text = "the Content-Type must be application/json";
        return Some(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "badRequest", text));
    }
    None
}

/// The router's response with a body of ours.
async fn ours(response: axum::response::Response) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let body = match body.size_hint().exact() {
        // It is there already; as a stream it would have no length.
        Some(_) => body.collect().await.map(|body| Body::from(body.to_bytes())).unwrap_or_default(),
        None => {
            let bytes = BodyDataStream::new(body).take_while(|bytes| std::future::ready(bytes.is_ok()));
            Body::Stream(bytes.filter_map(|bytes| std::future::ready(bytes.ok())).boxed())
        }
    };
    Response::from_parts(parts, body)
}
