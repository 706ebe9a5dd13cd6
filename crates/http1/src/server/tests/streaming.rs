//! Answers whose body comes in its own time, to clients that read in theirs.

use proptest::prelude::*;

use super::*;

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const OLD: &str = "GET / HTTP/1.0\r\n\r\n";

fn asked(script: &Script) -> Connection<Script> {
    let mut connection = connection(script);
    request(&mut connection);
    connection
}

fn data(size: usize) -> Bytes {
    (0..size).map(|at| b'a' + (at % 23) as u8).collect()
}

const BIG: usize = COPIED + 1;

#[test]
fn what_is_there_of_an_answer_is_sent_at_once() {
    let script = Script::text(GET);
    let mut connection = asked(&script);
    let stream = Stream::open();
    let mut task = Task::new(connection.respond(Response::new(stream.clone())));
    assert!(task.run().is_none());
    let head = script.heard_since();
    assert!(head.ends_with("transfer-encoding: chunked\r\n\r\n") || head.contains("chunked"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "it does not wait for the first piece");
    stream.sends("one".into());
    assert!(task.run().is_none());
    assert_eq!(script.heard_since(), "3\r\none\r\n");
    stream.sends("twenty twenty twenty".into());
    assert!(task.run().is_none());
    assert_eq!(script.heard_since(), "14\r\ntwenty twenty twenty\r\n");
    assert_eq!(script.writes(), 3);
    stream.ends();
    task.run().expect("the end").expect("an answer");
    assert_eq!(script.heard_since(), "0\r\n\r\n");
    drop(task);
    assert!(connection.keeps() && !stream.is_held());
}

#[test]
fn what_is_there_together_is_sent_together() {
    type Brings = fn(&mut Source<Bytes>);
    let table: [(Brings, String); 6] = [
        (|source| source.ended = true, "0\r\n\r\n".into()),
        (
            |source| source.steps.extend(["ab", "c", "def"].map(|data| Step::Data(data.into()))),
            "2\r\nab\r\n1\r\nc\r\n3\r\ndef\r\n".into(),
        ),
        (
            |source| {
                source.steps.push_back(Step::Data("last".into()));
                source.ended = true;
            },
            "4\r\nlast\r\n0\r\n\r\n".into(),
        ),
        (
            |source| {
                source.steps.extend([Step::Data("last".into()), Step::Trailers]);
                source.ended = true;
            },
            "4\r\nlast\r\n0\r\n\r\n".into(),
        ),
        (
            |source| {
                source.steps.push_back(Step::Data(data(BIG)));
                source.ended = true;
            },
            format!("{BIG:x}\r\n{}\r\n0\r\n\r\n", String::from_utf8_lossy(&data(BIG))),
        ),
        (
            |source| {
                source.steps.extend([Step::Data("first".into()), Step::Data(data(BIG))]);
                source.ended = true;
            },
            format!("5\r\nfirst\r\n{BIG:x}\r\n{}\r\n0\r\n\r\n", String::from_utf8_lossy(&data(BIG))),
        ),
    ];
    for (brings, expected) in table {
        let script = Script::text(GET);
        let mut connection = asked(&script);
        let stream = Stream::open();
        let mut task = Task::new(connection.respond(Response::new(stream.clone())));
        assert!(task.run().is_none());
        script.heard_since();
        let writes = script.writes();
        stream.change(brings);
        let done = task.run();
        assert_eq!(script.heard(), expected);
        assert_eq!(script.writes() - writes, 1, "one write: {expected:?}");
        assert_eq!(done.is_some(), expected.ends_with("0\r\n\r\n"));
    }
}

#[test]
fn a_big_piece_is_followed_by_whatever_follows() {
    for (next, expected) in [(Some(3), "3\r\nabc\r\n"), (Some(BIG), "1001\r\n"), (None, "0\r\n\r\n")] {
        for waits in [true, false] {
            let script = Script::text(GET);
            let mut connection = asked(&script);
            let stream = Stream::open();
            let mut task = Task::new(connection.respond(Response::new(stream.clone())));
            assert!(task.run().is_none());
            script.heard_since();
            stream.sends(data(BIG));
            if waits {
                assert!(task.run().is_none());
                assert_eq!(
                    script.heard_since(),
                    format!("1001\r\n{}\r\n", String::from_utf8_lossy(&data(BIG)))
                );
            }
            match next {
                Some(size) => stream.sends(data(size)),
                None => stream.ends(),
            }
            let done = task.run();
            let heard = script.heard_since();
            assert!(heard.contains(expected), "{expected:?}");
            assert_eq!(done.is_some(), next.is_none());
            stream.ends();
            if done.is_none() {
                task.run().expect("the end").expect("an answer");
                assert_eq!(script.heard(), "0\r\n\r\n");
            }
        }
    }
}

#[test]
fn a_stream_that_says_its_length_ends_with_its_last_byte() {
    for (sizes, buffers) in [(vec![1, 2, 3], false), (vec![BIG, 3, BIG], false), (vec![BIG, 1], true)] {
        let script = Script::text(GET);
        let script = if buffers { script.buffers() } else { script };
        let mut connection = asked(&script);
        let whole: usize = sizes.iter().sum();
        let stream = Stream::open().says(whole as u64);
        let mut task = Task::new(connection.respond(Response::new(stream.clone())));
        for size in sizes {
            assert!(task.run().is_none());
            stream.sends(data(size));
        }
        // It need not say that it ended.
        task.run().expect("all that there is").expect("an answer");
        drop(task);
        assert!(connection.keeps());
        assert_eq!(Heeded::of(script.heard().as_bytes(), false).body.len(), whole);
    }
}

#[test]
fn an_answer_to_an_old_client_goes_on_until_the_connection_ends() {
    let script = Script::text(OLD);
    let mut connection = asked(&script);
    let stream = Stream::open();
    let mut task = Task::new(connection.respond(Response::new(stream.clone())));
    for size in [1, BIG, 10] {
        assert!(task.run().is_none());
        script.heard_since();
        stream.sends(data(size));
        assert!(task.run().is_none());
        assert_eq!(script.heard().as_bytes(), data(size));
    }
    script.heard_since();
    stream.ends();
    task.run().expect("the end").expect("an answer");
    drop(task);
    assert_eq!((script.heard().as_str(), connection.keeps()), ("", false));
}

#[test]
fn a_client_that_goes_while_a_stream_is_silent_ends_it() {
    for asks in [GET, OLD] {
        for then in [Then::End, Then::Reset] {
            for has_sent in [false, true] {
                let script = Script::text(asks);
                let mut connection = asked(&script);
                let stream = Stream::open();
                let mut task = Task::new(connection.respond(Response::new(stream.clone())));
                assert!(task.run().is_none());
                if has_sent {
                    stream.sends(data(BIG));
                    assert!(task.run().is_none());
                }
                script.goes(then);
                task.run().expect("it is noticed").expect_err("nobody is there");
                assert!(!stream.is_held(), "nobody makes a stream that nobody hears");
            }
        }
    }
}

#[test]
fn a_client_that_asks_on_during_a_stream_gets_the_rest_of_it() {
    let script = Script::text(GET);
    let mut connection = asked(&script);
    let stream = Stream::open();
    let mut task = Task::new(connection.respond(Response::new(stream.clone())));
    assert!(task.run().is_none());
    script.tells("GET /next HTTP/1.1\r\n\r\n");
    assert!(task.run().is_none());
    stream.sends("x".into());
    assert!(task.run().is_none());
    stream.ends();
    task.run().expect("the end").expect("an answer");
    drop(task);
    assert_eq!(Heeded::of(script.heard().as_bytes(), false).body, b"x");
    assert_eq!(line_of(&request(&mut connection)), "GET /next HTTP/1.1");
}

/// A body that wakes up its reader while that one is busy with a write is asked once the write is done.
#[test]
fn what_comes_while_the_client_does_not_read_is_not_forgotten() {
    for first in [3, BIG] {
        for (second, ends) in [(Some(3), false), (Some(3), true), (Some(BIG), true), (None, true)] {
            for buffers in [false, true] {
                let script = Script::text(GET).with_room(0);
                let script = if buffers { script.buffers() } else { script };
                let words = format!("{first}, {second:?}, {ends}, buffers: {buffers}");
                let mut connection = asked(&script);
                let stream = Stream::open();
                let mut task = Task::new(connection.respond(Response::new(stream.clone())));
                stream.sends(data(first));
                assert!(task.run().is_none(), "{words}");
                assert_eq!(script.heard(), "", "{words}");
                // It wakes up now, and there is nothing it can do.
                stream.change(|source| {
                    source.steps.extend(second.map(|size| Step::Data(data(size))));
                    source.ended = ends;
                });
                assert!(task.run().is_none(), "not all of it was written: {words}");
                script.makes_room(usize::MAX);
                let mut done = task.run();
                if !ends {
                    assert!(done.is_none(), "{words}");
                    stream.ends();
                    done = task.run();
                }
                done.unwrap_or_else(|| panic!("it hangs: {words}")).expect("an answer");
                let heeded = Heeded::of(script.heard().as_bytes(), false);
                let whole = [data(first), second.map(data).unwrap_or_default()].concat();
                assert!(heeded.body == whole && heeded.rest.is_empty(), "{words}");
            }
        }
    }
}

/// Wherever it stopped, and whatever the body has brought since.
#[test]
fn a_piece_that_is_half_written_is_finished_before_what_follows() {
    for (first, left) in [3, BIG].into_iter().flat_map(|first| (0..8).map(move |left| (first, left))) {
        for next in [Some(3), Some(BIG), None] {
            let script = Script::text(GET).with_room(1000);
            let mut connection = asked(&script);
            let stream = Stream::open();
            let mut task = Task::new(connection.respond(Response::new(stream.clone())));
            assert!(task.run().is_none());
            let whole = format!("{first:x}\r\n").len() + first + 2;
            script.line().room = Some(whole - left);
            stream.sends(data(first));
            assert!(task.run().is_none());
            match next {
                Some(size) => stream.sends(data(size)),
                None => stream.ends(),
            }
            assert!(task.run().is_none());
            // It goes on with a byte at a time, and is asked to more often than that.
            for _ in 0..left {
                task.woken.clone().wake();
                assert!(task.run().is_none());
                script.makes_room(1);
                assert!(task.run().is_none());
            }
            stream.ends();
            script.makes_room(usize::MAX);
            task.run().expect("the end").expect("an answer");
            let heeded = Heeded::of(script.heard().as_bytes(), false);
            let whole = [data(first), next.map(data).unwrap_or_default()].concat();
            assert!(
                heeded.body == whole && heeded.rest.is_empty(),
                "{first}, {left} left, and then {next:?}"
            );
        }
    }
}

/// TLS takes what is written, and has it on the way later.
#[test]
fn an_answer_is_done_when_the_last_of_it_is_on_its_way() {
    for (body, size) in [
        (Stream::sized([data(100)]), 100),
        (Stream::of([data(100)]), 100),
        (Stream::sized([data(BIG)]), BIG),
        (Stream::of([data(BIG), data(BIG)]), 2 * BIG),
    ] {
        let script = Script::text(GET).with_room(0).buffers();
        let mut connection = asked(&script);
        let mut task = Task::new(connection.respond(Response::new(body)));
        let mut done = task.run();
        let mut room = 0;
        while done.is_none() && room < 20_000 {
            // In small steps, each of which wakes it up.
            script.makes_room(10);
            room += 10;
            done = task.run();
        }
        done.expect("there was room").expect("an answer");
        let left = script.line().unflushed.len();
        assert_eq!(left, 0, "it said that all of it is sent, of {size}");
        assert_eq!(Heeded::of(script.heard().as_bytes(), false).body.len(), size);
    }
}

#[test]
fn a_stream_goes_on_when_what_it_wrote_is_on_its_way() {
    let script = Script::text(GET).with_room(50).buffers();
    let mut connection = asked(&script);
    // More than is gathered at once, and all of it is there.
    let stream = Stream::of((0..200).map(|_| data(COPIED)));
    let mut task = Task::new(connection.respond(Response::new(stream)));
    let mut done = task.run();
    for _ in 0..2000 {
        if done.is_some() {
            break;
        }
        script.makes_room(1000);
        assert!(task.is_woken(), "it waits for nothing, with {} unsent", script.line().unflushed.len());
        done = task.run();
    }
    done.expect("it hangs").expect("an answer");
    assert_eq!(Heeded::of(script.heard().as_bytes(), false).body.len(), 200 * COPIED);
}

#[test]
fn a_body_is_not_asked_for_more_while_its_client_does_not_read() {
    let script = Script::text(GET).with_room(1000);
    let mut connection = asked(&script);
    let stream = Stream::of((0..1000).map(|_| data(1000)));
    let mut task = Task::new(connection.respond(Response::new(stream.clone())));
    for _ in 0..10 {
        assert!(task.run().is_none());
        task.woken.clone().wake();
    }
    let taken = 1000 - stream.source().steps.len();
    assert!(taken * 1000 <= 2 * LARGE_READ, "{taken}");
}

/// What a body does, and in which steps its client reads.
fn steps() -> impl Strategy<Value = Vec<Option<usize>>> {
    let size = prop_oneof![
        4 => 0_usize..20,
        2 => proptest::sample::select(vec![100, COPIED - 1, COPIED, BIG, BIG + 1, 2 * COPIED]),
        1 => proptest::sample::select(vec![LARGE_READ - 1, LARGE_READ, LARGE_READ + 1, 100_000]),
    ];
    proptest::collection::vec(prop_oneof![3 => size.prop_map(Some), 1 => Just(None)], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_body_does_it_arrives_whole_however_it_is_taken(
        steps in steps(),
        is_sized in any::<bool>(),
        is_old in any::<bool>(),
        at_once in prop_oneof![Just(usize::MAX), 1_usize..50, 50_usize..5000],
        rooms in proptest::collection::vec(prop_oneof![0_usize..20, 20_usize..3000, Just(70_000)], 1..8),
        buffers in any::<bool>(),
        late in any::<bool>(),
    ) {
        let whole: Vec<u8> = steps.iter().flatten().flat_map(|size| data(*size)).collect();
        let body = steps.iter().map(|step| step.map_or(Step::Pause, |size| Step::Data(data(size))));
        let size = if is_sized { SizeHint::with_exact(whole.len() as u64) } else { SizeHint::default() };
        let script = Script::text(if is_old { OLD } else { GET }).takes(at_once).with_room(0);
        let script = if buffers { script.buffers() } else { script };
        let mut connection = asked(&script);
        // Either all of it is there, or it comes between what the client reads.
        let mut body: VecDeque<_> = body.collect();
        let stream = match late {
            true => Stream::new([], size, false),
            false => Stream::new(std::mem::take(&mut body), size, true),
        };
        let mut task = Task::new(connection.respond(Response::new(stream.clone())));
        let mut done = task.run();
        for round in 0.. {
            if done.is_some() {
                break;
            }
            prop_assert!(round < 100_000, "it hangs with {} bytes heard", script.line().heard.len());
            match body.pop_front() {
                Some(step) => stream.change(|source| source.steps.push_back(step)),
                None => stream.ends(),
            }
            if round % 2 == 0 {
                done = task.run();
            }
            if done.is_none() {
                // In the end it reads on.
                script.makes_room(rooms[round % rooms.len()] + if round > 500 { 1000 } else { 0 });
                done = task.run();
            }
        }
        prop_assert!(done.expect("it is done").is_ok());
        drop(task);
        prop_assert_eq!(connection.keeps(), !is_old);
        let line = script.line();
        prop_assert_eq!(line.unflushed.len(), 0);
        let heeded = Heeded::of(&line.heard, false);
        prop_assert!(heeded.body == whole, "{} of {}", heeded.body.len(), whole.len());
        prop_assert!(heeded.rest.is_empty());
        prop_assert_eq!(heeded.header("content-length"), is_sized.then(|| whole.len().to_string()));
    }
}
