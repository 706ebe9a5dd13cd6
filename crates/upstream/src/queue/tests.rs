use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::yield_now;

use super::*;

#[tokio::test]
async fn items_come_out_in_the_order_in_which_they_went_in_and_then_it_ends() {
    let (sender, mut receiver) = channel(3);
    let other = sender.clone();
    for item in 0..3 {
        sender.try_send(item).expect("room");
    }
    assert_eq!((sender.capacity(), sender.max_capacity(), receiver.len()), (0, 3, 3));
    assert!(matches!(other.try_send(3), Err(Untaken::Full(3))));
    drop(sender);
    assert_eq!(receiver.recv().await, Some(0));
    other.try_send(3).expect("room again");
    drop(other);
    for item in 1..4 {
        assert_eq!(receiver.recv().await, Some(item));
    }
    assert_eq!(receiver.recv().await, None);
    assert!(receiver.is_empty());
}

#[tokio::test]
async fn a_reader_hears_of_an_item_and_of_the_last_sender() {
    let (sender, mut receiver) = channel(1);
    let reading = tokio::spawn(async move { (receiver.recv().await, receiver.recv().await) });
    yield_now().await;
    sender.send("item").await.expect("somebody reads");
    yield_now().await;
    drop(sender);
    assert_eq!(reading.await.expect("no panic"), (Some("item"), None));
}

#[tokio::test]
async fn senders_wait_for_room_and_none_of_them_is_forgotten() {
    let (sender, mut receiver) = channel(1);
    let sending: Vec<_> = (0..10)
        .map(|item| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(item).await.is_ok() })
        })
        .collect();
    drop(sender);
    yield_now().await;
    let mut items = Vec::new();
    while let Some(item) = receiver.recv().await {
        items.push(item);
    }
    assert_eq!(items, (0..10).collect::<Vec<_>>());
    for sent in sending {
        assert!(sent.await.expect("no panic"));
    }
}

#[tokio::test]
async fn room_that_was_meant_for_somebody_who_no_longer_waits_goes_to_the_next() {
    let (sender, mut receiver) = channel(1);
    sender.try_send(0).expect("room");
    let mut first = Box::pin(sender.send(1));
    let mut second = Box::pin(sender.send(2));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    assert_eq!(receiver.try_recv(), Some(0));
    drop(first);
    second.await.expect("there is room");
    assert_eq!(receiver.try_recv(), Some(2));
    assert_eq!(receiver.try_recv(), None);
}

#[tokio::test]
async fn without_a_reader_nothing_is_taken_and_nobody_waits() {
    let (sender, receiver) = channel(1);
    sender.try_send(0).expect("room");
    let waiting = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(1).await }
    });
    yield_now().await;
    drop(receiver);
    assert!(matches!(waiting.await.expect("no panic"), Err(Untaken::Closed(1))));
    assert!(matches!(sender.try_send(2), Err(Untaken::Closed(2))));
}

