//! The fixture over stdio, through an in-process pipe.

use serde_json::{Value, json};
use testkit::fixture::{Era, Opening, Settings, serve_stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use crate::client::{enveloped, initialize};

struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    input: WriteHalf<DuplexStream>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Peer {
    fn start(era: Era, opening: Opening) -> Self {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(far);
        let settings = Settings { era, ..Settings::default() };
        let server = tokio::spawn(serve_stdio(settings, opening, input, output));
        let (read, write) = tokio::io::split(near);
        Self { lines: BufReader::new(read).lines(), input: write, server }
    }

    async fn say(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap().expect("another line");
        serde_json::from_str(&line).unwrap()
    }

    async fn ask(&mut self, message: &Value) -> Value {
        self.say(message).await;
        self.hear().await
    }
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

#[tokio::test]
async fn a_legacy_server_does_not_know_discover() {
    let mut peer = Peer::start(Era::Legacy, Opening::Answer);
    let answer = peer.ask(&enveloped(1, "server/discover", json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601);
    assert_eq!(peer.ask(&initialize()).await["result"]["protocolVersion"], "2025-11-25");
    let answer = peer.ask(&request(2, "tools/list", json!({}))).await;
    assert_eq!(answer["result"]["tools"][0]["name"], "test_simple_text");
}

#[tokio::test]
async fn both_eras_share_a_pipe() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    let answer = peer.ask(&enveloped(1, "server/discover", json!({}))).await;
    assert_eq!(answer["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert!(peer.ask(&initialize()).await.get("result").is_some());
    let answer = peer.ask(&enveloped(3, "tools/list", json!({}))).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    let answer = peer.ask(&request(4, "ping", json!({}))).await;
    assert_eq!(answer["result"], json!({}));
}

#[tokio::test]
async fn a_modern_server_refuses_initialize() {
    let mut peer = Peer::start(Era::Modern, Opening::Answer);
    assert_eq!(peer.ask(&initialize()).await["error"]["code"], -32022);
}

#[tokio::test]
async fn an_impatient_server_exits_on_a_probe() {
    let mut peer = Peer::start(Era::Legacy, Opening::ExitOnUnknown);
    peer.say(&enveloped(1, "server/discover", json!({}))).await;
    assert!(peer.server.await.unwrap().is_err());
    let mut peer = Peer::start(Era::Legacy, Opening::ExitOnUnknown);
    assert!(peer.ask(&initialize()).await.get("result").is_some());
}

#[tokio::test]
async fn a_silent_server_answers_only_after_initialize() {
    let mut peer = Peer::start(Era::Legacy, Opening::Silent);
    peer.say(&enveloped(7, "server/discover", json!({}))).await;
    assert_eq!(peer.ask(&initialize()).await["id"], 1);
}

#[tokio::test]
async fn a_tool_asks_over_the_pipe() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sampling", "arguments": { "prompt": "hi" } });
    let asked = peer.ask(&request(2, "tools/call", call)).await;
    assert_eq!(asked["method"], "sampling/createMessage");
    let content = json!({ "type": "text", "text": "hello" });
    let result = json!({ "role": "assistant", "content": content, "model": "m" });
    let answer = peer.ask(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).await;
    assert_eq!(answer["result"]["content"][0]["text"], "LLM response: hello");
}

#[tokio::test]
async fn a_cancelled_request_gets_no_response() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sleep", "arguments": { "ms": 60_000 } });
    peer.say(&request(2, "tools/call", call)).await;
    let cancel = json!({ "requestId": 2 });
    peer.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })).await;
    assert_eq!(peer.ask(&request(3, "ping", json!({}))).await["id"], 3);
}

#[tokio::test]
async fn a_listener_hears_changes_until_it_cancels() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    let filter = json!({ "resourceSubscriptions": ["test://watched-resource"], "unknown": true });
    let listen = enveloped(1, "subscriptions/listen", json!({ "notifications": filter }));
    let acknowledged = peer.ask(&listen).await;
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({ "resourceSubscriptions": ["test://watched-resource"] })
    );
    let trigger = json!({ "name": "test_trigger_resource_change" });
    let heard = peer.ask(&enveloped(2, "tools/call", trigger)).await;
    assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
    assert_eq!(peer.hear().await["id"], 2);
    let cancel = json!({ "requestId": 1 });
    let ended =
        peer.ask(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })).await;
    assert_eq!((&ended["id"], &ended["result"]["resultType"]), (&json!(1), &json!("complete")));
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_server() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sleep", "arguments": { "ms": 60_000 } });
    peer.say(&request(2, "tools/call", call)).await;
    peer.input.shutdown().await.unwrap();
    assert!(peer.server.await.unwrap().is_ok());
}
