//! Clients that send too much, or what two programs could read in two ways.

use super::*;

/// Everything that comes back for some bytes on a connection of their own.
async fn sent(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("the server reads");
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.expect("the end, and no reset");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Waits until so many were counted, which is when their connections have ended.
async fn counted(served: &Served, reason: Reason, count: u64) {
    let counting = async {
        while served.terms.counts.refused(reason) < count {
            tokio::task::yield_now().await;
        }
    };
    soon(counting).await;
    assert_eq!(served.terms.counts.refused(reason), count);
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_ends_the_connection() {
    let served = served(10).await;
    let chunked = "0\r\n\r\n";
    let cases = [
        post("Content-Length: 4\r\nContent-Length: 5", "01234"),
        post("Content-Length: 4, 5", "01234"),
        post("Content-Length: +5", "01234"),
        post("Content-Length: 5\r\n X: folded", "01234"),
        post("Content-Length : 5", "01234"),
        post("Content-Length: 99999999999999999999", "01234"),
        post("Transfer-Encoding: identity", "01234"),
        post("Transfer-Encoding: chunked, identity", chunked),
        post("Transfer-Encoding: xchunked", chunked),
        post("X: a\0b", ""),
        post("X: a\rb", ""),
        b"POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ];
    for (index, mut case) in cases.into_iter().enumerate() {
        case.extend_from_slice(b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = sent(served.address, &case).await;
        let case = String::from_utf8_lossy(&case).into_owned();
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.").count() == 1,
            "{case}\n{answer}"
        );
        counted(&served, Reason::Malformed, index as u64 + 1).await;
    }
}

#[tokio::test]
async fn a_request_with_both_kinds_of_length_is_read_by_its_chunks_and_is_the_last() {
    let served = served(10).await;
    for headers in
        ["Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"]
    {
        let request = post(headers, "2\r\nhi\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = sent(served.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let served = served(10).await;
    for body in
        ["x\r\nhi\r\n0\r\n\r\n", "2\r\nhiho\r\n0\r\n\r\n", "fffffffffffffffff\r\nhi", "-2\r\nhi\r\n0\r\n\r\n"]
    {
        let answer = sent(served.address, &post("Transfer-Encoding: chunked", body)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{body:?}\n{answer}");
    }
}

#[tokio::test]
async fn a_refusal_arrives_also_at_a_client_that_is_still_sending() {
    let served = served(10).await;
    for headers in ["Content-Length: 30000000", "Transfer-Encoding: chunked"] {
        let mut request = post(headers, "1c9c380\r\n");
        request.resize(30_000_000, b'x');
        let answer = sent(served.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    // Heads as well.
    let mut request = b"GET / HTTP/1.1\r\nX: ".to_vec();
    request.resize(5_000_000, b'x');
    let answer = sent(served.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn heads_beyond_the_limit_are_refused_over_both_versions_and_counted() {
    let served = served(10).await;
    served.terms.change(10, PerConnection { head: 16 << 10, requests: 250 });
    let fits = |head: &dyn Fn(http::request::Builder) -> http::request::Builder| {
        let request = Request::builder().uri("http://localhost/").header("host", "localhost");
        head(request).body(Full::new(Bytes::new())).expect("a request")
    };
    let long = |length: usize| move |request: http::request::Builder| request.header("x", "x".repeat(length));
    let many = |count: usize| {
        move |request: http::request::Builder| {
            (0..count).fold(request, |request, index| request.header(format!("x-{index}"), "x"))
        }
    };
    let path = |length: usize| {
        move |request: http::request::Builder| request.uri(format!("http://localhost/{}", "x".repeat(length)))
    };
    let mut refused = 0;
    for (head, status) in [
        (&long(15_000) as &dyn Fn(_) -> _, 200),
        (&long(17_000), 431),
        (&many(90), 200),
        (&many(110), 431),
        (&path(15_000), 200),
        (&path(17_000), 431),
    ] {
        let one = soon(http1(served.address).await.send_request(fits(head))).await.expect("a response");
        let two = soon(http2(served.address).await.send_request(fits(head))).await.expect("a response");
        assert_eq!((one.status().as_u16(), two.status().as_u16()), (status, status));
        if status == 431 {
            refused += 2;
            assert!(text(two).await.contains("config.limits.requestHead"));
        }
        counted(&served, Reason::RequestHead, refused).await;
    }
}

#[tokio::test]
async fn only_so_many_requests_of_one_connection_are_open_at_once() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let held = {
        let go = go.clone();
        move |_: Request<Incoming>, _: Arc<ConnInfo>| {
            let (sent, go) = (arrived.send(()), go.clone());
            async move {
                sent.expect("the test listens");
                go.acquire().await.expect("open").forget();
                status(StatusCode::OK)
            }
        }
    };
    let served = served_by(held, 10).await;
    served.terms.change(10, PerConnection { head: 16 << 10, requests: 2 });
    let client = http2(served.address).await;
    // A client that knows the limit keeps to it. The first request may be sent before it does.
    let mut requests = Vec::new();
    for _ in 0..5 {
        let mut client = client.clone();
        requests.push(tokio::spawn(async move { client.send_request(get("http://localhost/")).await }));
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        soon(arrivals.recv()).await.expect("a request");
    }
    let third = timeout(Duration::from_millis(100), arrivals.recv()).await;
    assert!(third.is_err(), "a third request was served beside two others");
    go.add_permits(5);
    for request in requests {
        let status = soon(request).await.expect("no panic").expect("a response").status();
        assert_eq!(status, StatusCode::OK);
    }
}

#[tokio::test]
async fn connections_that_the_system_took_before_the_end_are_served() {
    let bound = Bound::open((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
    let (address, drain) = (bound.local_addr(), Drain::new());
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("room");
        waiting.push(stream);
    }
    drain.finish();
    let terms = Terms::new(100, PerConnection::default());
    let service = Service { handler: Arc::new(example), tls: None, terms, workers: Workers::default() };
    tokio::spawn(bound.serve(service, drain.guard()));
    for mut stream in waiting {
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.expect("the end, and no reset");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(soon(drain.wait(STUCK)).await, Drained::Complete);
}
