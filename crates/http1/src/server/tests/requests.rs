//! How requests are read, whole and in pieces, and what is no request.

use proptest::prelude::*;

use super::*;
use crate::sent::{Body, a_body, pieces, write_headers};

/// What is asked, with which body.
type Asks = &'static [(&'static str, &'static str)];

/// What clients say that is well-formed, what is asked by it, and whether more may be asked after it.
const WELL_FORMED: &[(&str, Asks, bool)] = &[
    ("GET / HTTP/1.1\r\nhost: h\r\n\r\n", &[("GET / HTTP/1.1", "")], true),
    ("OPTIONS * HTTP/1.1\r\n\r\n", &[("OPTIONS * HTTP/1.1", "")], true),
    ("GET /a/b?c=d&e=%20 HTTP/1.1\r\n\r\n", &[("GET /a/b?c=d&e=%20 HTTP/1.1", "")], true),
    ("GET http://h:80/a?b HTTP/1.1\r\nhost: x\r\n\r\n", &[("GET http://h:80/a?b HTTP/1.1", "")], true),
    ("M-SEARCH / HTTP/1.1\r\n\r\n", &[("M-SEARCH / HTTP/1.1", "")], true),
    // Begins as HTTP/2 does.
    ("P / HTTP/1.1\r\n\r\n", &[("P / HTTP/1.1", "")], true),
    ("PRI / HTTP/1.1\r\n\r\n", &[("PRI / HTTP/1.1", "")], true),
    ("PUT / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx", &[("PUT / HTTP/1.1", "x")], true),
    // Lines that end in the old way, and empty ones before the first.
    ("POST / HTTP/1.1\ncontent-length: 2\n\nhi", &[("POST / HTTP/1.1", "hi")], true),
    ("POST / HTTP/1.1\r\ncontent-length: 2\n\r\nhi", &[("POST / HTTP/1.1", "hi")], true),
    ("\r\n\r\n\nGET / HTTP/1.1\r\n\r\n", &[("GET / HTTP/1.1", "")], true),
    // Lengths.
    ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", &[("POST / HTTP/1.1", "hello")], true),
    ("POST / HTTP/1.1\r\ncontent-length:5\r\n\r\nhello", &[("POST / HTTP/1.1", "hello")], true),
    ("POST / HTTP/1.1\r\ncontent-length: \t 005 \t\r\n\r\nhello", &[("POST / HTTP/1.1", "hello")], true),
    ("POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", &[("POST / HTTP/1.1", "")], true),
    ("POST / HTTP/1.1\r\n\r\n", &[("POST / HTTP/1.1", "")], true),
    ("GET / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi", &[("GET / HTTP/1.1", "hi")], true),
    ("HEAD / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi", &[("HEAD / HTTP/1.1", "hi")], true),
    // The same length twice is one length (RFC 9110 §8.6).
    (
        "POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi",
        &[("POST / HTTP/1.1", "hi")],
        true,
    ),
    ("POST / HTTP/1.1\r\ncontent-length: 2, 2\r\n\r\nhi", &[("POST / HTTP/1.1", "hi")], true),
    // Chunks: sizes in either case and with zeros, padded, with extensions, and with trailers.
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        &[("POST / HTTP/1.1", "hello")],
        true,
    ),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", &[("POST / HTTP/1.1", "")], true),
    (
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        &[("GET / HTTP/1.1", "x")],
        true,
    ),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n",
        &[("POST / HTTP/1.1", "01234567890123456789")],
        true,
    ),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;a=b;c=\"d;e\"\r\nx\r\n1 \t;q\r\ny\r\n1 \r\nz\r\n0;last\r\n\r\n",
        &[("POST / HTTP/1.1", "xyz")],
        true,
    ),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\nc:\r\n\r\n",
        &[("POST / HTTP/1.1", "x")],
        true,
    ),
    // Data that looks like something else.
    (
        "POST / HTTP/1.1\r\ncontent-length: 27\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
        &[("POST / HTTP/1.1", "GET / HTTP/1.1\r\nhost: h\r\n\r\n")],
        true,
    ),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n7\r\n0\r\n\r\nxx\r\n0\r\n\r\n",
        &[("POST / HTTP/1.1", "0\r\n\r\nxx")],
        true,
    ),
    // One request after the other, before the first of them is answered.
    (
        "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
        &[("GET /1 HTTP/1.1", ""), ("GET /2 HTTP/1.1", ""), ("GET /3 HTTP/1.1", "")],
        true,
    ),
    (
        "POST /1 HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi\r\n\r\nPOST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nconnection: close\r\n\r\n",
        &[("POST /1 HTTP/1.1", "hi"), ("POST /2 HTTP/1.1", "yo"), ("GET /3 HTTP/1.1", "")],
        false,
    ),
    (
        "POST /1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        &[("POST /1 HTTP/1.1", ""), ("GET /2 HTTP/1.1", "")],
        true,
    ),
    // Nothing is taken for a request that comes after the last one.
    (
        "GET /1 HTTP/1.1\r\nconnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        &[("GET /1 HTTP/1.1", "")],
        false,
    ),
    // Connections that end with their request.
    ("GET / HTTP/1.1\r\nconnection: x, Close\r\n\r\n", &[("GET / HTTP/1.1", "")], false),
    ("GET / HTTP/1.1\r\nconnection: x\r\nconnection: CLOSE\r\n\r\n", &[("GET / HTTP/1.1", "")], false),
    ("GET / HTTP/1.1\r\nconnection: keep-alive, close\r\n\r\n", &[("GET / HTTP/1.1", "")], false),
    ("GET / HTTP/1.1\r\nconnection: closed, upgrade\r\n\r\n", &[("GET / HTTP/1.1", "")], true),
    ("GET / HTTP/1.0\r\n\r\n", &[("GET / HTTP/1.0", "")], false),
    ("GET / HTTP/1.0\r\nconnection: close, keep-alive\r\n\r\n", &[("GET / HTTP/1.0", "")], false),
    ("POST / HTTP/1.0\r\ncontent-length: 2\r\n\r\nhi", &[("POST / HTTP/1.0", "hi")], false),
    (
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        &[("GET / HTTP/1.0", ""), ("GET /2 HTTP/1.1", "")],
        true,
    ),
    // Two lengths: chunks win, and what comes then is not trusted (RFC 9112 §6.1).
    (
        "POST / HTTP/1.1\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        &[("POST / HTTP/1.1", "x")],
        false,
    ),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        &[("POST / HTTP/1.1", "x")],
        false,
    ),
];

