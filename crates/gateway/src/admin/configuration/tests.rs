//! The paths of the configuration, without a socket.

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower_service::Service as _;

use super::*;

const TEXT: &str = "# Ours.\nmcp:\n  targets:\n  - name: time   # tells it\n    stdio: {cmd: uvx}\n";

/// The API of a file that says this, and who takes it over.
struct Api {
    folder: tempfile::TempDir,
    router: Router,
    reloads: mpsc::Receiver<Reload>,
}

impl Api {
    fn of_file(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).expect("a file");
        Self::of(Source::File(path), folder)
    }

    fn of(source: Source, folder: tempfile::TempDir) -> Self {
        let started = config::load(&Source::Inline(TEXT.to_owned()), &|_| None).expect("valid");
        let (reload, reloads) = mpsc::channel(1);
        let router = routes(Arc::new(Configuration::new(source, started, reload)));
        Self { folder, router, reloads }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("config.yaml")
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        ask(self.router.clone(), method, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Status, code and text of a refusal.
    async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String, String) {
        let (status, body) = self.ask(method, path, body).await;
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        (status, text("code"), text("error").replace(&self.folder.path().display().to_string(), ""))
    }

    async fn revision(&self) -> String {
        self.get("/api/config").await["revision"].as_str().expect("a revision").to_owned()
    }
}

async fn ask(mut router: Router, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = router.call(request.body(body).expect("a request")).await.expect("an answer");
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("not JSON: {bytes:?}")))
}

fn added(name: &str) -> Value {
    json!({ "kind": "addTarget", "backend": "3000/listener0/route0/0", "target": { "name": name, "stdio": { "cmd": "npx" } } })
}

#[tokio::test]
async fn the_file_is_read_with_what_is_wrong_with_it() {
    let api = Api::of_file(TEXT);
    let file = api.get("/api/config").await;
    assert_eq!(
        (&file["source"], &file["writable"], &file["problem"]),
        (&json!("file"), &json!(true), &Value::Null)
    );
    assert_eq!((&file["text"], &file["path"]), (&json!(TEXT), &json!(api.file())));
    assert_eq!(file["revision"], json!(store::revision(TEXT)));

    std::fs::write(api.file(), TEXT.replace("cmd", "comand")).expect("a file");
    let file = api.get("/api/config").await;
    assert_eq!(file["problem"]["faults"][0]["line"], 5);
    assert!(file["problem"]["text"].as_str().expect("a text").contains("config.yaml:5:13: "), "{file}");

    std::fs::write(api.file(), b"\xff").expect("a file");
    let refused = api.refused(Method::GET, "/api/config", None).await;
    assert_eq!((refused.0, refused.1.as_str()), (422, "invalid"), "{refused:?}");
    std::fs::remove_file(api.file()).expect("removed");
    let refused = api.refused(Method::GET, "/api/config", None).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "notFound"), "{refused:?}");
}

#[tokio::test]
async fn a_text_is_checked_against_the_file() {
    let api = Api::of_file(TEXT);
    let check =
        async |text: &str| api.ask(Method::POST, "/api/config/check", Some(json!({ "text": text }))).await.1;
    assert_eq!(check(TEXT).await, json!({ "faults": [], "diff": "", "restart": [] }));

    let report = check(&format!("config: {{adminAddr: off, logging: {{format: json}}}}\n{TEXT}")).await;
    let diff = "--- in the file\n+++ as edited\n@@ -1,3 +1,4 @@\n+config: {adminAddr: off, logging: {format: json}}\n # Ours.\n mcp:\n   targets:\n";
    let restart = ["config.adminAddr", "config.logging.format"];
    assert_eq!(report, json!({ "faults": [], "diff": diff, "restart": restart }));

    let report = check(&TEXT.replace("cmd", "comand")).await;
    assert_eq!((&report["faults"][0]["line"], &report["faults"][0]["column"]), (&json!(5), &json!(13)));
    assert_eq!(report["restart"], json!([]));

    std::fs::remove_file(api.file()).expect("removed");
    assert_eq!(check(TEXT).await["faults"], json!([]), "also when the file has gone");
}

