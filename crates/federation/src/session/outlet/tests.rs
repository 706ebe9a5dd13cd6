use std::time::Duration;

use futures::stream::BoxStream;

use super::queue::WAITING;
use super::*;

fn text(n: usize) -> Bytes {
    Bytes::from(n.to_string())
}

fn plain(reader: Reader) -> BoxStream<'static, Frame> {
    reader.frames(Naming::Stream { number: 3, opening: false }).into_stream()
}

async fn take(frames: &mut BoxStream<'static, Frame>, count: usize) -> Vec<Bytes> {
    frames.take(count).map(|frame| frame.message).collect().await
}

/// The ids and messages of everything up to the end.
async fn all(reader: Reader, opening: bool) -> Vec<(String, Bytes)> {
    let frames = reader.frames(Naming::Stream { number: 3, opening }).into_stream();
    frames.map(|frame| (frame.id.unwrap_or_default(), frame.message)).collect().await
}

#[tokio::test]
async fn what_was_posted_before_the_stream_opened_comes_first() {
    let outlet = Outlet::default();
    outlet.post(text(1));
    outlet.post(text(1));
    let mut frames = plain(outlet.read());
    outlet.post(text(2));
    assert!(outlet.say(Kind::Note, text(3)).await);
    assert_eq!(take(&mut frames, 3).await, [text(1), text(2), text(3)]);
}

#[tokio::test]
async fn the_oldest_is_dropped_when_nobody_reads() {
    let (outlet, lost) = (Outlet::default(), Arc::<AtomicU64>::default());
    outlet.count_lost(lost.clone());
    (0..WAITING + 2).for_each(|n| outlet.post(text(n)));
    assert_eq!(lost.load(std::sync::atomic::Ordering::Relaxed), 2);
    let mut frames = plain(outlet.read());
    assert_eq!(take(&mut frames, 1).await, [text(2)]);
}

#[tokio::test]
async fn a_second_reader_ends_the_first() {
    let outlet = Outlet::default();
    let mut first = plain(outlet.read());
    let mut second = plain(outlet.read());
    outlet.post(text(1));
    assert_eq!(first.next().await, None);
    assert_eq!(take(&mut second, 1).await, [text(1)]);
    drop(first);
    assert!(outlet.is_read(), "the end of the first is not the end of the second");
    outlet.close();
    assert_eq!(second.next().await, None);
    assert!(!outlet.is_read());
}

