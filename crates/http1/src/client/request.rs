//! Requests, and how their heads go over the wire.

use std::io::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::head::write_length;

/// How much room there is for the headers that only one request has.
const ROOM: usize = 256;

/// What all requests of a kind begin with: the line that says what is asked, and the headers that each of them has.
#[derive(Debug, Clone)]
pub struct Opening {
    method: Method,
    bytes: Box<[u8]>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    /// The head, but for the length of the body and the end.
    head: Vec<u8>,
    pub(super) body: Bytes,
}

impl Opening {
    /// Of requests to such a place. The length of the body is ours to say, whatever the headers do.
    pub fn new(method: Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        write_path(uri, &mut out);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if !headers.contains_key(HOST) {
            write_host(uri, &mut out);
        }
        for (name, value) in headers {
            if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
                write_header(name, value, &mut out);
            }
        }
        Self { method, bytes: out.into() }
    }

    /// A request of this kind.
    pub fn request(&self, body: Bytes) -> Request {
        let mut head = Vec::with_capacity(self.bytes.len() + ROOM);
        head.extend_from_slice(&self.bytes);
        Request { method: self.method.clone(), head, body }
    }
}

impl Request {
    /// Adds a header, which must not be about the body or the host.
    pub fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        debug_assert!(
            ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name),
            "{name} is not the caller's to say"
        );
        write_header(name, value, &mut self.head);
    }

    /// Writes the head over whatever `out` held.
    pub(super) fn write_head(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.head);
        if self.says_length() {
            write_length(self.body.len() as u64, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// A method that is not about a body says nothing of one that is not there (RFC 9110 §8.6).
    fn says_length(&self) -> bool {
        !self.body.is_empty() || !matches!(self.method, Method::GET | Method::HEAD | Method::DELETE)
    }
}

fn write_path(uri: &Uri, out: &mut Vec<u8>) {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if !path.starts_with('/') {
        out.push(b'/');
    }
    out.extend_from_slice(path.as_bytes());
}

fn write_host(uri: &Uri, out: &mut Vec<u8>) {
    out.extend_from_slice(b"host: ");
    out.extend_from_slice(uri.host().unwrap_or_default().as_bytes());
    match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(80), Some("http")) | (Some(443), Some("https")) => {}
        // Writing to memory does not fail.
        (Some(port), _) => drop(write!(out, ":{port}")),
    }
    out.extend_from_slice(b"\r\n");
}

fn write_header(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(
        method: Method,
        url: &str,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let opening = Opening::new(method, &url.parse().expect("a URL"), &headers.collect());
        let mut out = b"left from before".to_vec();
        opening.request(Bytes::from_static(body.as_bytes())).write_head(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_message_is_told_its_host_and_length() {
        assert_eq!(
            head(Method::POST, "http://h:8080/mcp?a=b", &[("accept", "x"), ("x-y", "1")], "{}"),
            "POST /mcp?a=b HTTP/1.1\r\nhost: h:8080\r\naccept: x\r\nx-y: 1\r\ncontent-length: 2\r\n\r\n"
        );
        assert_eq!(
            head(Method::POST, "http://h/", &[], ""),
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(head(Method::GET, "http://h", &[], ""), "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    }

    #[test]
    fn each_request_may_add_headers_to_those_of_its_kind() {
        let headers = [(http::header::ACCEPT, HeaderValue::from_static("x"))].into_iter().collect();
        let opening = Opening::new(Method::POST, &Uri::from_static("http://h/mcp"), &headers);
        let written = |session: &'static str| {
            let mut request = opening.request(Bytes::from_static(b"{}"));
            request.add(&HeaderName::from_static("mcp-session-id"), &HeaderValue::from_static(session));
            let mut out = Vec::new();
            request.write_head(&mut out);
            String::from_utf8(out).expect("text")
        };
        for session in ["1", "2"] {
            assert_eq!(
                written(session),
                format!(
                    "POST /mcp HTTP/1.1\r\nhost: h\r\naccept: x\r\nmcp-session-id: {session}\r\ncontent-length: 2\r\n\r\n"
                )
            );
        }
    }

    #[test]
    fn hosts_are_named_without_credentials_and_without_the_usual_port() {
        let host = |url: &str| head(Method::GET, url, &[], "").lines().nth(1).expect("a line").to_owned();
        assert_eq!(host("http://user:secret@h:80/"), "host: h");
        assert_eq!(host("https://h:443/"), "host: h");
        assert_eq!(host("https://h:80/"), "host: h:80");
        assert_eq!(host("http://[::1]:8080/"), "host: [::1]:8080");
    }

    #[test]
    fn a_query_without_a_path_has_one() {
        assert!(head(Method::GET, "http://h?q=1", &[], "").starts_with("GET /?q=1 HTTP/1.1\r\n"));
    }

    #[test]
    fn headers_cannot_say_another_length() {
        assert_eq!(
            head(
                Method::POST,
                "http://h/",
                &[("content-length", "9"), ("transfer-encoding", "chunked"), ("host", "other")],
                "{}"
            ),
            "POST / HTTP/1.1\r\nhost: other\r\ncontent-length: 2\r\n\r\n"
        );
    }
}
