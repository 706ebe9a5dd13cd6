//! What answers look like on the wire, and what they are not allowed to say.

use std::time::{Duration, SystemTime};

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode};

use super::*;

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const CLOSING: &str = "GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\n\r\n";
const OLD: &str = "GET / HTTP/1.0\r\n\r\n";
const OLD_KEEPING: &str = "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
const OLD_HEAD: &str = "HEAD / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";

/// What a client hears that asks so and is answered so, and whether the connection keeps.
fn heard(asks: &str, response: Response<Stream>) -> (Heeded, bool) {
    let script = Script::text(asks);
    let mut connection = connection(&script);
    drop(request(&mut connection));
    respond(&mut connection, response).expect("an answer");
    let heard = script.line().heard.clone();
    (Heeded::of(&heard, asks.starts_with("HEAD")), connection.keeps())
}

fn with_status(status: u16, body: Stream) -> Response<Stream> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

/// An answer with headers, of which one may come several times.
fn with_headers(headers: &[(HeaderName, &'static str)], body: Stream) -> Response<Stream> {
    let mut response = Response::new(body);
    for (name, value) in headers {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    response
}

fn sized() -> Stream {
    Stream::sized(["hel", "lo"])
}

fn unsized_() -> Stream {
    Stream::of(["hel", "lo"])
}

/// The lengths and codings that go with a request and an answer, in this order: length, coding, connection.
#[test]
fn the_end_of_an_answer_is_shown_in_the_way_that_its_client_understands() {
    type Says = [Option<&'static str>; 3];
    let table: [(&str, u16, Stream, Says, &str, bool); 27] = [
        (GET, 200, sized(), [Some("5"), None, None], "hello", true),
        (GET, 404, sized(), [Some("5"), None, None], "hello", true),
        (GET, 200, unsized_(), [None, Some("chunked"), None], "hello", true),
        (GET, 200, Stream::sized([""; 0]), [Some("0"), None, None], "", true),
        (GET, 200, Stream::of([""; 0]), [None, Some("chunked"), None], "", true),
        (CLOSING, 200, sized(), [Some("5"), None, Some("close")], "hello", false),
        (CLOSING, 200, unsized_(), [None, Some("chunked"), Some("close")], "hello", false),
        // A client of the old version knows no chunks.
        (OLD, 200, sized(), [Some("5"), None, Some("close")], "hello", false),
        (OLD, 200, unsized_(), [None, None, Some("close")], "hello", false),
        (OLD_KEEPING, 200, sized(), [Some("5"), None, Some("keep-alive")], "hello", true),
        (OLD_KEEPING, 200, unsized_(), [None, None, Some("close")], "hello", false),
        (OLD_KEEPING, 200, Stream::sized([""; 0]), [Some("0"), None, Some("keep-alive")], "", true),
        (OLD_KEEPING, 200, Stream::of([""; 0]), [None, None, Some("close")], "", false),
        (OLD, 204, unsized_(), [None, None, Some("close")], "", false),
        (OLD_KEEPING, 204, unsized_(), [None, None, Some("keep-alive")], "", true),
        // What a GET would be told, and nothing of it.
        (HEAD, 200, sized(), [Some("5"), None, None], "", true),
        (HEAD, 200, unsized_(), [None, None, None], "", true),
        (OLD_HEAD, 200, sized(), [Some("5"), None, Some("keep-alive")], "", true),
        (OLD_HEAD, 200, unsized_(), [None, None, Some("keep-alive")], "", true),
        (HEAD, 204, sized(), [None, None, None], "", true),
        (HEAD, 304, sized(), [None, None, None], "", true),
        // Answers that have no body, whatever is given for one (RFC 9110 §6.4.1).
        (GET, 204, sized(), [None, None, None], "", true),
        (GET, 204, unsized_(), [None, None, None], "", true),
        (GET, 304, sized(), [None, None, None], "", true),
        (GET, 304, unsized_(), [None, None, None], "", true),
        (CLOSING, 204, sized(), [None, None, Some("close")], "", false),
        // Neither has a reset of the form, but it says so with a length.
        (GET, 205, Stream::sized([""; 0]), [Some("0"), None, None], "", true),
    ];
    for (asks, status, body, says, reads, keeps) in table {
        let words = format!("{status} to {asks:?} with {body:?}");
        let (heeded, kept) = heard(asks, with_status(status, body));
        assert_eq!(heeded.framing().each_ref().map(Option::as_deref), says, "{words}");
        assert_eq!((String::from_utf8_lossy(&heeded.body).as_ref(), kept), (reads, keeps), "{words}");
        assert!(heeded.rest.is_empty(), "{words}");
        assert!(heeded.line.starts_with(&format!("HTTP/1.1 {status} ")), "{}", heeded.line);
    }
}

#[test]
fn a_body_that_nobody_wants_is_not_asked() {
    for (asks, status) in [(HEAD, 200), (GET, 204), (GET, 304)] {
        for body in [Stream::open(), Stream::of(["hello"]), sized()] {
            heard(asks, with_status(status, body.clone()));
            assert_eq!((body.asked(), body.is_held()), (0, false));
        }
    }
}

#[test]
fn an_answer_to_head_says_the_length_that_somebody_knows() {
    for body in [Stream::sized([""; 0]), Stream::of([""; 0])] {
        let response = with_headers(&[(CONTENT_LENGTH, "1234")], body);
        assert_eq!(heard(HEAD, response).0.header("content-length").as_deref(), Some("1234"));
    }
}

#[test]
fn a_first_line_has_the_status_and_a_reason() {
    for (status, line) in [
        (200, "HTTP/1.1 200 OK"),
        (202, "HTTP/1.1 202 Accepted"),
        (404, "HTTP/1.1 404 Not Found"),
        (500, "HTTP/1.1 500 Internal Server Error"),
    ] {
        assert_eq!(heard(GET, with_status(status, sized())).0.line, line);
    }
    // Clients take any three digits, and wait for the space after them.
    for status in [299, 499, 599, 999] {
        let line = heard(GET, with_status(status, sized())).0.line;
        let reason = line.strip_prefix(&format!("HTTP/1.1 {status} ")).expect(&line);
        assert!(reason.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' '), "{line}");
    }
}

#[test]
fn headers_that_lie_about_the_body_or_the_connection_are_not_passed_on() {
    let lies = [
        (CONTENT_LENGTH, "999"),
        (CONTENT_LENGTH, "1"),
        (TRANSFER_ENCODING, "gzip, chunked"),
        (TRANSFER_ENCODING, "chunked"),
        (CONNECTION, "keep-alive, upgrade"),
    ];
    for (asks, body, expected, keeps) in [
        (GET, sized(), [Some("5"), None, None], true),
        (GET, unsized_(), [None, Some("chunked"), None], true),
        (CLOSING, sized(), [Some("5"), None, Some("close")], false),
        (OLD, unsized_(), [None, None, Some("close")], false),
    ] {
        let (heeded, kept) = heard(asks, with_headers(&lies, body));
        assert_eq!(heeded.framing().each_ref().map(Option::as_deref), expected, "{asks}");
        assert_eq!((&heeded.body[..], kept), (&b"hello"[..], keeps), "{asks}");
    }
    for status in [204, 304] {
        let mut response = with_headers(&lies, sized());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let (heeded, kept) = heard(GET, response);
        assert_eq!((heeded.framing(), kept), ([None, None, None], true), "{status}");
    }
}

#[test]
fn other_headers_are_passed_on_as_they_are() {
    let mut response = Response::new(sized());
    for value in ["a=b", "c=d"] {
        response.headers_mut().append("set-cookie", HeaderValue::from_static(value));
    }
    response.headers_mut().insert("x-empty", HeaderValue::from_static(""));
    response.headers_mut().insert("content-lengths", HeaderValue::from_static("7"));
    let (heeded, _) = heard(GET, response);
    let headers: Vec<_> =
        heeded.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for header in [("set-cookie", "a=b"), ("set-cookie", "c=d"), ("x-empty", ""), ("content-lengths", "7")] {
        assert!(headers.contains(&header), "{headers:?}");
    }
    assert_eq!(headers.len(), 6, "{headers:?}");
    // And bytes that are no text.
    let mut response = Response::new(sized());
    response.headers_mut().insert("x-odd", HeaderValue::from_bytes(b"\xe4 \xff").expect("a value"));
    let script = Script::text(GET);
    let mut connection = connection(&script);
    request(&mut connection);
    respond(&mut connection, response).expect("an answer");
    let heard = script.line().heard.clone();
    let (_, odd) = cut(&heard, b"x-odd: ").expect("the header");
    assert!(odd.starts_with(b"\xe4 \xff\r\n"));
}

#[test]
fn an_answer_may_end_its_connection() {
    for (value, ends) in [
        ("close", true),
        ("Close", true),
        ("x, close", true),
        ("x ,\tCLOSE ,y", true),
        ("keep-alive", false),
        ("closed", false),
        ("", false),
    ] {
        for body in [sized(), unsized_()] {
            let response = with_headers(&[(CONNECTION, "x"), (CONNECTION, value)], body);
            let (heeded, keeps) = heard(GET, response);
            assert_eq!(keeps, !ends, "{value}");
            assert_eq!(heeded.header("connection").as_deref(), ends.then_some("close"), "{value}");
        }
    }
    // Also one that was to be kept in the old way.
    let (heeded, keeps) = heard(OLD_KEEPING, with_headers(&[(CONNECTION, "close")], sized()));
    assert_eq!((heeded.header("connection").as_deref(), keeps), (Some("close"), false));
}

#[test]
fn every_answer_has_one_date_and_it_is_now() {
    for (asks, status) in [(GET, 200), (HEAD, 200), (GET, 204), (GET, 304), (OLD, 500)] {
        let (heeded, _) = heard(asks, with_status(status, sized()));
        let date = heeded.header("date").expect("a date");
        let parsed = httpdate::parse_http_date(&date).expect(&date);
        // In the one form that is to be sent (RFC 9110 §5.6.7).
        assert_eq!((httpdate::fmt_http_date(parsed), date.len()), (date.clone(), 29));
        let now = SystemTime::now();
        let off = now.duration_since(parsed).or_else(|_| parsed.duration_since(now)).expect("a while");
        assert!(off < Duration::from_secs(5), "{date}");
    }
    let given = "Sun, 06 Nov 1994 08:49:37 GMT";
    let (heeded, _) = heard(GET, with_headers(&[(DATE, given)], sized()));
    assert_eq!(heeded.header("date").as_deref(), Some(given));
}

#[test]
fn what_was_refused_is_answered_with_the_end_of_the_connection() {
    // What the last request asked for is not what this one does.
    for before in ["", "HEAD / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"] {
        let script = Script::text(&format!("{before}GET  / HTTP/1.1\r\n\r\n"));
        let mut connection = connection(&script);
        if !before.is_empty() {
            request(&mut connection);
            respond(&mut connection, Response::new(sized())).expect("an answer");
            script.heard_since();
        }
        let refused = connection.request().now_or_never().expect("there");
        assert!(matches!(refused, Err(Unheard::Refused(_))), "{refused:?}");
        respond(&mut connection, with_status(400, sized())).expect("an answer");
        let heeded = Heeded::of(script.heard().as_bytes(), false);
        assert_eq!((heeded.line.as_str(), &heeded.body[..]), ("HTTP/1.1 400 Bad Request", &b"hello"[..]));
        assert_eq!(heeded.header("connection").as_deref(), Some("close"));
    }
}

/// Sizes around those at which data is handled in another way.
const SIZES: [usize; 13] = [
    1,
    100,
    KEPT,
    COPIED - 1,
    COPIED,
    COPIED + 1,
    READ,
    LARGE_READ - 1,
    LARGE_READ,
    LARGE_READ + 1,
    LARGE_READ + COPIED,
    200_000,
    1 << 20,
];

fn data(size: usize) -> Bytes {
    (0..size).map(|at| b'a' + (at % 23) as u8).collect()
}

#[test]
fn bodies_of_every_size_arrive_whole_and_in_one_write() {
    for size in SIZES {
        for body in [Stream::sized([data(size)]), Stream::of([data(size)])] {
            let script = Script::text(GET);
            let mut connection = connection(&script);
            request(&mut connection);
            respond(&mut connection, Response::new(body)).expect("an answer");
            let heeded = Heeded::of(&script.line().heard.clone(), false);
            assert!(heeded.body == data(size) && heeded.rest.is_empty(), "{size}");
            assert_eq!(script.writes(), 1, "{size}: the head, the data, and its end go together");
            assert!(connection.keeps());
        }
    }
}

#[test]
fn bodies_of_two_pieces_of_every_size_arrive_whole() {
    for first in SIZES {
        for second in SIZES {
            let whole = [data(first), data(second)].concat();
            for body in [Stream::sized([data(first), data(second)]), Stream::of([data(first), data(second)])]
            {
                let script = Script::text(GET);
                let mut connection = connection(&script);
                request(&mut connection);
                respond(&mut connection, Response::new(body)).expect("an answer");
                let heeded = Heeded::of(&script.line().heard.clone(), false);
                assert!(heeded.body == whole && heeded.rest.is_empty(), "{first}, {second}");
                assert!(script.writes() <= 2, "{first}, {second}: {}", script.writes());
            }
        }
    }
}

#[test]
fn many_small_pieces_that_are_ready_take_few_writes() {
    let pieces = || (0..1000).map(|_| data(100));
    for body in [Stream::sized(pieces()), Stream::of(pieces())] {
        let script = Script::text(GET);
        let mut connection = connection(&script);
        request(&mut connection);
        respond(&mut connection, Response::new(body)).expect("an answer");
        let heeded = Heeded::of(&script.line().heard.clone(), false);
        assert_eq!(heeded.body.len(), 100_000);
        assert!(script.writes() <= 3, "{}", script.writes());
    }
}

/// Data in many pieces, as a tree of values may give it.
#[derive(Debug)]
struct Rope(VecDeque<Bytes>);

impl Buf for Rope {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |first| &first[..])
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let first = self.0.front_mut().expect("no more than there is");
            let taken = count.min(first.len());
            first.advance(taken);
            count -= taken;
            if first.is_empty() {
                self.0.pop_front();
            }
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let shown = self.0.iter().zip(slices);
        shown.map(|(piece, slice)| *slice = IoSlice::new(piece)).count()
    }
}

fn rope(pieces: usize, each: usize) -> Rope {
    let whole = data(pieces * each);
    Rope((0..pieces).map(|at| whole.slice(at * each..(at + 1) * each)).collect())
}

#[test]
fn data_in_many_pieces_arrives_whole_however_much_of_it_is_taken() {
    for (pieces, each) in
        [(1, 5000), (2, 100), (13, 400), (14, 400), (15, 400), (16, 400), (17, 400), (40, 10), (100, 57)]
    {
        let size = pieces * each;
        for at_once in [1, 2, 3, 399, 400, 401, 1000, 4096, 6000, usize::MAX] {
            for exact in [SizeHint::with_exact(2 * size as u64), SizeHint::default()] {
                let script = Script::text(GET).takes(at_once);
                let mut connection = connection(&script);
                request(&mut connection);
                let steps = [Step::Data(rope(pieces, each)), Step::Data(rope(pieces, each))];
                respond(&mut connection, Response::new(Stream::new(steps, exact, true))).expect("an answer");
                let heeded = Heeded::of(&script.line().heard.clone(), false);
                let whole = [data(size), data(size)].concat();
                assert!(heeded.body == whole && heeded.rest.is_empty(), "{pieces} of {each} by {at_once}");
                assert!(script.line().most_slices <= SLICES);
            }
        }
    }
}

#[test]
fn an_answer_arrives_whole_however_little_of_it_is_taken_at_a_time() {
    let bodies = || {
        [
            Stream::sized(["hello"]),
            Stream::of(["hel", "lo"]),
            Stream::sized([data(COPIED + 10)]),
            Stream::of([data(COPIED + 10)]),
            Stream::of([data(10), data(COPIED + 10), data(COPIED + 20), data(5)]),
        ]
    };
    for which in 0..bodies().len() {
        let whole = whole_of(&bodies()[which]);
        for at_once in (1..400).chain([COPIED - 1, COPIED, COPIED + 1, COPIED + 10, COPIED + 200, 10_000]) {
            let script = Script::text(GET).takes(at_once);
            let mut connection = connection(&script);
            request(&mut connection);
            respond(&mut connection, Response::new(bodies()[which].clone())).expect("an answer");
            let heeded = Heeded::of(&script.line().heard.clone(), false);
            assert!(heeded.body == whole && heeded.rest.is_empty(), "{which} by {at_once}: {heeded:?}");
        }
        // And also with a wait at each place.
        for room in 1..400 {
            let script = Script::text(GET).with_room(room);
            let mut connection = connection(&script);
            request(&mut connection);
            let mut task = Task::new(connection.respond(Response::new(bodies()[which].clone())));
            let mut waits = 0;
            let done = loop {
                if let Some(done) = task.run() {
                    break done;
                }
                assert!(script.heard().len() == room * (waits + 1), "all that there is room for");
                waits += 1;
                script.makes_room(room);
                assert!(task.is_woken());
            };
            done.expect("an answer");
            let heeded = Heeded::of(&script.line().heard.clone(), false);
            assert!(heeded.body == whole && heeded.rest.is_empty(), "{which} by {room}: {heeded:?}");
        }
    }
}

/// What a body has, of which nothing was taken yet.
fn whole_of(body: &Stream) -> Vec<u8> {
    let source = body.source();
    let data = source.steps.iter().filter_map(|step| match step {
        Step::Data(data) => Some(&data[..]),
        Step::Trailers | Step::Pause => None,
    });
    data.collect::<Vec<_>>().concat()
}

#[test]
fn a_client_that_takes_nothing_more_ends_its_answer() {
    for refuses in [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset] {
        for room in [0, 10, 150, 2000] {
            let script = Script::text(GET).with_room(room);
            script.line().refuses = Some(refuses);
            let mut connection = connection(&script);
            request(&mut connection);
            let body = Stream::of([data(100_000)]);
            let error = respond(&mut connection, Response::new(body)).expect_err("nobody takes it");
            assert_eq!(error.kind(), refuses);
        }
    }
    let script = Script::text(GET).takes(0);
    let mut connection = connection(&script);
    request(&mut connection);
    let error = respond(&mut connection, Response::new(sized())).expect_err("nobody takes it");
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_is_an_error() {
    let large = COPIED + 1;
    for (says, pieces) in [
        (5, vec![]),
        (5, vec![3]),
        (5, vec![3, 1]),
        (5, vec![6]),
        (5, vec![3, 3]),
        (0, vec![1]),
        (0, vec![large]),
        (large + 1, vec![large]),
        (large - 1, vec![large]),
        (large + 5, vec![5, large - 1, 2]),
        (2 * large, vec![large, large - 1]),
        (2 * large, vec![large, large + 1]),
        (2 * LARGE_READ, vec![LARGE_READ]),
    ] {
        let body = Stream::of(pieces.iter().map(|size| data(*size))).says(says as u64);
        let script = Script::text(GET);
        let mut connection = connection(&script);
        request(&mut connection);
        respond(&mut connection, Response::new(body)).expect_err("it lied");
        // Whatever went out, it is not more than was said.
        let heard = script.line().heard.clone();
        if let Some((_, body)) = cut(&heard, b"\r\n\r\n") {
            assert!(body.len() <= says, "{says} of {pieces:?}: {}", body.len());
            let sent: Vec<u8> = pieces.iter().flat_map(|size| data(*size)).take(body.len()).collect();
            assert!(body == sent, "{says} of {pieces:?}");
        }
    }
}

/// It may be noticed or not, but the client gets what it was told.
#[test]
fn what_comes_after_all_that_was_said_is_not_sent() {
    for (says, pieces) in [(3, vec![3, 1]), (COPIED + 1, vec![COPIED + 1, 5]), (3, vec![3, COPIED + 1])] {
        let body = Stream::of(pieces.iter().map(|size| data(*size))).says(says as u64);
        let script = Script::text(GET);
        let mut connection = connection(&script);
        request(&mut connection);
        if respond(&mut connection, Response::new(body)).is_ok() {
            let heeded = Heeded::of(&script.line().heard.clone(), false);
            assert!(heeded.body == data(says) && heeded.rest.is_empty());
        }
    }
}

#[test]
fn pieces_of_nothing_and_trailers_are_not_sent() {
    let steps = || {
        let empty = || Step::Data(Bytes::new());
        [
            empty(),
            Step::Data("hel".into()),
            empty(),
            Step::Pause,
            empty(),
            Step::Data("lo".into()),
            Step::Trailers,
        ]
    };
    for size in [SizeHint::default(), SizeHint::with_exact(5)] {
        let (heeded, keeps) = heard(GET, Response::new(Stream::new(steps(), size, true)));
        assert_eq!((&heeded.body[..], keeps), (&b"hello"[..], true));
        assert!(heeded.rest.is_empty());
    }
}

#[test]
fn answers_to_requests_that_came_together_come_in_their_order() {
    let script = Script::text(&format!("{GET}{HEAD}{OLD_KEEPING}{GET}{CLOSING}{GET}"));
    let mut connection = connection(&script);
    let bodies = [unsized_(), sized(), sized(), Stream::of([data(10_000)]), unsized_()];
    for body in bodies.clone() {
        request(&mut connection);
        respond(&mut connection, Response::new(body)).expect("an answer");
    }
    assert!(!connection.keeps());
    let mut rest = script.line().heard.clone();
    for (round, expected) in [&b"hello"[..], b"", b"hello", &data(10_000), b"hello"].into_iter().enumerate() {
        let heeded = Heeded::of(&rest, round == 1);
        assert!(heeded.body == expected, "{round}");
        rest = heeded.rest;
    }
    assert!(rest.is_empty());
}
