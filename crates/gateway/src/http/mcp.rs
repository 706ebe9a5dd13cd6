//! One HTTP request, from its head to the response: the stages of the gateway's side, in order.

use std::sync::Arc;

use federation::{Asking, Backend, ErrorKind, Gist, Head, Outcome, Single};
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use policy::cors::{Cors, Preflight};
use protocol::{Era, Version, depth};
use tokio::time::Instant;
use tracing::Level;
use upstream::boxed;
use upstream::spread::Lender;

use super::body::{Body, Incoming, read_limited};
use super::counts::Reason;
use super::listener::{ConnInfo, Handler};
use super::respond;
use crate::access_log::{AccessLog, Served};
use crate::assemble::{Matched, RouteState, Site};
use reading::{Reading, accepts};

mod reading;

/// Serves the MCP routes of a port.
pub struct Mcp {
    site: Lender<Site>,
}

impl Mcp {
    /// Serves a site until it is replaced.
    pub fn new(site: Arc<Site>) -> Arc<Self> {
        Arc::new(Self { site: Lender::new(site) })
    }

    /// Serves another site from the next request on.
    pub fn replace(&self, site: Arc<Site>) {
        self.site.replace(site);
    }
}

impl Handler for Mcp {
    fn handle<'a>(
        &'a self,
        head: Arc<Parts>,
        body: Incoming,
        from: &'a Arc<ConnInfo>,
    ) -> BoxFuture<'a, Response<Body>> {
        boxed(move || async move {
            let site = self.site.lend();
            let mut asked = Asked::new(head, from, site.access_log.as_ref());
            let response = serve(&site, &asked, body).await.map(|body| body.counted(&site.counts));
            asked.status = Some(response.status());
            response
        })
    }
}

/// What is asked, but for the body.
struct Asked<'a> {
    parts: Arc<Parts>,
    from: &'a ConnInfo,
    /// Where it is noted, and what was found out about it for that.
    noted: Option<(&'a AccessLog, Arc<Gist>)>,
    /// When it began, if anybody wants to know how long it took.
    began: Option<Instant>,
    /// What came of it.
    status: Option<StatusCode>,
}

impl<'a> Asked<'a> {
    fn new(parts: Arc<Parts>, from: &'a ConnInfo, log: Option<&'a AccessLog>) -> Self {
        let noted = log.map(|log| (log, Arc::default()));
        let began = (noted.is_some() || tracing::enabled!(Level::DEBUG)).then(Instant::now);
        Self { parts, from, noted, began, status: None }
    }

    /// The same for the virtual server.
    fn asking(&self, reading: &Reading) -> Asking {
        Asking { head: reading.head.clone(), gist: self.noted.as_ref().map(|(_, gist)| gist.clone()) }
    }
}

impl Drop for Asked<'_> {
    /// Notes the request, also if it has no answer. One that there is may still go on as a stream.
    fn drop(&mut self) {
        let Some(began) = self.began else { return };
        let (method, path, peer) = (&self.parts.method, self.parts.uri.path(), self.from.peer);
        let (status, took) = (self.status.unwrap_or_else(without_answer), began.elapsed());
        tracing::debug!(%peer, %method, path, status = status.as_u16(), ?took, "served a request");
        if let Some((log, gist)) = &self.noted {
            log.note(&Served { peer, method, path, status, took, gist });
        }
    }
}

/// What is noted of a request that was not answered: a failure of ours, or its client is gone.
fn without_answer() -> StatusCode {
    match std::thread::panicking() {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
    }
}

/// The stages: those of the head, cross-origin questions, and then by method.
async fn serve(site: &Arc<Site>, asked: &Asked<'_>, body: Incoming) -> Response<Body> {
    let reading = match Reading::of(site, &asked.parts, asked.from) {
        Ok(reading) => reading,
        Err(refusal) => return *refusal,
    };
    let Some(matched) = reading.matched(site) else {
        return respond::plain(StatusCode::NOT_FOUND, "no route of this gateway takes this request");
    };
    let response = serve_route(site, &matched, asked, &reading, body).await;
    matched.listener.statuses.count(response.status());
    response
}

async fn serve_route(
    site: &Site,
    matched: &Matched<'_>,
    asked: &Asked<'_>,
    reading: &Reading,
    body: Incoming,
) -> Response<Body> {
    let parts = &asked.parts;
    match (&matched.route.cors, Preflight::of(&parts.method, &parts.headers)) {
        (Some(cors), Some(ask)) => preflight(cors, ask),
        _ => reading.readable(by_method(site, matched.route, asked, reading, body).await),
    }
}

fn preflight(cors: &Cors, ask: Preflight<'_>) -> Response<Body> {
    match cors.preflight(ask) {
        Ok(headers) => {
            let mut response = respond::empty(StatusCode::NO_CONTENT);
            response.headers_mut().extend(headers);
            response
        }
        Err(refusal) => respond::refused(&refusal),
    }
}

async fn by_method(
    site: &Site,
    route: &RouteState,
    asked: &Asked<'_>,
    reading: &Reading,
    body: Incoming,
) -> Response<Body> {
    let (parts, head) = (&asked.parts, &reading.head);
    match parts.method {
        Method::POST => match refused_post(reading, parts) {
            None => post(site, route, asked.asking(reading), parts, body).await,
            Some(refusal) => refusal,
        },
        Method::GET => get(site, route, head, parts),
        Method::DELETE => delete(route, head),
        _ => respond::method_not_allowed(),
    }
}

