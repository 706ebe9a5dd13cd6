//! The configuration through the admin API of a running gateway: edited, saved, in force.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Ask, EXE, Gateway, Session, eventually, free_port};

/// A gateway with a file that somebody wrote by hand.
struct Configured {
    _folder: TempDir,
    file: PathBuf,
    gateway: Gateway,
    admin: SocketAddr,
}

impl Configured {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.yaml");
        let text = format!(
            "# Only for this machine.\nconfig:\n  adminAddr: 127.0.0.1:0\nbinds:\n- port: {}\n  listeners:\n  - address: 127.0.0.1\n    routes:\n    - backends:\n      - mcp:\n          targets:\n          # Tells the time.\n          - name: time\n            stdio: {{cmd: '{EXE}', args: [builtin, time]}}   # ours\n",
            free_port().await
        );
        std::fs::write(&file, text).expect("a file");
        let gateway = Gateway::run(&["-f", file.to_str().expect("a path")]).await;
        gateway.ready("time").await;
        let admin = gateway.admin().await;
        Self { _folder: folder, file, gateway, admin }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let ask = Ask::new(method, path).with("content-type", "application/json").saying(&body);
        let reply = ask.send(self.admin).await;
        (reply.status, reply.json().await)
    }

    /// Makes an edit and saves it; what is saved is in force when this returns.
    async fn edit(&self, edit: Value) {
        let (status, edited) = self.send(Method::POST, "/api/config/edit", json!({ "edit": edit })).await;
        assert_eq!((status, &edited["faults"]), (200, &json!([])), "{edited}");
        let new = json!({ "revision": edited["revision"], "text": edited["text"] });
        let (status, saved) = self.send(Method::PUT, "/api/config", new).await;
        assert_eq!((status, &saved["applied"]), (200, &json!(true)), "{saved}");
    }

    async fn route(&self) -> Value {
        self.gateway.status().await["routes"][0].clone()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).expect("a file")
    }
}

#[tokio::test]
async fn an_origin_may_call_as_soon_as_it_is_saved() {
    let configured = Configured::start().await;
    let before = configured.text();
    let origin = format!("http://{}", configured.admin);
    let asked = async || {
        let ask = Ask::modern("tools/list", json!({})).with("origin", &origin);
        ask.send(configured.gateway.address()).await.status
    };
    assert_eq!(asked().await, 403);

    let route = configured.route().await;
    configured.edit(json!({ "kind": "allowOrigin", "route": route["key"], "origin": origin })).await;
    assert_eq!(asked().await, 200);
    assert_eq!(configured.route().await["cors"]["allowOrigins"], json!([origin]));
    let policy =
        format!("    - policies:\n        cors:\n          allowOrigins: ['{origin}']\n      backends:\n");
    assert_eq!(
        configured.text(),
        before.replace("    - backends:\n", &policy),
        "and nothing else has changed"
    );
}

#[tokio::test]
async fn targets_come_and_go_by_edits() {
    let configured = Configured::start().await;
    let before = configured.text();
    let backend = configured.route().await["backends"][0]["key"].clone();
    let session = Session::open(configured.gateway.address()).await;
    let target = json!({ "name": "more", "stdio": { "cmd": EXE, "args": ["builtin", "everything"] } });
    configured.edit(json!({ "kind": "addTarget", "backend": backend, "target": target })).await;
    eventually("the tools of both", async || {
        session.tools().await.iter().any(|tool| tool == "more_echo").then_some(())
    })
    .await;
    configured.edit(json!({ "kind": "removeTarget", "backend": backend, "name": "more" })).await;
    assert_eq!(configured.text(), before);
}

#[tokio::test]
async fn a_save_that_cannot_come_into_force_says_why() {
    let configured = Configured::start().await;
    let read = Ask::get("/api/config").send(configured.admin).await.json().await;
    let text = configured.text().replace("- address: 127.0.0.1\n", "- address: 127.0.0.2\n");
    let (status, saved) = configured
        .send(Method::PUT, "/api/config", json!({ "revision": read["revision"], "text": text }))
        .await;
    assert_eq!((status, &saved["applied"]), (200, &json!(false)), "{saved}");
    assert!(saved["problem"]["text"].as_str().expect("a reason").contains("another address"), "{saved}");
    assert_eq!(configured.text(), text, "it is saved all the same");
    let problem = &configured.gateway.status().await["config"]["problem"];
    assert_eq!(problem, &saved["problem"]);
}
