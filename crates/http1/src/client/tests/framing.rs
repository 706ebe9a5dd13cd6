//! How answers are read, whole and in pieces.

use proptest::prelude::*;

use super::*;
use crate::sent::{Body, a_body, pieces, write_headers};

const POST: Method = Method::POST;

/// Well-formed answers: what is read of them, and whether the connection may be used again.
const WELL_FORMED: &[(&str, u16, &str, bool)] = &[
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true),
    ("HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", 200, "x", true),
    ("HTTP/1.1 200 OK\ncontent-length: 1\n\nx", 200, "x", true),
    ("\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, "x", true),
    // The same length twice is one length.
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi", 200, "hi", true),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nhi", 200, "hi", true),
    // Chunks: sizes in either case and with zeros, padded, with extensions, and with trailers.
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", true),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, "", true),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n",
        200,
        "01234567890123456789",
        true,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=b;c=\"d;e\"\r\nx\r\n1 \t;q\r\ny\r\n1 \r\nz\r\n0;last\r\n\r\n",
        200,
        "xyz",
        true,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\nc:\r\n\r\n",
        200,
        "x",
        true,
    ),
    // No body, whatever the head says.
    ("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
    ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, "", true),
    ("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", 304, "", true),
    // Interim answers are not the answer.
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        202,
        "",
        true,
    ),
    // Connections that end with their answer.
    ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", 200, "x", false),
    ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 1\r\n\r\nx", 200, "x", false),
    ("HTTP/1.1 202 Accepted\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", 202, "", false),
    ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, "x", false),
    ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx", 200, "x", true),
    // Two lengths: chunks win, and what comes then is not trusted.
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        200,
        "x",
        false,
    ),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, "x", false),
    (
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        200,
        "x",
        false,
    ),
];

fn expected(status: u16, body: &str, reusable: bool) -> Option<Result<Answer, String>> {
    Some(Ok(Answer { status, body: body.into(), reusable }))
}

#[test]
fn answers_are_the_same_however_they_are_cut() {
    for &(raw, status, body, reusable) in WELL_FORMED {
        let expected = expected(status, body, reusable);
        assert_eq!(answer_of(POST, [raw.as_bytes()]), expected, "{raw}");
        assert_eq!(answer_of(POST, raw.as_bytes().chunks(1)), expected, "byte by byte: {raw}");
        for at in 1..raw.len() {
            let (first, second) = raw.as_bytes().split_at(at);
            assert_eq!(answer_of(POST, [first, second]), expected, "cut at {at}: {raw}");
        }
    }
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    for &(raw, status, body, reusable) in WELL_FORMED {
        for at in 0..raw.len() {
            let part = || Script::says([&raw.as_bytes()[..at]]);
            for then in [Then::End, Then::Reset] {
                let got = answer(&mut Connection::new(part().then(then)), POST).expect("nothing to wait for");
                assert!(got.is_err(), "{then:?} at {at}: {raw}: {got:?}");
            }
            // And while nothing more comes, it is waited for.
            assert_eq!(answer(&mut Connection::new(part()), POST), None, "silence at {at}: {raw}");
        }
        assert!(expected(status, body, reusable).is_some());
    }
}

