//! Questions of targets over HTTP, where an answer travels by a request of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt as _, future};
use http::Method;
use protocol::{Era, Object, Raw};
use tokio::time::timeout;
use upstream::{Ask, Call, Caller, Event, Reply, Settings, Target, Transport};

use crate::server::{Channel, Seen, Server, event, json, status};

/// A legacy server that asks in every call, and refuses the first `refusals` answers with this status.
async fn asking(refusals: usize, code: u16) -> Server {
    let stream = Channel::default();
    let refused = Arc::new(AtomicUsize::new(0));
    let call: Arc<Mutex<String>> = Arc::default();
    Server::start(move |seen: Seen| {
        let says = |body: &str| seen.body.contains(body);
        let shaken =
            r#"{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
        future::ready(match &seen.method {
            method if *method != Method::POST => status(405),
            _ if says("server/discover") => status(404),
            _ if says(r#""initialize""#) => json(shaken.replace("ID", id_of(&seen.body))),
            _ if says("tools/call") => {
                *call.lock().expect("no panic") = id_of(&seen.body).to_owned();
                stream.open(event(r#"{"jsonrpc":"2.0","id":"why","method":"roots/list"}"#))
            }
            _ if says("\"why\"") && refused.fetch_add(1, Ordering::Relaxed) < refusals => status(code),
            _ if says("\"why\"") => {
                let call = call.lock().expect("no panic");
                stream.say(event(&format!(r#"{{"jsonrpc":"2.0","id":{call},"result":"thanks"}}"#)));
                status(202)
            }
            _ => status(202),
        })
    })
    .await
}

fn id_of(body: &str) -> &str {
    let rest = body.split_once(r#""id":"#).map_or("", |(_, rest)| rest);
    rest.split([',', '}']).next().unwrap_or_default()
}

#[tokio::test]
async fn an_answer_that_its_target_could_not_take_is_brought_again() {
    let server = asking(2, 503).await;
    let settings = Settings::new("t", Transport::Http(server.url.clone()));
    let target = Target::start(settings, Caller::discovery(&Object::default()));
    let abilities: Object = [("roots", Raw::empty_object())].into_iter().collect();
    let caller = Caller::new(Era::Legacy, &abilities, None);
    let (link, _heard) = target.lease(&caller).await.expect("a link");
    let method = protocol::method::find("tools/call").expect("a row");
    let params: Object = [("name", Raw::string("x"))].into_iter().collect();
    let Reply::Stream(mut events) = link.call(Call::quiet(method, params, caller)).await.expect("a reply")
    else {
        panic!("it asks first");
    };
    let Some(Ok(Event::Ask(Ask::Held(question)))) = events.next().await else { panic!("it asks") };
    question.answer(Ok(Raw::empty_object()));
    let end = timeout(Duration::from_secs(10), events.next()).await.expect("the answer arrived");
    assert!(matches!(end, Some(Ok(Event::Answer(Ok(_))))), "{end:?}");
    assert_eq!(server.seen().iter().filter(|seen| seen.body.contains("\"why\"")).count(), 3);
}
