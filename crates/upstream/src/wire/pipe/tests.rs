use futures::StreamExt as _;
use protocol::Message;
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, duplex};
use tokio::time::{advance, sleep};

use super::*;
use crate::queue;
use crate::wire::Label;

/// The target's side of a wire.
struct Peer {
    heard: tokio::io::Lines<BufReader<DuplexStream>>,
    says: DuplexStream,
    inbox: queue::Receiver<Message>,
}

/// A wire whose pipes hold `size` bytes.
fn pair(size: usize, limit: usize) -> (PipeWire, Peer) {
    // A pipe each way, so that either can be closed alone.
    let (their_out, our_in) = duplex(size);
    let (our_out, their_in) = duplex(size);
    let (inbox, received) = queue::channel(2);
    let wire = PipeWire::new("t", limit, inbox, their_out, their_in);
    (wire, Peer { heard: BufReader::new(our_out).lines(), says: our_in, inbox: received })
}

impl Peer {
    async fn hear(&mut self) -> String {
        self.heard.next_line().await.expect("readable").expect("open")
    }

    async fn say(&mut self, line: &str) {
        self.says.write_all(line.as_bytes()).await.expect("open");
        self.says.write_all(b"\n").await.expect("open");
    }

    async fn answer(&mut self, id: u64) {
        self.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)).await;
    }
}

fn request(id: u64) -> Outgoing {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    Outgoing { id: Some(id.into()), opens: false, body: body.into(), label: Label::default() }
}

fn kind(outcome: Result<Frames, Error>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind)
}

