//! Over real sockets: what a client sees.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

mod hostile;
use crate::http::body::{KEEP_ALIVE_AFTER, ReadError, read_limited};
use crate::http::drain::{Drain, Drained};

/// How long a test may take before it counts as stuck. It is never waited for.
const STUCK: Duration = Duration::from_secs(20);

/// A served port.
struct Served {
    address: SocketAddr,
    drain: Drain,
    task: JoinHandle<()>,
    terms: Terms,
}

async fn served(connections: usize) -> Served {
    served_by(example, connections).await
}

async fn served_by(handler: impl Handler, connections: usize) -> Served {
    let bound = Bound::open((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
    let (address, drain) = (bound.local_addr(), Drain::new());
    let terms = Terms::new(connections, PerConnection::default());
    let service =
        Service { handler: Arc::new(handler), tls: None, terms: terms.clone(), workers: Workers::default() };
    let task = tokio::spawn(bound.serve(service, drain.guard()));
    Served { address, drain, task, terms }
}

/// A little of everything that the gateway does with requests.
async fn example(request: Request<Incoming>, from: Arc<ConnInfo>) -> Response<Body> {
    match request.uri().path() {
        "/panic" => panic!("on purpose"),
        "/events" => {
            let first = stream::iter([Bytes::from_static(b"data: first\n\n")]);
            let events = first.chain(stream::pending()).take_until(from.finishing.clone().cancelled_owned());
            let last = stream::iter([Bytes::from_static(b"data: last\n\n")]);
            Response::new(Body::events(events.chain(last).boxed(), KEEP_ALIVE_AFTER))
        }
        "/echo" => match read_limited(request.into_body(), 10).await {
            Ok(body) => Response::new(body.into()),
            Err(ReadError::TooLarge { .. }) => status(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => status(StatusCode::BAD_REQUEST),
        },
        _ => Response::new(Body::from(format!("{:?} tls={}", request.version(), from.tls))),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

fn get(path: &str) -> Request<Full<Bytes>> {
    request(Method::GET, path, "")
}

fn request(method: Method, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    request.body(Full::new(Bytes::from_static(body.as_bytes()))).expect("a request")
}

async fn http1(address: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (client, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1");
    tokio::spawn(connection);
    client
}

async fn http2(address: SocketAddr) -> http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let io = TokioIo::new(stream);
    let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    client
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(STUCK, future).await.expect("it is stuck")
}

#[tokio::test]
async fn both_versions_of_http_are_served_on_one_port() {
    let served = served(10).await;
    let mut client = http1(served.address).await;
    for _ in 0..2 {
        let response = client.send_request(get("/")).await.expect("a response");
        assert_eq!(response.headers()["content-length"], "18");
        assert_eq!(text(response).await, "HTTP/1.1 tls=false");
    }
    let response =
        http2(served.address).await.send_request(get("http://localhost/")).await.expect("a response");
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(text(response).await, "HTTP/2.0 tls=false");
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_goes_on() {
    let served = served(10).await;
    let mut client = http1(served.address).await;
    let response = client.send_request(get("/panic")).await.expect("a response");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!text(response).await.contains("on purpose"));
    client.ready().await.expect("the connection");
    assert_eq!(client.send_request(get("/")).await.expect("a response").status(), StatusCode::OK);

    let mut client = http2(served.address).await;
    let response = client.send_request(get("http://localhost/panic")).await.expect("a response");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        client.send_request(get("http://localhost/")).await.expect("a response").status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let first = Bound::open((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    let error = Bound::open_all(&[free, first.local_addr()]).await.expect_err("the port is taken");
    assert_eq!(error.address, first.local_addr());
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot listen on {}: another program", first.local_addr())), "{text}");
    assert!(text.contains(&format!("lsof -i :{}", first.local_addr().port())), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_an_error_that_says_so() {
    // 192.0.2.0/24 is for documentation, RFC 5737.
    let error = Bound::open(([192, 0, 2, 1], 0).into()).await.expect_err("not our address");
    assert!(error.to_string().contains("does not have that address"), "{error}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_and_without_a_length() {
    let served = served(10).await;
    for (path, body, expected) in
        [("/echo", "0123456789", StatusCode::OK), ("/echo", "0123456789a", StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let request = request(Method::POST, path, body);
        let response = http1(served.address).await.send_request(request).await.expect("a response");
        assert_eq!(response.status(), expected, "{body}");
    }
    for (sent, expected) in [
        ("Content-Length: 1000000000\r\n\r\n", "HTTP/1.1 413"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", "HTTP/1.1 200"),
        // The rest of the body never comes: the answer must not wait for it.
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n56789a\r\n", "HTTP/1.1 413"),
    ] {
        let mut stream = TcpStream::connect(served.address).await.expect("a connection");
        let request = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{sent}");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = [0; 12];
        soon(stream.read_exact(&mut answer)).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), expected, "{sent}");
    }
}

#[tokio::test]
async fn open_event_streams_say_their_last_words_and_end_when_the_port_closes() {
    let served = served(10).await;
    let mut one = http1(served.address).await;
    let mut two = http2(served.address).await;
    let one = one.send_request(get("/events")).await.expect("a response");
    let two = two.send_request(get("http://localhost/events")).await.expect("a response");
    let drained = tokio::spawn(served.drain.wait(STUCK));
    // A whole body, not one that broke off.
    assert_eq!(soon(text(one)).await, "data: first\n\ndata: last\n\n");
    assert_eq!(soon(text(two)).await, "data: first\n\ndata: last\n\n");
    assert_eq!(soon(drained).await.expect("the drain"), Drained::Complete);
    soon(served.task).await.expect("the port's task");
    TcpStream::connect(served.address).await.expect_err("the port is closed");
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let forever = move |_: Request<Incoming>, _: Arc<ConnInfo>| {
        let sent = arrived.send(());
        async move {
            sent.expect("the test listens");
            std::future::pending::<Response<Body>>().await
        }
    };
    let served = served_by(forever, 10).await;
    let mut one = http1(served.address).await;
    let mut two = http2(served.address).await;
    let clients =
        async { tokio::join!(one.send_request(get("/")), two.send_request(get("http://localhost/"))) };
    let cut = async {
        for _ in 0..2 {
            arrivals.recv().await.expect("a request");
        }
        served.drain.wait(Duration::from_millis(10)).await
    };
    let (answers, drained) = soon(async { tokio::join!(clients, cut) }).await;
    assert!(matches!(drained, Drained::Cut { running } if running >= 3), "{drained:?}");
    answers.0.expect_err("no answer over HTTP/1");
    answers.1.expect_err("no answer over HTTP/2");
    soon(served.task).await.expect("the port's task");
}

#[tokio::test]
async fn a_call_in_flight_may_finish_while_the_port_is_closed_already() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let closed = CancellationToken::new();
    let slow = {
        let closed = closed.clone();
        move |_: Request<Incoming>, _: Arc<ConnInfo>| {
            let (sent, closed) = (arrived.send(()), closed.clone());
            async move {
                sent.expect("the test listens");
                closed.cancelled().await;
                Response::new(Body::from("done"))
            }
        }
    };
    let served = served_by(slow, 10).await;
    let mut one = http1(served.address).await;
    let mut two = http2(served.address).await;
    let read = async {
        let sent = tokio::join!(one.send_request(get("/")), two.send_request(get("http://localhost/")));
        (text(sent.0.expect("a response")).await, text(sent.1.expect("a response")).await)
    };
    let stop = async {
        for _ in 0..2 {
            arrivals.recv().await.expect("a request");
        }
        served.drain.finish();
        while TcpStream::connect(served.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        closed.cancel();
        served.drain.wait(STUCK).await
    };
    let (answers, drained) = soon(async { tokio::join!(read, stop) }).await;
    assert_eq!(answers, ("done".to_owned(), "done".to_owned()));
    assert_eq!(drained, Drained::Complete);
}

#[tokio::test]
async fn over_the_limit_connections_are_refused_with_a_reason_until_one_ends() {
    let served = served(1).await;
    let mut first = http1(served.address).await;
    first.send_request(get("/")).await.expect("a response");
    let mut second = http1(served.address).await;
    let refused = soon(second.send_request(get("/"))).await.expect("a response");
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().expect("a value"))
    );
    assert!(text(refused).await.contains("config.limits.connections"));
    assert_eq!(served.terms.counts.refused(Reason::Connections), 1);
    assert_eq!(
        first.send_request(get("/")).await.expect("a response").status(),
        StatusCode::OK,
        "the first is not disturbed"
    );
    // Room for more may come from a reload as well as from an end.
    served.terms.change(2, PerConnection::default());
    assert_eq!(
        http1(served.address).await.send_request(get("/")).await.expect("a response").status(),
        StatusCode::OK
    );
    served.terms.change(1, PerConnection::default());
    drop(first);
    while served.terms.permits.taken() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        http1(served.address).await.send_request(get("/")).await.expect("a response").status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_flood_of_connections_beyond_the_limit_ends_and_is_counted() {
    let served = served(1).await;
    let mut first = http1(served.address).await;
    first.send_request(get("/")).await.expect("a response");
    let mut flood = Vec::new();
    for _ in 0..300 {
        flood.push(TcpStream::connect(served.address).await.expect("a connection"));
    }
    // Beyond those that are told, connections end at once.
    let ended = flood.iter_mut().map(|stream| async move { stream.read(&mut [0]).await });
    soon(futures::future::select_all(ended.map(Box::pin))).await.0.unwrap_or_default();
    assert_eq!(first.send_request(get("/")).await.expect("a response").status(), StatusCode::OK);
    while served.terms.counts.refused(Reason::Connections) < 300 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_port_that_is_dropped_takes_its_connections_with_it() {
    let served = served(10).await;
    let mut one = http1(served.address).await;
    let mut two = http2(served.address).await;
    let one = one.send_request(get("/events")).await.expect("a response");
    let two = two.send_request(get("http://localhost/events")).await.expect("a response");
    served.task.abort();
    for response in [one, two] {
        soon(response.into_body().collect()).await.expect_err("the body broke off");
    }
    // Nothing is left behind, not even the tasks of HTTP/2.
    assert_eq!(soon(served.drain.wait(STUCK)).await, Drained::Complete);
}

#[tokio::test]
async fn a_panic_while_a_body_is_sent_breaks_that_response_only() {
    let broken = |request: Request<Incoming>, _: Arc<ConnInfo>| async move {
        match request.uri().path() {
            "/" => Response::new(Body::from("fine")),
            _ => Response::new(Body::Stream(stream::poll_fn(|_| panic!("on purpose")).boxed())),
        }
    };
    let served = served_by(broken, 10).await;
    let mut one = http1(served.address).await;
    if let Ok(response) = soon(one.send_request(get("/broken"))).await {
        soon(response.into_body().collect()).await.expect_err("the body broke off");
    }
    let mut two = http2(served.address).await;
    let response = soon(two.send_request(get("http://localhost/broken"))).await;
    if let Ok(response) = response {
        soon(response.into_body().collect()).await.expect_err("the body broke off");
    }
    let response = soon(two.send_request(get("http://localhost/"))).await.expect("the connection goes on");
    assert_eq!(text(response).await, "fine");
    let response = http1(served.address).await.send_request(get("/")).await.expect("the port goes on");
    assert_eq!(text(response).await, "fine");
}

/// The handler may be a type of its own as well as a function.
struct Nothing;

impl Handler for Nothing {
    fn handle<'a>(
        &'a self,
        _: Arc<Parts>,
        _: Incoming,
        _: &'a Arc<ConnInfo>,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async { status(StatusCode::NO_CONTENT) })
    }
}

#[tokio::test]
async fn a_type_can_be_a_handler() {
    let served = served_by(Nothing, 1).await;
    let response = http1(served.address).await.send_request(get("/")).await.expect("a response");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}