#[tokio::test(start_paused = true)]
async fn a_speaker_waits_for_its_reader_and_not_for_one_that_is_gone() {
    let outlet = Outlet::default();
    let mut frames = plain(outlet.read());
    for n in 0..WAITING {
        assert!(outlet.say(Kind::Note, text(n)).await);
    }
    let more = outlet.say(Kind::Note, text(WAITING));
    tokio::pin!(more);
    assert!(tokio::time::timeout(STALLED / 2, more.as_mut()).await.is_err(), "there is no room");
    take(&mut frames, 1).await;
    assert!(more.await, "now there is");
    let (said, ()) = tokio::join!(outlet.say(Kind::Note, text(WAITING + 1)), async { drop(frames) });
    assert!(said, "nobody is waited for");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_long_is_given_up_and_can_come_back() {
    let outlet = Outlet::default();
    let mut stalled = plain(outlet.read());
    for n in 1..=WAITING {
        assert!(outlet.say(Kind::Note, text(n)).await);
    }
    let start = Instant::now();
    assert!(outlet.say(Kind::Note, text(WAITING + 1)).await, "without waiting for ever");
    assert!(start.elapsed() >= STALLED);
    assert_eq!(stalled.next().await, None);
    let mut back = plain(outlet.resume(0).expect("it was reached"));
    assert_eq!(take(&mut back, 1).await, [text(2)], "the oldest made room");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_one_message_now_and_then_is_not_given_up() {
    let outlet = Outlet::default();
    let mut slow = plain(outlet.read());
    for n in 1..=WAITING {
        assert!(outlet.say(Kind::Note, text(n)).await);
    }
    let speakers = futures::future::join_all((0..8).map(|n| outlet.say(Kind::Note, text(1000 + n))));
    let reading = async {
        for n in 1..=8 {
            tokio::time::sleep(STALLED / 2).await;
            assert_eq!(take(&mut slow, 1).await, [text(n)]);
        }
    };
    let (said, ()) = tokio::join!(speakers, reading);
    assert!(said.into_iter().all(|said| said) && outlet.is_read());
}

#[tokio::test]
async fn a_stream_that_nobody_can_come_back_to_ends_with_its_reader() {
    let outlet = Outlet::default();
    drop(outlet.read());
    assert!(!outlet.say(Kind::Request, text(1)).await);
    let outlet = Outlet::default();
    drop(plain(outlet.read()));
    assert!(outlet.say(Kind::Request, text(1)).await, "but this one was given ids");
}

#[tokio::test]
async fn a_stream_is_resumed_where_it_broke_off_and_goes_on_live() {
    let outlet = Outlet::default();
    let mut broken = plain(outlet.read());
    for n in 1..=3 {
        assert!(outlet.say(Kind::Note, text(n)).await);
    }
    take(&mut broken, 3).await;
    let resumed = outlet.resume(1).expect("it was said");
    assert_eq!(broken.next().await, None, "the one that broke is over");
    assert!(outlet.say(Kind::Answer(None), text(4)).await);
    outlet.close();
    let named = [("3-2", text(2)), ("3-3", text(3)), ("3-4", text(4))].map(|(id, m)| (id.to_owned(), m));
    assert_eq!(all(resumed, false).await, named);
}

#[tokio::test]
async fn the_opening_names_the_place_from_which_it_goes_on() {
    let outlet = Outlet::default();
    assert!(outlet.say(Kind::Note, text(1)).await);
    outlet.close();
    let opening = |id: &str| (id.to_owned(), Bytes::new());
    assert_eq!(all(outlet.read(), true).await, [opening("3-0"), ("3-1".to_owned(), text(1))]);
    let again = outlet.resume(0).expect("something to say");
    assert_eq!(all(again, true).await, [opening("3-0"), ("3-1".to_owned(), text(1))]);
}

#[tokio::test]
async fn a_stream_is_not_resumed_after_its_end_or_from_a_place_that_nobody_reached() {
    let outlet = Outlet::default();
    assert!(outlet.say(Kind::Note, text(1)).await);
    assert!(outlet.resume(1).is_none(), "that was not said yet");
    let mut frames = plain(outlet.read());
    take(&mut frames, 1).await;
    assert!(outlet.resume(1).is_some(), "there may be more");
    assert!(outlet.resume(7).is_none());
    outlet.close();
    assert!(outlet.resume(1).is_none(), "there is no more");
    assert!(outlet.resume(0).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stream_at_rest_knows_whether_it_was_told_to_its_end() {
    let outlet = Outlet::default();
    let mut frames = plain(outlet.read());
    assert!(outlet.say(Kind::Answer(None), text(1)).await);
    outlet.close();
    assert!(outlet.rest().is_none(), "somebody reads it");
    take(&mut frames, 1).await;
    drop(frames);
    assert!(outlet.rest().is_some_and(|rest| !rest.told && rest.bytes == 1), "the end was not seen");
    let before = Instant::now();
    tokio::time::advance(Duration::from_secs(5)).await;
    let reader = outlet.resume(0).expect("it is kept");
    assert_eq!(all(reader, false).await.len(), 1);
    assert!(outlet.rest().is_some_and(|rest| rest.told && rest.since > before));
}

#[tokio::test]
async fn nothing_is_kept_of_a_stream_without_ids() {
    let outlet = Outlet::default();
    let mut frames = outlet.read().frames(Naming::None).into_stream();
    assert!(outlet.say(Kind::Answer(None), text(1)).await);
    assert_eq!(frames.next().await, Some(Frame { id: None, message: text(1) }));
    drop(frames);
    outlet.close();
    assert!(outlet.rest().is_some_and(|rest| rest.bytes == 0));
}
