use super::*;

use bytes::Bytes;

fn text(n: usize) -> Pieces {
    Bytes::from(n.to_string()).into()
}

fn large(bytes: usize) -> Pieces {
    Bytes::from(vec![b'x'; bytes]).into()
}

/// Everything that can be read now.
fn rest(queue: &mut Queue) -> Vec<Pieces> {
    std::iter::from_fn(|| queue.next()).map(|(_, message)| message).collect()
}

fn taken(queue: &mut Queue, kind: Kind, message: Pieces, is_read: bool) -> bool {
    queue.admit(kind, &message, is_read) == Admission::Taken
}

#[test]
fn news_that_wait_are_not_taken_twice_and_the_oldest_goes() {
    let mut queue = Queue::default();
    queue.post(text(0));
    queue.post(text(0));
    assert_eq!(rest(&mut queue), [text(0)]);
    queue.post(text(0));
    (0..WAITING + 2).for_each(|n| assert!(queue.post(text(n))));
    assert_eq!(queue.next().expect("one").1, text(2), "it was said before, so it was news again");
}

#[test]
fn notes_wait_for_a_reader_and_go_without_one() {
    let mut queue = Queue::default();
    (0..WAITING).for_each(|n| assert!(taken(&mut queue, Kind::Note, text(n), true)));
    assert_eq!(queue.admit(Kind::Note, &text(WAITING), true), Admission::Full);
    assert!(taken(&mut queue, Kind::Note, text(WAITING), false));
    assert_eq!(queue.next().expect("one").1, text(1));
    assert!(taken(&mut queue, Kind::Note, text(WAITING + 1), true), "one was read");
}

#[test]
fn what_must_not_be_lost_pushes_notes_out_and_is_never_pushed_out() {
    let mut queue = Queue::default();
    (0..WAITING).for_each(|n| assert!(taken(&mut queue, Kind::Note, text(n), false)));
    (0..WAITING).for_each(|n| assert!(taken(&mut queue, Kind::Request, text(1000 + n), false)));
    assert_eq!(queue.admit(Kind::Note, &text(1), false), Admission::Refused);
    assert_eq!(queue.admit(Kind::Request, &text(1), false), Admission::Refused);
    assert!(!queue.post(text(1)));
    assert_eq!(queue.admit(Kind::Answer(None), &text(2), true), Admission::Full, "a reader makes room");
    assert!(taken(&mut queue, Kind::Answer(None), text(2), false));
    let mut wanted: Vec<Pieces> = (0..WAITING).map(|n| text(1000 + n)).collect();
    wanted.push(text(2));
    assert_eq!(rest(&mut queue), wanted);
}

#[test]
fn bytes_take_room_as_well_as_messages() {
    let mut queue = Queue::default();
    assert!(taken(&mut queue, Kind::Note, large(WAITING_BYTES + 1), true), "a message is never cut");
    assert_eq!(queue.admit(Kind::Note, &text(1), true), Admission::Full);
    assert!(taken(&mut queue, Kind::Note, text(1), false));
    assert_eq!(rest(&mut queue), [text(1)]);
}

#[test]
fn what_was_said_is_said_again_from_any_place_that_was_reached() {
    let mut queue = Queue::default();
    (1..=5).for_each(|n| assert!(taken(&mut queue, Kind::Note, text(n), true)));
    queue.next();
    queue.next();
    assert!(!queue.go_back(3), "nobody heard that");
    assert!(queue.go_back(0));
    assert_eq!(queue.next(), Some((1, text(1))));
    queue.go_on();
    assert_eq!(queue.next(), Some((3, text(3))), "a reader that names no place gets what nobody got");
    assert!(queue.go_back(3));
    assert_eq!(rest(&mut queue), [text(4), text(5)]);
}

#[test]
fn what_is_kept_is_bounded_and_loses_notes_first_and_the_answer_never() {
    let mut queue = Queue::default();
    assert!(taken(&mut queue, Kind::Request, text(7), true));
    for n in 0..3 * KEPT.messages {
        assert!(taken(&mut queue, Kind::Note, text(n), true));
        queue.next();
    }
    queue.next();
    assert!(queue.go_back(0));
    let again = rest(&mut queue);
    assert_eq!((again.len(), &again[0]), (KEPT.messages, &text(7)));
    assert!(taken(&mut queue, Kind::Answer(None), large(2 * KEPT.bytes), true));
    queue.next();
    assert!(queue.go_back(0));
    assert_eq!(rest(&mut queue), [large(2 * KEPT.bytes)]);
    assert_eq!(queue.bytes(), 2 * KEPT.bytes);
}

#[test]
fn nothing_is_kept_for_a_reader_that_cannot_come_back() {
    let mut queue = Queue::default();
    assert!(taken(&mut queue, Kind::Note, text(1), true));
    queue.next();
    assert!(taken(&mut queue, Kind::Note, text(2), true));
    queue.keep_nothing();
    assert_eq!(queue.bytes(), 1, "what waits");
    assert!(taken(&mut queue, Kind::Answer(None), large(100), true));
    assert_eq!(rest(&mut queue), [text(2), large(100)]);
    assert_eq!(queue.bytes(), 0);
}

/// A reader that breaks off at any place and comes back with what it got last misses nothing and hears nothing twice.
#[test]
fn a_reader_that_comes_back_again_and_again_gets_everything_once() {
    let mut seed = 1u64;
    let mut below = |n: u64| {
        // Knuth's MMIX generator: the same numbers in every run.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for _ in 0..200 {
        let (mut queue, mut spoken, mut heard, mut place) = (Queue::default(), 0, Vec::new(), 0);
        while spoken < 100 {
            match below(4) {
                0 | 1 => {
                    assert!(taken(&mut queue, Kind::Note, text(spoken), true));
                    spoken += 1;
                }
                2 => {
                    if let Some((number, message)) = queue.next() {
                        // What is lost on the way is what the reader does not know of.
                        if below(3) > 0 {
                            heard.push(message);
                            place = number;
                        } else {
                            assert!(queue.go_back(place));
                        }
                    }
                }
                _ => assert!(queue.go_back(place)),
            }
        }
        heard.extend(rest(&mut queue));
        assert_eq!(heard, (0..spoken).map(text).collect::<Vec<_>>());
    }
}