#[tokio::test(start_paused = true)]
async fn requests_and_answers_meet_at_any_chunking() {
    for size in [1, 2, 7, 64, 4096] {
        let (wire, mut peer) = pair(size, 1000);
        let serve = async {
            assert!(peer.hear().await.contains(r#""id":1,"#));
            assert!(peer.hear().await.contains(r#""id":2,"#));
            peer.say("").await;
            peer.answer(2).await;
            peer.say(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#)
                .await;
            peer.answer(1).await;
        };
        let (first, second, ()) = tokio::join!(wire.request(request(1)), wire.request(request(2)), serve);
        assert!(matches!(second, Ok(Frames::One(Message::Response(_), 200))));
        let Ok(Frames::Stream(frames)) = first else { panic!("a note came first") };
        assert_eq!(frames.collect::<Vec<_>>().await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_does_not_hold_up_answers() {
    let (wire, mut peer) = pair(4096, 1000);
    let serve = async {
        peer.hear().await;
        for _ in 0..10 {
            peer.say(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#).await;
        }
        peer.answer(1).await;
    };
    let (answer, ()) = tokio::join!(wire.request(request(1)), serve);
    assert!(matches!(answer, Ok(Frames::One(..))));
    assert_eq!(peer.inbox.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn noise_is_skipped() {
    let (wire, mut peer) = pair(4096, 1000);
    let serve = async {
        peer.hear().await;
        peer.say("npm notice new version!").await;
        peer.say("\u{1b}[2J{\"level\":30}").await;
        peer.answer(1).await;
    };
    let (answer, ()) = tokio::join!(wire.request(request(1)), serve);
    assert!(matches!(answer, Ok(Frames::One(..))));
}

#[tokio::test(start_paused = true)]
async fn an_oversized_line_ends_the_wire() {
    let (wire, mut peer) = pair(64, 1000);
    let serve = async {
        peer.hear().await;
        // The wire stops reading, so the rest cannot be written.
        let _ = peer.says.write_all(&[b'x'; 100_000]).await;
    };
    let (answer, ()) = tokio::join!(wire.request(request(1)), serve);
    assert_eq!(kind(answer), Some(ErrorKind::TooLarge));
    assert_eq!(wire.closed().await.detail, "the target sent a message of more than 1000 bytes");
}

#[tokio::test(start_paused = true)]
async fn giving_up_never_leaves_half_a_line() {
    let (wire, mut peer) = pair(5, 1000);
    for id in 1..=20 {
        // The pipe takes five bytes, so the write is under way when the caller gives up.
        let _ = timeout(Duration::from_millis(id), wire.request(request(id))).await;
    }
    for id in 1..=20 {
        let line = peer.hear().await;
        assert!(line.contains(&format!(r#""id":{id},"#)) && line.ends_with('}'), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_one_line_however_they_were_spelled() {
    let (wire, mut peer) = pair(4096, 1000);
    let body = "{\r\n  \"jsonrpc\": \"2.0\",\n  \"method\": \"a\\nb\"\r}";
    let out = Outgoing { id: None, opens: false, body: body.into(), label: Label::default() };
    wire.send(out).await.expect("open");
    assert_eq!(peer.hear().await, r#"{    "jsonrpc": "2.0",   "method": "a\nb" }"#);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_target_is_told_to_all() {
    let (wire, Peer { says, heard, .. }) = pair(4096, 1000);
    let end = async {
        sleep(Duration::from_secs(1)).await;
        drop((says, heard));
    };
    let (first, second, ()) = tokio::join!(wire.request(request(1)), wire.request(request(2)), end);
    assert_eq!((kind(first), kind(second)), (Some(ErrorKind::Closed), Some(ErrorKind::Closed)));
    assert_eq!(wire.closed().await.detail, "the target closed its output");
    assert_eq!(kind(wire.request(request(3)).await), Some(ErrorKind::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_end_still_counts() {
    let (wire, mut peer) = pair(4096, 1000);
    let serve = async {
        peer.hear().await;
        peer.says.write_all(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await.expect("open");
        drop(peer);
    };
    let (answer, ()) = tokio::join!(wire.request(request(1)), serve);
    assert!(matches!(answer, Ok(Frames::One(..))));
}

#[tokio::test(start_paused = true)]
async fn death_gives_the_reason_and_ends_a_wire_that_somebody_holds_open() {
    let (ours, theirs) = duplex(64);
    let (reader, writer) = tokio::io::split(ours);
    let (inbox, _received) = queue::channel(1);
    let death = async {
        sleep(Duration::from_secs(3)).await;
        Error::new(ErrorKind::Closed, "exited with code 1")
    };
    let wire = PipeWire::mortal("t", 100, inbox, reader, writer, Some(death.boxed()));
    let answer = wire.request(request(1)).await;
    assert_eq!(answer.err().map(|error| error.detail), Some("exited with code 1".into()));
    drop(theirs);
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_was_taken_and_hangs_up() {
    let (wire, mut peer) = pair(8, 1000);
    let (sent, pending) = (wire.send(request(1)).await, wire.request(request(2)));
    sent.expect("open");
    let serve = async {
        advance(Duration::from_millis(1)).await;
        while let Ok(Some(line)) = peer.heard.next_line().await {
            assert!(line.ends_with('}'), "{line}");
        }
        drop(peer);
    };
    let close = async {
        sleep(Duration::from_micros(1)).await;
        wire.close().await;
    };
    let (answer, (), ()) = tokio::join!(pending, close, serve);
    assert_eq!(kind(answer), Some(ErrorKind::Stopped));
    assert_eq!(kind(wire.request(request(3)).await), Some(ErrorKind::Stopped));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_wire_ends_its_streams_and_its_pipes() {
    let (wire, mut peer) = pair(4096, 1000);
    let serve = async {
        peer.hear().await;
        peer.say(r#"{"jsonrpc":"2.0","method":"notifications/message"}"#).await;
    };
    let (answer, ()) = tokio::join!(wire.request(request(1)), serve);
    let Ok(Frames::Stream(mut frames)) = answer else { panic!("a note came first") };
    drop(wire);
    assert!(matches!(frames.next().await, Some(Ok(Message::Notification(_)))));
    assert!(matches!(frames.next().await, Some(Err(Error { kind: ErrorKind::Stopped, .. }))));
    assert!(frames.next().await.is_none());
    assert_eq!(peer.heard.next_line().await.expect("readable"), None);
}
