//! The web UI: the files of `ui/dist`, which are part of the binary.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use policy::host::{Authority, HostPattern};
use rust_embed::RustEmbed;

use super::View;
use super::failure::Failure;
use super::shown::Shown;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Files;

/// The page. Every path below `/ui/` that is no file is one of its views.
pub(super) async fn index(State(view): State<Arc<View>>, headers: HeaderMap) -> Response {
    let mut response = send("index.html", &headers);
    if let Ok(policy) = HeaderValue::from_str(&content_policy(&view.shown(), &headers)) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A file, or a view of the page.
pub(super) async fn file(state: State<Arc<View>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    // Views have no extension; a file that is missing must not look like a page.
    if Files::get(&path).is_some() {
        return send(&path, &headers);
    }
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return Failure::not_found("the UI has no such file").into_response();
    }
    index(state, headers).await
}

fn send(path: &str, asked: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return Failure::not_found("the UI has no such file").into_response();
    };
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { file.data.into_owned().into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    // Names of files stay the same from one version to the next, so each is asked for again, and mostly not sent again.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// What the page may do: run its own code, show its own pictures, and talk to us and to the ports that we serve.
fn content_policy(shown: &Shown, headers: &HeaderMap) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| Authority::parse(host.to_str().ok()?))
        .map(|it| it.host.to_string());
    let mut hosts: BTreeSet<String> = host.into_iter().collect();
    for listener in shown.config.binds.iter().flat_map(|bind| &bind.listeners) {
        let routes = listener.routes.iter().flat_map(|route| &route.hostnames);
        hosts.extend(listener.hostname.iter().chain(routes).map(HostPattern::to_string));
    }
    let bound = shown.addresses.iter().map(|address| address.ip());
    hosts.extend(bound.filter(|ip| !ip.is_unspecified() && !ip.is_ipv6()).map(|ip| ip.to_string()));
    // Any port, so that the playground reaches one that a reload opens while the page is shown.
    let reached: Vec<_> =
        hosts.iter().flat_map(|host| [format!("http://{host}:*"), format!("https://{host}:*")]).collect();
    format!("{OWN}; connect-src 'self' {}", reached.join(" "))
}

/// All but whom it may talk to.
const OWN: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; \
                   media-src data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