/// What is wrong with a POST, as far as its headers tell.
fn refused_post(reading: &Reading, parts: &Parts) -> Option<Response<Body>> {
    if !reading.is_json {
        let text = "the Content-Type must be application/json";
        return Some(respond::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    if !reading.takes_answers && old_session(parts).is_none() {
        let text = "the Accept header must allow both application/json and text/event-stream";
        return Some(respond::error(StatusCode::NOT_ACCEPTABLE, text));
    }
    None
}

async fn post(
    site: &Site,
    route: &RouteState,
    asking: Asking,
    parts: &Parts,
    body: Incoming,
) -> Response<Body> {
    let body = match read_limited(body, site.request_body).await {
        Ok(body) => body,
        Err(error) => {
            error.reason().into_iter().for_each(|reason| site.counts.refuse(reason));
            return respond::unread(&error);
        }
    };
    if depth::exceeds(&body, site.json_depth) {
        site.counts.refuse(Reason::JsonDepth);
        return respond::too_deep(&body, site.json_depth);
    }
    let outcome = match old_session(parts) {
        Some(session) => {
            let old = Head { session: Some(session), ..Head::clone(&asking.head) };
            let asking = Asking { head: Arc::new(old), ..asking };
            backend(route, &asking.head).post_sse(asking, &body)
        }
        None => {
            let asked = owner(route, |backend| backend.has_round(&body));
            asked.unwrap_or_else(|| backend(route, &asking.head)).post(asking, body).await
        }
    };
    if let Outcome::One(single) = &outcome {
        count(site, single);
    }
    respond::outcome(outcome)
}

/// Counts a refusal that is about a limit.
fn count(site: &Site, refusal: &Single) {
    if refusal.error == Some(ErrorKind::TooManySessions) {
        site.counts.refuse(Reason::Sessions);
    }
}

fn get(site: &Site, route: &RouteState, head: &Head, parts: &Parts) -> Response<Body> {
    if !accepts(&parts.headers, &["text/event-stream"]) {
        return respond::error(StatusCode::NOT_ACCEPTABLE, "the Accept header must allow text/event-stream");
    }
    if head.session.is_none() && is_sse_path(parts.uri.path()) {
        return open_sse(site, route, head, parts);
    }
    let backend = backend(route, head);
    if keeps_no_sessions(backend, head) {
        return respond::method_not_allowed();
    }
    match backend.stream(head) {
        Ok(frames) => respond::events(frames),
        Err(refusal) => respond::single(refusal),
    }
}

fn delete(route: &RouteState, head: &Head) -> Response<Body> {
    let backend = backend(route, head);
    if keeps_no_sessions(backend, head) {
        return respond::method_not_allowed();
    }
    match backend.end(head) {
        Ok(()) => respond::empty(StatusCode::NO_CONTENT),
        Err(refusal) => respond::single(refusal),
    }
}

/// GET and DELETE are about sessions, which modern clients and stateless servers do not have.
fn keeps_no_sessions(backend: &Backend, head: &Head) -> bool {
    let modern = head.version.as_deref().and_then(Version::parse).is_some_and(|v| v.era() == Era::Modern);
    backend.settings().stateless || (modern && head.session.is_none())
}

// === The transport of 2024-11-05 ===

fn is_sse_path(path: &str) -> bool {
    path == "/sse" || path.ends_with("/sse")
}

/// Opens a connection of 2024-11-05, whose first event says where to POST: here, with the session in the query.
fn open_sse(site: &Site, route: &RouteState, head: &Head, parts: &Parts) -> Response<Body> {
    match by_weight(&route.backends).open_sse(head) {
        Ok((session, frames)) => {
            let endpoint = format!("{}?sessionId={session}", parts.uri.path());
            respond::old_events(&endpoint, frames)
        }
        Err(refusal) => {
            count(site, &refusal);
            respond::single(refusal)
        }
    }
}

/// The session of a POST of 2024-11-05.
fn old_session(parts: &Parts) -> Option<String> {
    if !is_sse_path(parts.uri.path()) {
        return None;
    }
    let pairs = parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| *name == "sessionId").map(|(_, value)| value.to_owned())
}

// === Backends ===

/// The backend that has the session; for a request without one, or with one that nobody has, one picked by weight.
fn backend<'a>(route: &'a RouteState, head: &Head) -> &'a Backend {
    let named = head.session.is_some();
    let owner = named.then(|| owner(route, |backend| backend.has_session(head))).flatten();
    owner.unwrap_or_else(|| by_weight(&route.backends))
}

/// The backend that has something. One that is alone need not be asked.
fn owner(route: &RouteState, has: impl Fn(&Backend) -> bool) -> Option<&Backend> {
    match &route.backends[..] {
        [(_, only)] => Some(only),
        several => several.iter().map(|(_, backend)| backend).find(|backend| has(backend)),
    }
}

fn by_weight(backends: &[(u32, Backend)]) -> &Backend {
    if let [(_, only)] = backends {
        return only;
    }
    let total: u64 = backends.iter().map(|(weight, _)| u64::from(*weight)).sum();
    let mut drawn = random().checked_rem(total).unwrap_or_default();
    for (weight, backend) in backends {
        match drawn.checked_sub(u64::from(*weight)) {
            Some(rest) => drawn = rest,
            None => return backend,
        }
    }
    &backends[0].1
}

/// A number to draw lots with. Without randomness the first backend gets everything, which still serves.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
