//! How requests are written, and what comes of those that are not written whole.

use super::*;

const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
const TOO_LARGE: &[u8] = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!";

/// What a request looks like whose body is this.
fn as_written(body: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_request_is_written_whole_however_much_of_it_fits() {
    for takes in [1, 2, 10, 50, 1000] {
        let mut connection = Connection::new(Script { takes: Some(0), ..Script::says([]) });
        let request = request(Method::POST, "x".repeat(200));
        let mut exchange = Box::pin(connection_exchange(&mut connection, &request, takes));
        assert!(exchange.as_mut().now_or_never().expect("it is all taken in the end"));
        drop(exchange);
        assert_eq!(String::from_utf8_lossy(&connection.io.heard), as_written(&"x".repeat(200)));
    }
}

/// Sends to a server that takes so much at a time, and answers when it has all.
async fn connection_exchange(connection: &mut Connection<Script>, request: &Request, takes: usize) -> bool {
    connection.request.begin(request);
    let mut finder = Finder::default();
    loop {
        let heard = connection.io.heard.len();
        connection.io.takes = Some(heard + takes);
        if connection.request.is_written() {
            connection.io.pieces.push_back(ACCEPTED.to_vec());
        }
        let head = poll_fn(|cx| Poll::Ready(connection.poll_head(cx, &mut finder, request))).await;
        match head {
            Poll::Ready(head) => return head.is_ok(),
            Poll::Pending => assert!(connection.io.heard.len() > heard || connection.request.is_written()),
        }
    }
}

#[test]
fn an_answer_that_comes_before_the_request_is_written_is_the_answer() {
    for refuses in [None, Some(io::ErrorKind::BrokenPipe), Some(io::ErrorKind::ConnectionReset)] {
        for takes in [0, 1, 60, 100] {
            let script = Script { takes: Some(takes), refuses, ..Script::says([TOO_LARGE]) };
            let mut connection = Connection::new(script);
            let request = request(Method::POST, "x".repeat(1000));
            let head = connection.exchange(&request).now_or_never().expect("there").expect("an answer");
            assert_eq!(head.status, 413);
            assert_eq!(next_chunk(&mut connection, false).expect("there").expect("data"), Some("no!".into()));
            assert!(!connection.is_reusable(), "half a request went over it");
        }
    }
}

/// A server may begin to answer before it has read everything, and end only then.
#[test]
fn the_rest_of_a_request_is_written_while_its_answer_is_read() {
    let script = Script::says([&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"[..]]);
    let mut connection = Connection::new(Script { takes: Some(10), ..script });
    let request = request(Method::POST, "x".repeat(100));
    connection.exchange(&request).now_or_never().expect("there").expect("a head");
    assert!(next_chunk(&mut connection, false).expect("there").is_ok());
    connection.io.takes = None;
    assert!(next_chunk(&mut connection, false).is_none());
    assert_eq!(String::from_utf8_lossy(&connection.io.heard), as_written(&"x".repeat(100)));
    connection.io.pieces.push_back(b"0\r\n\r\n".to_vec());
    assert!(matches!(next_chunk(&mut connection, false), Some(Ok(None))));
    assert!(connection.is_reusable());
}

#[test]
fn it_is_known_whether_something_was_sent() {
    let lost = |takes, refuses, then| {
        let script = Script { takes, refuses, ..Script::says([]).then(then) };
        let mut connection = Connection::new(script);
        let lost = connection.exchange(&request(Method::POST, "{}")).now_or_never();
        lost.expect("nothing to wait for").expect_err("no answer")
    };
    let pipe = Some(io::ErrorKind::BrokenPipe);
    let nothing = lost(Some(0), pipe, Then::Reset);
    assert_eq!((nothing.sent, nothing.error.kind()), (false, io::ErrorKind::BrokenPipe));
    assert!(lost(Some(1), pipe, Then::End).sent);
    let closed = lost(None, None, Then::End);
    assert_eq!((closed.sent, closed.error.kind()), (true, io::ErrorKind::UnexpectedEof));
}

#[test]
fn an_idle_connection_is_good_while_its_server_is_silent() {
    assert_eq!(used(Script::says([ACCEPTED])), Condition::Ready);
    assert_eq!(used(Script::says([ACCEPTED]).then(Then::End)), Condition::Spoilt);
    assert_eq!(used(Script::says([ACCEPTED]).then(Then::Reset)), Condition::Spoilt);
    assert_eq!(
        used(Script::says([ACCEPTED, &b"HTTP/1.1 408 Request Timeout\r\n\r\n"[..]])),
        Condition::Spoilt
    );
}

#[test]
fn the_rest_of_an_answer_is_read_over() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const END: &[u8] = b"1\r\nx\r\n0\r\n\r\n";
    assert_eq!(used(Script::says([HEAD])), Condition::Ending);
    assert_eq!(used(Script::says([HEAD, &END[..8]])), Condition::Ending);
    assert_eq!(used(Script::says([HEAD, &END[..8], &END[8..]])), Condition::Ready);
    assert_eq!(used(Script::says([HEAD, END]).then(Then::End)), Condition::Spoilt);
    assert_eq!(used(Script::says([HEAD, &b"oops"[..]])), Condition::Spoilt);
    assert_eq!(used(Script::says([HEAD]).then(Then::End)), Condition::Spoilt);
    let long = ["10000\r\n".as_bytes(), &[b'x'; 0x10000], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(used(Script::says([HEAD, &long[..]])), Condition::Spoilt);
}

/// What a connection is good for after a request of which only the head was read.
fn used(script: Script) -> Condition {
    let mut connection = Connection::new(script);
    connection.exchange(&request(Method::POST, "{}")).now_or_never().expect("there").expect("a head");
    poll_fn(|cx| Poll::Ready(connection.condition(cx))).now_or_never().expect("it does not wait")
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let mut connection = Connection::new(Script::says([ACCEPTED]));
    for round in 1..=3 {
        let got = answer(&mut connection, Method::POST).expect("there").expect("an answer");
        assert!(got.reusable, "{round}");
        connection.io.pieces.push_back(ACCEPTED.to_vec());
        connection.shrink();
    }
    assert_eq!(String::from_utf8_lossy(&connection.io.heard), as_written("{}").repeat(3));
}