fn outcomes(asks: Asks, keeps: bool, then: Outcome) -> Vec<Outcome> {
    let mut outcomes: Vec<_> = asks
        .iter()
        .map(|(line, body)| Outcome::Request((*line).to_owned(), Got::whole(body), true))
        .collect();
    match (keeps, outcomes.last_mut()) {
        (true, _) => outcomes.push(then),
        (false, Some(Outcome::Request(.., keeps))) => *keeps = false,
        _ => panic!("nothing is asked"),
    }
    outcomes
}

/// All ways to cut a text in at most two, and the finest one.
fn cuts(raw: &str) -> impl Iterator<Item = (String, Script)> {
    let bytes = raw.as_bytes();
    let in_two = (0..raw.len()).map(move |at| {
        let (first, second) = bytes.split_at(at);
        (format!("cut at {at}: {raw}"), Script::says([first, second]))
    });
    in_two.chain([(format!("byte by byte: {raw}"), Script::says(bytes.chunks(1)))])
}

#[test]
fn requests_are_the_same_however_they_are_cut() {
    for &(raw, asks, keeps) in WELL_FORMED {
        for (words, script) in cuts(raw) {
            assert_eq!(served(&script), outcomes(asks, keeps, Outcome::Silence), "{words}");
        }
        let ended = Script::text(raw).then(Then::End);
        assert_eq!(served(&ended), outcomes(asks, keeps, Outcome::End), "and then the end: {raw}");
    }
}

#[test]
fn a_request_that_breaks_off_is_no_request() {
    for &(raw, asks, _) in WELL_FORMED {
        let &[(line, _)] = asks else { continue };
        let begins = raw.len() - raw.trim_start().len();
        // Empty lines before the request are none of its ends.
        let head = ["\r\n\r\n", "\n\n", "\n\r\n"]
            .iter()
            .filter_map(|end| Some(begins + raw[begins..].find(end)? + end.len()))
            .min()
            .expect("an end of the head");
        // What comes after the last request does not count as a part of it.
        let whole = match (line, raw.find("GET /smuggled")) {
            ("GET /1 HTTP/1.1", _) => head,
            (_, smuggled) => smuggled.unwrap_or(raw.len()),
        };
        for at in 0..whole {
            let part = || Script::says([&raw.as_bytes()[..at]]);
            for then in [Then::End, Then::Reset] {
                let expected = match (at, then) {
                    (at, Then::End) if at <= begins => Outcome::End,
                    (at, _) if at < head => Outcome::Broken,
                    _ => Outcome::Gone(line.to_owned()),
                };
                let outcomes = served(&part().then(then));
                if at >= head && matches!(then, Then::End) {
                    // It may have closed its own side only, and hears what is wrong.
                    let [Outcome::Request(of, Got { fault: Some(_), .. }, false)] = &outcomes[..] else {
                        panic!("{outcomes:?} at {at}: {raw}");
                    };
                    assert_eq!(of, line);
                    continue;
                }
                assert_eq!(outcomes, [expected], "{then:?} at {at}: {raw}");
            }
            // And while nothing more comes, it is waited for.
            let waits = if at < head { Outcome::Silence } else { Outcome::Waits(line.to_owned()) };
            assert_eq!(served(&part()), [waits], "silence at {at}: {raw}");
        }
    }
}

#[test]
fn headers_are_handed_over_as_they_are() {
    let raw = b"GET / HTTP/1.1\r\nHost: h\r\nX-One: a\r\nx-two:b\r\nx-ONE:  c \t\r\nx-empty:\r\nx-blank: \t \r\nx-inner: a  b\tc\r\nx-odd: \xe4\xff \"'(),/:;<=>?@[\\]{}\r\n\r\n";
    for at in 0..raw.len() {
        let (first, second) = raw.split_at(at);
        let mut connection = connection(&Script::says([first, second]));
        let request = request(&mut connection);
        let headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 8] = [
            ("host", b"h"),
            ("x-one", b"a"),
            ("x-one", b"c"),
            ("x-two", b"b"),
            ("x-empty", b""),
            ("x-blank", b""),
            ("x-inner", b"a  b\tc"),
            ("x-odd", b"\xe4\xff \"'(),/:;<=>?@[\\]{}"),
        ];
        assert_eq!(headers, expected, "cut at {at}");
        assert_eq!((request.method(), request.uri().path()), (&Method::GET, "/"));
    }
}