#[tokio::test]
async fn an_edit_changes_nothing_but_the_text_that_is_returned() {
    let api = Api::of_file(TEXT);
    let edit = |body: Value| api.ask(Method::POST, "/api/config/edit", Some(body));
    let (status, report) = edit(json!({ "edit": added("new") })).await;
    let expected = format!("{TEXT}  - name: new\n    stdio: {{cmd: npx}}\n");
    assert_eq!((status, &report["text"], &report["faults"]), (200, &json!(expected), &json!([])));
    assert_eq!(report["revision"], json!(store::revision(TEXT)));
    assert!(report["diff"].as_str().expect("a diff").contains("\n+  - name: new\n"), "{report}");
    assert_eq!(std::fs::read_to_string(api.file()).expect("a file"), TEXT);

    // On top of a text that is not saved yet, and with what the check says of it.
    let (_, report) = edit(json!({ "text": expected, "edit": added("new_er") })).await;
    assert!(report["text"].as_str().expect("a text").starts_with(&expected));
    assert_eq!(report["faults"][0]["line"], 8);
    assert_eq!(
        report["diff"].as_str().expect("a diff").matches("\n+").count(),
        5,
        "against the file: {report}"
    );
}

#[tokio::test]
async fn edits_that_cannot_be_made_are_refused_in_words() {
    let api = Api::of_file(TEXT);
    let refused = async |body: Value| {
        let (status, code, _) = api.refused(Method::POST, "/api/config/edit", Some(body)).await;
        (status, code)
    };
    let invalid = json!({ "text": "mcp: {}", "edit": added("new") });
    assert_eq!(refused(invalid).await, (422, "invalid".to_owned()));
    let nowhere = json!({ "edit": { "kind": "removeTarget", "backend": "1/l/r/0", "name": "time" } });
    assert_eq!(refused(nowhere).await, (404, "notFound".to_owned()));
    let last =
        json!({ "edit": { "kind": "removeTarget", "backend": "3000/listener0/route0/0", "name": "time" } });
    assert_eq!(refused(last).await, (422, "cannotEdit".to_owned()));
    assert_eq!(refused(json!({ "edit": { "kind": "other" } })).await, (422, "badRequest".to_owned()));
    let large = json!({ "text": "#".repeat(LARGEST_FILE as usize + 1), "edit": added("new") });
    assert_eq!(refused(large).await, (413, "tooLarge".to_owned()));
    let larger = json!({ "text": "#".repeat(LARGEST + 1), "edit": added("new") });
    assert_eq!(refused(larger).await, (413, "tooLarge".to_owned()));
}

#[tokio::test]
async fn a_target_is_shown_as_the_file_spells_it() {
    let api = Api::of_file(&TEXT.replace("{cmd: uvx}", "{cmd: uvx, args: [$$x], env: {A: '1'}}"));
    let spec = api.get("/api/config/target?backend=3000%2Flistener0%2Froute0%2F0&name=time").await;
    assert_eq!(
        spec,
        json!({ "name": "time", "stdio": { "cmd": "uvx", "args": ["$$x"], "env": { "A": "1" } } })
    );
    let refused = api
        .refused(Method::GET, "/api/config/target?backend=3000%2Flistener0%2Froute0%2F0&name=x", None)
        .await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "notFound"));
    let refused = api.refused(Method::GET, "/api/config/target?name=x", None).await;
    assert_eq!((refused.0, refused.1.as_str()), (400, "badRequest"));
}

#[tokio::test]
async fn the_schema_is_the_one_for_editors() {
    let schema = Api::of_file(TEXT).get("/api/config/schema").await;
    assert_eq!(
        schema.to_string(),
        serde_json::from_str::<Value>(&config::schema()).expect("JSON").to_string()
    );
}

