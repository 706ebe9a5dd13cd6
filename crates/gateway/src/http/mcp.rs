//! One HTTP request, from its head to the response: the stages of the gateway's side, in order.

use std::sync::Arc;

use federation::{Backend, ErrorKind, Gist, Head, Outcome, Single};
use futures::future::BoxFuture;
use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use policy::cors::{Cors, Preflight};
use policy::origin::authority;
use protocol::{Era, Version, depth, header};
use tokio::time::Instant;

use super::body::{Body, Incoming, is_json, read_limited};
use super::counts::Reason;
use super::listener::{ConnInfo, Handler};
use super::respond;
use crate::access_log::{AccessLog, Served};
use crate::assemble::{ListenerState, Matched, RouteState, Site};

/// Serves the MCP routes of a port.
pub struct Mcp {
    site: arc_swap::ArcSwap<Site>,
}

impl Mcp {
    /// Serves a site until it is replaced.
    pub fn new(site: Arc<Site>) -> Arc<Self> {
        Arc::new(Self { site: arc_swap::ArcSwap::new(site) })
    }

    /// Serves another site from the next request on.
    pub fn replace(&self, site: Arc<Site>) {
        self.site.store(site);
    }
}

impl Handler for Mcp {
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        from: Arc<ConnInfo>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let site = self.site.load_full();
            let mut asked = Asked::new(parts, from, site.access_log.as_ref());
            let response = serve(&site, &asked, body).await.map(|body| body.counted(&site.counts));
            asked.status = Some(response.status());
            response
        })
    }
}

/// What is asked, but for the body.
struct Asked {
    parts: Parts,
    from: Arc<ConnInfo>,
    /// Where it is noted, and what was found out about it for that.
    noted: Option<(AccessLog, Arc<Gist>)>,
    began: Instant,
    /// What came of it.
    status: Option<StatusCode>,
}

impl Asked {
    fn new(parts: Parts, from: Arc<ConnInfo>, log: Option<&AccessLog>) -> Self {
        let noted = log.map(|log| (log.clone(), Arc::default()));
        Self { parts, from, noted, began: Instant::now(), status: None }
    }

    fn gist(&self) -> Option<Arc<Gist>> {
        self.noted.as_ref().map(|(_, gist)| gist.clone())
    }
}