/// Begins of requests that are read in two ways by one program or another, or are none, and a word of what is said of them.
const REFUSED: &[(&str, &str)] = &[
    // Other protocols.
    ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03", "not HTTP"),
    ("\0", "not HTTP"),
    ("(", "not HTTP"),
    (" GET / HTTP/1.1\r\n\r\n", "not HTTP"),
    ("\u{fc}", "not HTTP"),
    ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "first line"),
    ("EHLO mail\r\n\r\n", "first line"),
    ("HTTP/1.1 200 OK\r\n\r\n", "first line"),
    // First lines.
    ("GET /\r\n\r\n", ""),
    ("GET\r\n\r\n", "first line"),
    ("GET / \r\n\r\n", "HTTP 1.1"),
    ("GET  / HTTP/1.1\r\n\r\n", "first line"),
    ("GET /  HTTP/1.1\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/1.1 \r\n\r\n", ""),
    ("GET /a b HTTP/1.1\r\n\r\n", "HTTP 1.1"),
    ("GET\t/ HTTP/1.1\r\n\r\n", "first line"),
    ("GET /\tHTTP/1.1\r\n\r\n", "first line"),
    ("G(T / HTTP/1.1\r\n\r\n", "first line"),
    ("GET /\0 HTTP/1.1\r\n\r\n", "first line"),
    ("GET /\x7f HTTP/1.1\r\n\r\n", "first line"),
    ("GET /\ra HTTP/1.1\r\n\r\n", "first line"),
    ("GET / HTTP/1.1\r\r\n\r\n", ""),
    ("GET / http/1.1\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/2.0\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/2\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/3.7\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/0.9\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/1.2\r\n\r\n", "HTTP 1.1"),
    ("GET / HTTP/1.10\r\n\r\n", ""),
    ("GET / HTTP/01.1\r\n\r\n", "HTTP 1.1"),
    ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "HTTP 1.1"),
    ("\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP 1.1"),
    // Headers.
    ("GET / HTTP/1.1\r\na b: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na : c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na\t: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\n: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na\0: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na(b: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\n\u{e4}: c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\n a: b\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\0c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\x01c\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\x7fc\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\na: b\r\r\n\r\n", "header"),
    ("GET / HTTP/1.1\r\ncontent-length : 5\r\n\r\nhello", "header"),
    // Lengths.
    ("POST / HTTP/1.1\r\ncontent-length: five\r\n\r\n", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: +5\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: 5.0\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: 0x5\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: 5 5\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: \"5\"\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length:\r\n\r\n", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: ,\r\n\r\n", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: \u{665}\r\n\r\n", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: 18446744073709551616\r\n\r\n", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: 4, 5\r\n\r\nhello", "two lengths"),
    ("POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 4\r\n\r\nhello", "two lengths"),
    ("POST / HTTP/1.1\r\ncontent-length: 0\r\nContent-Length: 5\r\n\r\nhello", "two lengths"),
    ("POST / HTTP/1.1\r\ncontent-length: 5, x\r\n\r\nhello", "length"),
    ("POST / HTTP/1.1\r\ncontent-length: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "length"),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
        "two lengths",
    ),
    // Codings.
    ("POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: identity\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: chunked;a=b\r\n\r\n0\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "transfer coding"),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        "transfer coding",
    ),
    ("POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello", "transfer coding"),
    ("POST / HTTP/1.1\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "chunks of chunks"),
    (
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunks of chunks",
    ),
    ("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP 1.1"),
    (
        "POST / HTTP/1.0\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n0\r\n\r\n",
        "HTTP 1.1",
    ),
];

#[test]
fn what_is_no_request_or_could_be_two_is_refused() {
    for &(raw, why) in REFUSED {
        let whole = served(&Script::text(raw));
        let [Outcome::Refused(Refusal::Malformed(fault))] = whole[..] else { panic!("{raw:?}: {whole:?}") };
        assert!(fault.contains(why), "{raw:?}: {fault}");
        for (words, script) in cuts(raw) {
            assert_eq!(served(&script), whole, "{words}");
        }
        // Nor is it one after one that was.
        let second = served(&Script::text(&format!("GET /first HTTP/1.1\r\n\r\n{raw}")));
        assert_eq!(second[1..], whole, "{raw:?}");
    }
}

#[test]
fn what_cannot_become_a_request_is_not_waited_for() {
    for raw in [&b"\x16"[..], b"\x16\x03\x01", b"\0", b"\x80", b"(", b"\r\n\r\n\x01", b" ", b"\t"] {
        assert!(matches!(served(&Script::says([raw]))[..], [Outcome::Refused(_)]), "{raw:?}");
    }
}

