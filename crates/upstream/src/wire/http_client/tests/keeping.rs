//! Which connections are used again, and when the others are closed.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn one_request_after_the_other_goes_over_one_connection() {
    for answer in [
        OK,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        let server = Server::always(answer).await;
        let client = HttpClient::new();
        for _ in 0..5 {
            ask(&client, &server.url, "{}").await.expect("an answer");
        }
        assert_eq!((server.opened(), server.requests()), (1, 5), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_wants_to_end_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok, and more",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let server = Server::always(answer).await;
        let client = HttpClient::new();
        for round in 1..=3 {
            assert_eq!(ask(&client, &server.url, "{}").await.expect("an answer"), "ok");
            server.closed(round).await;
        }
        assert_eq!(server.opened(), 3, "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_is_replaced() {
    for last_words in ["", "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"] {
        let server = Server::start(move |mut peer| async move {
            peer.hear().await;
            peer.say(OK).await;
            peer.say(last_words).await;
        })
        .await;
        let client = HttpClient::new();
        for round in 1..=3 {
            assert_eq!(ask(&client, &server.url, "{}").await.expect("an answer"), "ok");
            server.closed(round).await;
            // The system has told us by then.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(server.opened(), 3);
    }
}

/// A stream ends a moment after its last event.
#[tokio::test]
async fn who_leaves_an_answer_that_is_about_to_end_leaves_its_connection_in_order() {
    let server = Server::start(|mut peer| async move {
        while peer.hear().await.is_some() {
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            peer.say("0\r\n\r\n").await;
        }
    })
    .await;
    let client = HttpClient::new();
    for _ in 0..3 {
        let mut body = post(&client, &server.url, "{}").await.expect("an answer").body;
        assert_eq!(body.next_chunk().await, Ok(Some("ok".into())));
        body::drain(body);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!((server.opened(), server.requests()), (1, 3));
}

#[tokio::test]
async fn an_answer_that_is_left_and_does_not_end_is_closed_after_a_while() {
    let server = Server::start(|mut peer| async move {
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.is_left().await;
    })
    .await;
    let client = HttpClient::new();
    body::drain(post(&client, &server.url, "{}").await.expect("an answer").body);
    // The other one is not kept waiting.
    body::drain(post(&client, &server.url, "{}").await.expect("an answer").body);
    assert_eq!(server.opened(), 2);
    tokio::time::pause();
    let began = Instant::now();
    server.closed(2).await;
    assert!(began.elapsed() >= Duration::from_millis(900) && began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_before_its_server_would() {
    let server = Server::always(OK).await;
    let client = HttpClient::new();
    let origin = &server.url;
    let (first, second) = tokio::join!(ask(&client, origin, "{}"), ask(&client, origin, "{}"));
    first.and(second).expect("answers");
    assert_eq!(server.opened(), 2);
    tokio::time::pause();
    let began = Instant::now();
    server.closed(2).await;
    assert!(began.elapsed() >= Duration::from_secs(3) && began.elapsed() <= Duration::from_secs(5));
    tokio::time::resume();
    // And the next one is looked after as well.
    ask(&client, origin, "{}").await.expect("an answer");
    tokio::time::pause();
    server.closed(3).await;
}

/// Connections are looked through once a second, and a server may close one in between.
#[tokio::test]
async fn a_connection_that_is_too_old_serves_no_request_also_before_it_is_closed() {
    let server = Server::always(OK).await;
    let client = HttpClient::new();
    ask(&client, &server.url, "{}").await.expect("an answer");
    pass(500).await;
    ask(&client, &server.url, "{}").await.expect("an answer");
    assert_eq!(server.opened(), 1);
    for millis in [600, 1000, 1000, 1000] {
        pass(millis).await;
    }
    pass(450).await;
    assert_eq!(server.counts.closed.load(Ordering::Relaxed), 0, "nobody has looked yet");
    ask(&client, &server.url, "{}").await.expect("an answer");
    assert_eq!(server.opened(), 2);
}

async fn pass(millis: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(millis)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_end_of_a_client_is_the_end_of_its_connections() {
    let server = Server::always(OK).await;
    let client = HttpClient::new();
    ask(&client, &server.url, "{}").await.expect("an answer");
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    drop(client);
    server.closed(1).await;
    let after = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(after < before, "who looked after its connections is gone: {before}, {after}");
}

#[tokio::test]
async fn only_so_many_connections_are_kept() {
    let together = Arc::new(tokio::sync::Barrier::new(300));
    let server = Server::start(move |mut peer| {
        let together = Arc::clone(&together);
        async move {
            peer.hear().await;
            together.wait().await;
            peer.say(OK).await;
            peer.is_left().await;
        }
    })
    .await;
    let client = HttpClient::new();
    let asking = (0..300).map(|_| ask(&client, &server.url, "{}"));
    for answer in futures::future::join_all(asking).await {
        answer.expect("an answer");
    }
    server.closed(44).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.counts.closed.load(Ordering::Relaxed), 44);
}

/// A connection is registered with the reactor of one runtime.
#[test]
fn a_connection_is_used_by_the_runtime_that_opened_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let serving = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = serving.block_on(Server::always(OK));
    let (one, other) = (runtime(), runtime());
    let client = HttpClient::new();
    for _ in 0..3 {
        one.block_on(ask(&client, &server.url, "{}")).expect("an answer");
        other.block_on(ask(&client, &server.url, "{}")).expect("an answer");
    }
    assert_eq!((server.opened(), server.requests()), (2, 6));

    // A body that is read elsewhere sends its connection home.
    let body = one.block_on(post(&client, &server.url, "{}")).expect("an answer").body;
    other.block_on(body::collect(Bytes::new(), body, 100)).expect("a body");
    one.block_on(ask(&client, &server.url, "{}")).expect("an answer");
    assert_eq!(server.opened(), 2);

    // Nobody else could use what a runtime leaves behind.
    drop(one);
    serving.block_on(server.closed(1));
    other.block_on(ask(&client, &server.url, "{}")).expect("an answer");
    assert_eq!(server.opened(), 2);
}