impl Drop for Asked {
    /// Notes the request, also if it has no answer. One that there is may still go on as a stream.
    fn drop(&mut self) {
        let (method, path, peer) = (&self.parts.method, self.parts.uri.path(), self.from.peer);
        let (status, took) = (self.status.unwrap_or_else(without_answer), self.began.elapsed());
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

/// The stages: route, host and origin, cross-origin questions, and then by method.
async fn serve(site: &Site, asked: &Asked, body: Incoming) -> Response<Body> {
    let parts = &asked.parts;
    let authority = match authority(parts) {
        Ok(authority) => authority,
        Err(refusal) => return counted(site.listener(None), respond::refused(&refusal)),
    };
    let Some(matched) = site.find(Some(&authority.host), parts) else {
        let listener = site.listener(Some(&authority.host));
        let response = match listener.map(|listener| listener.guard.check_for(&authority, parts, None)) {
            Some(Err(refusal)) => respond::refused(&refusal),
            _ => respond::plain(StatusCode::NOT_FOUND, "no route of this gateway takes this request"),
        };
        return counted(listener, response);
    };
    let admission = matched.listener.guard.check_for(&authority, parts, matched.route.cors.as_ref());
    let response = match admission {
        Err(refusal) => readable(&matched, parts, respond::refused(&refusal)),
        Ok(_) => serve_route(site, &matched, asked, body).await,
    };
    matched.listener.statuses.count(response.status());
    response
}

async fn serve_route(site: &Site, matched: &Matched<'_>, asked: &Asked, body: Incoming) -> Response<Body> {
    let parts = &asked.parts;
    match (&matched.route.cors, Preflight::of(&parts.method, &parts.headers)) {
        (Some(cors), Some(ask)) => preflight(cors, ask),
        _ => readable(matched, parts, by_method(site, matched.route, asked, body).await),
    }
}

/// A response that the page may read which asked, if its route says so.
fn readable(matched: &Matched<'_>, parts: &Parts, mut response: Response<Body>) -> Response<Body> {
    if let Some(cors) = &matched.route.cors {
        cors.apply(parts.headers.get(http::header::ORIGIN), response.headers_mut());
    }
    response
}

/// The response to a request that no route takes.
fn counted(listener: Option<&ListenerState>, response: Response<Body>) -> Response<Body> {
    listener.inspect(|listener| listener.statuses.count(response.status()));
    response
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

async fn by_method(site: &Site, route: &RouteState, asked: &Asked, body: Incoming) -> Response<Body> {
    let Asked { parts, from, .. } = asked;
    let head = Head { closing: from.finishing.clone(), gist: asked.gist(), ..head(&parts.headers) };
    match parts.method {
        Method::POST => post(site, route, head, parts, body).await,
        Method::GET => get(site, route, &head, parts),
        Method::DELETE => delete(route, &head),
        _ => respond::method_not_allowed(),
    }
}

async fn post(site: &Site, route: &RouteState, head: Head, parts: &Parts, body: Incoming) -> Response<Body> {
    if !is_json(&parts.headers) {
        return respond::error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the Content-Type must be application/json",
        );
    }
    let old = old_session(parts).map(|session| Head { session: Some(session), ..head.clone() });
    if old.is_none() && !accepts(&parts.headers, &["application/json", "text/event-stream"]) {
        let text = "the Accept header must allow both application/json and text/event-stream";
        return respond::error(StatusCode::NOT_ACCEPTABLE, text);
    }
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
    let outcome = match old {
        Some(old) => backend(route, &old).post_sse(&old, &body),
        None => {
            let asked = owner(route, |backend| backend.has_round(&body));
            asked.unwrap_or_else(|| backend(route, &head)).post(head, body).await
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

// === Headers ===

/// Hashed and compared as they are, while a name that is given as text is read anew each time.
static SESSION_ID: HeaderName = HeaderName::from_static(header::SESSION_ID);
static PROTOCOL_VERSION: HeaderName = HeaderName::from_static(header::PROTOCOL_VERSION);
static METHOD: HeaderName = HeaderName::from_static(header::METHOD);
static NAME: HeaderName = HeaderName::from_static(header::NAME);
static LAST_EVENT_ID: HeaderName = HeaderName::from_static(header::LAST_EVENT_ID);

/// What most clients accept, which is all that there is.
const EVERYTHING: &str = "application/json, text/event-stream";

/// The headers that the virtual server decides on. One that occurs twice or holds what a header cannot carry is noted as a
/// fault; which error that is depends on the request in the body.
fn head(headers: &HeaderMap) -> Head {
    let mut fault = None;
    let mut once = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        let text = values.next()?.to_str();
        if values.next().is_some() {
            fault = Some(format!("the header `{name}` occurs more than once"));
        }
        text.inspect_err(|_| fault = Some(format!("the header `{name}` is not visible ASCII")))
            .ok()
            .map(str::to_owned)
    };
    let (session, version) = (once(&SESSION_ID), once(&PROTOCOL_VERSION));
    let (method, name) = (once(&METHOD), once(&NAME));
    let mut params = Vec::new();
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with(header::PARAM_PREFIX)) {
        match value.to_str() {
            Ok(value) => params.push((name.to_string(), value.to_owned())),
            Err(_) => fault = Some(format!("the header `{name}` is not visible ASCII")),
        }
    }
    // Not among those that are checked: modern requests have to ignore it.
    let last_event_id = headers.get(&LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let last_event_id = last_event_id.map(str::to_owned);
    Head { session, version, method, name, params, fault, last_event_id, ..Head::default() }
}

/// Whether an Accept header allows all of these. None at all allows everything.
fn accepts(headers: &HeaderMap, wanted: &[&str]) -> bool {
    if headers.get(ACCEPT).is_some_and(|value| value == EVERYTHING) {
        return true;
    }
    let covers = |range: &str, kind: &str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        let family = kind.split('/').next().unwrap_or_default();
        range == "*/*"
            || range.eq_ignore_ascii_case(kind)
            || range.strip_suffix("/*").is_some_and(|f| f == family)
    };
    let values = || headers.get_all(ACCEPT).iter().map(|value| value.to_str().unwrap_or_default());
    let accepts = |kind: &&str| values().flat_map(|value| value.split(',')).any(|range| covers(range, kind));
    !headers.contains_key(ACCEPT) || wanted.iter().all(accepts)
}
