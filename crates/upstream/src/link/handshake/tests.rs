use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::link::tests::{Says, Scripted, shaken};
use crate::queue;

async fn open_as(target: &Scripted, known: Option<Era>) -> Result<Link, Error> {
    open_for(target, known, &Caller::plain()).await
}

async fn open_for(target: &Scripted, known: Option<Era>, caller: &Arc<Caller>) -> Result<Link, Error> {
    open_again(&Common::new(target.settings()), target, known, caller).await
}

async fn open_again(
    common: &Arc<Common>,
    target: &Scripted,
    known: Option<Era>,
    caller: &Arc<Caller>,
) -> Result<Link, Error> {
    let (notices, _) = queue::channel(1);
    super::open(common, &Way { connect: target, older: None }, known, caller, notices).await
}

/// What we declare that anybody may.
fn everything() -> protocol::Object {
    Raw::of(&json!({ "elicitation": { "form": {} } })).object().expect("an object")
}

/// A target that shakes hands, and takes the probe as a function says.
fn legacy(probed: impl Fn(&Value, &Says) + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |message, says| match message["method"].as_str() {
        Some("server/discover") => probed(message, says),
        Some("initialize") => says.result(message, shaken("2025-06-18")),
        _ => {}
    })
}

/// Checks that a target is found to be legacy, over its first or a second connection.
async fn check_legacy(what: &str, target: Scripted, wires: usize) -> Duration {
    let start = Instant::now();
    let link = open_as(&target, None).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((link.peer().era, link.peer().version), (Era::Legacy, Version::V2025_06_18), "{what}");
    let last = wires - 1;
    // The handshake's end is written, and may not have been read.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let opening: Vec<_> =
        target.methods().into_iter().filter(|(wire, _)| *wire == last).map(|(_, method)| method).collect();
    assert_eq!(opening[opening.len() - 2..], ["initialize", "notifications/initialized"], "{what}");
    assert_eq!(opening.contains(&"server/discover".to_owned()), wires == 1, "{what}");
    start.elapsed()
}

