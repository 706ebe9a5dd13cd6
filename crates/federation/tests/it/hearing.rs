//! A modern client's listen stream, which checks what must always hold: the acknowledgement comes first and promises nothing
//! that was not asked for, every message says to which request it belongs, nothing else is told than what was promised, and
//! the result is the last message.

use std::time::Duration;

use bytes::Bytes;
use federation::{Frame, Head, Outcome};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::{Value, json};

use crate::client::Client;
use crate::target::SUBSCRIPTION;

const LISTS: [&str; 3] = ["tools", "prompts", "resources"];

/// An open stream.
pub(crate) struct Hearing {
    id: Value,
    asked: Value,
    frames: BoxStream<'static, Frame>,
    /// What the server promised; null until it did.
    pub(crate) promised: Value,
    /// The params of the last notification about a task.
    pub(crate) last: Value,
}

impl Hearing {
    /// Opens a stream and waits for the acknowledgement.
    pub(crate) async fn open(client: &Client, asked: Value) -> Self {
        Self::open_as(client, json!(1), asked).await
    }

    /// The same under an id of the caller's choice.
    pub(crate) async fn open_as(client: &Client, id: Value, asked: Value) -> Self {
        let mut hearing = Self::begin(client, id, asked, |_| {}).await;
        assert_eq!(hearing.next().await.as_deref(), Some("subscriptions/acknowledged"));
        hearing
    }

    /// Listens for the updates of these resources, all of which must be promised.
    pub(crate) async fn of(client: &Client, uris: &[&str]) -> Self {
        let hearing = Self::open(client, json!({ "resourceSubscriptions": uris })).await;
        assert_eq!(hearing.promised, json!({ "resourceSubscriptions": uris }));
        hearing
    }

    /// Opens a stream and reads nothing of it yet.
    pub(crate) async fn begin(
        client: &Client,
        id: Value,
        asked: Value,
        change: impl FnOnce(&mut Head),
    ) -> Self {
        match request(client, &id, &asked, change).await {
            Outcome::Stream(frames) => {
                Self { id, asked, frames: frames.into_stream(), promised: Value::Null, last: Value::Null }
            }
            other => panic!("no stream: {other:?}"),
        }
    }

    /// The code with which a stream is refused.
    pub(crate) async fn refused(client: &Client, asked: Value) -> i64 {
        let Outcome::One(single) = request(client, &json!(1), &asked, |_| {}).await else {
            panic!("not refused");
        };
        let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
        assert_eq!(answer["id"], 1);
        answer["error"]["code"].as_i64().expect("a code")
    }

    /// The next message, if one comes within a minute: its method without `notifications/`, and the URI it is about.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(Duration::from_secs(60), self.frames.next()).await;
        next.ok().flatten().map(|frame| self.read(&frame))
    }

    /// Everything that is told within a moment.
    pub(crate) async fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(500), self.frames.next()).await
        {
            heard.push(self.read(&frame));
        }
        heard
    }

    /// Waits for the end, which must be one in good order.
    pub(crate) async fn end(mut self) {
        while let Some(heard) = self.next().await {
            if heard == "end" {
                assert!(self.frames.next().await.is_none(), "the result is the last message");
                return;
            }
        }
        panic!("the stream goes on, or ended without a result");
    }

    fn read(&mut self, frame: &Frame) -> String {
        let message: Value = serde_json::from_slice(&frame.message).expect("JSON");
        assert_eq!((&message["jsonrpc"], &frame.id), (&json!("2.0"), &None), "{message}");
        let Some(method) = message["method"].as_str() else {
            return self.read_end(&message);
        };
        assert!(message.get("id").is_none(), "no request of a server: {message}");
        let params = &message["params"];
        assert_eq!(params["_meta"][SUBSCRIPTION], self.id, "{message}");
        let method = method.trim_start_matches("notifications/");
        if self.promised.is_null() {
            assert_eq!(method, "subscriptions/acknowledged", "what comes first: {message}");
            self.promised = params["notifications"].clone();
            self.check_promise();
            return method.to_owned();
        }
        match (method.split_once('/'), params["uri"].as_str()) {
            (Some(("resources", "updated")), Some(uri)) => {
                let promised = self.promised["resourceSubscriptions"].as_array();
                assert!(promised.is_some(), "an update that was not promised: {message}");
                format!("updated {uri}")
            }
            (Some((list, "list_changed")), None) if LISTS.contains(&list) => {
                assert_eq!(self.promised[format!("{list}ListChanged")], true, "not promised: {message}");
                method.to_owned()
            }
            (None, None) if method == "tasks" => {
                let promised = self.promised["taskIds"].as_array().expect("a task that was promised");
                assert!(promised.contains(&params["taskId"]), "not promised: {message}");
                self.last = params.clone();
                format!(
                    "task {} {}",
                    params["taskId"].as_str().unwrap_or("?"),
                    params["status"].as_str().unwrap_or("?")
                )
            }
            _ => panic!("nothing for a listen stream: {message}"),
        }
    }

    /// Nothing is promised that was not asked for.
    fn check_promise(&self) {
        for (key, promise) in self.promised.as_object().expect("an object") {
            let asked = &self.asked[key];
            match promise.as_array() {
                None => assert_eq!((promise, asked), (&json!(true), &json!(true)), "{key}"),
                Some(uris) => {
                    let asked = asked.as_array().expect("URIs that were asked for");
                    assert!(uris.iter().all(|uri| asked.contains(uri)), "{}", self.promised);
                }
            }
        }
    }

    fn read_end(&self, message: &Value) -> String {
        assert!(!self.promised.is_null(), "the acknowledgement comes first: {message}");
        let result = &message["result"];
        assert_eq!((&message["id"], &result["resultType"]), (&self.id, &json!("complete")), "{message}");
        assert_eq!(result["_meta"][SUBSCRIPTION], self.id, "{message}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "agentgateway");
        "end".to_owned()
    }
}

async fn request(client: &Client, id: &Value, asked: &Value, change: impl FnOnce(&mut Head)) -> Outcome {
    let method = "subscriptions/listen";
    let params = json!({ "notifications": asked });
    let mut head = client.head(method, &params);
    change(&mut head);
    client.backend.post(head, Bytes::from(client.spell(id, method, params))).await
}