/// An empty list of codings is none, and so chunked is not the last of them (RFC 9112 §6.3). Others may read no length then.
#[test]
fn a_transfer_encoding_that_names_nothing_is_refused() {
    for value in ["", " ", ",", ", ,"] {
        for length in ["", "content-length: 5\r\n"] {
            let raw = format!("POST / HTTP/1.1\r\n{length}transfer-encoding:{value}\r\n\r\nhello");
            let outcome = &served(&Script::text(&raw))[0];
            assert!(matches!(outcome, Outcome::Refused(Refusal::Malformed(_))), "{raw:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_length_that_is_empty_is_refused_also_beside_one_that_is_not() {
    for lines in [
        "content-length:\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length:",
        "content-length: 5\r\ncontent-length: ,",
    ] {
        let raw = format!("POST / HTTP/1.1\r\n{lines}\r\n\r\nhello");
        let outcome = &served(&Script::text(&raw))[0];
        assert!(matches!(outcome, Outcome::Refused(Refusal::Malformed(_))), "{raw:?}: {outcome:?}");
    }
}

#[test]
fn a_head_may_have_so_many_bytes_and_no_more() {
    const LIMIT: usize = 200;
    let of_size = |size: usize, end: &str| {
        let line = "GET / HTTP/1.1\r\na: ";
        format!("{line}{}{end}", "x".repeat(size - line.len() - end.len()))
    };
    let outcome = |pieces: &[&str]| {
        let script = Script::says(pieces.iter().map(|piece| piece.as_bytes()));
        serve(&mut Connection::new(script, LIMIT))
    };
    for end in ["\r\n\r\n", "\n\n"] {
        let (fits, larger) = (of_size(LIMIT, end), of_size(LIMIT + 1, end));
        for (head, is_taken) in [(fits, true), (larger, false)] {
            // What follows is not the head's.
            for follows in ["", "GET / HTTP/1.1\r\n\r\n", &"\r\n".repeat(LIMIT)] {
                let raw = format!("\r\n\r\n{head}{follows}");
                for at in 0..raw.len() {
                    let outcome = outcome(&[&raw[..at], &raw[at..]]);
                    let expected = match is_taken {
                        true => Outcome::Request("GET / HTTP/1.1".to_owned(), Got::default(), true),
                        false => Outcome::Refused(Refusal::HeadTooLarge),
                    };
                    assert_eq!(outcome, expected, "cut at {at}: {raw}");
                }
            }
        }
    }
    // As long as it may still fit, it is waited for, and no longer.
    let unended = of_size(LIMIT + 10, "");
    assert_eq!(outcome(&[&unended[..LIMIT - 1]]), Outcome::Silence);
    assert_eq!(outcome(&[&unended[..LIMIT]]), Outcome::Refused(Refusal::HeadTooLarge));
}

#[test]
fn a_head_may_have_so_many_headers_and_no_more() {
    let with =
        |count: usize| Script::text(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count))).clone();
    let whole = Outcome::Request("GET / HTTP/1.1".to_owned(), Got::default(), true);
    assert_eq!(served(&with(MOST_HEADERS))[0], whole);
    assert_eq!(served(&with(MOST_HEADERS + 1)), [Outcome::Refused(Refusal::HeadTooLarge)]);
}

/// Says the same for ever.
#[derive(Debug)]
struct Endless(Vec<u8>, &'static [u8], Script);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.0.len() < buffer.remaining() {
            let more = self.1;
            self.0.extend_from_slice(more);
        }
        let said: Vec<u8> = self.0.drain(..buffer.remaining()).collect();
        buffer.put_slice(&said);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.2).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_head_without_end_has_a_ceiling() {
    for (begins, goes_on) in [
        ("GET / HTTP/1.1\r\na: ", "b"),
        ("GET / HTTP/1.1\r\n", "a: bcdefghijklmnopqrstuvwxyz0123456789\r\n"),
        ("GET /", "x"),
        ("G", "G"),
        ("", "a"),
    ] {
        let endless = Endless(begins.into(), goes_on.as_bytes(), Script::default());
        let mut connection = Connection::new(endless, LARGEST);
        let heard = connection.request().now_or_never().expect("no end");
        assert!(matches!(heard, Err(Unheard::Refused(Refusal::HeadTooLarge))), "{begins}: {heard:?}");
        assert!(!connection.keeps());
        assert!(connection.input.capacity() <= 4 * LARGEST, "{}", connection.input.capacity());
        // It can be told.
        let response = Response::new(Stream::sized(["too large"]));
        connection.respond(response).now_or_never().expect("there is room").expect("an answer");
        assert!(connection.io.2.heard().ends_with("too large"));
    }
}

/// And no part of it is lost when somebody else has to be looked after meanwhile.
#[test]
fn a_head_that_drips_is_found() {
    let raw = "\r\nGET /drip HTTP/1.1\r\nhost: h\r\nx: y\r\n\r\n";
    let script = Script::default();
    let mut connection = connection(&script);
    assert!(!connection.is_amid_head());
    for (at, byte) in raw.bytes().enumerate() {
        let mut task = Task::new(connection.request());
        assert!(task.run().is_none());
        script.tells([byte]);
        assert!(task.is_woken(), "byte {at}");
        let heard = task.run();
        drop(task);
        if at + 1 < raw.len() {
            assert!(heard.is_none(), "byte {at}");
            assert_eq!(connection.is_amid_head(), at >= 2, "byte {at}");
        } else {
            let Some(Ok(Heard::Request(head, body))) = heard else { panic!("no request: {heard:?}") };
            let request = whole(head, body);
            assert_eq!(line_of(&request), "GET /drip HTTP/1.1");
        }
    }
    assert!(!connection.is_amid_head() && connection.keeps());
}