#[tokio::test]
async fn a_save_replaces_the_file_and_waits_until_it_is_in_force() {
    let mut api = Api::of_file(TEXT);
    let new = TEXT.replace("uvx", "npx");
    let body = json!({ "revision": api.revision().await, "text": new });
    let asked = ask(api.router.clone(), Method::PUT, "/api/config", Some(body));
    let file = api.file();
    let app = async {
        let Reload { done } = api.reloads.recv().await.expect("a wish");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), new);
        done.send(None).expect("somebody waits");
    };
    let ((status, saved), ()) = tokio::join!(asked, app);
    assert_eq!(
        (status, saved),
        (200, json!({ "revision": store::revision(&new), "applied": true, "problem": null }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_save_that_does_not_come_into_force_says_why() {
    let mut api = Api::of_file(TEXT);
    let body = json!({ "revision": api.revision().await, "text": TEXT });
    let save = |api: &Api| ask(api.router.clone(), Method::PUT, "/api/config", Some(body.clone()));

    let asked = save(&api);
    let app = async {
        let Reload { done } = api.reloads.recv().await.expect("a wish");
        done.send(Some(anyhow::anyhow!("the port is taken").into())).expect("somebody waits");
    };
    let ((status, saved), ()) = tokio::join!(asked, app);
    assert_eq!(
        (status, &saved["applied"], &saved["problem"]["text"]),
        (200, &json!(false), &json!("the port is taken"))
    );

    // The gateway is busy with something else.
    let (_, saved) = save(&api).await;
    assert_eq!(
        (&saved["applied"], &saved["problem"]["text"]),
        (&json!(false), &json!("it is saved, but not in force after 10 s; the log says why"))
    );

    let asked = save(&api);
    drop(api.reloads);
    let (_, saved) = asked.await;
    assert_eq!(saved["problem"]["text"], "it is saved, but the gateway stops just now");
}

#[tokio::test]
async fn what_must_not_be_saved_leaves_the_file_as_it_is() {
    let api = Api::of_file(TEXT);
    let revision = api.revision().await;
    let save = async |revision: &str, text: &str| {
        let (status, code, _) = api
            .refused(Method::PUT, "/api/config", Some(json!({ "revision": revision, "text": text })))
            .await;
        (status, code)
    };
    assert_eq!(save("another", TEXT).await, (409, "changed".to_owned()));
    let (status, body) =
        api.ask(Method::PUT, "/api/config", Some(json!({ "revision": revision, "text": "mcp:\n" }))).await;
    assert_eq!((status, &body["code"], &body["faults"][0]["line"]), (422, &json!("invalid"), &json!(1)));
    assert!(body["error"].as_str().expect("a text").contains("config.yaml:1:1: "), "{body}");
    assert_eq!(save(&revision, &"#".repeat(LARGEST_FILE as usize + 1)).await, (413, "tooLarge".to_owned()));
    assert_eq!(std::fs::read_to_string(api.file()).expect("a file"), TEXT);

    std::fs::write(api.file(), "# Theirs.\n").expect("a file");
    assert_eq!(save(&revision, TEXT).await, (409, "changed".to_owned()));
    assert_eq!(std::fs::read_to_string(api.file()).expect("a file"), "# Theirs.\n");
}

#[tokio::test]
async fn of_two_saves_of_the_same_revision_one_is_refused() {
    let mut api = Api::of_file(TEXT);
    let revision = api.revision().await;
    let saves = (0..8).map(|index| {
        let body = json!({ "revision": revision, "text": format!("{TEXT}# {index}\n") });
        tokio::spawn(ask(api.router.clone(), Method::PUT, "/api/config", Some(body)))
    });
    let saves: Vec<_> = saves.collect();
    let app = tokio::spawn(async move {
        while let Some(Reload { done }) = api.reloads.recv().await {
            let _ = done.send(None);
        }
    });
    let mut statuses = Vec::new();
    for save in saves {
        statuses.push(save.await.expect("an answer").0);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    app.abort();
}

#[tokio::test]
async fn what_is_no_file_can_be_read_and_not_written() {
    for source in [Source::Inline(TEXT.to_owned()), Source::Stdin(TEXT.to_owned()), Source::Default] {
        let kind = source.kind();
        let api = Api::of(source, tempfile::tempdir().expect("a folder"));
        let file = api.get("/api/config").await;
        assert_eq!(
            (&file["source"], &file["path"], &file["writable"]),
            (&json!(kind), &Value::Null, &json!(false))
        );
        let body = json!({ "revision": file["revision"], "text": TEXT });
        let refused = api.refused(Method::PUT, "/api/config", Some(body)).await;
        assert_eq!((refused.0, refused.1.as_str()), (403, "readOnly"));
        assert!(refused.2.contains("`-f FILE`"), "{refused:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::of(Source::File(folder.path().to_owned()), folder);
    let body = json!({ "revision": "x", "text": TEXT });
    let refused = api.refused(Method::PUT, "/api/config", Some(body)).await;
    assert_eq!(
        (refused.0, refused.1.as_str(), refused.2.as_str()),
        (403, "readOnly", "this is not a plain file")
    );
}
