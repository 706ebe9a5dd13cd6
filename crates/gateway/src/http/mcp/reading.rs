//! What the head of a request comes to: where the request goes, and what the virtual server is told of it.
//!
//! Clients that keep a connection say the same in each of their heads, and then it is found out only once.

use std::sync::{Arc, Weak};

use federation::Head;
use http::header::{ACCEPT, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, Version};
use policy::cors::Grant;
use policy::origin::authority;
use protocol::header;

use crate::assemble::{ListenerState, Matched, Place, Site};
use crate::http::body::{Body, is_json};
use crate::http::listener::ConnInfo;
use crate::http::respond;

/// The response to a head that a check refuses.
type Refusal = Box<Response<Body>>;

/// What a head comes to that no check refuses.
pub(super) struct Reading {
    /// Whose reading it is. Both may be gone: an idle connection is no reason to keep them.
    of: (Weak<Site>, Weak<Parts>),
    place: Place,
    /// What lets the page that asks read the response, if its route says so.
    grant: Option<Grant>,
    /// What the virtual server is told.
    pub(super) head: Arc<Head>,
    /// Whether the body is JSON.
    pub(super) is_json: bool,
    /// Whether the client takes all that a POST may be answered with.
    pub(super) takes_answers: bool,
}

impl Reading {
    /// Reads the head of a request, unless it is one of those that were read last on its connection.
    pub(super) fn of(site: &Arc<Site>, parts: &Arc<Parts>, from: &ConnInfo) -> Result<Arc<Self>, Refusal> {
        if let Some(known) = from.notes.find(|known: &Self| known.is_of(site, parts)) {
            return Ok(known);
        }
        let reading = Arc::new(Self::read(site, parts, from)?);
        // In HTTP/2 each request has a head of its own. A GET may be a stream that is open for hours.
        if parts.version == Version::HTTP_11 && parts.method == Method::POST {
            from.notes.put(reading.clone());
        }
        Ok(reading)
    }

    /// The listener and the route of the request.
    pub(super) fn matched<'s>(&self, site: &'s Site) -> Option<Matched<'s>> {
        site.at(self.place)
    }

    /// A response that the page may read which asked, if it may.
    pub(super) fn readable(&self, response: Response<Body>) -> Response<Body> {
        readable(self.grant.as_ref(), response)
    }

    fn is_of(&self, site: &Arc<Site>, parts: &Arc<Parts>) -> bool {
        // What a weak reference points to is not given to anything else.
        let (this_site, this_head) = &self.of;
        this_head.as_ptr() == Arc::as_ptr(parts) && this_site.as_ptr() == Arc::as_ptr(site)
    }

    /// The first stages: route, host and origin. What they refuse is counted here.
    fn read(site: &Arc<Site>, parts: &Arc<Parts>, from: &ConnInfo) -> Result<Self, Refusal> {
        let authority =
            authority(parts).map_err(|refusal| counted(site.listener(None), respond::refused(&refusal)))?;
        let found = site.find(Some(&authority.host), parts);
        let Some((place, matched)) = found.and_then(|place| Some((place, site.at(place)?))) else {
            let listener = site.listener(Some(&authority.host));
            let response = match listener.map(|listener| listener.guard.check_for(&authority, parts, None)) {
                Some(Err(refusal)) => respond::refused(&refusal),
                _ => respond::plain(StatusCode::NOT_FOUND, "no route of this gateway takes this request"),
            };
            return Err(counted(listener, response));
        };
        let cors = matched.route.cors.as_ref();
        let grant = cors.map(|cors| cors.grant(parts.headers.get(ORIGIN)));
        if let Err(refusal) = matched.listener.guard.check_for(&authority, parts, cors) {
            let response = readable(grant.as_ref(), respond::refused(&refusal));
            return Err(counted(Some(matched.listener), response));
        }
        Ok(Self {
            of: (Arc::downgrade(site), Arc::downgrade(parts)),
            place,
            grant,
            head: Arc::new(Head { closing: from.finishing.clone(), ..head(&parts.headers) }),
            is_json: is_json(&parts.headers),
            takes_answers: accepts(&parts.headers, &["application/json", "text/event-stream"]),
        })
    }
}

fn readable(grant: Option<&Grant>, mut response: Response<Body>) -> Response<Body> {
    grant.into_iter().for_each(|grant| grant.apply(response.headers_mut()));
    response
}

/// The response to a request that goes nowhere.
fn counted(listener: Option<&ListenerState>, response: Response<Body>) -> Refusal {
    listener.inspect(|listener| listener.statuses.count(response.status()));
    Box::new(response)
}

/// What most clients accept, which is all that there is.
const EVERYTHING: &str = "application/json, text/event-stream";

/// The headers that the virtual server decides on. One that occurs twice or holds what a header cannot carry is noted as a
/// fault; which error that is depends on the request in the body.
fn head(headers: &HeaderMap) -> Head {
    let mut head = Head::default();
    let twice = |name: &str| Some(format!("the header `{name}` occurs more than once"));
    // The values of a header come one after the other.
    let (mut faulty, mut last_event_id) = (None, None);
    for (name, value) in headers {
        let name = name.as_str();
        let place = match name {
            header::SESSION_ID => &mut head.session,
            header::PROTOCOL_VERSION => &mut head.version,
            header::METHOD => &mut head.method,
            header::NAME => &mut head.name,
            // Not among those that are checked: modern requests have to ignore it.
            header::LAST_EVENT_ID => {
                last_event_id.get_or_insert(value.to_str().ok());
                continue;
            }
            name if name.starts_with(header::PARAM_PREFIX) => {
                match value.to_str() {
                    Ok(_) if head.params.iter().any(|(other, _)| other == name) => head.fault = twice(name),
                    Ok(value) => head.params.push((name.to_owned(), value.to_owned())),
                    Err(_) => head.fault = Some(unspelled(name)),
                }
                continue;
            }
            _ => continue,
        };
        match value.to_str() {
            Ok(_) if place.is_some() || faulty == Some(name) => head.fault = twice(name),
            Ok(value) => *place = Some(value.to_owned()),
            Err(_) => (head.fault, faulty) = (Some(unspelled(name)), Some(name)),
        }
    }
    head.last_event_id = last_event_id.flatten().map(str::to_owned);
    head
}

fn unspelled(name: &str) -> String {
    format!("the header `{name}` is not visible ASCII")
}

/// Whether an Accept header allows all of these. None at all allows everything.
pub(super) fn accepts(headers: &HeaderMap, wanted: &[&str]) -> bool {
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

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// Of two values, one part of us might read the first and another the last.
    #[test]
    fn a_header_of_mcp_that_occurs_twice_is_a_fault() {
        for name in ["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-region"] {
            let mut headers = HeaderMap::new();
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("eu"));
            assert_eq!(head(&headers).fault, None);
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("eu"));
            assert_eq!(head(&headers).fault, Some(format!("the header `{name}` occurs more than once")));
        }
    }
}
