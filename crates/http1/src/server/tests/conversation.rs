//! Both sides of a connection of this crate with each other, over a pipe that holds little.

use proptest::prelude::*;
use tokio::io::DuplexStream;

use super::*;
use crate::client;

/// What the client's side runs over.
#[derive(Debug)]
struct Pipe(DuplexStream);

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl client::Io for Pipe {}

/// Says back what it hears, in the pieces in which it heard it, with its length or without.
async fn echo(io: DuplexStream) -> usize {
    let mut connection = Connection::new(io, LARGEST);
    let mut served = 0;
    loop {
        let request = match connection.request().await {
            Ok(Heard::Request(head, body)) => whole(head, body),
            Ok(Heard::End) => return served,
            other => panic!("no request: {other:?}"),
        };
        let is_sized = request.uri().path() == "/sized";
        let mut body = request.into_body();
        let pieces = connection.attend(async {
            let mut pieces = Vec::new();
            while let Some(next) = piece(&mut body).await {
                pieces.push(next.expect("a well-formed body"));
            }
            pieces
        });
        let pieces = pieces.await.expect("the client is there");
        let body = if is_sized { Stream::sized(pieces) } else { Stream::of(pieces) };
        connection.respond(Response::new(body)).await.expect("the client is there");
        assert!(connection.keeps() && !connection.is_amid_head());
        served += 1;
    }
}

async fn ask(connection: &mut client::Connection<Pipe>, is_sized: bool, body: &[u8]) -> Vec<u8> {
    let uri = if is_sized { "http://h/sized" } else { "http://h/chunked" };
    let opening = client::Opening::new(Method::POST, &http::Uri::from_static(uri), &http::HeaderMap::new());
    let request = opening.request(Bytes::copy_from_slice(body));
    let head = connection.exchange(&request).await.expect("an answer");
    assert_eq!(head.status, 200);
    let mut got = Vec::new();
    while let Some(chunk) = poll_fn(|cx| connection.poll_chunk(cx, false)).await.expect("an answer") {
        got.extend_from_slice(&chunk);
    }
    assert!(connection.is_reusable());
    got
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_understand_each_other(
        requests in proptest::collection::vec(
            (any::<bool>(), prop_oneof![0_usize..100, 4000_usize..4200, 8000_usize..8400, 60_000_usize..200_000]),
            1..8,
        ),
        holds in prop_oneof![1_usize..10, 10_usize..1000, 1000_usize..100_000],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (client, server) = tokio::io::duplex(holds);
            let server = tokio::spawn(echo(server));
            let mut client = client::Connection::new(Pipe(client));
            for (is_sized, size) in &requests {
                // A pipe that holds next to nothing takes its time.
                let size = (*size).min(holds * 2000);
                let body: Vec<u8> = (0..size).map(|at| (at % 249) as u8).collect();
                assert!(ask(&mut client, *is_sized, &body).await == body);
            }
            drop(client);
            assert_eq!(server.await.expect("no panic"), requests.len());
        });
    }
}
