//! How long a connection is good for, what it notices of its client meanwhile, and what it costs while nothing happens.

use std::future::pending;

use super::*;

const GET: &str = "GET / HTTP/1.1\r\n\r\n";

/// An answer that is never made, and holds this until it is dropped.
async fn making(alive: Arc<()>) -> Response<Stream> {
    let never = pending().await;
    drop(alive);
    never
}

fn ok() -> Response<Stream> {
    Response::new(Stream::sized(["ok"]))
}

/// An answer that is made when somebody says so.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<(bool, Option<Waker>)>>);

impl Later {
    async fn answer(self) -> Response<Stream> {
        poll_fn(|cx| {
            let mut later = self.0.lock().expect("no panic");
            later.1 = Some(cx.waker().clone());
            if later.0 { Poll::Ready(ok()) } else { Poll::Pending }
        })
        .await
    }

    fn is_made(&self) {
        let waker = {
            let mut later = self.0.lock().expect("no panic");
            later.0 = true;
            later.1.take()
        };
        waker.expect("somebody waits").wake();
    }
}

#[test]
fn who_makes_an_answer_is_left_when_the_client_goes() {
    for raw in [GET, "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi", "GET / HTTP/1.0\r\n\r\n"] {
        for then in [Then::End, Then::Reset] {
            let script = Script::text(raw);
            let mut connection = connection(&script);
            request(&mut connection);
            let alive = Arc::new(());
            let mut attends = Task::new(connection.attend(making(alive.clone())));
            assert!(attends.run().is_none());
            script.goes(then);
            attends.run().expect("it is noticed").expect_err("nobody is there");
            assert_eq!(Arc::strong_count(&alive), 1, "{raw}: nobody makes an answer that nobody gets");
        }
    }
}

