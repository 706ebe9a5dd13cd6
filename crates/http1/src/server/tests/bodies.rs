//! The body of a request, from the connection that feeds it to whoever reads it, and what becomes of the rest.

use std::cell::Cell;
use std::future::pending;

use super::*;

const CHUNKED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";

fn with_length(length: usize) -> String {
    format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n")
}

/// A connection whose client has asked for something, and the body so far.
fn asked(script: &Script) -> (Connection<Script>, Incoming) {
    let mut connection = connection(script);
    let body = request(&mut connection).into_body();
    (connection, body)
}

fn ok() -> Response<Stream> {
    Response::new(Stream::sized(["ok"]))
}

/// Whether the connection serves another request after it answered.
fn keeps_after_answering(connection: &mut Connection<Script>) -> bool {
    respond(connection, ok()).expect("an answer");
    connection.keeps()
}

#[test]
fn what_came_with_the_head_is_there_at_once() {
    let script = Script::text(&format!("{}hello", with_length(5)));
    let (mut connection, mut body) = asked(&script);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
    // Nobody has to attend to it.
    assert_eq!(piece(&mut body).now_or_never().expect("there").expect("data").expect("data"), "hello");
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
    assert!(piece(&mut body).now_or_never().expect("there").is_none());
    assert!(keeps_after_answering(&mut connection));
    assert_eq!(script.reads(), 1);
}

#[test]
fn no_body_is_a_body_that_is_over() {
    for raw in ["GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n"] {
        let (_, mut body) = asked(&Script::text(raw));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true), "{raw}");
        assert!(piece(&mut body).now_or_never().expect("there").is_none());
    }
}

#[test]
fn a_body_comes_as_it_is_read_and_says_what_is_left_of_it() {
    let script = Script::text(&format!("{}he", with_length(5)));
    let (mut connection, mut body) = asked(&script);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
    let saw = Cell::new(0);
    let mut task = Task::new(connection.attend(async {
        for (expected, left) in [("he", 3), ("l", 2), ("lo", 0)] {
            assert_eq!(piece(&mut body).await.expect("data").expect("data"), expected);
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(left), left == 0));
            saw.set(saw.get() + 1);
        }
        piece(&mut body).await.is_none()
    }));
    assert!(task.run().is_none());
    assert_eq!(saw.get(), 1);
    script.tells("l");
    assert!(task.run().is_none());
    assert_eq!(saw.get(), 2);
    script.tells("lo");
    assert!(task.run().expect("all of it came").expect("the client is there"));
    drop(task);
    assert!(keeps_after_answering(&mut connection));
}

#[test]
fn a_body_in_chunks_does_not_know_its_length_and_knows_its_end_with_its_last_piece() {
    let script = Script::text(&format!("{CHUNKED}2\r\nhe\r\n"));
    let (mut connection, mut body) = asked(&script);
    assert_eq!((body.size_hint().exact(), body.size_hint().lower(), body.is_end_stream()), (None, 0, false));
    script.tells("3\r\nllo\r\n0\r\n\r\n");
    let ends = connection.attend(async {
        let mut ends = Vec::new();
        while let Some(Ok(_)) = piece(&mut body).await {
            ends.push(body.is_end_stream());
        }
        ends
    });
    assert_eq!(Task::new(ends).done().expect("the client is there"), [false, true]);
    assert!(keeps_after_answering(&mut connection));
}

#[test]
fn a_piece_that_nobody_took_yet_is_still_to_come() {
    for (begins, piece_and_end, length) in
        [(with_length(5), "hello", Some(5)), (CHUNKED.to_owned(), "5\r\nhello\r\n0\r\n\r\n", None)]
    {
        let script = Script::text(&begins);
        let (mut connection, mut body) = asked(&script);
        assert!(piece(&mut body).now_or_never().is_none());
        script.tells(piece_and_end);
        assert!(connection.attend(pending::<()>()).now_or_never().is_none());
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (length, false), "{begins}");
        assert_eq!(piece(&mut body).now_or_never().expect("there").expect("data").expect("data"), "hello");
        assert!(body.is_end_stream(), "{begins}");
    }
}