#[test]
fn a_body_without_a_length_ends_with_its_connection() {
    let raw = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nall of this".as_bytes();
    let head = raw.len() - "all of this".len();
    for at in head..raw.len() {
        let script = || Script::says([&raw[..at], &raw[at..]]);
        let got = answer(&mut Connection::new(script().then(Then::End)), POST);
        assert_eq!(got, expected(200, "all of this", false));
        assert_eq!(answer(&mut Connection::new(script()), POST), None);
        let reset = answer(&mut Connection::new(script().then(Then::Reset)), POST);
        assert!(matches!(reset, Some(Err(_))), "{reset:?}");
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let raw = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(answer_of(Method::HEAD, [raw.as_bytes()]), expected(200, "", true));
}

#[test]
fn what_follows_an_answer_spoils_its_connection() {
    for raw in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nx",
    ] {
        let got = answer_of(POST, [raw.as_bytes()]).expect("whole").expect("an answer");
        assert!(!got.reusable, "{raw}");
    }
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn what_is_not_an_answer_is_refused_at_once() {
    let head = |line: &str| format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
    let chunk = |text: &str| format!("{CHUNKED}{text}");
    for (raw, why) in [
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "not HTTP/1"),
        ("<html>".to_owned(), "not HTTP/1"),
        ("\0".to_owned(), "not HTTP/1"),
        ("HTTP/2 200 OK\r\n\r\n".to_owned(), "not HTTP/1"),
        ("HTTP/1.2 200 OK\r\n\r\n".to_owned(), "not HTTP/1"),
        ("HTTP/1.1 20 OK\r\n\r\n".to_owned(), "status"),
        ("HTTP/1.1 099 OK\r\n\r\n".to_owned(), "status"),
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n".to_owned(), "another protocol"),
        (head("a b: c"), "header"),
        (head("a : c"), "header"),
        (head(": c"), "header"),
        (head("a: b\r\n c"), "header"),
        (head("a: \x01"), "header"),
        (head("content-length: five"), "length"),
        (head("content-length: +5"), "length"),
        (head("content-length: -5"), "length"),
        (head("content-length:"), "length"),
        (head("content-length: 5 5"), "length"),
        (head("content-length: 18446744073709551616"), "length"),
        (head("content-length: 5\r\ncontent-length: 6"), "two lengths"),
        (head("content-length: 5, 6"), "two lengths"),
        (head("transfer-encoding: gzip"), "transfer coding"),
        (head("transfer-encoding: gzip, chunked"), "transfer coding"),
        (head("transfer-encoding: chunked, identity"), "transfer coding"),
        (chunk("g\r\n"), "chunk"),
        (chunk("\r\n"), "chunk"),
        (chunk("-1\r\n"), "chunk"),
        (chunk("0x5\r\n"), "chunk"),
        (chunk(" 5\r\n"), "chunk"),
        (chunk("5 5\r\n"), "chunk"),
        (chunk("5\n"), "chunk"),
        (chunk("5\rx"), "chunk"),
        (chunk("5;a\n"), "chunk"),
        (chunk("1\r\nxx"), "chunk"),
        (chunk("1\r\nx\n"), "chunk"),
        (chunk("1\r\nx\rx"), "chunk"),
        (chunk("10000000000000000\r\n"), "too large"),
        (chunk("0\r\n\n"), "trailer"),
        (chunk("0\r\na: b\n"), "trailer"),
        (chunk("0\r\na: b\rx"), "chunk"),
        (chunk("0\r\n\rx"), "chunk"),
    ] {
        let got = answer_of(POST, [raw.as_bytes()]).expect("no need to wait for more");
        let error = got.expect_err(&raw);
        assert!(error.contains(why), "{raw}: {error}");
        let got = answer_of(POST, raw.as_bytes().chunks(1)).expect("no need to wait for more");
        assert_eq!(got, Err(error), "byte by byte: {raw}");
    }
}

#[test]
fn a_fault_after_data_is_told_after_the_data() {
    let mut connection = Connection::new(Script::says([format!("{CHUNKED}1\r\nxoops").as_bytes()]));
    connection.exchange(&request(POST, "{}")).now_or_never().expect("whole").expect("a head");
    assert_eq!(next_chunk(&mut connection, false).expect("there").expect("data"), Some("x".into()));
    assert!(!connection.is_done());
    for _ in 0..2 {
        next_chunk(&mut connection, false).expect("there").expect_err("a fault, and it stays one");
    }
    assert!(!connection.is_reusable());
}