#[test]
fn a_request_that_was_not_asked_for_yet_is_something_that_came() {
    let mut connection = connection(&Script::text("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"));
    assert!(!connection.is_amid_head(), "nobody has read it");
    request(&mut connection);
    respond(&mut connection, Response::new(Stream::sized(["ok"]))).expect("an answer");
    assert!(connection.is_amid_head());
    assert_eq!(line_of(&request(&mut connection)), "GET /2 HTTP/1.1");
    assert!(!connection.is_amid_head());
}

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[test]
fn http2_is_recognised_and_handed_on_with_what_was_read() {
    let raw = format!("{PREFACE}\0\0\0\x04\0\0\0\0\0");
    for at in 0..raw.len() {
        let (first, second) = raw.as_bytes().split_at(at);
        let script = Script::says([first, second]);
        let mut connection = connection(&script);
        let heard = connection.request().now_or_never().expect("it is there");
        assert!(matches!(heard, Ok(Heard::Http2)), "cut at {at}: {heard:?}");
        assert!(script.heard().is_empty());
        let (mut io, mut read) = connection.into_parts();
        // Nothing of it is lost, and nothing there twice.
        let mut rest = [0; 100];
        let mut buffer = ReadBuf::new(&mut rest);
        while Pin::new(&mut io).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer).is_ready() {}
        let mut all = read.split_to(read.len()).to_vec();
        all.extend_from_slice(buffer.filled());
        assert_eq!(all, raw.as_bytes(), "cut at {at}");
    }
    for (words, script) in cuts(PREFACE) {
        assert_eq!(served(&script), [Outcome::Http2(PREFACE.into())], "{words}");
    }
}

#[test]
fn a_part_of_http2_is_waited_for_and_its_end_is_the_end_of_a_head() {
    for at in 1..PREFACE.len() {
        let part = || Script::text(&PREFACE[..at]);
        assert_eq!(served(&part()), [Outcome::Silence], "{at}");
        assert_eq!(served(&part().then(Then::End)), [Outcome::Broken], "{at}");
        let mut connection = connection(&part());
        assert!(connection.request().now_or_never().is_none());
        assert!(connection.is_amid_head());
    }
}

#[test]
fn http2_does_not_begin_after_a_request() {
    let raw = format!("GET / HTTP/1.1\r\n\r\n{PREFACE}");
    for (words, script) in cuts(&raw) {
        let outcomes = served(&script);
        assert!(
            matches!(outcomes[..], [Outcome::Request(..), Outcome::Refused(Refusal::Malformed(_))]),
            "{words}: {outcomes:?}"
        );
    }
}

#[test]
fn the_end_between_requests_is_the_end_and_amid_a_head_it_is_a_break() {
    for (raw, expected) in [
        ("", Outcome::End),
        ("\r\n", Outcome::End),
        ("\n\n\r\n", Outcome::End),
        ("G", Outcome::Broken),
        ("\r\nG", Outcome::Broken),
        ("GET / HTTP/1.1\r\n", Outcome::Broken),
        ("GET / HTTP/1.1\r\nhost: h\r\n\r", Outcome::Broken),
    ] {
        assert_eq!(served(&Script::text(raw).then(Then::End)), std::slice::from_ref(&expected), "{raw:?}");
        let second = served(&Script::text(&format!("GET / HTTP/1.1\r\n\r\n{raw}")).then(Then::End));
        assert_eq!(second[1..], [expected], "{raw:?}");
        assert_eq!(served(&Script::text(raw).then(Then::Reset)), [Outcome::Broken], "{raw:?}");
    }
}

/// What is made of the last of several requests on one connection, and its headers.
fn last_of(requests: &[&[u8]]) -> (Outcome, Vec<(String, Vec<u8>)>) {
    let script = Script::default();
    let mut connection = connection(&script);
    let mut last = (Outcome::Silence, Vec::new());
    for request in requests {
        script.tells(request);
        let mut headers = Vec::new();
        let outcome = serve_noting(&mut connection, |request| {
            let noted = request.headers().iter();
            headers.extend(noted.map(|(name, value)| {
                // Zeros before a length may be left away.
                let zeros = if name == "content-length" { "0" } else { "" };
                let value = value.as_bytes();
                let digits = value.iter().skip_while(|byte| zeros.as_bytes().contains(byte));
                (name.to_string(), digits.copied().collect())
            }));
        });
        last = (outcome, headers);
    }
    last
}

/// Whether it is one request, after which the connection is in order.
fn leaves_nothing(raw: &[u8]) -> bool {
    let mut connection = connection(&Script::says([raw]));
    matches!(serve(&mut connection), Outcome::Request(_, _, true)) && !connection.is_amid_head()
}

