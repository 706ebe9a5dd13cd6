use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures::StreamExt as _;

use super::*;
use crate::principal::Principal;
use crate::session::Birth;
use crate::session::outlet::Kind;

fn session() -> Arc<Session> {
    let birth = Birth::new("test".into(), Principal::default());
    Session::new(birth, 1, Arc::new(AtomicBool::new(false)))
}

/// A stream that has said this and is over. It was read up to its answer, and to its end if `told`.
async fn ended(session: &Session, answer: Bytes, told: bool) -> u64 {
    let outlet = Outlet::default();
    let mut frames = session.answer_with(&outlet, outlet.read()).into_stream();
    assert!(outlet.say(Kind::Answer(None), answer).await);
    outlet.close();
    frames.next().await.expect("the answer");
    if told {
        assert_eq!(frames.next().await, None);
    }
    drop(frames);
    session.tidy_streams();
    lock(&session.streams.0).count
}

fn is_kept(session: &Session, number: u64) -> bool {
    lock(&session.streams.0).by_number.contains_key(&number)
}

async fn seconds(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_broke_off_is_kept_for_a_minute_and_one_that_was_told_for_a_moment() {
    let session = session();
    let broken = ended(&session, Bytes::from_static(b"1"), false).await;
    let told = ended(&session, Bytes::from_static(b"2"), true).await;
    assert_eq!((broken, told), (1, 2), "each has a number of its own");
    seconds(4).await;
    session.tidy_streams();
    assert!(is_kept(&session, broken) && is_kept(&session, told));
    seconds(2).await;
    session.tidy_streams();
    assert!(is_kept(&session, broken) && !is_kept(&session, told));
    seconds(55).await;
    session.tidy_streams();
    assert!(!is_kept(&session, broken));
}

#[tokio::test(start_paused = true)]
async fn the_oldest_streams_are_forgotten_when_there_are_too_many() {
    let session = session();
    for _ in 0..MOST_KEPT {
        ended(&session, Bytes::from_static(b"x"), false).await;
        seconds(0).await;
    }
    assert!(is_kept(&session, 1));
    ended(&session, Bytes::from_static(b"x"), false).await;
    let kept = lock(&session.streams.0).by_number.len();
    assert_eq!((kept, is_kept(&session, MOST_KEPT as u64 + 1)), (MOST_KEPT, true));
}

#[tokio::test(start_paused = true)]
async fn streams_that_were_told_go_first_and_the_last_stays_whatever_its_size() {
    let session = session();
    let half = Bytes::from(vec![b'x'; MOST_KEPT_BYTES / 2]);
    let broken = ended(&session, half.clone(), false).await;
    seconds(1).await;
    let told = ended(&session, half.clone(), true).await;
    seconds(1).await;
    assert!(is_kept(&session, broken) && is_kept(&session, told));
    let another = ended(&session, half, false).await;
    assert!(is_kept(&session, broken) && !is_kept(&session, told) && is_kept(&session, another));
    seconds(1).await;
    let huge = ended(&session, Bytes::from(vec![b'x'; 2 * MOST_KEPT_BYTES]), false).await;
    assert!(!is_kept(&session, broken) && !is_kept(&session, another) && is_kept(&session, huge));
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_call_runs_is_kept_without_a_reader() {
    let session = session();
    let outlet = Outlet::default();
    drop(session.answer_with(&outlet, outlet.read()));
    seconds(3600).await;
    session.tidy_streams();
    assert!(is_kept(&session, 1));
    session.close_streams();
    assert!(!is_kept(&session, 1) && !session.mailbox.say(Kind::Note, Bytes::new()).await);
}