/// Checks that a target is refused without a handshake being tried.
async fn check_refused(what: &str, target: Scripted) {
    let error = open_as(&target, None).await.err().unwrap_or_else(|| panic!("{what}: it was accepted"));
    assert_eq!(error.kind, ErrorKind::Protocol, "{what}");
    assert!(target.heard_of("initialize").is_empty(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_whatever_code_means_legacy_on_the_same_connection() {
    for code in [-32601, -32602, -32600, -32603, -32700, -32000, -32001, -32002, -32003, 1, 0] {
        check_legacy(&code.to_string(), legacy(move |m, says| says.error(m, code, Value::Null)), 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_names_no_request_means_legacy() {
    let target = legacy(|_, says| {
        says.say(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Unsupported protocol version: 2026-07-28"}}"#)
    });
    assert!(check_legacy("null id", target, 1).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn silence_means_legacy_on_a_fresh_connection_after_the_probes_time() {
    let waited = check_legacy("silence", legacy(|_, _| {}), 2).await;
    assert!((5..10).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_exit_means_legacy_on_a_fresh_connection_at_once() {
    let waited = check_legacy("exit", legacy(|_, says| says.exit()), 2).await;
    assert!(waited < Duration::from_secs(3), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_valid_means_legacy() {
    let broken = |m: &Value, says: &Says| {
        says.say(format!(r#"{{"jsonrpc":"2.0","id":{},"result":1,"error":{{}}}}"#, m["id"]))
    };
    check_legacy("broken", legacy(broken), 2).await;
}

/// A child that is slow to start answers its probe before a second one, started later, answers its handshake.
#[tokio::test(start_paused = true)]
async fn a_modern_target_that_is_slow_to_start_is_modern() {
    let slow = |message: &Value, says: &Says| {
        let (message, says) = (message.clone(), says.clone());
        crate::Task::spawn_finite("slow", async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            match message["method"].as_str() {
                Some("server/discover") => {
                    says.result(&message, json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }))
                }
                _ => says.error(&message, -32022, json!({ "supported": ["2026-07-28"] })),
            }
        });
    };
    let link = open_as(&Scripted::new(slow), None).await.expect("a link");
    assert_eq!(link.peer().era, Era::Modern);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_within_the_probes_time_counts() {
    let slow = |message: &Value, says: &Says| {
        let (message, says) = (message.clone(), says.clone());
        crate::Task::spawn_finite("slow", async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            says.result(&message, json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }));
        });
    };
    let target = legacy(slow);
    assert_eq!(open_as(&target, None).await.expect("a link").peer().era, Era::Modern);
}

#[tokio::test(start_paused = true)]
async fn each_handshake_counts_for_its_own_link_whatever_was_said_before() {
    let said = |instructions: &str| {
        let mut said = shaken("2025-06-18");
        said["instructions"] = json!(instructions);
        said
    };
    let answers = Mutex::new(vec![said("new"), said("old"), said("old")]);
    let target = Scripted::new(move |message, says| {
        if message["method"] == "initialize" {
            let answer = answers.lock().expect("no panic").pop();
            says.result(message, answer.expect("no more handshakes than answers"));
        }
    });
    let common = Common::new(target.settings());
    for instructions in ["old", "old", "new"] {
        let link = open_again(&common, &target, Some(Era::Legacy), &Caller::plain()).await.expect("a link");
        assert_eq!(link.peer().instructions.as_deref(), Some(instructions));
    }
}

#[tokio::test(start_paused = true)]
async fn a_description_means_what_its_versions_say() {
    for (result, wires) in [
        (json!({ "supportedVersions": ["2025-11-25", "2025-06-18"], "capabilities": {} }), 1),
        (json!({ "capabilities": {} }), 1),
        (json!({ "supportedVersions": "2026-07-28" }), 1),
        (json!({}), 1),
    ] {
        let what = result.to_string();
        check_legacy(&what, legacy(move |m, says| says.result(m, result.clone())), wires).await;
    }
    for versions in
        [json!(["2026-07-28"]), json!(["2025-11-25", "2026-07-28"]), json!(["2026-07-28", "2030-01-01"])]
    {
        let meta = json!({ "io.modelcontextprotocol/serverInfo": { "name": "s" } });
        let described = json!({ "supportedVersions": versions, "capabilities": { "tools": {} }, "instructions": "i", "_meta": meta });
        let target = legacy(move |m, says| says.result(m, described.clone()));
        let link = open_as(&target, None).await.expect("a link");
        let peer = link.peer();
        assert_eq!(
            (peer.era, peer.version, peer.offers("tools"), peer.offers("prompts")),
            (Era::Modern, Version::V2026_07_28, true, false)
        );
        assert_eq!(
            (peer.instructions.as_deref(), peer.info.as_bytes()),
            (Some("i"), &br#"{"name":"s"}"#[..])
        );
        assert_eq!(target.methods(), [(0, "server/discover".to_owned())]);
    }
    for versions in [json!([]), json!(["2030-01-01"])] {
        let what = versions.to_string();
        check_refused(&what, legacy(move |m, says| says.result(m, json!({ "supportedVersions": versions }))))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_version_means_what_its_list_says() {
    check_legacy(
        "-32022 legacy",
        legacy(|m, says| says.error(m, -32022, json!({ "supported": ["2025-06-18"] }))),
        1,
    )
    .await;
    for supported in [json!(["2030-01-01"]), json!(["2026-07-28"]), json!([])] {
        let what = format!("-32022 {supported}");
        check_refused(&what, legacy(move |m, says| says.error(m, -32022, json!({ "supported": supported }))))
            .await;
    }
    check_refused("-32022 alone", legacy(|m, says| says.error(m, -32022, Value::Null))).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_version_that_it_names_is_asked_once_more() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let target = Scripted::new(move |message, says| {
        if message["method"] == "server/discover" {
            match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => says.error(message, -32022, json!({ "supported": ["2026-07-28"] })),
                _ => says.result(message, json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} })),
            }
        }
    });
    let link = open_as(&target, None).await.expect("a link");
    assert_eq!(link.peer().era, Era::Modern);
    let ids: Vec<_> = target.heard_of("server/discover").iter().map(|heard| heard["id"].clone()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn the_other_modern_errors_never_fall_back() {
    for code in [-32020, -32021] {
        check_refused(&code.to_string(), legacy(move |m, says| says.error(m, code, Value::Null))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_spoilt_by_the_probe_gets_a_fresh_connection() {
    let target = Scripted::new(|message, says| match (message["method"].as_str(), says.wire) {
        (Some("server/discover"), _) | (Some("initialize"), 0) => says.error(message, -32600, Value::Null),
        (Some("initialize"), _) => says.result(message, shaken("2025-06-18")),
        _ => {}
    });
    check_legacy("spoilt", target, 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_tried_first() {
    let target = legacy(|_, says| says.exit());
    let link = open_as(&target, Some(Era::Legacy)).await.expect("a link");
    assert_eq!((link.peer().era, target.heard_of("server/discover").len()), (Era::Legacy, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_given_up_when_the_target_contradicts_it() {
    let target = Scripted::new(|message, says| match message["method"].as_str() {
        Some("server/discover") => {
            says.result(message, json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }))
        }
        Some("initialize") => says.error(message, -32022, json!({ "supported": ["2026-07-28"] })),
        _ => {}
    });
    assert_eq!(open_as(&target, Some(Era::Legacy)).await.expect("a link").peer().era, Era::Modern);
    let target = legacy(|m, says| says.error(m, -32601, Value::Null));
    assert_eq!(open_as(&target, Some(Era::Modern)).await.expect("a link").peer().era, Era::Legacy);
}

#[tokio::test(start_paused = true)]
async fn the_handshake_takes_every_legacy_revision_and_no_other() {
    for (answered, spoken) in [
        ("2024-10-07", Some(Version::V2024_11_05)),
        ("2024-11-05", Some(Version::V2024_11_05)),
        ("2025-03-26", Some(Version::V2025_03_26)),
        ("2025-11-25", Some(Version::V2025_11_25)),
        ("2026-07-28", None),
        ("2030-01-01", None),
        ("", None),
    ] {
        let target = Scripted::new(move |message, says| match message["method"].as_str() {
            Some("server/discover") => says.error(message, -32601, Value::Null),
            Some("initialize") => says.result(message, shaken(answered)),
            _ => {}
        });
        let link = open_as(&target, None).await;
        assert_eq!(link.as_ref().ok().map(|link| link.peer().version), spoken, "{answered}");
        let asked = &target.heard_of("initialize")[0]["params"];
        assert_eq!((&asked["protocolVersion"], &asked["capabilities"]), (&json!("2025-11-25"), &json!({})));
        assert_eq!(asked["clientInfo"]["name"], "agentgateway");
    }
}

#[tokio::test(start_paused = true)]
async fn noise_and_notifications_before_an_answer_do_not_matter() {
    let target = legacy(|message, says| {
        says.say("Starting up…");
        says.say(
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hello"}}"#,
        );
        says.error(message, -32601, Value::Null);
    });
    check_legacy("noise", target, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_not_there_is_no_verdict() {
    struct Nowhere;
    impl Connect for Nowhere {
        fn connect(
            &self,
            _: crate::wire::Inbox,
        ) -> futures::future::BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
            Box::pin(std::future::ready(Err(Error::new(ErrorKind::Unreachable, "nowhere"))))
        }
    }
    let (notices, _) = queue::channel(1);
    let settings = legacy(|_, _| {}).settings();
    let opened = super::open(
        &Common::new(settings),
        &Way { connect: &Nowhere, older: None },
        None,
        &Caller::plain(),
        notices,
    )
    .await;
    assert_eq!(opened.err().map(|error| error.kind), Some(ErrorKind::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn a_ping_in_the_handshake_is_answered() {
    let target = Scripted::new(|message, says| match (message["method"].as_str(), message["id"].as_str()) {
        (Some("server/discover"), _) => says.error(message, -32601, Value::Null),
        // It answers the handshake only once its ping is answered.
        (Some("initialize"), _) => says
            .say(json!({ "jsonrpc": "2.0", "id": format!("ping-for-{}", message["id"]), "method": "ping" })),
        (None, Some(id)) => {
            let id: Value = id.trim_start_matches("ping-for-").parse().unwrap_or_default();
            says.result(&json!({ "id": id }), shaken("2025-06-18"));
        }
        _ => {}
    });
    let opened = tokio::time::timeout(Duration::from_secs(60), open_as(&target, None)).await;
    assert!(opened.is_ok_and(|link| link.is_ok()));
}

/// A server that knows of elicitation and not of its modes.
fn strict() -> Scripted {
    Scripted::new(|message, says| match message["method"].as_str() {
        Some("server/discover") => says.error(message, -32601, Value::Null),
        Some("initialize") if message["params"]["capabilities"]["elicitation"]["form"].is_object() => {
            says.error(message, -32603, json!("unrecognized field `form`"))
        }
        Some("initialize") => says.result(message, shaken("2025-06-18")),
        _ => {}
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_know_what_we_declare_for_all_is_told_nothing() {
    for known in [None, Some(Era::Legacy)] {
        let target = strict();
        let link = open_for(&target, known, &Caller::discovery(&everything())).await.expect("a link");
        assert_eq!(link.caller(), &Caller::plain(), "{known:?}");
        let told = target.heard_of("initialize").pop().expect("a handshake");
        assert_eq!(told["params"]["capabilities"], json!({}), "{known:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_declared_is_not_taken_back() {
    let target = strict();
    let client = Caller::new(Era::Legacy, &everything(), None);
    let refused = open_for(&target, None, &client).await.err().expect("a refusal");
    assert_eq!(refused.kind, ErrorKind::Protocol);
    let told: Vec<_> = target.heard_of("initialize");
    assert!(told.iter().all(|told| told["params"]["capabilities"]["elicitation"].is_object()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_everybody_is_reported_with_its_first_refusal() {
    let target = Scripted::new(|message, says| match message["method"].as_str() {
        Some("initialize") if message["params"]["capabilities"] == json!({}) => says.exit(),
        _ => says.error(message, -32600, Value::Null),
    });
    let refused = open_for(&target, None, &Caller::discovery(&everything())).await.err().expect("a refusal");
    assert_eq!(refused.kind, ErrorKind::Protocol, "{refused}");
}
