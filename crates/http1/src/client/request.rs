//! The head of a request, as it goes over the wire.

use std::io::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Request, Uri};

/// Writes the head of a request over whatever `out` held. The length of the body is ours to say, whatever the headers do.
pub(super) fn write_head(request: &Request<Bytes>, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    write_path(request.uri(), out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    if request.headers().keys().all(|name| name != HOST) {
        write_host(request.uri(), out);
    }
    for (name, value) in request.headers() {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            write_header(name.as_str().as_bytes(), value.as_bytes(), out);
        }
    }
    if says_length(request) {
        // Writing to memory does not fail.
        let _ = write!(out, "content-length: {}\r\n", request.body().len());
    }
    out.extend_from_slice(b"\r\n");
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
        (Some(port), _) => drop(write!(out, ":{port}")),
    }
    out.extend_from_slice(b"\r\n");
}

fn write_header(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A method that is not about a body says nothing of one that is not there (RFC 9110 §8.6).
fn says_length(request: &Request<Bytes>) -> bool {
    !request.body().is_empty() || !matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: Method, url: &str, headers: &[(&str, &str)], body: &'static str) -> String {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut out = b"left from before".to_vec();
        write_head(&request.body(Bytes::from_static(body.as_bytes())).expect("a request"), &mut out);
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
