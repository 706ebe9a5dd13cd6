use futures::stream;
use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_drain_ends_with_the_last_guard() {
    let drain = Drain::new();
    let (first, second) = (drain.guard(), drain.guard());
    for (guard, seconds) in [(first.clone(), 1), (first, 2), (second, 3)] {
        tokio::spawn(async move {
            guard.finishing().await;
            sleep(Duration::from_secs(seconds)).await;
        });
    }
    let start = Instant::now();
    assert_eq!(drain.wait(Duration::from_secs(10)).await, Drained::Complete);
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_cut() {
    let drain = Drain::new();
    let guard = drain.guard();
    let task = tokio::spawn(async move {
        guard.cut().await;
        guard.is_finishing()
    });
    let start = Instant::now();
    assert_eq!(drain.wait(Duration::from_secs(10)).await, Drained::Cut { running: 1 });
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(task.await.expect("the task"));
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_bounded_even_for_those_who_ignore_the_cut() {
    let drain = Drain::new();
    let _held = drain.guard();
    let start = Instant::now();
    assert_eq!(drain.wait(Duration::from_secs(10)).await, Drained::Cut { running: 1 });
    assert_eq!(start.elapsed(), Duration::from_secs(10) + CUT_NOTICE);
}

#[tokio::test(start_paused = true)]
async fn nothing_running_needs_no_time() {
    let start = Instant::now();
    assert_eq!(Drain::new().wait(Duration::from_secs(10)).await, Drained::Complete);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_dropped_drain_cuts() {
    let drain = Drain::new();
    let guard = drain.guard();
    drop(drain);
    guard.finishing().await;
    guard.cut().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_ends_itself_and_is_waited_for() {
    let drain = Drain::new();
    let mut events = drain.guard().until_finish(stream::iter([1, 2]).chain(stream::pending()));
    assert_eq!(events.next().await, Some(1));
    let reader = tokio::spawn(async move { events.collect::<Vec<_>>().await });
    tokio::task::yield_now().await;
    assert_eq!(drain.wait(Duration::from_secs(10)).await, Drained::Complete);
    assert_eq!(reader.await.expect("the reader"), [2]);
}
