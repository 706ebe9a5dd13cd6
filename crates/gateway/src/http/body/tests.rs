use std::io;

use futures::stream;
use http_body::Body as _;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::time::{Instant, sleep};

use super::*;

fn pieces(
    pieces: &[&'static str],
) -> StreamBody<impl futures::Stream<Item = Result<Frame<Bytes>, io::Error>> + use<>> {
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
    StreamBody::new(stream::iter(frames))
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    for (sent, limit, expected) in [
        (&["hello"][..], 5, Some("hello")),
        (&["hel", "lo"], 5, Some("hello")),
        (&["", "hello", ""], 5, Some("hello")),
        (&[], 0, Some("")),
        (&[""], 0, Some("")),
        (&["hello"], 4, None),
        (&["hel", "lo"], 4, None),
        (&["hello", "", ""], 4, None),
        (&["x"], 0, None),
    ] {
        let read = read_limited(pieces(sent), limit).await;
        match (read, expected) {
            (Ok(bytes), Some(text)) => assert_eq!(bytes, text, "{sent:?}"),
            (Err(ReadError::TooLarge { limit: named }), None) => assert_eq!(named, limit),
            (other, _) => panic!("{sent:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_announced_length_decides_before_anything_is_read() {
    struct Announced;
    impl http_body::Body for Announced {
        type Data = Bytes;
        type Error = io::Error;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            panic!("the body was read");
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(6)
        }
    }
    assert!(matches!(read_limited(Announced, 5).await, Err(ReadError::TooLarge { limit: 5 })));
}

#[tokio::test]
async fn one_piece_is_not_copied() {
    let sent = Bytes::from(vec![b'x'; 100]);
    let read = read_limited(Full::new(sent.clone()), 100).await.expect("the body");
    assert_eq!(read.as_ptr(), sent.as_ptr());
}

/// Many clients write the head first, and then the body.
#[tokio::test]
async fn one_piece_that_comes_late_is_not_copied() {
    struct Late(Full<Bytes>, bool);
    impl http_body::Body for Late {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            if std::mem::replace(&mut self.1, true) {
                return Pin::new(&mut self.0).poll_frame(context);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }
        fn is_end_stream(&self) -> bool {
            self.0.is_end_stream()
        }
        fn size_hint(&self) -> SizeHint {
            self.0.size_hint()
        }
    }
    let sent = Bytes::from(vec![b'x'; 100]);
    let read = read_limited(Late(Full::new(sent.clone()), false), 100).await.expect("the body");
    assert_eq!(read.as_ptr(), sent.as_ptr());
}

#[tokio::test]
async fn reading_stops_at_the_limit() {
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"0123456789"))));
    assert!(matches!(read_limited(StreamBody::new(endless), 1000).await, Err(ReadError::TooLarge { .. })));
}

#[tokio::test]
async fn a_broken_body_says_why() {
    let broken = stream::iter([Ok(Frame::data(Bytes::from_static(b"x"))), Err(io::Error::other("reset"))]);
    let error = read_limited(StreamBody::new(broken), 10).await.expect_err("an error");
    assert!(matches!(&error, ReadError::Broken(cause) if cause.to_string() == "reset"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_sending_is_not_waited_for() {
    let stalled =
        stream::iter([Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"x")))]).chain(stream::pending());
    let start = Instant::now();
    let error = read_limited(StreamBody::new(Box::pin(stalled)), 10).await.expect_err("an error");
    assert!(matches!(error, ReadError::Stalled), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn what_we_send_knows_its_length() {
    for (body, length) in [
        (Body::Empty, Some(0)),
        (Body::from("hello"), Some(5)),
        (Body::from(""), Some(0)),
        (Body::Stream(stream::empty().boxed()), None),
    ] {
        assert_eq!(body.size_hint().exact(), length);
        let read = body.collect().await.expect("no error is possible").to_bytes();
        assert_eq!(read.len() as u64, length.unwrap_or(0));
    }
}

/// What an event stream sends, with the second in which it does.
async fn transcript(events: BoxStream<'static, Bytes>) -> Vec<(u64, String)> {
    let start = Instant::now();
    let mut body = Body::events(events, Duration::from_secs(15));
    let mut sent = Vec::new();
    while let Some(frame) = body.frame().await {
        let bytes = frame.expect("no error is possible").into_data().expect("data");
        sent.push((start.elapsed().as_secs(), String::from_utf8_lossy(&bytes.join()).trim_end().to_owned()));
    }
    sent.push((start.elapsed().as_secs(), "end".to_owned()));
    sent
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_with_comments() {
    let events = stream::iter([(1, "data: a\n\n"), (10, "data: b\n\n"), (31, "data: c\n\n"), (2, "")])
        .then(|(seconds, event)| async move {
            sleep(Duration::from_secs(seconds)).await;
            Bytes::from_static(event.as_bytes())
        })
        .take(3);
    let expected = [
        (1, "data: a"),
        (11, "data: b"),
        (26, ": keep-alive"),
        (41, ": keep-alive"),
        (42, "data: c"),
        (42, "end"),
    ];
    assert_eq!(transcript(events.boxed()).await, expected.map(|(second, text)| (second, text.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_an_event_ends_at_once() {
    assert_eq!(transcript(stream::empty().boxed()).await, [(0, "end".to_owned())]);
}

#[tokio::test]
async fn what_is_there_from_the_beginning_is_handed_over_at_once_and_not_copied() {
    let large = Bytes::from(vec![b'x'; 100_000]);
    let pieces = Pieces::from([Bytes::from_static(b"{"), large.clone(), Bytes::from_static(b"}")]);
    let mut body = Body::from(pieces.clone());
    assert_eq!(body.size_hint().exact(), Some(100_002));
    let handed =
        body.frame().await.expect("a frame").expect("no error is possible").into_data().expect("data");
    assert!(handed == pieces && body.is_end_stream(), "all of it");
    let mut slices = [io::IoSlice::new(&[]); 3];
    assert_eq!(bytes::Buf::chunks_vectored(&handed, &mut slices), 3);
    assert_eq!(slices[1].as_ptr(), large.as_ptr());
}
