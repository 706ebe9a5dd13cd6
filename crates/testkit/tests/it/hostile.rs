//! The hostile server does what its tools say, and serves what they do not break.

use serde_json::{Value, json};
use testkit::fixture::Era;
use testkit::hostile;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::client::{Events, enveloped, initialize, open, post, request, send};

fn call(id: u64, tool: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

/// Everything that is said to these messages over a pipe, until the server hangs up.
async fn piped(messages: &[Value]) -> Vec<String> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(far);
    let server = tokio::spawn(async move {
        hostile::serve_stdio("liar", Era::Legacy, BufReader::new(input), output).await
    });
    let (read, mut write) = tokio::io::split(near);
    for message in messages {
        write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    server.await.unwrap().unwrap();
    let mut lines = BufReader::new(read).split(b'\n');
    let mut said = Vec::new();
    while let Ok(Some(line)) = lines.next_segment().await {
        said.push(String::from_utf8_lossy(&line).into_owned());
    }
    said
}

#[tokio::test]
async fn a_forger_answers_others_and_then_itself_and_half_an_answer_is_the_end() {
    let said =
        piped(&[initialize(), call(7, "other_id", json!({ "token": "t" })), call(8, "half", json!({}))])
            .await;
    let own: Vec<_> = said.iter().filter(|line| line.contains("\"id\":7")).collect();
    assert!(own.len() == 1 && own[0].contains("\\\"token\\\":\\\"t\\\""), "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.contains("FORGED")).count(), 4, "{said:#?}");
    assert!(said.iter().any(|line| line.ends_with("\"result\":{\"con")), "{said:#?}");
}

#[tokio::test]
async fn over_http_sessions_are_forgotten_and_requests_refused() {
    let served = hostile::serve("liar", Era::Legacy, 0).await.unwrap();
    let answer = post(&served.url, &[], &initialize()).await;
    let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let headers = [("mcp-session-id", session.as_str())];
    let refused = send("POST", &served.url, &headers, &call(2, "status", json!({ "code": 429 }))).await;
    assert_eq!(refused.status(), 429);
    let twice = call(3, "twice", json!({ "token": "t" }));
    let mut events = Events::of(send("POST", &served.url, &headers, &twice).await);
    let answers = [events.message().await, events.message().await];
    assert_eq!(answers[0]["result"]["structuredContent"]["token"], "t");
    assert_eq!(
        (&answers[1]["id"], &answers[1]["result"]["content"][0]["text"]),
        (&json!(3), &json!("FORGED"))
    );
    let mut events = Events::of(send("POST", &served.url, &headers, &call(4, "forget", json!({}))).await);
    assert_eq!(events.message().await["id"], 4);
    assert!(events.next().await.is_none());
    assert_eq!(send("POST", &served.url, &headers, &call(5, "echo", json!({}))).await.status(), 404);
}

#[tokio::test]
async fn a_modern_listener_hears_a_flood_outside_of_calls() {
    let served = hostile::serve("liar", Era::Modern, 0).await.unwrap();
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let mut events = Events::of(open(&served.url, "subscriptions/listen", wanted).await);
    assert_eq!(events.message().await["method"], "notifications/subscriptions/acknowledged");
    let method = "notifications/tools/list_changed";
    let flood = json!({ "name": "flood_outside", "arguments": { "count": 3, "method": method } });
    let _answer = post(&served.url, &[], &enveloped(9, "tools/call", flood)).await;
    for _ in 0..3 {
        let heard = events.message().await;
        assert_eq!(heard["method"], method);
        assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    }
}