#[test]
fn a_client_that_goes_after_its_body_was_read_is_missed_as_well() {
    for raw in [
        "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n",
    ] {
        let script = Script::text(raw);
        let mut connection = connection(&script);
        let body = request(&mut connection).into_body();
        let alive = Arc::new(());
        let mut attends = Task::new(connection.attend(async {
            assert_eq!(read(body).await, Got::whole("hello"));
            making(alive.clone()).await
        }));
        assert!(attends.run().is_none());
        script.tells(if raw.contains("chunked") { "hello\r\n0\r\n\r\n" } else { "hello" });
        assert!(attends.run().is_none());
        script.goes(Then::End);
        attends.run().expect("it is noticed").expect_err("nobody is there");
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

/// Some clients say that they have nothing more to ask as soon as they have asked.
#[test]
fn an_answer_that_is_there_is_given_also_to_a_client_that_says_no_more() {
    let script = Script::text(GET).then(Then::End);
    let mut connection = connection(&script);
    request(&mut connection);
    let answer = connection.attend(async { ok() }).now_or_never().expect("there").expect("an answer");
    respond(&mut connection, answer).expect("an answer");
    assert_eq!(Heeded::of(script.heard().as_bytes(), false).body, b"ok");
    assert!(matches!(connection.request().now_or_never(), Some(Ok(Heard::End))));
}

#[test]
fn a_client_that_asks_on_has_not_gone() {
    let script = Script::text("GET /1 HTTP/1.1\r\n\r\n");
    let mut connection = connection(&script);
    request(&mut connection);
    let later = Later::default();
    let mut attends = Task::new(connection.attend(later.clone().answer()));
    assert!(attends.run().is_none());
    script.tells("GET /2 HT");
    assert!(attends.run().is_none());
    script.tells("TP/1.1\r\n\r\n");
    script.goes(Then::End);
    assert!(attends.run().is_none());
    later.is_made();
    let answer = attends.run().expect("it is made").expect("the client was not missed");
    drop(attends);
    respond(&mut connection, answer).expect("an answer");
    assert!(connection.is_amid_head() && connection.keeps());
    assert_eq!(line_of(&request(&mut connection)), "GET /2 HTTP/1.1");
    respond(&mut connection, ok()).expect("an answer");
    assert!(matches!(connection.request().now_or_never(), Some(Ok(Heard::End))));
}

#[test]
fn of_a_client_that_asks_on_and_on_only_a_little_is_read_before_its_turn() {
    let script = Script::text(GET);
    for _ in 0..100 {
        script.tells("x".repeat(4096));
    }
    let mut connection = connection(&script);
    request(&mut connection);
    let stream = Stream::open();
    let later = Later::default();
    let mut attends = Task::new(connection.attend(later.clone().answer()));
    for _ in 0..10 {
        assert!(attends.run().is_none());
        attends.woken.clone().wake();
    }
    drop(attends);
    let mut responds = Task::new(connection.respond(Response::new(stream.clone())));
    for _ in 0..10 {
        assert!(responds.run().is_none());
        stream.sends("x".into());
    }
    drop(responds);
    assert!(script.reads() <= 2 && connection.input.len() <= READ, "{}", script.reads());
}

#[test]
fn an_answer_that_is_there_takes_no_look_at_the_client() {
    let script = Script::text(GET);
    let mut connection = connection(&script);
    request(&mut connection);
    script.goes(Then::Reset);
    connection.attend(async {}).now_or_never().expect("there").expect("an answer");
    respond(&mut connection, ok()).expect("an answer");
    assert_eq!(script.reads(), 1);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let script = Script::default();
    let mut connection = connection(&script);
    for round in 1..=5 {
        let mut task = Task::new(connection.request());
        assert!(task.run().is_none());
        script.tells(format!("POST /{round} HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi"));
        let Some(Ok(Heard::Request(head, body))) = task.run() else { panic!("no request") };
        let request = whole(head, body);
        drop(task);
        assert_eq!(line_of(&request), format!("POST /{round} HTTP/1.1"));
        let got = Task::new(connection.attend(read(request.into_body()))).done().expect("the client");
        assert_eq!(got, Got::whole("hi"));
        respond(&mut connection, ok()).expect("an answer");
        assert!(connection.keeps() && !connection.is_amid_head());
        let heeded = Heeded::of(script.heard_since().as_bytes(), false);
        assert_eq!((&heeded.body[..], heeded.rest.len()), (&b"ok"[..], 0));
    }
    connection.close().now_or_never().expect("there").expect("in good order");
    assert!(script.line().is_shut);
}

/// What can be had of a buffer without more memory is what it holds already.
#[track_caller]
fn assert_holds_little(connection: &mut Connection<Script>, words: &str) {
    assert!(connection.input.is_empty() && connection.out.bytes.is_empty());
    assert!(connection.out.bytes.capacity() <= KEPT, "{words}: {}", connection.out.bytes.capacity());
    let holds = [READ, 2 * READ, 4 * READ, LARGE_READ].map(|size| connection.input.try_reclaim(size));
    assert_eq!(holds, [false; 4], "{words}: it keeps room for what it has read");
    assert!(connection.input.capacity() <= READ / 2, "{words}: {}", connection.input.capacity());
}

#[test]
fn a_connection_that_was_never_used_holds_nothing() {
    let script = Script::default();
    let mut connection = connection(&script);
    assert!(connection.request().now_or_never().is_none());
    assert_eq!((connection.input.capacity(), connection.out.bytes.capacity()), (0, 0));
    assert!(!connection.input.try_reclaim(1));
}

#[test]
fn a_connection_that_waits_for_a_request_holds_little() {
    let large = |head: usize, body: usize| {
        format!(
            "POST / HTTP/1.1\r\na: {}\r\ncontent-length: {body}\r\n\r\n{}",
            "x".repeat(head),
            "y".repeat(body)
        )
    };
    for (words, raw) in [
        ("a small request", large(100, 100)),
        ("a large head", large(LARGEST - 100, 0)),
        ("a large body", large(10, 1 << 20)),
        ("a body that came with its head", large(10, 7 * 1024)),
    ] {
        let script = Script::text(&raw);
        let mut connection = connection(&script);
        let body = request(&mut connection).into_body();
        assert!(Task::new(connection.attend(read(body))).done().expect("the client").fault.is_none());
        respond(&mut connection, Response::new(Stream::of(["x".repeat(4096), "y".repeat(1 << 20)])))
            .expect("an answer");
        assert!(connection.request().now_or_never().is_none());
        assert_holds_little(&mut connection, words);
    }
}

/// A client that keeps a stream open and asks for nothing is the most common one.
#[test]
fn a_connection_that_waits_for_its_answer_holds_little() {
    for (words, raw) in [
        ("a large head", format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(12 * 1024))),
        (
            "a large body",
            format!("POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000)),
        ),
    ] {
        let script = Script::text(&raw);
        let mut connection = connection(&script);
        let body = request(&mut connection).into_body();
        let mut attends = Task::new(connection.attend(async {
            read(body).await;
            pending::<()>().await;
        }));
        assert!(attends.run().is_none());
        drop(attends);
        assert_holds_little(&mut connection, &format!("{words}, and no answer yet"));
        let stream = Stream::open();
        let mut responds = Task::new(connection.respond(Response::new(stream.clone())));
        stream.sends("x".repeat(3000).into());
        stream.sends("x".repeat(3000).into());
        assert!(responds.run().is_none());
        drop(responds);
        assert_holds_little(&mut connection, &format!("{words}, and a silent stream"));
    }
}

/// Who looks at nothing else must not go on with it.
#[test]
fn a_connection_that_broke_does_not_keep() {
    // Amid the head.
    let mut broken = connection(&Script::text("GET /").then(Then::End));
    assert!(matches!(broken.request().now_or_never(), Some(Err(Unheard::Broken(_)))));
    assert!(!broken.keeps(), "amid the head");
    // Amid the body.
    let script = Script::text("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhell").then(Then::End);
    let mut broken = connection(&script);
    let body = request(&mut broken).into_body();
    let read = broken.attend(read(body)).now_or_never().expect("there").expect("it may hear the answer");
    assert!(read.fault.is_some() && !broken.keeps(), "amid the body");
    // Amid the answer.
    let mut broken = connection(&Script::text(GET));
    request(&mut broken);
    respond(&mut broken, Response::new(Stream::of(["abc"]).says(5))).expect_err("too short");
    assert!(!broken.keeps(), "amid the answer");
}