#[tokio::test]
async fn a_queue_may_go_with_an_item_that_is_in_it() {
    struct Knot(#[expect(dead_code, reason = "it is dropped")] Sender<Self>);

    let (sender, receiver) = channel(1);
    assert!(sender.try_send(Knot(sender.clone())).is_ok());
    drop(receiver);
    assert!(matches!(sender.try_send(Knot(sender.clone())), Err(Untaken::Closed(_))));
    assert_eq!(sender.0.state().senders, 1);
}

#[tokio::test]
async fn a_queue_that_is_empty_again_keeps_no_more_than_a_little() {
    let (sender, mut receiver) = channel(1000);
    for item in 0..1000_u64 {
        sender.try_send(item).expect("room");
    }
    while receiver.try_recv().is_some() {}
    assert!(receiver.0.state().items.capacity() * 8 <= KEPT);
}

#[tokio::test(start_paused = true)]
async fn who_reads_without_end_lets_others_run() {
    static READ: AtomicUsize = AtomicUsize::new(0);
    let (sender, mut receiver) = channel(1_000_000);
    for _ in 0..1_000_000 {
        sender.try_send(()).expect("room");
    }
    let reading = tokio::spawn(async move {
        while receiver.recv().await.is_some() {
            READ.fetch_add(1, Ordering::Relaxed);
        }
    });
    tokio::time::timeout(Duration::from_secs(1), yield_now()).await.expect("a turn");
    assert!(READ.load(Ordering::Relaxed) < 1_000_000, "it read everything at once");
    drop(sender);
    reading.await.expect("no panic");
}

/// What an attendant was called with.
type Called = Arc<Mutex<Vec<Option<u32>>>>;

fn attended(receiver: Receiver<u32>) -> (Attended<u32>, Called) {
    let called = Called::default();
    let attended = receiver.attend({
        let called = called.clone();
        move |item| called.lock().expect("no panic").push(item)
    });
    (attended, called)
}

#[test]
fn an_attendant_is_called_with_what_is_there_and_what_comes_and_then_with_the_end() {
    let (sender, receiver) = channel(2);
    sender.try_send(1).expect("room");
    let (_attended, called) = attended(receiver);
    sender.try_send(2).expect("room");
    assert_eq!(sender.capacity(), 2, "nothing is left in the queue");
    drop(sender);
    assert_eq!(*called.lock().expect("no panic"), [Some(1), Some(2), None]);
}

#[test]
fn an_attendant_that_nobody_wants_any_more_is_not_called() {
    let (sender, receiver) = channel(2);
    let (attended, called) = attended(receiver);
    drop(attended);
    assert!(matches!(sender.try_send(1), Err(Untaken::Closed(1))));
    drop(sender);
    assert!(called.lock().expect("no panic").is_empty());
    assert_eq!(Arc::strong_count(&called), 1, "nothing is left of it");
}

#[test]
fn an_attendant_may_put_something_in_and_let_go_of_the_queue() {
    let (sender, receiver) = channel(2);
    let called = Called::default();
    let held: Arc<Mutex<Option<Attended<u32>>>> = Arc::default();
    let attended = receiver.attend({
        let (called, held, sender) = (called.clone(), held.clone(), sender.clone());
        move |item| {
            called.lock().expect("no panic").push(item);
            match item {
                Some(1) => sender.try_send(2).expect("room"),
                _ => drop(held.lock().expect("no panic").take()),
            }
        }
    });
    *held.lock().expect("no panic") = Some(attended);
    sender.try_send(1).expect("room");
    assert_eq!(*called.lock().expect("no panic"), [Some(1), Some(2)]);
    assert!(matches!(sender.try_send(3), Err(Untaken::Closed(3))));
    assert_eq!(Arc::strong_count(&called), 1, "nothing is left of it");
}

#[test]
fn an_attendant_that_panics_is_not_called_again_and_harms_nobody_else() {
    let (sender, receiver) = channel(2);
    let _attended =
        receiver.attend(|item: Option<u32>| assert_eq!(item, Some(1), "anything else is too much"));
    sender.try_send(1).expect("room");
    sender.try_send(2).expect("room");
    assert!(matches!(sender.try_send(3), Err(Untaken::Closed(3))));
}

#[test]
fn an_attendant_is_called_in_order_by_one_thread_at_a_time() {
    const EACH: u32 = 10_000;
    let (sender, receiver) = channel(EACH as usize * 4);
    let (_attended, called) = attended(receiver);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || {
                for number in 0..EACH {
                    sender.try_send(thread * EACH + number).expect("room");
                }
            });
        }
    });
    drop(sender);
    let called = called.lock().expect("no panic");
    assert_eq!(called.len(), EACH as usize * 4 + 1);
    for thread in 0..4 {
        let of_thread = called.iter().flatten().filter(|number| **number / EACH == thread);
        assert!(of_thread.copied().eq(thread * EACH..(thread + 1) * EACH), "in order");
    }
    assert_eq!(called.last(), Some(&None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_threads() {
    const EACH: usize = 20_000;
    let (sender, mut receiver) = channel(3);
    for from in 0..4_usize {
        let sender = sender.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                sender.send((from, number)).await.expect("somebody reads");
            }
        });
    }
    drop(sender);
    let mut next = [0; 4];
    while let Some((from, number)) = receiver.recv().await {
        assert_eq!(number, next[from], "in order");
        next[from] += 1;
    }
    assert_eq!(next, [EACH; 4]);
}