#[test]
fn a_body_is_read_only_when_it_is_asked_for() {
    for (begins, data) in [(with_length(1000), "x".to_owned()), (CHUNKED.to_owned(), "1\r\nx\r\n".to_owned())]
    {
        let script = Script::text(&begins);
        for _ in 0..10 {
            script.tells(&data);
        }
        let (mut connection, mut body) = asked(&script);
        assert_eq!(script.reads(), 1);
        let go = Arc::new(Woken::default());
        let waker: Cell<Option<Waker>> = Cell::new(None);
        let mut task = Task::new(connection.attend(async {
            for round in 1.. {
                poll_fn(|cx| {
                    waker.set(Some(cx.waker().clone()));
                    if go.0.load(Ordering::SeqCst) < round { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
                piece(&mut body).await.expect("data").expect("data");
            }
        }));
        for round in 0..5 {
            assert!(task.run().is_none());
            assert_eq!(script.reads(), 1 + round, "a read for every piece that was asked for");
            go.clone().wake();
            waker.take().expect("it waits").wake();
        }
    }
}

#[test]
fn large_bodies_take_few_reads_and_come_in_large_pieces() {
    const SIZE: usize = 4 << 20;
    let data: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
    let chunked = [format!("{CHUNKED}{SIZE:x}\r\n").as_bytes(), &data, b"\r\n0\r\n\r\n"].concat();
    let sized = [with_length(SIZE).as_bytes(), &data].concat();
    for raw in [sized, chunked] {
        let script = Script::says([&raw[..]]);
        let (mut connection, body) = asked(&script);
        let got = Task::new(connection.attend(read(body))).done().expect("the client is there");
        assert!(got == Got::whole(&data));
        assert!(script.reads() <= SIZE / LARGE_READ + 8, "{}", script.reads());
        assert!(keeps_after_answering(&mut connection));
    }
}

#[test]
fn a_body_that_is_longer_than_memory_is_announced_in_vain() {
    for raw in [
        with_length(usize::MAX),
        format!("{CHUNKED}ffffffffffffffff\r\n"),
        format!("{CHUNKED}fffffffffffffffff\r\n"),
    ] {
        let script = Script::text(&raw);
        script.tells("x");
        let (mut connection, mut body) = asked(&script);
        let first = connection.attend(piece(&mut body)).now_or_never().expect("there").expect("the client");
        // The last of these is more than anybody can count.
        assert!(first.expect("data").is_ok() || raw.contains("fffffffffffffffff"), "{raw}");
        assert!(connection.input.capacity() <= 2 * LARGE_READ);
        drop(body);
        assert!(!keeps_after_answering(&mut connection));
    }
}

/// What is thrown away must have come already, and no read is spent on it.
#[test]
fn the_rest_of_a_body_that_nobody_reads_is_thrown_away_or_ends_the_connection() {
    const NEXT: &str = "GET /next HTTP/1.1\r\n\r\n";
    for (raw, later, keeps) in [
        (format!("{}hello{NEXT}", with_length(5)), "", true),
        (format!("{}hello", with_length(5)), NEXT, true),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n{NEXT}"), "", true),
        (format!("{CHUNKED}5\r\nhello\r\n1;x\r\ny\r\n0\r\na: b\r\n\r\n{NEXT}"), "", true),
        (format!("{CHUNKED}0\r\n\r\n{NEXT}"), "", true),
        (format!("{}hell", with_length(5)), "o", false),
        (with_length(5), "hello", false),
        (CHUNKED.to_owned(), "0\r\n\r\n", false),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n"), "\r\n", false),
        (format!("{CHUNKED}5\r\nhel"), "lo\r\n0\r\n\r\n", false),
        (format!("{CHUNKED}oops\r\n"), "", false),
        (format!("{CHUNKED}1\r\nx\r\noops"), "", false),
    ] {
        for drops_before in [true, false] {
            let script = Script::text(&raw);
            script.tells(later);
            let (mut connection, body) = asked(&script);
            let mut body = Some(body);
            let answer = connection.attend(async {
                if drops_before {
                    body = None;
                }
                ok()
            });
            let answer = answer.now_or_never().expect("there").expect("the client");
            respond(&mut connection, answer).expect("an answer");
            assert_eq!((connection.keeps(), script.reads()), (keeps, 1), "{raw}");
            let heeded = Heeded::of(script.heard().as_bytes(), false);
            assert_eq!(heeded.header("connection").as_deref(), if keeps { None } else { Some("close") });
            if keeps {
                assert_eq!(line_of(&request(&mut connection)), "GET /next HTTP/1.1", "{raw}");
            }
            // Who still has it does not wait for ever, nor takes a part of it for all.
            let Some(body) = body else { continue };
            let got = read(body).now_or_never().expect("nothing comes any more");
            assert!(got == Got::whole("hello") || got.fault.is_some(), "{raw}: {got:?}");
        }
    }
}

#[test]
fn a_body_that_was_read_in_part_is_thrown_away_as_well() {
    let raw = format!("{CHUNKED}5\r\nhello\r\n5\r\nthere\r\n0\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
    let (mut connection, mut body) = asked(&Script::text(&raw));
    let first = connection.attend(piece(&mut body)).now_or_never().expect("there").expect("the client");
    assert_eq!(first.expect("data").expect("data"), "hello");
    drop(body);
    assert!(keeps_after_answering(&mut connection));
    assert_eq!(line_of(&request(&mut connection)), "GET /next HTTP/1.1");
}

#[test]
fn a_chunk_that_is_not_valid_is_an_error_after_the_data_before_it() {
    for (oops, why) in [
        ("oops", "chunk"),
        ("\r\n", "chunk"),
        ("-1\r\n", "chunk"),
        ("+1\r\n", "chunk"),
        ("0x1\r\n", "chunk"),
        (" 1\r\n", "chunk"),
        ("1 1\r\n", "chunk"),
        ("1\n", "chunk"),
        ("1\rx", "chunk"),
        ("1;a\n", "chunk"),
        ("1;a\rb\r\n", "chunk"),
        ("1\r\nyy", "chunk"),
        ("1\r\ny\n", "chunk"),
        ("1\r\ny\rx", "chunk"),
        ("10000000000000000\r\n", "too large"),
        ("0\r\n\n", "trailer"),
        ("0\r\na: b\n", "trailer"),
        ("0\r\na: b\rx", "chunk"),
        ("0\r\n\rx", "chunk"),
    ] {
        let raw = format!("{CHUNKED}1\r\nx\r\n{oops}");
        let whole = Script::text(&raw);
        let drips = Script::says(raw.as_bytes().chunks(1));
        for script in [whole, drips] {
            // Whatever looks like a request after it is none.
            script.tells("GET /smuggled HTTP/1.1\r\n\r\n");
            let (mut connection, body) = asked(&script);
            let got = connection.attend(read(body)).now_or_never().expect("there").expect("the client");
            assert!(got.data.starts_with(b"x") && got.data.len() <= 2, "{oops:?}: {got:?}");
            let fault = got.fault.expect(oops);
            assert!(fault.contains(why), "{oops:?}: {fault}");
            assert!(!connection.keeps(), "{oops:?}");
            // Whoever read it may still say so.
            assert!(!keeps_after_answering(&mut connection));
            let heeded = Heeded::of(script.heard().as_bytes(), false);
            assert_eq!(heeded.header("connection").as_deref(), Some("close"));
        }
    }
}

#[test]
fn what_is_around_the_chunks_has_a_ceiling() {
    for (begins, goes_on) in [("1;", "x"), ("", "0"), ("1", " "), ("0\r\n", "a"), ("0\r\n", "a: b\r\n")] {
        let script = Script::text(&format!("{CHUNKED}{begins}"));
        for _ in 0..100 {
            script.tells(goes_on.repeat(1024));
        }
        let (mut connection, body) = asked(&script);
        let got = connection.attend(read(body)).now_or_never().expect("there").expect("the client");
        assert_eq!(got.fault.as_deref(), Some("there is too much around a chunk of the body"), "{goes_on}");
        assert!(!connection.keeps() && script.reads() < 40);
    }
}

#[test]
fn a_client_that_goes_amid_its_body_is_gone_and_the_reader_hears_of_it() {
    for raw in [
        format!("{}hell", with_length(5)),
        format!("{CHUNKED}5\r\nhell"),
        format!("{CHUNKED}4\r\nhell\r\n0\r\n"),
    ] {
        for then in [Then::End, Then::Reset] {
            let script = Script::text(&raw);
            let (mut connection, body) = asked(&script);
            let mut reader = Task::new(read(body));
            let mut attends = Task::new(connection.attend(pending::<()>()));
            assert!(reader.run().is_none() && attends.run().is_none());
            assert!(reader.run().is_none() && attends.run().is_none());
            script.goes(then);
            attends.run().expect("it is noticed").expect_err("nobody is there");
            drop(attends);
            // With the connection goes the last hope for more.
            drop(connection);
            let got = reader.run().expect("it is woken up");
            assert!(got.data == b"hell" && got.fault.is_some(), "{got:?}");
        }
    }
}

#[test]
fn a_reader_hears_of_the_end_of_a_connection_that_is_dropped() {
    let (connection, body) = asked(&Script::text(&with_length(5)));
    let mut reader = Task::new(read(body));
    assert!(reader.run().is_none());
    drop(connection);
    assert!(reader.run().expect("it is woken up").fault.is_some());
    // And also who begins to read only then.
    let (connection, body) = asked(&Script::text(&with_length(5)));
    drop(connection);
    assert!(!body.is_end_stream());
    assert!(Task::new(read(body)).done().fault.is_some());
}

/// The one that attends and the one that reads are woken up only by what concerns them.
#[test]
fn a_body_may_be_read_by_another_task_than_the_one_that_attends() {
    for (begins, pieces) in [
        (with_length(10), vec!["01", "234", "5", "6789"]),
        (CHUNKED.to_owned(), vec!["2\r\n01\r\n", "3\r", "\n234\r\n5\r\n567", "89\r\n0\r", "\n\r\n"]),
    ] {
        for attends_first in [true, false] {
            let script = Script::text(&begins);
            let (mut connection, body) = asked(&script);
            let done = Arc::new(Mutex::new((false, None::<Waker>)));
            let answer = poll_fn(|cx| {
                let mut done = done.lock().expect("no panic");
                done.1 = Some(cx.waker().clone());
                if done.0 { Poll::Ready(()) } else { Poll::Pending }
            });
            let mut attends = Task::new(connection.attend(answer));
            let mut reader = Task::new(read(body));
            if attends_first {
                assert!(attends.run().is_none());
            }
            assert!(reader.run().is_none());
            let mut pieces = pieces.iter();
            // Each of them goes on for as long as the other gave it something to do.
            let got = loop {
                assert!(attends.run().is_none());
                if let Some(got) = reader.run() {
                    break got;
                }
                if !attends.is_woken() {
                    script.tells(pieces.next().expect("it waits for something that came"));
                }
            };
            assert_eq!(got, Got::whole("0123456789"));
            let waker = {
                let mut done = done.lock().expect("no panic");
                done.0 = true;
                done.1.take()
            };
            waker.expect("it waits").wake();
            attends.run().expect("it is woken up").expect("the client is there");
            drop(attends);
            assert!(keeps_after_answering(&mut connection));
        }
    }
}

/// With real threads, so that both ends meet in every order.
#[test]
fn a_body_may_be_read_on_another_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async {
        for round in 0..300_usize {
            let (client, server) = tokio::io::duplex(1 + round % 70);
            let data = vec![b'x'; round * 7];
            let sent = [with_length(data.len()).as_bytes(), &data].concat();
            let (client_reads, mut client_writes) = tokio::io::split(client);
            let writer = tokio::spawn(async move { client_writes.write_all(&sent).await });
            let mut connection = Connection::new(server, LARGEST);
            let Ok(Heard::Request(head, body)) = connection.request().await else { panic!("no request") };
            let request = whole(head, body);
            let reader = tokio::spawn(read(request.into_body()));
            let got = connection.attend(reader).await.expect("the client is there").expect("no panic");
            assert_eq!(got, Got::whole(&data));
            writer.await.expect("no panic").expect("all was read");
            drop(client_reads);
        }
    });
}

const EXPECTS: &str = "POST / HTTP/1.1\r\nexpect: 100-Continue\r\ncontent-length: 5\r\n\r\n";

#[test]
fn a_client_that_waits_for_a_word_gets_it_when_its_body_is_asked_for() {
    for raw in [
        EXPECTS,
        "POST / HTTP/1.1\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n",
        "\r\nPOST / HTTP/1.1\r\nhost: h\r\nEXPECT: 100-CONTINUE\r\ncontent-length: 5\r\nx: y\r\n\r\n",
    ] {
        let script = Script::text(raw);
        let (mut connection, body) = asked(&script);
        let mut reader = Task::new(read(body));
        let mut attends = Task::new(connection.attend(pending::<()>()));
        assert!(attends.run().is_none());
        assert_eq!(script.heard(), "", "nobody wants it yet");
        assert!(reader.run().is_none() && attends.run().is_none());
        assert_eq!(script.heard_since(), "HTTP/1.1 100 Continue\r\n\r\n", "{raw}");
        let body = if raw.contains("chunked") { "5\r\nhello\r\n0\r\n\r\n" } else { "hello" };
        script.tells(&body[..3]);
        assert!(attends.run().is_none() && reader.run().is_none() && attends.run().is_none());
        script.tells(&body[3..]);
        assert!(attends.run().is_none());
        assert_eq!(
            reader.run().or_else(|| attends.run().and(None).or_else(|| reader.run())),
            Some(Got::whole("hello"))
        );
        assert_eq!(script.heard(), "", "one word is enough");
        drop(attends);
        assert!(keeps_after_answering(&mut connection));
        // And it was for this one request only.
        script.heard_since();
        script.tells(with_length(2));
        let body = request(&mut connection).into_body();
        let mut attends = Task::new(connection.attend(read(body)));
        assert!(attends.run().is_none());
        script.tells("hi");
        assert_eq!(attends.run().expect("all came").expect("the client"), Got::whole("hi"));
        assert_eq!(script.heard(), "");
    }
}

#[test]
fn a_client_that_waits_for_a_word_each_time_gets_it_each_time() {
    let script = Script::default();
    let mut connection = connection(&script);
    for round in 1..=5 {
        script.tells(EXPECTS);
        let body = request(&mut connection).into_body();
        let mut attends = Task::new(connection.attend(read(body)));
        assert!(attends.run().is_none());
        assert_eq!(script.heard_since(), "HTTP/1.1 100 Continue\r\n\r\n", "{round}");
        script.tells("hello");
        assert_eq!(attends.run().expect("all came").expect("the client"), Got::whole("hello"));
        drop(attends);
        assert!(keeps_after_answering(&mut connection));
        script.heard_since();
    }
}

#[test]
fn a_client_that_does_not_wait_gets_no_word() {
    for raw in [
        // Some of the body is here already.
        format!("{EXPECTS}h"),
        "POST / HTTP/1.1\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n5".to_owned(),
        // There is none.
        "POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n".to_owned(),
        // It knows no such word, or expects another.
        "POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nexpect: 200-ok\r\ncontent-length: 5\r\n\r\n".to_owned(),
        with_length(5),
    ] {
        let script = Script::text(&raw);
        let (mut connection, body) = asked(&script);
        let _ = connection.attend(read(body)).now_or_never();
        assert_eq!(script.heard(), "", "{raw}");
    }
}

#[test]
fn a_client_that_waits_for_a_word_gets_the_answer_instead_if_its_body_is_not_wanted() {
    let script = Script::text(EXPECTS);
    let (mut connection, body) = asked(&script);
    let answer = connection.attend(async { ok() }).now_or_never().expect("there").expect("the client");
    drop(body);
    respond(&mut connection, answer).expect("an answer");
    // Nobody knows whether it sends its body now.
    assert!(!connection.keeps());
    let heeded = Heeded::of(script.heard().as_bytes(), false);
    assert_eq!((heeded.line.as_str(), &heeded.body[..]), ("HTTP/1.1 200 OK", &b"ok"[..]));
    assert_eq!(heeded.header("connection").as_deref(), Some("close"));
}

#[test]
fn a_word_that_is_half_said_is_finished_before_the_answer() {
    for said in 0..=CONTINUE.len() {
        for buffers in [false, true] {
            let script = Script::text(EXPECTS).with_room(said);
            let script = if buffers { script.buffers() } else { script };
            let (mut connection, body) = asked(&script);
            let mut reader = Task::new(read(body));
            assert!(reader.run().is_none());
            let mut attends = Task::new(connection.attend(async {
                let mut is_first = true;
                poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(ok()) })
                    .await
            }));
            assert!(attends.run().is_none());
            assert_eq!(script.heard().len(), said);
            // The answer is there before the client has heard that it may go on.
            attends.woken.clone().wake();
            let answer = attends.run().expect("there").expect("the client");
            drop(attends);
            let mut responds = Task::new(connection.respond(answer));
            assert!(responds.run().is_none());
            script.makes_room(usize::MAX);
            responds.run().expect("there is room").expect("an answer");
            drop(responds);
            let heard = script.heard();
            let rest = heard.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").expect("the word");
            assert_eq!(Heeded::of(rest.as_bytes(), false).body, b"ok");
            assert!(!connection.keeps());
        }
    }
}

#[test]
fn a_word_is_waited_for_however_little_of_it_is_taken() {
    for buffers in [false, true] {
        let script = Script::text(EXPECTS).with_room(0);
        let script = if buffers { script.buffers() } else { script };
        let (mut connection, body) = asked(&script);
        let mut attends = Task::new(connection.attend(read(body)));
        script.tells("hello");
        for heard in 0..CONTINUE.len() {
            assert!(attends.run().is_none());
            assert_eq!(script.heard().as_bytes(), &CONTINUE[..heard]);
            script.makes_room(1);
            assert!(attends.is_woken());
        }
        assert_eq!(attends.run().expect("all came").expect("the client"), Got::whole("hello"));
    }
}
