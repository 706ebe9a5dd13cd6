use super::*;
use proptest::prelude::*;

fn decode(chunks: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event().expect("small events") {
            events.push(event);
        }
    }
    events
}

fn message(data: &str) -> Event {
    Event { data: Bytes::copy_from_slice(data.as_bytes()), ..Event::default() }
}

#[test]
fn the_line_ends_and_spellings_that_servers_use() {
    assert_eq!(
        decode(&[b"data: a\n\ndata:b\r\n\r\ndata: c\r\r"]),
        [message("a"), message("b"), message("c")]
    );
    assert_eq!(decode(&[b"\xef\xbb\xbfdata: {\ndata: }\n\n"]), [message("{\n}")]);
    assert_eq!(decode(&[b": ping\n\n", b"data: x\n: y\n\n"]), [message("x")]);
    assert_eq!(decode(&[b"data\n\n"]), [message("")]);
}

#[test]
fn priming_and_retry_events_come_with_empty_data() {
    let events = decode(&[b"id: 7\ndata: \n\nretry: 500\n\nid: a\0b\n\n"]);
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].id.as_deref(), events[0].data.len()), (Some("7"), 0));
    assert_eq!(events[1].retry, Some(500));
}

#[test]
fn an_opening_is_an_id_and_a_pause_without_a_message() {
    let mut out = Vec::new();
    write_opening("3-0", 1000, &mut out);
    assert_eq!(decode(&[&out]), [Event { id: Some("3-0".into()), retry: Some(1000), ..Event::default() }]);
    // Readers skip an event that has no line of data at all.
    assert!(String::from_utf8_lossy(&out).contains("\ndata: \n"));
}

#[test]
fn an_event_without_end_is_refused_at_the_ceiling() {
    let mut decoder = Decoder::new(10);
    decoder.push(b"data: 123456789012345");
    assert_eq!(decoder.next_event(), Err(TooLarge { limit: 10 }));
    let mut decoder = Decoder::new(10);
    decoder.push(b"data: 12345\ndata: 12345\ndata: 12345\n");
    assert_eq!(decoder.next_event(), Err(TooLarge { limit: 10 }));
}

proptest! {
    #[test]
    fn decoding_does_not_depend_on_chunks(
        text in "((data|id|event|retry|x)?:? ?[a-z0-9 é]{0,4}(\r\n|\n|\r){1,2}){0,12}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(&chunks), decode(&[bytes]));
    }

    #[test]
    fn what_we_write_decodes_back(data in "[^\r]*", id in "[a-z0-9]{1,5}") {
        let mut out = Vec::new();
        write_event(Some("message"), Some(&id), data.as_bytes(), &mut out);
        let expected = Event { event: Some("message".into()), id: Some(id), data: data.into(), retry: None };
        prop_assert_eq!(decode(&[&out]), [expected]);
    }
}
