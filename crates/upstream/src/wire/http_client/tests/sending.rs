//! What comes of a request.

use std::time::Duration;

use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_again() {
    // The first request is answered, and keeps the connection for the second, which is not.
    let server = Server::start(|mut peer| async move {
        peer.hear().await;
        peer.say(OK).await;
        peer.hear().await;
    })
    .await;
    let client = HttpClient::new();
    ask(&client, &server.url, "{}").await.expect("an answer");
    let error = ask(&client, &server.url, "{}").await.expect_err("the connection was closed");
    assert_eq!(error.kind, ErrorKind::Closed);
    let url = &server.url;
    assert_eq!(
        error.detail,
        format!("the connection to {url} was lost: connection closed before message completed")
    );
    assert_eq!((server.opened(), server.requests()), (1, 2));
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let server = Server::always("SSH-2.0-OpenSSH_9.2\r\n").await;
    let error = ask(&HttpClient::new(), &server.url, "{}").await.expect_err("not HTTP");
    assert_eq!(error.kind, ErrorKind::Closed);
    assert_eq!(error.detail, format!("the connection to {} was lost: its answer is not HTTP/1", server.url));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told() {
    for part in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
    ] {
        let server = Server::start(move |mut peer| async move {
            peer.hear().await;
            peer.say(part).await;
        })
        .await;
        let error = ask(&HttpClient::new(), &server.url, "{}").await.expect_err("half an answer");
        assert_eq!(error.kind, ErrorKind::Closed);
        assert_eq!(error.detail, "the target's answer broke off: end of file before message length reached");
    }
}

/// A server that will not have a large request need not read it.
#[tokio::test]
async fn a_refusal_is_read_while_the_request_is_still_being_written() {
    let server = Server::start(|mut peer| async move {
        let _ = peer.socket.read(&mut [0; 1024]).await;
        peer.say("HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 9\r\n\r\ntoo large")
            .await;
        // What was read so far is all that will be; closing now would take the answer back.
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
    let client = HttpClient::new();
    let large = Bytes::from(vec![b'x'; 32 << 20]);
    let response = timeout(Duration::from_secs(10), post(&client, &server.url, large)).await;
    let response = response.expect("in time").expect("an answer");
    assert_eq!(response.status, 413);
    assert_eq!(body::collect(Bytes::new(), response.body, 100).await, Ok("too large".into()));
    assert_eq!(ask(&client, &server.url, "{}").await, Ok("too large".into()));
    assert_eq!(server.opened(), 2);
}

/// As servers refuse that have too many connections.
#[tokio::test]
async fn an_answer_that_comes_before_the_request_is_its_answer() {
    let server = Server::start(|mut peer| async move {
        peer.say("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfull")
            .await;
        peer.is_left().await;
    })
    .await;
    assert_eq!(ask(&HttpClient::new(), &server.url, "{}").await, Ok("full".into()));
}

#[tokio::test]
async fn large_requests_and_answers_arrive_whole() {
    let server = Server::start(|mut peer| async move {
        while let Some(heard) = peer.hear().await {
            peer.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{heard}", heard.len())).await;
        }
    })
    .await;
    let client = HttpClient::new();
    let body: String = (0..400_000).map(|number| format!("{number},")).collect();
    for _ in 0..2 {
        let response = post(&client, &server.url, body.clone()).await.expect("an answer");
        let got = body::collect(Bytes::new(), response.body, 10 << 20).await.expect("a body");
        assert!(got == body);
    }
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn answers_belong_to_their_requests_however_many_there_are() {
    let server = Server::start(|mut peer| async move {
        let mut turn = 0;
        while let Some(heard) = peer.hear().await {
            turn += 1;
            if (peer.nth + turn) % 3 == 0 {
                tokio::task::yield_now().await;
            }
            let length = heard.len();
            peer.say(match turn % 2 {
                0 => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{heard}"),
                _ => format!(
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{heard}\r\n0\r\n\r\n"
                ),
            })
            .await;
        }
    })
    .await;
    let client = HttpClient::new();
    let callers = (0..64).map(|caller| {
        let (client, url) = (client.clone(), server.url.clone());
        async move {
            for turn in 0..20 {
                let said = format!("caller {caller}, turn {turn}");
                let response = post(&client, &url, said.clone()).await.expect("an answer");
                let got = body::collect(Bytes::new(), response.body, 100).await.expect("a body");
                assert_eq!(got, said);
            }
        }
    });
    futures::future::join_all(callers).await;
    assert_eq!(server.requests(), 64 * 20);
    assert!(server.opened() <= 64, "{}", server.opened());
}

#[tokio::test]
async fn who_gives_up_closes_the_connection() {
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"] {
        let server = Server::start(move |mut peer| async move {
            peer.hear().await;
            peer.say(said).await;
            peer.is_left().await;
        })
        .await;
        let client = HttpClient::new();
        let given_up = timeout(Duration::from_millis(50), ask(&client, &server.url, "{}")).await;
        given_up.expect_err("there is more to come");
        timeout(Duration::from_secs(5), server.closed(1)).await.expect("it is closed");
    }
}

#[tokio::test]
async fn a_body_that_is_dropped_in_the_middle_closes_the_connection() {
    let server = Server::start(|mut peer| async move {
        peer.hear().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
        peer.is_left().await;
    })
    .await;
    let mut body = post(&HttpClient::new(), &server.url, "{}").await.expect("an answer").body;
    assert_eq!(body.next_chunk().await, Ok(Some("ok".into())));
    drop(body);
    timeout(Duration::from_secs(5), server.closed(1)).await.expect("it is closed");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told() {
    let url = Uri::from_static("http://nobody.invalid/mcp");
    let error = ask(&HttpClient::new(), &url, "{}").await.expect_err("no such host");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(error.detail, "cannot connect to http://nobody.invalid/mcp: the host name cannot be resolved");
}