/// Clients say the same again and again, and what was remembered of it must not stand in for what is said this time.
#[test]
fn a_request_that_is_nearly_the_one_before_it_is_read_for_what_it_is() {
    const SAME: &str = "POST /5 HTTP/1.1\r\nx: 5\r\ncontent-length: 5\r\ny: 5\r\n\r\nhello";
    const TWICE: &str = "POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello";
    const LISTED: &str = "POST / HTTP/1.1\r\ncontent-length: 5, 5\r\n\r\nhello";
    const CHUNKED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const LAST: &str = "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
    const NONE: &str = "GET /a HTTP/1.1\r\nx: y\r\n\r\n";
    const PADDED: &str = "POST / HTTP/1.1\r\ncontent-length: 005 \r\nx: y\r\n\r\nhello";
    let length = |length: &str| SAME.replace("content-length: 5", &format!("content-length: {length}"));
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for lengths in [
        "0",
        "1",
        "4",
        "6",
        "05",
        "0005",
        "00",
        "12",
        "123456789",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "",
        "+5",
        "-5",
        "5x",
        "x5",
        "5 ",
        " 5",
        "\t5",
        "5,",
        "5, 5",
        "5, 6",
        "5\r",
        "5\0",
        "5 5",
        "5.0",
        "\u{665}",
        "5\r\ncontent-length: 5",
        "5\r\ncontent-length: 4",
        "5\r\ntransfer-encoding: chunked",
        "5\r\nconnection: close",
        "5\r\nexpect: 100-continue",
        "5\r\n z",
        "5\n",
        "5\r\n\r\n",
        "5\r\n: z",
    ] {
        pairs.push((SAME, length(lengths)));
        pairs.push((LAST, LAST.replace("length: 5", &format!("length: {lengths}"))));
        pairs.push((PADDED, PADDED.replace("005", lengths)));
        pairs.push((TWICE, TWICE.replacen("length: 5", &format!("length: {lengths}"), 1)));
        pairs.push((TWICE, TWICE.replace("5\r\n\r\n", &format!("{lengths}\r\n\r\n"))));
        pairs.push((LISTED, LISTED.replacen("5,", &format!("{lengths},"), 1)));
        pairs.push((LISTED, LISTED.replace(", 5", &format!(", {lengths}"))));
    }
    for changed in [
        SAME.replace("1.1", "1.0"),
        SAME.replace("1.1", "1.2"),
        SAME.replace("/5", "/6"),
        SAME.replace("/5", "/55"),
        SAME.replace("x: 5", "x: 6"),
        SAME.replace("y: 5", "y: 55"),
        SAME.replace("y: 5", "y : 5"),
        SAME.replace("y: 5", "Y: 5"),
        SAME.replace("\r\n", "\n"),
        SAME.replace("\r\n\r\n", "\n\n"),
        SAME.replace("\r\n\r\n", "\r\nz: z\r\n\r\n"),
        SAME.replace("POST", "post"),
        format!("\r\n{SAME}"),
        format!(" {SAME}"),
        SAME.replace("x: 5\r\n", ""),
    ] {
        pairs.push((SAME, changed));
    }
    for changed in [
        CHUNKED.replace("chunked", "chunked, chunked"),
        CHUNKED.replace("chunked", "gzip"),
        CHUNKED.replace("chunked\r\n", "chunked\r\ncontent-length: 5\r\n"),
        CHUNKED.replace("1.1", "1.0"),
        CHUNKED.replace("5\r\nhello", "6\r\nhello!"),
        CHUNKED.replace("5\r\nhello", "oops"),
    ] {
        pairs.push((CHUNKED, changed));
    }
    for changed in [
        NONE.replace("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\nhello"),
        NONE.replace("/a", "/ab"),
        NONE.replace("x: y", "x: z"),
        NONE.replace("\r\n\r\n", "\r\nz"),
    ] {
        pairs.push((NONE, changed));
    }
    for (same, changed) in &pairs {
        for other in [same, &changed[..]] {
            let (same, other) = (same.as_bytes(), other.as_bytes());
            let alone = last_of(&[other]);
            for times in 1..5 {
                let mut requests = vec![same; times];
                requests.push(other);
                assert_eq!(last_of(&requests), alone, "{times} times {same:?}, and then {other:?}");
            }
            // And what was read once in between is not remembered for the other.
            if leaves_nothing(other) {
                let expected = last_of(&[same]);
                assert_eq!(last_of(&[same, same, same, other, same]), expected, "{other:?} amid {same:?}");
                assert_eq!(last_of(&[other, other, other, same]), expected, "{other:?} before {same:?}");
            }
        }
    }
}

/// A client that begins one session after another says another value each time, and where that stands, anything may.
#[test]
fn what_stands_where_a_value_differed_is_read_for_what_it_is() {
    const AFTER: &str = "POST / HTTP/1.1\r\nx: 1\r\ncontent-length: 5\r\nid: ?\r\ny: 1\r\n\r\nhello";
    const BEFORE: &str = "POST / HTTP/1.1\r\nid: ?\r\nx: 1\r\ncontent-length: 5\r\n\r\nhello";
    const LAST: &str = "GET / HTTP/1.1\r\nx: 1\r\nid:   ?\r\n\r\n";
    const TWICE: &str = "GET / HTTP/1.1\r\nid: ?\r\nx: 1\r\nid: 1\r\n\r\n";
    const PADDED: &str = "GET / HTTP/1.1\r\nid: ? \r\nx: 1\r\n\r\n";
    const CHUNKED: &str =
        "POST / HTTP/1.1\r\nid: ?\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let learned = ["one", "two", "three", "one"];
    for template in [AFTER, BEFORE, LAST, TWICE, PADDED, CHUNKED] {
        let with = |value: &str| template.replacen('?', value, 1);
        let mut others: Vec<String> = [
            "two",
            "four",
            "",
            " ",
            " two",
            "two ",
            "\ttwo\t",
            "t wo",
            "tw\to",
            "tw\0o",
            "tw\u{7f}o",
            "tw\u{f6}o",
            "two\r",
            "two\n",
            "two\r\n z",
            "two\rz: z",
            "two\nz: z",
            "two\r\nz: z",
            "two\r\nid: two",
            "two\r\ncontent-length: 5",
            "two\r\ncontent-length: 6",
            "two\r\ntransfer-encoding: chunked",
            "two\r\nconnection: close",
            "two\r\n\r\n",
            "two\r\nx: 1\r\nid: two",
            ": two",
        ]
        .map(with)
        .to_vec();
        others.extend([
            with("two").replace("x: 1", "x: 2"),
            with("four").replace("x: 1", "x: 2"),
            with("four").replace("x: 1", "X: 1"),
            with("four").replace("id:", "Id:"),
            with("four").replace("id:", "ie:"),
            with("four").replace("id:", "connection:"),
            with("close").replace("id:", "connection:"),
            with("four").replace("1.1", "1.0"),
            with("four").replace("length: 5", "length: 4"),
            with("four").replace("length: 5", "length: 5x"),
            with("four").replace("\r\n", "\n"),
            with(&"four".repeat(2000)),
        ]);
        for other in &others {
            let alone = last_of(&[other.as_bytes()]);
            for times in 1..=learned.len() {
                let mut requests: Vec<String> = learned[..times].iter().map(|value| with(value)).collect();
                requests.push(other.clone());
                let after =
                    |requests: &[String]| last_of(&requests.iter().map(String::as_bytes).collect::<Vec<_>>());
                assert_eq!(after(&requests), alone, "after {times} like {template:?}: {other:?}");
                // And what it left behind is not taken for what comes next.
                if leaves_nothing(other.as_bytes()) {
                    for next in ["two", "five"].map(with).iter().chain([other]) {
                        requests.push(next.clone());
                        assert_eq!(after(&requests), last_of(&[next.as_bytes()]), "{other:?}, then {next:?}");
                    }
                }
            }
        }
    }
}