/// Says the same for ever.
#[derive(Debug)]
struct Endless(Vec<u8>, &'static [u8]);

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
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Io for Endless {}

#[test]
fn what_is_not_the_body_has_a_ceiling() {
    for (begins, goes_on, why) in [
        ("HTTP/1.1 200 OK\r\na: ", "b", "head of its answer is too large"),
        (
            "HTTP/1.1 200 OK\r\n",
            "a: bcdefghijklmnopqrstuvwxyz0123456789\r\n",
            "head of its answer is too large",
        ),
        ("HTTP/1.1 200 ", "x", "head of its answer is too large"),
    ] {
        let mut connection = Connection::new(Endless(begins.into(), goes_on.as_bytes()));
        let lost =
            connection.exchange(&request(POST, "")).now_or_never().expect("no end").expect_err("a ceiling");
        assert!(lost.error.to_string().contains(why), "{}", lost.error);
        assert!(connection.input.capacity() <= 256 * 1024, "{}", connection.input.capacity());
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert!(
        answer_of(POST, [many.as_bytes()])
            .expect("whole")
            .expect_err("too many")
            .contains("too many headers")
    );

    for begins in ["5;", "0\r\n", "0\r\na"] {
        let mut connection = Connection::new(Endless(format!("{CHUNKED}{begins}").into(), b"a"));
        connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
        let error = poll_fn(|cx| connection.poll_chunk(cx, false)).now_or_never().expect("no end");
        assert!(error.expect_err("a ceiling").to_string().contains("too much around a chunk"));
    }
}

#[test]
fn a_body_without_end_takes_little_memory() {
    for (head, goes_on) in [
        ("HTTP/1.1 200 OK\r\n\r\n", &b"data"[..]),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n", b"data"),
        (CHUNKED, b"4\r\ndata\r\n"),
        (CHUNKED, b"1;ext=1\r\nx\r\n"),
    ] {
        let mut connection = Connection::new(Endless(head.into(), goes_on));
        connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
        for _ in 0..300 {
            let chunk = poll_fn(|cx| connection.poll_chunk(cx, false)).now_or_never().expect("data");
            chunk.expect("data").expect("no end");
            assert!(connection.input.capacity() <= 2 * LARGE_READ);
        }
    }
}

#[test]
fn a_body_of_known_length_can_be_had_in_one_piece() {
    let body = "0123456789".repeat(30_000);
    let raw = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for size in [7, 1000, 5000, raw.len()] {
        let mut connection = Connection::new(Script::says(raw.as_bytes().chunks(size)));
        connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
        let chunk = next_chunk(&mut connection, true).expect("there").expect("data").expect("data");
        assert!(chunk == body, "{size}");
        assert!(connection.is_reusable());
    }
    // Nobody has to send what was announced, so that no room is made for all of it.
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nx";
    let mut connection = Connection::new(Script::says([announced.as_bytes()]));
    connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
    assert!(next_chunk(&mut connection, true).is_none());
    assert!(connection.input.capacity() <= 2 * LARGE_READ);
}

#[test]
fn who_waits_for_more_of_a_stream_holds_no_memory() {
    let raw = format!("{CHUNKED}1\r\nx\r\n");
    let mut connection = Connection::new(Script::says([raw.as_bytes()]));
    connection.exchange(&request(POST, "{}")).now_or_never().expect("whole").expect("a head");
    assert!(matches!(next_chunk(&mut connection, false), Some(Ok(Some(_)))));
    assert!(next_chunk(&mut connection, false).is_none());
    assert_eq!((connection.input.capacity(), connection.request.body.len()), (0, 0));
    connection.io.pieces.push_back(b"1\r\ny\r\n0\r\n\r\n".to_vec());
    assert!(matches!(next_chunk(&mut connection, false), Some(Ok(Some(_)))));
    assert!(connection.is_reusable());
}

#[test]
fn large_answers_take_few_reads() {
    let body = vec![b'x'; 64 * 1024];
    let raw =
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let mut connection = Connection::new(Script::says([&raw[..]]));
    connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
    let mut chunks = 0;
    while let Some(Ok(Some(_))) = next_chunk(&mut connection, false) {
        chunks += 1;
    }
    assert_eq!(chunks, 2);
    // The next one is likely to be as large.
    connection.io.pieces.push_back(raw);
    connection.exchange(&request(POST, "")).now_or_never().expect("whole").expect("a head");
    assert!(
        next_chunk(&mut connection, false).expect("there").expect("data").expect("data").len() > 63 * 1024
    );
}

/// How the answer is written, and what its body is.
fn written(interim: usize, headers: &[(String, String)], body: &Body) -> (Vec<u8>, Vec<u8>) {
    let mut raw = "HTTP/1.1 100 Continue\r\n\r\n".repeat(interim).into_bytes();
    raw.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    write_headers(headers, &mut raw);
    let data = body.write(&mut raw);
    (raw, data)
}

proptest! {
    #[test]
    fn any_well_formed_answer_is_read_the_same_however_it_is_cut(
        interim in 0_usize..3,
        headers in proptest::collection::vec(("[a-z0-9]{1,8}", "[!-~]([ -~]{0,20}[!-~])?"), 0..8),
        body in a_body(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let (raw, data) = written(interim, &headers, &body);
        let mut connection = Connection::new(Script::says(pieces(&raw, &cuts)));
        let answer = answer(&mut connection, POST);
        prop_assert_eq!(answer, Some(Ok(Answer { status: 200, body: data, reusable: true })));
    }

    #[test]
    fn whatever_a_server_says_it_is_read_the_same_however_it_is_cut(
        said in proptest::collection::vec(any::<u8>(), 0..200),
        begins in proptest::sample::select(vec!["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n", CHUNKED, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n"]),
        cut in any::<proptest::sample::Index>(),
    ) {
        let raw = [begins.as_bytes(), &said].concat();
        let end = |pieces: &[&[u8]]| {
            let answer = answer(&mut Connection::new(Script::says(pieces.iter().copied()).then(Then::End)), POST);
            // What has not been read yet cannot spoil the connection yet.
            answer.expect("nothing to wait for").map(|answer| Answer { reusable: false, ..answer })
        };
        let (first, second) = raw.split_at(cut.index(raw.len() + 1));
        prop_assert_eq!(end(&[first, second]), end(&[&raw]));
    }
}