/// Where nothing was said, nothing shows where a value would have stood.
#[test]
fn a_value_that_was_left_away_does_not_make_the_next_line_one() {
    let with = |rest: &str| format!("POST / HTTP/1.1\r\nhost: h\r\nx:{rest}\r\n\r\n");
    for empty in ["", " ", "  ", "\t"] {
        for between in ["", "a: b\r\n"] {
            let with = |rest: &str| with(rest).replace("x:", &format!("{between}x:"));
            let hidden = "content-length: 38\r\n\r\nDELETE / HTTP/1.1\r\nhost: h\r\nx:\r\n\r\n";
            for learned in [[" a", empty], [empty, " a"], [empty, empty]] {
                let learned = learned.map(with);
                for times in 1..4 {
                    let mut requests = learned.to_vec();
                    requests.extend(vec![with(empty); times]);
                    requests.push(with(&format!("{empty}\r\n{hidden}")));
                    let requests: Vec<_> = requests.iter().map(String::as_bytes).collect();
                    let alone = last_of(&requests[requests.len() - 1..]);
                    assert_eq!(last_of(&requests), alone, "after {learned:?}");
                }
            }
        }
    }
}

proptest! {
    /// Whatever a client said before on a connection, what it says next is read for what it is. Each head is the one before it
    /// with a line that says something else, or one that is new or gone.
    #[test]
    fn what_was_remembered_changes_nothing(
        changes in proptest::collection::vec((0..4_usize, 0..3_usize, 0..4_usize, 0..10_usize), 2..12),
    ) {
        const NAMES: [&str; 4] = ["x", "content-length", "connection", "transfer-encoding"];
        const VALUES: [&str; 10] = [" a", " b", "", " ", " c ", " 3", " 4", " close", " chunked", "\td"];
        let mut lines = vec!["x: a".to_owned()];
        let mut requests: Vec<String> = Vec::new();
        for (kind, at, name, value) in changes {
            let (at, named) = (at.min(lines.len().saturating_sub(1)), format!("{}:{}", NAMES[name], VALUES[value]));
            match kind {
                0 | 1 if !lines.is_empty() => {
                    let name = lines[at].split(':').next().expect("a name");
                    lines[at] = format!("{name}:{}", VALUES[value]);
                }
                2 if !lines.is_empty() => drop(lines.remove(at)),
                _ => lines.push(named),
            }
            let head = format!("POST / HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
            let body = match &head {
                head if head.contains("chunked") => "4\r\nGET \r\n0\r\n\r\n",
                head if head.contains("length: 3") => "GET",
                head if head.contains("length: 4") => "GET ",
                _ => "",
            };
            requests.push(head + body);
            let raw: Vec<_> = requests.iter().map(String::as_bytes).collect();
            prop_assert_eq!(last_of(&raw), last_of(&raw[raw.len() - 1..]), "{:?}", requests);
            if !leaves_nothing(raw[raw.len() - 1]) {
                requests.pop();
            }
        }
    }
}

/// What is said of the body and the connection is never only a value that differs.
#[test]
fn what_a_head_says_of_the_connection_is_heeded_however_often_it_differs() {
    for (name, values) in [
        ("connection", ["keep-alive", "x", "close"]),
        ("expect", ["x", "y", "100-continue"]),
        ("transfer-encoding", ["chunked", "Chunked", "gzip"]),
        ("content-length", ["3", "4", "5"]),
    ] {
        let requests = values.map(|value| {
            let body = match name {
                "transfer-encoding" => "5\r\nhello\r\n0\r\n\r\n",
                "content-length" => &"hello"[..value.parse().expect("a number")],
                _ => "",
            };
            format!("POST / HTTP/1.1\r\nx: 1\r\n{name}: {value}\r\ny: 1\r\n\r\n{body}")
        });
        let requests = requests.each_ref().map(String::as_bytes);
        for order in [&[0, 1, 2][..], &[0, 0, 1, 2], &[0, 1, 0, 1, 2], &[1, 0, 1, 0, 2]] {
            let requests: Vec<&[u8]> = order.iter().map(|index| requests[*index]).collect();
            assert_eq!(last_of(&requests), last_of(&requests[requests.len() - 1..]), "{name} in {order:?}");
        }
    }
}

#[test]
fn a_head_that_was_remembered_may_not_grow_beyond_the_limit() {
    let request = |length: &str| format!("POST / HTTP/1.1\r\nx: y\r\ncontent-length: {length}\r\n\r\n");
    let limit = request("9").len();
    for cut in [0, 10, limit - 1, limit] {
        let script = Script::default();
        let mut connection = Connection::new(script.clone(), limit);
        for _ in 0..4 {
            script.tells(request("9") + "123456789");
            assert!(matches!(serve(&mut connection), Outcome::Request(_, _, true)));
        }
        let larger = request("10");
        let (first, second) = larger.split_at(cut);
        script.tells(first);
        script.tells(second);
        assert_eq!(serve(&mut connection), Outcome::Refused(Refusal::HeadTooLarge), "cut at {cut}");
    }
}

#[test]
fn requests_that_are_the_same_are_the_same_however_they_are_cut() {
    let request = "POST /a?b HTTP/1.1\r\nhost: h\r\ncontent-length: 11\r\nx: y\r\n\r\nhello there";
    let raw = request.repeat(4);
    let expected =
        vec![Outcome::Request("POST /a?b HTTP/1.1".to_owned(), Got::whole("hello there"), true); 4];
    for (words, script) in cuts(&raw) {
        assert_eq!(served(&script)[..4], expected, "{words}");
    }
    for size in 2..2 * request.len() {
        assert_eq!(served(&Script::says(raw.as_bytes().chunks(size)))[..4], expected, "by {size}");
    }
}

fn maybe_a_body() -> impl Strategy<Value = Option<Body>> {
    prop_oneof![1 => Just(None), 2 => a_body().prop_map(Some)]
}

/// Adds a request to what is sent, and says what its body is.
fn write(raw: &mut Vec<u8>, index: usize, headers: &[(String, String)], body: Option<&Body>) -> Vec<u8> {
    raw.extend_from_slice(format!("POST /{index} HTTP/1.1\r\n").as_bytes());
    write_headers(headers, raw);
    match body {
        Some(body) => body.write(raw),
        None => {
            raw.extend_from_slice(b"\r\n");
            Vec::new()
        }
    }
}

/// What requests are made of, some of it where it does not belong.
const SHARDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /p HTTP/1.1\r\n",
    "HEAD http://h/ HTTP/1.0\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    "content-length: 5\r\n",
    "content-length: 0\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip\r\n",
    "connection: keep-alive\r\n",
    "connection: close\r\n",
    "expect: 100-continue\r\n",
    "x: y\n",
    "5\r\nhello\r\n",
    "a\r\n0123456789\r\n",
    "0\r\n\r\n",
    "0\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    " ",
    ":",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "PRI * HTTP/2.0\r\n",
    "\0",
    "\u{e4}",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_well_formed_requests_are_read_the_same_however_they_are_cut(
        requests in proptest::collection::vec(
            (proptest::collection::vec(("[a-z0-9]{1,8}", "[!-~]([ -~]{0,20}[!-~])?"), 0..8), maybe_a_body()),
            1..4,
        ),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let (mut raw, mut expected) = (Vec::new(), Vec::new());
        for (index, (headers, body)) in requests.iter().enumerate() {
            let data = write(&mut raw, index, headers, body.as_ref());
            expected.push(Outcome::Request(format!("POST /{index} HTTP/1.1"), Got::whole(data), true));
        }
        expected.push(Outcome::End);
        prop_assert_eq!(served(&Script::says(pieces(&raw, &cuts)).then(Then::End)), expected);
    }

    #[test]
    fn whatever_becomes_of_a_request_that_came_before_it_is_read_for_what_it_is(
        which in 0..WELL_FORMED.len(),
        edits in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0_usize..3, prop_oneof![any::<u8>(), b'0'..=b'9', b' '..=b'~']),
            0..3,
        ),
        times in 1_usize..4,
    ) {
        let (raw, asks, keeps) = WELL_FORMED[which];
        if asks.len() == 1 && keeps {
            let mut edited = raw.as_bytes().to_vec();
            for (at, how, byte) in edits {
                let at = at.index(edited.len());
                match how {
                    0 => edited[at] = byte,
                    1 => edited.insert(at, byte),
                    _ => drop(edited.remove(at)),
                }
            }
            let mut requests = vec![raw.as_bytes(); times];
            requests.push(&edited);
            prop_assert_eq!(last_of(&requests), last_of(&[&edited]));
        }
    }

    #[test]
    fn whatever_a_client_says_it_is_read_the_same_however_it_is_cut(
        said in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..100),
            proptest::collection::vec(proptest::sample::select(SHARDS), 0..14)
                .prop_map(|shards| shards.concat().into_bytes()),
        ],
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        for then in [Then::Silence, Then::End] {
            let outcomes = |pieces: &[&[u8]]| {
                let mut outcomes = served(&Script::says(pieces.iter().copied()).then(then));
                // It is handed on as far as it was read.
                if let Some(Outcome::Http2(read)) = outcomes.last_mut() {
                    read.truncate(PREFACE.len());
                }
                outcomes
            };
            let whole = outcomes(&[&said]);
            prop_assert_eq!(&outcomes(&pieces(&said, &cuts)), &whole);
            prop_assert_eq!(&outcomes(&said.chunks(1).collect::<Vec<_>>()), &whole);
        }
    }
}
